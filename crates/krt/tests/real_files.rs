//! Files as people made them are accepted, with no warning but the one that is due.

mod support;

use std::path::Path;

use krt::{
    ArchiveIndex, Limits, check,
    model::{KrtVersion, Subscription},
    parse_manifest,
};
use support::Tar;

/// The equivalent written for the project and, where real files are at hand beside its checkout, the real one.
fn files(name: &str, equivalent: Vec<u8>) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/krt").join(name);
    if !path.exists() {
        println!("{} is not there; only its equivalent is read", path.display());
        return vec![equivalent];
    }
    vec![equivalent, std::fs::read(path).expect("a readable file")]
}

#[test]
fn a_v1_file_is_accepted_and_reads_as_the_v2_that_it_means() {
    files("greeter-v1.krt", like_greeter()).iter().for_each(|bytes| assert_is_the_greeter(bytes));
}

fn assert_is_the_greeter(bytes: &[u8]) {
    let checked = check(bytes, &Limits::default()).expect("a valid file");
    // It saves predictions, and no writer of the original platform stores them here.
    let [warning] = &checked.warnings[..] else { panic!("{:?}", checked.warnings) };
    assert_eq!(warning.path, "nodes[0].src");
    assert!(warning.message.contains("`src/greeter/main.py` saves data"), "{}", warning.message);
    assert_eq!(checked.manifest.version.as_str(), "greeter-v1");
    assert_eq!(checked.manifest.krt_version, KrtVersion::V1);
    let names: Vec<_> = checked.manifest.workflows.iter().map(|workflow| workflow.name.as_str()).collect();
    assert_eq!(names, ["greeting", "saluting"]);
    for workflow in &checked.manifest.workflows {
        assert_eq!(workflow.exitpoint.as_str(), "greeter");
        assert_eq!(workflow.nodes.len(), 1);
        assert_eq!(workflow.nodes[0].subscriptions, [Subscription::Entrypoint]);
        assert_eq!(workflow.nodes[0].replicas, 1);
    }
    // The text is the one that was packed: read again it says the same.
    let mut index = ArchiveIndex::default();
    for file in ["public_input.proto", "src/greeter/main.py"] {
        index.add_file(file);
    }
    let (again, _) = parse_manifest(checked.manifest_text.as_bytes(), &index).expect("valid");
    assert_eq!(again, checked.manifest);
}

#[test]
fn a_v2_file_is_accepted_with_its_subtopic() {
    files("classificator-v1.krt", like_classificator()).iter().for_each(|bytes| assert_is_the_classificator(bytes));
}

fn assert_is_the_classificator(bytes: &[u8]) {
    let checked = check(bytes, &Limits::default()).expect("a valid file");
    assert!(checked.warnings.is_empty(), "{:?}", checked.warnings);
    assert_eq!(checked.manifest.krt_version, KrtVersion::V2);
    assert!(checked.manifest.config.variables.is_empty());
    let workflow = &checked.manifest.workflows[0];
    assert_eq!(workflow.exitpoint.as_str(), "exitpoint");
    let written: Vec<Vec<String>> =
        workflow.nodes.iter().map(|node| node.subscriptions.iter().map(ToString::to_string).collect()).collect();
    let expected: [&[&str]; 5] = [
        &["entrypoint"],
        &["etl"],
        &["email-classificator.repairs"],
        &["email-classificator"],
        &["etl", "stats-storer"],
    ];
    assert_eq!(written, expected);
}

fn like_greeter() -> Vec<u8> {
    let manifest = "version: greeter-v1
description: Greets and salutes.
entrypoint:
  proto: public_input.proto
  image: konstellation/kre-runtime-entrypoint:latest
nodes:
  - name: greeter
    image: konstellation/kre-py:latest
    src: src/greeter/main.py
workflows:
  - name: greeting
    entrypoint: Greet
    sequential:
      - greeter
  - name: saluting
    entrypoint: Salute
    sequential:
      - greeter
";
    let proto = "service Entrypoint {\n  rpc Greet (R) returns (R) {};\n  rpc Salute (R) returns (R) {};\n};\n";
    Tar::default()
        .folder("src/")
        .folder("src/greeter/")
        .file("src/greeter/main.py", "async def handler(ctx, data):\n    await ctx.prediction.save(error=1)\n")
        .file("public_input.proto", proto)
        .file("krt.yml", manifest)
        .packed()
}

fn like_classificator() -> Vec<u8> {
    let node = |name: &str, src: &str, subscriptions: &str| {
        format!(
            "      - name: {name}\n        image: konstellation/kre-py:latest\n        src: {src}\n        subscriptions: {subscriptions}\n"
        )
    };
    let manifest = [
        "version: classificator-v1\nkrtVersion: v2\ndescription: Branches.\nentrypoint:\n  proto: public_input.proto\n",
        "  image: konstellation/kre-entrypoint:latest\nconfig:\n  variables:\nworkflows:\n  - name: classificator\n",
        "    entrypoint: Classificator\n    exitpoint: exitpoint\n    nodes:\n",
        &node("etl", "src/etl/main.py", "[\"entrypoint\"]"),
        &node("email-classificator", "src/email/main.py", "[\"etl\"]"),
        &node("repairs-handler", "bin/repairs", "[\"email-classificator.repairs\"]"),
        &node("stats-storer", "bin/stats", "[\"email-classificator\"]"),
        &node("exitpoint", "bin/exitpoint", "[\"etl\", \"stats-storer\"]"),
    ]
    .concat();
    Tar::default()
        .file("src/etl/main.py", "")
        .file("src/email/main.py", "")
        .file("bin/repairs", "")
        .file("bin/stats", "")
        .file("bin/exitpoint", "")
        .file("krt.yml", manifest)
        .file("public_input.proto", "service Entrypoint { rpc Classificator (R) returns (R); }")
        .packed()
}
