//! One case for each rule that both KRT versions share (docs/krt.md §2 and §6), and how problems are told: where, of
//! what, in which words and order.

mod rules;
mod table;

use domain::Severity;
use rules::{V1, V2, read};
use table::assert_each_is_one_problem;

#[test]
fn the_samples_themselves_are_without_fault() {
    for manifest in [V1, V2] {
        let (_, warnings) = read(manifest).expect("valid");
        assert!(warnings.is_empty(), "{warnings:?}");
    }
}

#[test]
fn what_both_versions_have_is_checked() {
    assert_each_is_one_problem(
        V2,
        Severity::Error,
        &[
            // version
            ("version: demo-v2\n", "‸", "version", "`version` is missing; name the version"),
            ("version: demo-v2", "‸version:", "version", "must be text, a name such as `greeter-v1`; found nothing"),
            (
                "version: demo-v2",
                "version: ‸1.0",
                "version",
                "must be text, a name such as `greeter-v1`; found the number `1.0`",
            ),
            ("version: demo-v2", "version: ‸\"\"", "version", "a name is required"),
            ("version: demo-v2", "version: ‸[a]", "version", "found a list"),
            ("version: demo-v2", "version: ‸Demo", "version", "`Demo` is not a valid name"),
            ("version: demo-v2", "version: ‸2-demo", "version", "begins with a digit"),
            ("version: demo-v2", "version: ‸demo-", "version", "is not a valid name"),
            ("version: demo-v2", "version: ‸a-name-of-20-letters", "version", "has 20 characters"),
            ("version: demo-v2", "version: ‸active", "version", "is reserved"),
            ("version: demo-v2", "version: a\n‸version: b", "version", "`version` is already at line 1"),
            // krtVersion
            ("krtVersion: v2", "krtVersion: ‸v3", "krtVersion", "`v3` is not supported; write `v1` or `v2`"),
            ("krtVersion: v2", "krtVersion: ‸2", "krtVersion", "`2` is not supported; write `v1` or `v2`"),
            ("krtVersion: v2", "krtVersion: ‸[v2]", "krtVersion", "must be `v1` or `v2`; found a list"),
            ("krtVersion: v2", "krtVersion: ‸v1", "krtVersion", "says v1, but the workflows are written as in v2"),
            ("version: demo-v2\nkrtVersion: v2", "‸version: demo-v2", "krtVersion", "add `krtVersion: v2`"),
            // description
            ("description: Shows it all.\n", "", "description", "`description` is missing"),
            ("description: Shows it all.", "‸description:", "description", "must be text; found nothing"),
            ("description: Shows it all.", "description: ‸''", "description", "is empty"),
            ("description: Shows it all.", "description: ‸12", "description", "must be text (in quotes: `\"12\"`)"),
            ("description: Shows it all.", "description: ‸true", "description", "found `true`"),
            ("description: Shows it all.", "description: ‸{a: b}", "description", "found a mapping"),
            // entrypoint
            (
                "entrypoint:\n  proto: public_input.proto\n  image: konstellation/kre-entrypoint:latest\n",
                "",
                "entrypoint",
                "add `entrypoint` with `proto` and `image`",
            ),
            (
                "entrypoint:\n  proto: public_input.proto\n  image: konstellation/kre-entrypoint:latest\n",
                "entrypoint: ‸Greet\n",
                "entrypoint",
                "must be a mapping with `proto` and `image`; found the text `Greet`",
            ),
            ("  proto: public_input.proto\n", "", "entrypoint.proto", "`proto` is missing"),
            (
                "proto: public_input.proto",
                "proto: ‸public_imput.proto",
                "entrypoint.proto",
                "no file `public_imput.proto` in the archive; did you mean `public_input.proto`?",
            ),
            (
                "proto: public_input.proto",
                "proto: ‸public_input",
                "entrypoint.proto",
                "must end in `.proto`; did you mean `public_input.proto`?",
            ),
            (
                "proto: public_input.proto",
                "proto: ‸/public_input.proto",
                "entrypoint.proto",
                "is absolute; paths begin at the archive's root: `public_input.proto`",
            ),
            ("proto: public_input.proto", "proto: ‸../public_input.proto", "entrypoint.proto", "has `..`"),
            ("  image: konstellation/kre-entrypoint:latest\n", "", "entrypoint.image", "`image` is missing"),
            (
                "image: konstellation/kre-entrypoint:latest",
                "image: ‸Konstellation/kre",
                "entrypoint.image",
                "write `konstellation`",
            ),
            // config
            (
                "config:\n  variables:\n    - API_KEY\n    - REGION\n  files:\n    - model.conf\n",
                "config: ‸none\n",
                "config",
                "must be a mapping with `variables` and `files`",
            ),
            (
                "  files:\n    - model.conf\n",
                "  files: ‸model.conf\n",
                "config.files",
                "must be a list of names; found the text `model.conf`",
            ),
            ("- API_KEY", "- ‸api_key", "config.variables[0]", "`api_key` is not a variable name"),
            ("- API_KEY", "- ‸API_", "config.variables[0]", "is not a variable name"),
            ("- API_KEY", "- ‸_API", "config.variables[0]", "is not a variable name"),
            ("- API_KEY", "- ‸1", "config.variables[0]", "must be text"),
            ("- REGION", "- ‸API_KEY", "config.variables[1]", "`API_KEY` is already at line 9"),
            ("- model.conf", "- ‸API_KEY", "config.files[0]", "`API_KEY` is already at line 9"),
            ("- model.conf", "- ‸conf/model", "config.files[0]", "`conf/model` is not a file name"),
            ("- model.conf", "- ‸..", "config.files[0]", "begins with `..`"),
            ("- model.conf", "- ‸..data", "config.files[0]", "begins with `..`"),
            ("- model.conf", "- ‸.", "config.files[0]", "is not a file name"),
            ("- model.conf", "- ‸", "config.files[0]", "found nothing"),
        ],
    );
}

