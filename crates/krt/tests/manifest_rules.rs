//! One case for each rule of the manifest (krt.md §2–§4 and §6): where it is reported, of what, and in which words.

mod rules;

use domain::Severity;
use krt::model::{KrtVersion, ObjectStoreScope, Subscription};
use rules::{V1, V2, read};

/// A change to a valid manifest: `from` becomes `to`, in which `‸` marks the reported place.
type Case = (&'static str, &'static str, &'static str, &'static str);

#[track_caller]
fn assert_each_is_one_problem(manifest: &str, severity: Severity, cases: &[Case]) {
    for (from, to, path, fragment) in cases {
        assert_eq!(manifest.matches(from).count(), 1, "`{from}` is not there once");
        let marked = manifest.replace(from, to);
        let place = rules::marked_place(&marked);
        let problems = match (severity, read(&marked.replace('‸', ""))) {
            (Severity::Error, Err(problems)) | (Severity::Warning, Ok((_, problems))) => problems,
            (_, other) => panic!("{to}: {other:#?}"),
        };
        assert_eq!(problems.len(), 1, "{to}: {problems:#?}");
        let problem = &problems[0];
        assert_eq!(problem.severity, severity, "{to}");
        assert!(problem.message.contains(fragment), "{to}: {problem}");
        assert_eq!(&problem.path, path, "{to}: {problem}");
        match place {
            Some((line, column)) => {
                assert_eq!((problem.line, problem.column), (Some(line), Some(column)), "{to}: {problem}");
            }
            // Where a missing field is reported has a test of its own.
            None => assert!(problem.line.is_some() && problem.column.is_some(), "{to}: {problem}"),
        }
    }
}

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
            ("version: demo-v2", "version: ‸\"\"", "version", "a name is needed"),
            ("version: demo-v2", "version: ‸[a]", "version", "found a list"),
            ("version: demo-v2", "version: ‸Demo", "version", "`Demo` is no resource name"),
            ("version: demo-v2", "version: ‸2-demo", "version", "begins with a digit"),
            ("version: demo-v2", "version: ‸demo-", "version", "is no resource name"),
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
            ("- API_KEY", "- ‸api_key", "config.variables[0]", "`api_key` is no name for a variable"),
            ("- API_KEY", "- ‸API_", "config.variables[0]", "is no name for a variable"),
            ("- API_KEY", "- ‸_API", "config.variables[0]", "is no name for a variable"),
            ("- API_KEY", "- ‸1", "config.variables[0]", "must be text"),
            ("- REGION", "- ‸API_KEY", "config.variables[1]", "`API_KEY` is already at line 9"),
            ("- model.conf", "- ‸API_KEY", "config.files[0]", "`API_KEY` is already at line 9"),
            ("- model.conf", "- ‸conf/model", "config.files[0]", "`conf/model` is no name for a file"),
            ("- model.conf", "- ‸..", "config.files[0]", "is no name for a file"),
            ("- model.conf", "- ‸", "config.files[0]", "found nothing"),
        ],
    );
}

#[test]
fn v2_workflows_and_nodes_are_checked() {
    assert_each_is_one_problem(
        V2,
        Severity::Error,
        &[
            // workflows
            ("- name: classify", "- name: ‸Classify", "workflows[0].name", "is no resource name"),
            (
                "name: store\n",
                "name: ‸classify\n",
                "workflows[1].name",
                "a workflow named `classify` is already at line 14",
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
                "the workflow has `etl`, `split`, `answer`",
            ),
            ("exitpoint: answer", "exitpoint: ‸3", "workflows[0].exitpoint", "must be text"),
            ("    entrypoint: Store\n", "", "workflows[1].entrypoint", "`entrypoint` is missing"),
            ("    entrypoint: Store\n", "    ‸entrypoint:\n", "workflows[1].entrypoint", "found nothing"),
            // nodes
            (
                "exitpoint: keep\n    nodes:\n      - name: keep",
                "exitpoint: Keep\n    nodes:\n      - name: ‸Keep",
                "workflows[1].nodes[0].name",
                "is no resource name",
            ),
            (
                "  - name: store\n",
                "      - name: ‸etl\n        image: a\n        src: bin/store\n        subscriptions: [split]\n  - name: store\n",
                "workflows[0].nodes[3].name",
                "a node named `etl` is already at line 18",
            ),
            ("image: busybox:1.37", "image: ‸busy box", "workflows[0].nodes[1].image", "no spaces"),
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
                "`gpu` must be `true` or `false`; found the text `yes`",
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
            ("replicas: 2", "replicas: ‸\"2\"", "workflows[0].nodes[1].replicas", "found the text `2`"),
            ("replicas: 2", "replicas: ‸3000000000", "workflows[0].nodes[1].replicas", "at most 2147483647"),
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
                "there is no node `splot`; did you mean `split`?",
            ),
            ("[etl, split.spam]", "[etl, ‸keep]", "workflows[0].nodes[2].subscriptions[1]", "there is no node `keep`"),
            ("[etl, split.spam]", "[etl, ‸split.]", "workflows[0].nodes[2].subscriptions[1]", "is no subtopic"),
            ("[etl, split.spam]", "[etl, ‸split.*]", "workflows[0].nodes[2].subscriptions[1]", "is no subtopic"),
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
                "`Stor` is no rpc in `public_input.proto`; it defines `Classify`, `Store`; did you mean `Store`?",
            ),
            (
                "[etl, split.spam]",
                "[etl, split.spam, ‸etl]",
                "workflows[0].nodes[2].subscriptions[2]",
                "listens to `etl` already",
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
    assert!(display.starts_with("1:10: version: `Demo` is no resource name"), "{display}");
}

#[test]
fn warnings_are_told_beside_errors() {
    let manifest = V2.replace("version: demo-v2", "author: me\nversion: Demo");
    let problems = read(&manifest).expect_err("refused");
    let severities: Vec<_> = problems.iter().map(|problem| problem.severity).collect();
    assert_eq!(severities, [Severity::Warning, Severity::Error]);
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
