//! The environment and the files of every container against docs/runners.md, variable by variable.

use std::{collections::BTreeMap, io::Write as _, process::Stdio};

use domain::Generation;
use krt::model::{Node, ObjectStore, ObjectStoreScope, Subscription, Workflow};
use serde_json::{Value, json};

use super::*;
use crate::reconciler::fixture;

/// Two nodes; the last listens to the first and to a subtopic of it, and has an object store.
fn version(generation: Generation) -> VersionRecord {
    let mut version = fixture::version(1, "v1");
    let node = |name: &str, image: &str, subscriptions: Vec<Subscription>| Node {
        name: name.parse().unwrap(),
        image: image.to_owned(),
        src: format!("src/{name}.py"),
        gpu: false,
        replicas: 1,
        subscriptions,
        object_store: None,
    };
    let first = node("first", "konstellation/kre-py:latest", vec![Subscription::Entrypoint]);
    let to_first =
        |subtopic: Option<&str>| Subscription::Node { node: first.name.clone(), subtopic: subtopic.map(str::to_owned) };
    let mut last = node("last", "konstellation/kre-go:latest", vec![to_first(None), to_first(Some("done"))]);
    last.object_store = Some(ObjectStore { name: "models".to_owned(), scope: ObjectStoreScope::Workflow });
    version.manifest.workflows = vec![Workflow {
        name: "work".parse().unwrap(),
        entrypoint: "Work".to_owned(),
        exitpoint: last.name.clone(),
        nodes: vec![first, last],
    }];
    version.chosen_generation = Some(generation);
    version
}

/// All variables of the container, those of the Secret as `secret`.
fn variables(container: &Container) -> BTreeMap<String, String> {
    let env = container.env.clone().unwrap_or_default();
    let count = env.len();
    let all: BTreeMap<_, _> =
        env.into_iter().map(|variable| (variable.name, variable.value.unwrap_or("secret".to_owned()))).collect();
    assert_eq!(all.len(), count, "each variable once");
    all
}

fn of(generation: Generation, prefix: &str, settings: &ObjectSettings) -> BTreeMap<String, String> {
    let objects = version_objects(&version(generation), settings);
    variables(&pod(deployment(&objects, prefix)).containers[0])
}

