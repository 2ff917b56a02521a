//! One case for each rule of v1 and of v2 (docs/krt.md §3–§5): where it is reported, of what, and in which words.

mod rules;
mod table;

use domain::Severity;
use krt::model::{KrtVersion, Manifest, ObjectStoreScope, Subscription};
use rules::{V1, V2, read};
use table::{Case, assert_each_is_one_problem};

#[test]
fn v2_workflows_and_nodes_are_checked() {
    assert_each_is_one_problem(
        V2,
        Severity::Error,
        &[
            // workflows
            ("- name: classify", "- name: ‸Classify", "workflows[0].name", "is not a valid name"),
            (
                "name: store\n",
                "name: ‸classify\n",
                "workflows[1].name",
                "a workflow named `classify` is already at line 14",
            ),
            (
                "entrypoint: Store",
                "entrypoint: ‸Classify",
                "workflows[1].entrypoint",
                "the rpc `Classify` already triggers the workflow at line 15",
            ),
            ("    exitpoint: answer\n", "", "workflows[0].exitpoint", "`exitpoint` is missing"),
            (
                "exitpoint: answer",
                "exitpoint: ‸anwser",
                "workflows[0].exitpoint",
                "there is no node `anwser`; did you mean `answer`?",
            ),
            (
                "exitpoint: answer",
                "exitpoint: ‸nobody",
                "workflows[0].exitpoint",
                "there is no node `nobody`; there are `etl`, `split`, `answer`",
            ),
            ("exitpoint: answer", "exitpoint: ‸3", "workflows[0].exitpoint", "must be text"),
            ("    entrypoint: Store\n", "", "workflows[1].entrypoint", "`entrypoint` is missing"),
            ("    entrypoint: Store\n", "    ‸entrypoint:\n", "workflows[1].entrypoint", "found nothing"),
            // nodes
            (
                "exitpoint: keep\n    nodes:\n      - name: keep",
                "exitpoint: Keep\n    nodes:\n      - name: ‸Keep",
                "workflows[1].nodes[0].name",
                "is not a valid name",
            ),
            (
                "  - name: store\n",
                "      - name: ‸etl\n        image: a\n        src: bin/store\n        subscriptions: [split]\n  - name: store\n",
                "workflows[0].nodes[3].name",
                "a node named `etl` is already at line 18",
            ),
            ("image: busybox:1.37", "image: ‸busy box", "workflows[0].nodes[1].image", "has spaces"),
            (
                "src: src/split/main.py",
                "src: ‸src/splitt/main.py",
                "workflows[0].nodes[1].src",
                "did you mean `src/split/main.py`?",
            ),
            ("src: src/split/main.py", "src: ‸answer", "workflows[0].nodes[1].src", "did you mean `bin/answer`?"),
            ("src: src/split/main.py", "src: ‸lib/store", "workflows[0].nodes[1].src", "did you mean `bin/store`?"),
            (
                "src: src/split/main.py",
                "src: ‸src/split",
                "workflows[0].nodes[1].src",
                "is a folder; name the file in it that the node runs",
            ),
            ("src: src/split/main.py", "src: ‸src/split/", "workflows[0].nodes[1].src", "is a folder"),
            ("src: src/split/main.py", "src: ‸./", "workflows[0].nodes[1].src", "is the archive's root"),
            (
                "gpu: true",
                "gpu: ‸yes",
                "workflows[0].nodes[1].gpu",
                "`gpu` must be `true` or `false`; write `true`; found the text `yes`",
            ),
            (
                "replicas: 2",
                "replicas: ‸two",
                "workflows[0].nodes[1].replicas",
                "`replicas` must be a whole number of at least 1; found the text `two`",
            ),
            ("replicas: 2", "replicas: ‸0", "workflows[0].nodes[1].replicas", "of at least 1; found the number `0`"),
            ("replicas: 2", "replicas: ‸-1", "workflows[0].nodes[1].replicas", "of at least 1"),
            ("replicas: 2", "replicas: ‸1.5", "workflows[0].nodes[1].replicas", "a whole number"),
            ("replicas: 2", "replicas: ‸\"2\"", "workflows[0].nodes[1].replicas", "found `\"2\"`, write `2`"),
            (
                "replicas: 2",
                "replicas: ‸1001",
                "workflows[0].nodes[1].replicas",
                "at most 1000; found the number `1001`",
            ),
            (
                "        subscriptions: [entrypoint]\n",
                "",
                "workflows[0].nodes[0].subscriptions",
                "`subscriptions` is missing",
            ),
            (
                "subscriptions: [entrypoint]\n",
                "subscriptions: ‸entrypoint\n",
                "workflows[0].nodes[0].subscriptions",
                "must be a list",
            ),
            (
                "subscriptions: [entrypoint]\n",
                "subscriptions: ‸[]\n",
                "workflows[0].nodes[0].subscriptions",
                "is empty; a node must listen",
            ),
            (
                "subscriptions: [entrypoint]\n",
                "subscriptions: [‸entrypoint.x]\n",
                "workflows[0].nodes[0].subscriptions[0]",
                "the entrypoint has no subtopics",
            ),
            (
                "subscriptions: [entrypoint]\n",
                "subscriptions: [‸entripoint]\n",
                "workflows[0].nodes[0].subscriptions[0]",
                "did you mean `entrypoint`?",
            ),
            (
                "subscriptions: [entrypoint]\n",
                "subscriptions: [entrypoint, ‸etl]\n",
                "workflows[0].nodes[0].subscriptions[1]",
                "cannot listen to itself",
            ),
            (
                "subscriptions: [entrypoint]\n",
                "subscriptions: [entrypoint, ‸etl.x]\n",
                "workflows[0].nodes[0].subscriptions[1]",
                "cannot listen to itself",
            ),
            (
                "[etl, split.spam]",
                "[etl, ‸splot.spam]",
                "workflows[0].nodes[2].subscriptions[1]",
                "node `answer` subscribes to `splot`, which this workflow does not have; did you mean `split`?",
            ),
            (
                "[etl, split.spam]",
                "[etl, ‸keep]",
                "workflows[0].nodes[2].subscriptions[1]",
                "node `answer` subscribes to `keep`, which",
            ),
            ("[etl, split.spam]", "[etl, ‸split.]", "workflows[0].nodes[2].subscriptions[1]", "is not a subtopic"),
            ("[etl, split.spam]", "[etl, ‸split.*]", "workflows[0].nodes[2].subscriptions[1]", "is not a subtopic"),
            ("[etl, split.spam]", "[etl, ‸5]", "workflows[0].nodes[2].subscriptions[1]", "must be text"),
            // objectStore
            (
                "scope: project",
                "scope: ‸projekt",
                "workflows[0].nodes[2].objectStore.scope",
                "must be `workflow` or `project`; found the text `projekt`",
            ),
            ("          name: emails\n", "", "workflows[0].nodes[2].objectStore.name", "`name` is missing"),
            (
                "        objectStore:\n          name: emails\n          scope: project\n",
                "        objectStore: ‸emails\n",
                "workflows[0].nodes[2].objectStore",
                "a mapping with `name` and `scope`",
            ),
        ],
    );
}