#[test]
fn what_kubernetes_has_no_room_for_is_refused_with_the_limit() {
    let long = "A".repeat(254);
    let values = (0..500).map(|at| format!("    - V{at}\n")).collect::<Vec<_>>().concat();
    for (from, to, path, fragment) in [
        (
            "- API_KEY",
            format!("- {long}"),
            "config.variables[0]",
            "has 254 characters; a variable's name has at most 253",
        ),
        ("- model.conf", format!("- {long}"), "config.files[0]", "has 254 characters; a file's name has at most 253"),
        ("    - API_KEY\n", values, "config", "there are 502 variables and files; a version has at most 500"),
        ("entrypoint: Store", format!("entrypoint: {}", "R".repeat(129)), "workflows[1].entrypoint", "at most 128"),
        (
            "[etl, split.spam]",
            format!("[etl, split.{}]", "s".repeat(129)),
            "workflows[0].nodes[2].subscriptions[1]",
            "the subtopic has 129 characters; it has at most 128",
        ),
        (
            "[etl, split.spam]",
            format!("[etl{}]", ", etl.x".repeat(100)),
            "workflows[0].nodes[2].subscriptions",
            "there are 101 subscriptions; a node has at most 100",
        ),
        (
            "  - name: store\n",
            format!("{}  - name: store\n", "  - {}\n".repeat(99)),
            "workflows",
            "there are 101 workflows; a version has at most 100",
        ),
        (
            "      - name: keep\n",
            format!("{}      - name: keep\n", "      - {}\n".repeat(997)),
            "workflows[1].nodes",
            "a version has at most 1000 nodes in all its workflows",
        ),
        // Two nodes without a number and two of others count too.
        (
            "replicas: 2",
            "replicas: 1000".to_owned(),
            "workflows[0].nodes[1].replicas",
            "with this node the version has more than 1000 replicas in all nodes together",
        ),
    ] {
        let problems = read(&V2.replace(from, &to)).expect_err("refused");
        assert!(
            problems.iter().any(|problem| problem.path == path && problem.message.contains(fragment)),
            "{path}: {problems:#?}"
        );
    }
    let sequence = "[greeter, printer]".replace("]", &", greeter".repeat(998)) + "]";
    let problems = read(&V1.replace("[greeter, printer]", &sequence)).expect_err("refused");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].path, "workflows[1].sequential");
}

#[test]
fn a_variable_of_the_runners_is_warned_of() {
    let (_, warnings) = read(&V2.replace("- REGION", "- KRT_REGION")).expect("valid");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!((warnings[0].path.as_str(), warnings[0].line), ("config.variables[1]", Some(10)));
    assert!(warnings[0].message.contains("belong to the runner"), "{}", warnings[0]);
}

#[test]
fn a_missing_field_is_reported_where_its_mapping_begins() {
    for (line_of_text, path, line, column) in [
        ("  image: konstellation/kre-entrypoint:latest\n", "entrypoint.image", 5, 3),
        ("    exitpoint: answer\n", "workflows[0].exitpoint", 14, 5),
        ("        src: src/split/main.py\n", "workflows[0].nodes[1].src", 22, 9),
    ] {
        let problems = read(&V2.replace(line_of_text, "")).expect_err("refused");
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].path, path);
        assert_eq!((problems[0].line, problems[0].column), (Some(line), Some(column)), "{}", problems[0]);
    }
}

#[test]
fn five_mistakes_give_five_problems_in_the_order_of_the_text() {
    let manifest = V2
        .replace("version: demo-v2", "version: Demo")
        .replace("- API_KEY", "- apiKey")
        .replace("exitpoint: answer", "exitpoint: awnser")
        .replace("src: src/split/main.py", "src: src/spilt/main.py")
        .replace("replicas: 2", "replicas: two");
    let problems = read(&manifest).expect_err("refused");
    let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "version",
            "config.variables[0]",
            "workflows[0].exitpoint",
            "workflows[0].nodes[1].src",
            "workflows[0].nodes[1].replicas",
        ]
    );
    assert!(problems.iter().all(|problem| problem.severity == Severity::Error));
    let display = problems[0].to_string();
    assert!(display.starts_with("1:10: version: `Demo` is not a valid name"), "{display}");
}

#[test]
fn warnings_are_told_beside_errors() {
    let manifest = V2.replace("version: demo-v2", "author: me\nversion: Demo");
    let problems = read(&manifest).expect_err("refused");
    let severities: Vec<_> = problems.iter().map(|problem| problem.severity).collect();
    assert_eq!(severities, [Severity::Warning, Severity::Error]);
}