fn table(groups: &[&[(&str, &str)]]) -> BTreeMap<String, String> {
    groups.iter().copied().flatten().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

const IDENTITY: &[(&str, &str)] = &[("KRT_RUNTIME_ID", "demo"), ("KRT_VERSION_ID", "demo-v1"), ("KRT_VERSION", "v1")];
const REACHED: &[(&str, &str)] = &[("KRT_NATS_SERVER", "nats:4222"), ("KRT_INFLUX_URI", "secret")];
const JETSTREAM: &[(&str, &str)] = &[("KRT_JS_REQUEST_TIMEOUT", "5")];
const NODE: &[(&str, &str)] = &[
    ("KRT_WORKFLOW_NAME", "work"),
    ("KRT_BASE_PATH", "/krt-files"),
    ("KRT_NATS_MONGO_WRITER", "mongo_writer_data.demo"),
    ("KRT_MONGO_URI", "mongodb://localhost:27017"),
];
const FIRST: &[(&str, &str)] = &[("KRT_NODE_NAME", "first"), ("KRT_HANDLER_PATH", "src/first.py")];
const LAST: &[(&str, &str)] = &[("KRT_NODE_NAME", "last"), ("KRT_HANDLER_PATH", "src/last.py")];

#[test]
fn a_node_has_exactly_the_variables_of_its_generation() {
    let settings = fixture::settings();
    let c = [IDENTITY, REACHED, JETSTREAM, NODE, &[("KRT_NATS_STREAM", "demo_v1_Work")]].concat();
    let first_of_c =
        [FIRST, &[("KRT_NATS_INPUTS", "demo_v1_Work.entrypoint"), ("KRT_NATS_OUTPUT", "demo_v1_Work.first")]].concat();
    let last_of_c = [
        LAST,
        &[
            ("KRT_NATS_INPUTS", "demo_v1_Work.first,demo_v1_Work.first.done"),
            ("KRT_NATS_OUTPUT", "demo_v1_Work.last"),
            ("KRT_NATS_OBJECT_STORE", "demo_v1_work_models"),
        ],
    ]
    .concat();
    let buckets = [
        ("KRT_NATS_KEY_VALUE_STORE_PROJECT", "key-store_demo_v1"),
        ("KRT_NATS_KEY_VALUE_STORE_WORKFLOW", "key-store_demo_v1_work"),
    ];
    let b = [
        IDENTITY,
        REACHED,
        JETSTREAM,
        NODE,
        &[("KRT_NATS_STREAM", "demo-v1-Work"), ("KRT_NATS_ENTRYPOINT_SUBJECT", "demo-v1-Work.entrypoint")],
    ]
    .concat();
    let a = [IDENTITY, REACHED, NODE].concat();
    let cases: [(Generation, &str, BTreeMap<String, String>); 8] = [
        (
            Generation::A,
            "v1-work-first-",
            table(&[&a, FIRST, &[("KRT_NATS_INPUT", "demo-v1-Work.first"), ("KRT_NATS_OUTPUT", "demo-v1-Work.last")]]),
        ),
        (
            Generation::A,
            "v1-work-last-",
            table(&[&a, LAST, &[("KRT_NATS_INPUT", "demo-v1-Work.last"), ("KRT_NATS_OUTPUT", "")]]),
        ),
        (
            Generation::B,
            "v1-work-first-",
            table(&[
                &b,
                FIRST,
                &[
                    ("KRT_NATS_INPUT", "demo-v1-Work.first"),
                    ("KRT_NATS_OUTPUT", "demo-v1-Work.last"),
                    ("KRT_IS_LAST_NODE", "false"),
                ],
            ]),
        ),
        (
            Generation::B,
            "v1-work-last-",
            table(&[
                &b,
                LAST,
                &[
                    ("KRT_NATS_INPUT", "demo-v1-Work.last"),
                    ("KRT_NATS_OUTPUT", "demo-v1-Work.entrypoint"),
                    ("KRT_IS_LAST_NODE", "true"),
                ],
            ]),
        ),
        (Generation::C1, "v1-work-first-", table(&[&c, &first_of_c])),
        (Generation::C1, "v1-work-last-", table(&[&c, &last_of_c])),
        (
            Generation::C2,
            "v1-work-first-",
            table(&[&c, &first_of_c, &buckets, &[("KRT_NATS_KEY_VALUE_STORE_NODE", "key-store_demo_v1_work_first")]]),
        ),
        (
            Generation::C2,
            "v1-work-last-",
            table(&[&c, &last_of_c, &buckets, &[("KRT_NATS_KEY_VALUE_STORE_NODE", "key-store_demo_v1_work_last")]]),
        ),
    ];
    for (generation, deployment, expected) in cases {
        let found = of(generation, deployment, &settings);
        // Python nodes fail because of it.
        assert!(!found.contains_key("KRT_NATS_MAX_ACK_PENDING"));
        assert_eq!(found, expected, "{generation} {deployment}");
    }
}

#[test]
fn an_entrypoint_has_exactly_the_variables_of_its_generation() {
    let settings = fixture::settings();
    let own: &[(&str, &str)] = &[
        ("KRT_NODE_NAME", "entrypoint"),
        ("KRT_NODE_ID", "entrypoint"),
        ("KRT_NATS_SUBJECTS_FILE", "/src/conf/nats_subject.json"),
        ("KRT_REQUEST_TIMEOUT", "30"),
    ];
    for generation in Generation::ALL {
        let jetstream = if generation == Generation::A { &[] } else { JETSTREAM };
        let expected = table(&[IDENTITY, REACHED, own, jetstream]);
        assert_eq!(of(generation, "v1-entrypoint", &settings), expected, "{generation}");
    }
}

#[test]
fn the_entrypoint_gets_the_subjects_of_each_rpc() {
    for (generation, expected) in [
        (Generation::A, json!({"Work": "demo-v1-Work.first"})),
        (Generation::B, json!({"Work": "demo-v1-Work.first"})),
        (
            Generation::C2,
            json!({"Work": {
                "stream": "demo_v1_Work",
                "input_subject": "demo_v1_Work.last",
                "output_subject": "demo_v1_Work.entrypoint",
            }}),
        ),
    ] {
        let objects = version_objects(&version(generation), &fixture::settings());
        let data = objects.config_map.data.as_ref().unwrap();
        let subjects: Value = serde_json::from_str(&data["nats_subject.json"]).unwrap();
        assert_eq!(subjects, expected, "{generation}");
    }
}

#[test]
fn settings_say_what_runners_reach_and_runner_variables_go_before_them() {
    let mut settings = fixture::settings();
    settings.runners.nats_url = "nats://nats.{namespace}:4222".into();
    settings.runners.mongo_uri = Some("mongodb://db".into());
    settings.runners.influx_uri = Some("http://influx:8086".into());
    settings.runners.request_timeout = std::time::Duration::from_secs(7);
    let found = of(Generation::C2, "v1-work-first-", &settings);
    for (name, value) in [
        ("KRT_NATS_SERVER", "nats://nats.kai-demo:4222"),
        ("KRT_MONGO_URI", "mongodb://db"),
        ("KRT_INFLUX_URI", "http://influx:8086"),
    ] {
        assert_eq!(found[name], value);
    }
    assert_eq!(of(Generation::C2, "v1-entrypoint", &settings)["KRT_REQUEST_TIMEOUT"], "7");
    for (name, value) in
        [("KRT_NATS_SERVER", "nats://mine"), ("KRT_MONGO_URI", "m"), ("KRT_NODE_NAME", "x"), ("Y", "z")]
    {
        settings.runners.env.insert(name.to_owned(), value.into());
    }
    let found = of(Generation::C2, "v1-work-first-", &settings);
    for (name, value) in
        [("KRT_NATS_SERVER", "nats://mine"), ("KRT_MONGO_URI", "m"), ("KRT_NODE_NAME", "first"), ("Y", "z")]
    {
        assert_eq!(found[name], value);
    }
}

#[test]
fn the_configuration_of_a_version_goes_before_runner_variables() {
    let mut version = version(Generation::C2);
    version.manifest.config.variables = vec!["KRT_MONGO_URI".to_owned(), "KRT_NODE_NAME".to_owned()];
    let mut settings = fixture::settings();
    settings.runners.env.insert("KRT_MONGO_URI".to_owned(), "m".into());
    let objects = version_objects(&version, &settings);
    let found = variables(&pod(deployment(&objects, "v1-work-first-")).containers[0]);
    assert_eq!((found["KRT_MONGO_URI"].as_str(), found["KRT_NODE_NAME"].as_str()), ("secret", "first"));
}

/// What a shell makes of the script in a folder with these files.
fn after(script: &str, proto: &str, files: &[&str]) -> BTreeMap<String, String> {
    let dir = tempfile::tempdir().unwrap();
    for file in files {
        let path = dir.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, file).unwrap();
    }
    let status = std::process::Command::new("sh")
        .args(["-euc", script])
        .env("KRT_PROTO", proto)
        .current_dir(dir.path())
        .status()
        .unwrap();
    assert!(status.success());
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.unwrap().path();
        let name = path.file_name()?.to_str()?.to_owned();
        path.is_file().then(|| (name, std::fs::read_to_string(&path).unwrap()))
    };
    std::fs::read_dir(dir.path()).unwrap().filter_map(read).collect()
}