#[test]
fn v1_workflows_and_nodes_are_checked() {
    assert_each_is_one_problem(
        V1,
        Severity::Error,
        &[
            ("krtVersion: v1", "krtVersion: ‸v2", "krtVersion", "says v2, but the workflows are written as in v1"),
            ("name: saluting", "name: ‸greeting", "workflows[1].name", "a workflow named `greeting` is already"),
            (
                "workflows:\n",
                "  - name: ‸greeter\n    image: a\n    src: bin/printer\nworkflows:\n",
                "nodes[2].name",
                "a node named `greeter` is already at line 8",
            ),
            ("    image: busybox\n", "", "nodes[1].image", "`image` is missing"),
            ("src: bin/printer", "src: ‸bin/printr", "nodes[1].src", "did you mean `bin/printer`?"),
            ("sequential: [greeter, printer]", "sequential: ‸[]", "workflows[1].sequential", "is empty"),
            ("    sequential: [greeter, printer]\n", "", "workflows[1].sequential", "`sequential` is missing"),
            (
                "sequential: [greeter, printer]",
                "sequential: [greeter, printer, ‸greter]",
                "workflows[1].sequential[2]",
                "there is no node `greter`; did you mean `greeter`?",
            ),
            (
                "sequential: [greeter, printer]",
                "sequential: [greeter, printer, ‸greeter]",
                "workflows[1].sequential[2]",
                "already in this workflow",
            ),
            (
                "sequential: [greeter, printer]",
                "sequential: ‸greeter, printer",
                "workflows[1].sequential",
                "must be a list",
            ),
            RESERVED,
        ],
    );
}

