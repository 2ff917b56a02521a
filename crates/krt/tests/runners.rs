//! What the original images cannot do with a file that is valid (docs/krt.md §4): warnings that say what happens.

mod support;

use support::{MANIFEST, PROTO, Tar, accepted};

fn warnings(archive: Tar) -> Vec<String> {
    accepted(&archive.packed()).warnings.iter().map(ToString::to_string).collect()
}

fn with(manifest: &str, proto: &str, source: &str) -> Tar {
    Tar::default().file("krt.yml", manifest).file("public_input.proto", proto).file("src/greeter/main.py", source)
}

#[test]
fn a_service_of_another_name_is_one_that_the_entrypoint_does_not_serve() {
    assert_eq!(warnings(with(MANIFEST, PROTO, "")), Vec::<String>::new());
    let said = warnings(with(MANIFEST, &PROTO.replace("service Entrypoint", "service Greeter"), ""));
    assert!(said.len() == 1 && said[0].contains("the service `Greeter` and none named `Entrypoint`"), "{said:?}");
    assert!(said[0].starts_with("4:10: entrypoint.proto: "), "{said:?}");
    let both = format!("{PROTO}service Other {{ rpc More (Request) returns (Response); }}\n");
    assert_eq!(warnings(with(MANIFEST, &both, "")), Vec::<String>::new());
}

#[test]
fn a_source_that_saves_data_needs_somebody_who_writes_it() {
    for source in ["await ctx.db.save('c', {})\n", "await ctx.prediction.save(predicted_value='a')\n"] {
        let said = warnings(with(MANIFEST, PROTO, source));
        assert!(said.len() == 1 && said[0].contains("mongo_writer_data.<runtime>"), "{said:?}");
        assert!(said[0].contains("nodes[0].src"), "{said:?}");
    }
}

#[test]
fn two_nodes_whose_consumers_would_have_one_name_are_told_of() {
    let node = |name: &str, listens: &str| {
        format!(
            "      - name: {name}\n        image: i\n        src: src/greeter/main.py\n        subscriptions: [{listens}]\n"
        )
    };
    let manifest = |last: &str| {
        let nodes = [node("a", "entrypoint"), node("c", "a.b"), node(last, "a")].concat();
        let head = MANIFEST.split("nodes:").next().unwrap();
        format!(
            "krtVersion: v2\n{head}workflows:\n  - name: w\n    entrypoint: Greet\n    exitpoint: c\n    nodes:\n{nodes}"
        )
    };
    assert_eq!(warnings(with(&manifest("b"), PROTO, "")), Vec::<String>::new());
    let said = warnings(with(&manifest("b-c"), PROTO, ""));
    assert!(said.len() == 1 && said[0].contains("makes one consumer, `…-a-b-c`"), "{said:?}");
    assert!(said[0].contains("workflows[0].nodes[2].name"), "{said:?}");
}