#[test]
fn a_proto_of_another_name_is_copied_to_where_the_entrypoint_looks_for_it() {
    let mut version = version(Generation::C2);
    let script = |version: &VersionRecord| {
        let objects = version_objects(version, &fixture::settings());
        let init = pod(deployment(&objects, "v1-entrypoint")).init_containers.clone().unwrap();
        init[0].command.as_ref().unwrap()[2].clone()
    };
    version.manifest.entrypoint.proto = "public_input.proto".to_owned();
    let plain = script(&version);
    version.manifest.entrypoint.proto = "api/service.proto".to_owned();
    let copying = script(&version);
    let copy = copying.strip_prefix(&plain).unwrap();
    let files = ["api/service.proto", "api/types.proto", "api/common.proto", "common.proto"];
    let found = after(copy, "api/service.proto", &files);
    let expected = table(&[&[
        ("public_input.proto", "api/service.proto"),
        ("service.proto", "api/service.proto"),
        ("types.proto", "api/types.proto"),
        ("common.proto", "common.proto"),
    ]]);
    assert_eq!(found, expected);
    let at_the_root = after(copy, "service.proto", &["service.proto"]);
    assert_eq!(at_the_root["public_input.proto"], "service.proto");
}

#[test]
fn an_entrypoint_is_ready_when_its_port_is_open_and_with_messaging_when_it_is_connected_too() {
    let mut settings = fixture::settings();
    let probe = |settings: &ObjectSettings| {
        let objects = version_objects(&version(Generation::C2), settings);
        serde_json::to_value(&pod(deployment(&objects, "v1-entrypoint")).containers[0].readiness_probe).unwrap()
    };
    assert_eq!(probe(&settings)["tcpSocket"]["port"], 9000);
    settings.runners.messaging = true;
    let probe = probe(&settings);
    let script = probe["exec"]["command"][2].as_str().unwrap();
    let header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
    let listening = "   0: 00000000000000000000000000000000:2328 00000000000000000000000000000000:0000 0A 00000000\n";
    let connected = "   1: 0100007F:9C40 0100000A:107E 01 00000000:00000000 02:000A 00000000\n";
    let closing = "   1: 0100007F:9C40 0100000A:107E 06 00000000:00000000 02:000A 00000000\n";
    let elsewhere = "   1: 0100007F:107E 0100000A:9C40 01 00000000:00000000 02:000A 00000000\n";
    for (tables, is_ready) in [
        ([header.to_owned() + connected, header.to_owned() + listening], true),
        ([header.to_owned() + listening + connected, header.to_owned()], true),
        ([header.to_owned(), header.to_owned() + listening], false),
        ([header.to_owned() + connected, header.to_owned()], false),
        ([header.to_owned() + listening + closing, header.to_owned()], false),
        ([header.to_owned() + listening + elsewhere, header.to_owned()], false),
    ] {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in ["tcp", "tcp6"].iter().zip(&tables) {
            std::fs::File::create(dir.path().join(name)).unwrap().write_all(text.as_bytes()).unwrap();
        }
        let script = script.replace("/proc/net", dir.path().to_str().unwrap()).replace("105E", "107E 105E");
        let status = std::process::Command::new("sh").args(["-c", &script]).stdin(Stdio::null()).status().unwrap();
        assert_eq!(status.success(), is_ready, "{tables:?}");
    }
}