/// The name must be used as well, or its absence from the nodes would be a second problem.
const RESERVED: Case = (
    "  - name: printer\n    image: busybox\n    src: bin/printer\nworkflows:\n  - name: greeting\n    entrypoint: Greet\n    sequential:\n      - greeter\n  - name: saluting\n    entrypoint: Salute\n    sequential: [greeter, printer]\n",
    "  - name: ‸entrypoint\n    image: busybox\n    src: bin/printer\nworkflows:\n  - name: greeting\n    entrypoint: Greet\n    sequential:\n      - greeter\n  - name: saluting\n    entrypoint: Salute\n    sequential: [greeter, entrypoint]\n",
    "nodes[1].name",
    "is reserved",
);

#[test]
fn what_is_doubtful_is_a_warning() {
    assert_each_is_one_problem(
        V2,
        Severity::Warning,
        &[
            (
                "description:",
                "‸descripton: x\ndescription:",
                "descripton",
                "`descripton` is not a known field and is ignored; did you mean `description`?",
            ),
            ("description:", "‸author: x\ndescription:", "author", "`author` is not a known field"),
            ("description:", "‸nodes: []\ndescription:", "nodes", "belongs to krtVersion v1"),
            ("        gpu: true\n", "        ‸gpus: 1\n", "workflows[0].nodes[1].gpus", "did you mean `gpu`?"),
            ("  variables:\n", "  ‸secrets: []\n  variables:\n", "config.secrets", "not a known field"),
            (
                "    exitpoint: answer\n",
                "    exitpoint: answer\n    ‸sequential: [etl]\n",
                "workflows[0].sequential",
                "belongs to krtVersion v1",
            ),
            (
                "entrypoint: Store",
                "entrypoint: ‸Stor",
                "workflows[1].entrypoint",
                "`Stor` is not an rpc of `public_input.proto`; it defines `Classify`, `Store`; did you mean `Store`?",
            ),
            (
                "[etl, split.spam]",
                "[etl, split.spam, ‸etl]",
                "workflows[0].nodes[2].subscriptions[2]",
                "already listens to `etl`",
            ),
        ],
    );
    assert_each_is_one_problem(
        V1,
        Severity::Warning,
        &[
            (
                "    src: bin/printer\n",
                "    src: bin/printer\n    ‸replicas: 2\n",
                "nodes[1].replicas",
                "belongs to krtVersion v2; in v1 every node has one replica",
            ),
            (
                "    src: bin/printer\n",
                "    src: bin/printer\n    ‸subscriptions: [a]\n",
                "nodes[1].subscriptions",
                "the order in `sequential`",
            ),
            (
                "    entrypoint: Salute\n",
                "    entrypoint: Salute\n    ‸exitpoint: printer\n",
                "workflows[1].exitpoint",
                "the last node of `sequential`",
            ),
            (
                "workflows:\n",
                "  - name: ‸spare\n    image: a\n    src: bin/printer\nworkflows:\n",
                "nodes[2].name",
                "no workflow uses the node `spare`",
            ),
        ],
    );
}

#[test]
fn unreached_nodes_and_exitpoints_are_warnings_and_cycles_are_none() {
    let cycle = V2.replace("subscriptions: [etl]\n", "subscriptions: [etl, answer]\n");
    let (_, warnings) = read(&cycle).expect("valid");
    assert!(warnings.is_empty(), "{warnings:?}");

    // `split` and `answer` listen to each other only.
    let island =
        V2.replace("subscriptions: [etl]\n", "subscriptions: [answer]\n").replace("[etl, split.spam]", "[split.spam]");
    let (_, warnings) = read(&island).expect("valid");
    let found: Vec<_> = warnings.iter().map(|warning| (warning.path.as_str(), warning.message.as_str())).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0].0, "workflows[0].exitpoint");
    assert!(found[0].1.contains("no path leads from the entrypoint to the exitpoint `answer`"), "{found:?}");
    assert_eq!(found[1].0, "workflows[0].nodes[1].name");
    assert!(found[1].1.contains("no path leads from the entrypoint to the node `split`"), "{found:?}");
}

#[test]
fn a_version_without_workflows_or_nodes_is_refused() {
    let head = V2.split("workflows:").next().unwrap_or_default();
    for (rest, path, fragment) in [
        ("", "workflows", "`workflows` is missing"),
        ("workflows: []\n", "workflows", "`workflows` is empty"),
        ("workflows:\n", "workflows", "must be a list of workflows; found nothing"),
        ("workflows: {a: b}\n", "workflows", "must be a list"),
        ("workflows: [x]\n", "workflows[0]", "this element must be a workflow"),
        (
            "workflows: [{name: a, entrypoint: Store, exitpoint: b, nodes: []}]\n",
            "workflows[0].nodes",
            "`nodes` is empty",
        ),
        ("workflows: [{name: a, entrypoint: Store, exitpoint: b}]\n", "workflows[0].nodes", "`nodes` is missing"),
        (
            "workflows: [{name: a, entrypoint: Store, exitpoint: b, nodes: [x]}]\n",
            "workflows[0].nodes[0]",
            "must be a node",
        ),
    ] {
        let problems = read(&format!("{head}{rest}")).expect_err("refused");
        assert!(
            problems.iter().any(|problem| problem.path == path && problem.message.contains(fragment)),
            "{rest}: {problems:#?}"
        );
    }
}

#[test]
fn every_field_arrives_in_the_model() {
    let (v2, _) = read(V2).expect("valid");
    assert_eq!(v2.krt_version, KrtVersion::V2);
    assert_eq!(v2.description, "Shows it all.");
    assert_eq!(v2.entrypoint.image, "konstellation/kre-entrypoint:latest");
    assert_eq!(v2.config.variables, ["API_KEY", "REGION"]);
    assert_eq!(v2.config.files, ["model.conf"]);
    let [etl, split, answer] = v2.workflows[0].nodes.as_slice() else { panic!("{:?}", v2.workflows[0].nodes) };
    assert_eq!((etl.gpu, etl.replicas), (false, 1));
    assert_eq!((split.gpu, split.replicas), (true, 2));
    assert_eq!(answer.subscriptions.iter().map(Subscription::to_string).collect::<Vec<_>>(), ["etl", "split.spam"]);
    let store = answer.object_store.as_ref().expect("given");
    assert_eq!((store.name.as_str(), store.scope), ("emails", ObjectStoreScope::Project));
    let store = v2.workflows[1].nodes[0].object_store.as_ref().expect("given");
    assert_eq!(store.scope, ObjectStoreScope::Workflow);

    let (v1, _) = read(V1).expect("valid");
    let saluting = &v1.workflows[1];
    assert_eq!(saluting.exitpoint.as_str(), "printer");
    let written: Vec<_> =
        saluting.nodes.iter().map(|node| (node.name.as_str(), node.subscriptions[0].to_string())).collect();
    assert_eq!(written, [("greeter", "entrypoint".to_owned()), ("printer", "greeter".to_owned())]);
    assert!(v1.workflows[0].nodes[0].gpu);
    // Absent and empty mean v1.
    for manifest in [V1.replace("krtVersion: v1\n", ""), V1.replace("krtVersion: v1", "krtVersion:")] {
        assert_eq!(read(&manifest).map(|(manifest, _)| manifest.krt_version), Ok(KrtVersion::V1));
    }
}

#[test]
fn a_manifest_comes_back_from_json_as_it_was() {
    for manifest in [V1, V2] {
        let (manifest, _) = read(manifest).expect("valid");
        let json = serde_json::to_string(&manifest).expect("serializable");
        assert_eq!(serde_json::from_str::<Manifest>(&json).expect("deserializable"), manifest);
    }
}
