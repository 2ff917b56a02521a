//! Whatever manifest the reader accepts becomes objects that Kubernetes accepts: by its rules as written down here from
//! its documentation ("Object Names and IDs", "Labels and Selectors", "Secrets", "Define Environment Variables"), and by
//! the sandbox's admission.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Namespace;
use krt::{ArchiveIndex, model::Manifest, parse_manifest};
use kube::{
    Api, Resource,
    api::{Patch, PatchParams, PostParams},
    core::NamespaceResourceScope,
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use sandbox::{Options, Sandbox};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::*;
use crate::{cluster::Cluster, reconciler::fixture};

const MANIFESTS: u64 = 120;
const MIB: usize = 1 << 20;

/// Right and wrong ones, on both sides of every rule.
const NAMES: &[&str] =
    &["a", "b", "x9", "a-b", "a--b", "nineteen-letters-ab", "entrypoint1", "config", "9a", "a-", "A"];
const VARIABLES: &[&str] =
    &["A", "A1", "REGION", "A__B", "KRT_VERSION", "KRT_NATS_SERVER", "KRT_NATS_INPUTS", "PATH", "_A", "A-B"];
const FILES: &[&str] = &[
    "f",
    ".f",
    "-",
    "_",
    "a.b-c_d",
    "CERT",
    "KRT_NODE_NAME",
    "krt-download-token",
    "nats_subject.json",
    "...",
    "..f",
    "a/b",
];
const IMAGES: &[&str] = &["a", "a/b:c", "localhost:5000/a", "[::1]:5000/a/b__c:X.y-z", " a", "a:", "A"];
const SOURCES: &[&str] = &["src/main.py", "with space.py", "é/'\"$(A)`x`", "tab\tx", "none"];
const RPCS: &[&str] =
    &["Greet", "Rate", "Sort", "Ask", "Tell", "Call", "Store", "a.b.Greet", "with space", "*", ">", "é", "\u{1}"];
const SUBTOPICS: &[&str] = &["", "", ".done", ".a.b", ".A_b-c", ".*", "."];

struct Generator<'r>(&'r mut StdRng);

impl Generator<'_> {
    /// Mostly one of the first ones, which are right more often.
    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        let among = if self.0.random_range(0..12) > 0 { &from[..from.len() * 2 / 3] } else { from };
        among.choose(self.0).copied().unwrap_or_default()
    }

    fn some<'t>(&mut self, from: &[&'t str]) -> BTreeSet<&'t str> {
        let count = self.0.random_range(0..5);
        (0..count).map(|_| self.pick(from)).collect()
    }

    /// Now and then as long as it may be, or one longer.
    fn long(&mut self, text: &str, limit: usize) -> String {
        match self.0.random_range(0..20) {
            0 => text.chars().cycle().take(limit).collect(),
            1 => text.chars().cycle().take(limit + 1).collect(),
            _ => text.to_owned(),
        }
    }

    fn node(&mut self, name: &str) -> Value {
        json!({
            "name": name,
            "image": self.pick(IMAGES),
            "src": self.pick(SOURCES),
            "gpu": self.0.random_bool(0.3),
        })
    }

    fn workflow(&mut self, v2: bool, nodes: &[&str]) -> Value {
        let name = self.pick(NAMES);
        let rpc = self.pick(RPCS);
        let mut workflow = json!({ "name": name, "entrypoint": self.long(rpc, 128) });
        if !v2 {
            workflow["sequential"] = json!(nodes);
            return workflow;
        }
        workflow["exitpoint"] = json!(nodes.choose(self.0));
        let mut with_subscriptions = Vec::new();
        for name in nodes {
            let mut node = self.node(name);
            let mut subscriptions = vec!["entrypoint".to_owned()];
            for other in nodes.iter().filter(|other| *other != name) {
                subscriptions.push(format!("{other}{}", self.pick(SUBTOPICS)));
            }
            node["subscriptions"] = json!(subscriptions);
            node["replicas"] = json!(*[1, 1, 1, 1, 1, 2, 2, 2, 2, 0].choose(self.0).unwrap());
            with_subscriptions.push(node);
        }
        workflow["nodes"] = json!(with_subscriptions);
        workflow
    }

    /// JSON is YAML.
    fn manifest(&mut self) -> String {
        let v2 = self.0.random_bool(0.5);
        let names: Vec<&str> = self.some(NAMES).into_iter().chain(["node"]).collect();
        let variables: Vec<String> = self.some(VARIABLES).into_iter().map(|name| self.long(name, 253)).collect();
        let files: Vec<String> = self.some(FILES).into_iter().map(|name| self.long(name, 253)).collect();
        let workflows: Vec<Value> = (0..self.0.random_range(1..3)).map(|_| self.workflow(v2, &names)).collect();
        let mut manifest = json!({
            "version": self.pick(NAMES),
            "krtVersion": if v2 { "v2" } else { "v1" },
            "description": "é\n\u{1F600}",
            "entrypoint": { "proto": "a.proto", "image": self.pick(IMAGES) },
            "config": { "variables": variables, "files": files },
            "workflows": workflows,
        });
        if !v2 {
            manifest["nodes"] = names.iter().map(|name| self.node(name)).collect();
        }
        manifest.to_string()
    }
}

/// A version of the manifest with every value set.
fn version(manifest: Manifest) -> VersionRecord {
    let names = manifest.config.variables.iter().chain(&manifest.config.files);
    let config = names.map(|name| (name.clone(), format!("{name}\n'\"é").into())).collect();
    VersionRecord { name: manifest.version.clone(), manifest, config, ..fixture::version(1, "v1") }
}

fn settings() -> ObjectSettings {
    let mut settings = fixture::settings();
    settings.runners.env.insert("REGION".to_owned(), "of all".into());
    settings
}

#[tokio::test]
async fn what_the_reader_accepts_kubernetes_accepts() {
    let mut index = ArchiveIndex::default();
    index.add_proto("a.proto", "service E { rpc Greet (R) returns (R); }");
    for source in SOURCES.iter().filter(|source| **source != "none") {
        index.add_file(*source);
    }
    let settings = settings();
    let mut accepted = 0;
    for seed in 0..MANIFESTS {
        let text = Generator(&mut StdRng::seed_from_u64(seed)).manifest();
        let Ok((manifest, _)) = parse_manifest(text.as_bytes(), &index) else { continue };
        accepted += 1;
        let sandbox = Sandbox::start(Options::default());
        expect_taken(&sandbox, &version(manifest), &settings, &format!("seed {seed}: {text}")).await;
    }
    assert!(accepted > MANIFESTS / 10, "{accepted} of {MANIFESTS} made manifests are valid, which shows little");
}

#[tokio::test]
async fn the_largest_manifest_that_is_accepted_makes_objects_that_there_is_room_for() {
    let rpc = |at: usize| format!("{at:0>128}");
    let nodes: Vec<String> = (0..101).map(|at| format!("node-{at:0>14}")).collect();
    let node = |name: &String| {
        let others = nodes.iter().filter(|other| *other != name).map(|other| format!("{other}.{}", "s".repeat(128)));
        let first = *name == nodes[0];
        let subscriptions: Vec<String> = if first { others.take(100).collect() } else { vec!["entrypoint".to_owned()] };
        json!({ "name": name, "image": "a".repeat(255), "src": "s", "subscriptions": subscriptions })
    };
    let small = json!([{ "name": "n", "image": "a", "src": "s", "subscriptions": ["entrypoint"] }]);
    let mut workflows: Vec<Value> = (1..100)
        .map(|at| json!({ "name": format!("w{at}"), "entrypoint": rpc(at), "exitpoint": "n", "nodes": small }))
        .collect();
    workflows.insert(0, json!({
        "name": "w", "entrypoint": rpc(0), "exitpoint": nodes[0], "nodes": nodes.iter().map(node).collect::<Vec<_>>(),
    }));
    let variables: Vec<String> = (0..500).map(|at| format!("V{at:0>252}")).collect();
    let manifest = json!({
        "version": "version-of-19-chars", "krtVersion": "v2", "description": "d",
        "entrypoint": { "proto": "a.proto", "image": "a" },
        "config": { "variables": variables },
        "workflows": workflows,
    });
    let mut index = ArchiveIndex::default();
    index.add_proto("a.proto", "");
    index.add_file("s");
    let (manifest, _) = parse_manifest(manifest.to_string().as_bytes(), &index).unwrap();
    expect_taken(&Sandbox::start(Options::default()), &version(manifest), &settings(), "the largest").await;
}

async fn expect_taken(sandbox: &Sandbox, version: &VersionRecord, settings: &ObjectSettings, what: &str) {
    let client = Cluster::client_for(sandbox.router());
    let namespace = settings.namespace(&version.runtime);
    let mut object = Namespace::default();
    object.metadata.name = Some(namespace.clone());
    Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &object).await.unwrap();

    let of = version_objects(version, settings);
    apply(&client, &namespace, &of.secret, what).await;
    apply(&client, &namespace, &of.config_map, what).await;
    // Of very many a few: the first and the last, which is the entrypoint's, and some between them.
    let last = of.deployments.len() - 1;
    let some = of.deployments.iter().enumerate().filter(|(at, _)| at % (last / 8 + 1) == 0 || *at == last);
    for (_, deployment) in some {
        apply(&client, &namespace, deployment, what).await;
    }
    for service in [own_service_object(version, settings), active_service_object(version, settings)] {
        apply(&client, &namespace, &service, what).await;
    }
    for ingress in [ingress_object(version, settings), preview_ingress_object(version, settings)] {
        apply(&client, &namespace, &ingress, what).await;
    }
}

async fn apply<K>(client: &kube::Client, namespace: &str, object: &K, what: &str)
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Serialize
        + DeserializeOwned
        + Clone
        + std::fmt::Debug,
{
    let (kind, name) = (K::kind(&()), object.name_any());
    let broken = broken_rules(&kind, &serde_json::to_value(object).unwrap());
    assert!(broken.is_empty(), "{kind} {name}: {broken:#?}\n{what}");
    let api = Api::<K>::namespaced(client.clone(), namespace);
    let applied = api.patch(&name, &PatchParams::apply("test"), &Patch::Apply(object)).await;
    assert!(applied.is_ok(), "{kind} {name}: {:?}\n{what}", applied.err());
}

fn broken_rules(kind: &str, object: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    let mut rule = |holds: bool, what: String| {
        if !holds {
            broken.push(what);
        }
    };
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let longest = if kind == "Service" { 63 } else { 253 };
    rule(name.len() <= longest && name.split('.').all(is_dns_label), format!("the name `{name}`"));
    rule(kind != "Service" || !name.starts_with(|c: char| c.is_ascii_digit()), format!("the Service's name `{name}`"));
    rule(object.to_string().len() <= MIB, "its size".to_owned());
    for labels in ["/metadata/labels", "/spec/template/metadata/labels", "/spec/selector/matchLabels"] {
        for (key, value) in map(object, labels) {
            let (prefix, plain) = key.split_once('/').unwrap_or(("a", key));
            rule(is_qualified(plain) && prefix.split('.').all(is_dns_label), format!("the label `{key}`"));
            let value = value.as_str().unwrap_or("?");
            rule(value.is_empty() || is_qualified(value), format!("the value `{value}` of the label `{key}`"));
        }
    }
    let selected = map(object, "/spec/selector/matchLabels");
    let offered = map(object, "/spec/template/metadata/labels");
    rule(selected.iter().all(|pair| offered.contains(pair)), "a selector that its pods do not match".to_owned());
    if matches!(kind, "Secret" | "ConfigMap") {
        let data = map(object, "/data");
        // A Secret's values are in base64.
        let bytes: usize = data.iter().map(|(_, value)| value.as_str().unwrap_or_default().len()).sum();
        rule(bytes <= MIB, "the size of the values".to_owned());
        data.iter().for_each(|(key, _)| rule(is_data_key(key), format!("the key `{key}`")));
    }
    for host in object.pointer("/spec/rules").and_then(Value::as_array).into_iter().flatten() {
        let host = host["host"].as_str().unwrap_or_default();
        rule(host.len() <= 253 && host.split('.').all(is_dns_label), format!("the host `{host}`"));
    }
    let pod = &object["spec"]["template"]["spec"];
    let volumes: Vec<&str> = texts(pod, "volumes", "name");
    rule(volumes.iter().collect::<BTreeSet<_>>().len() == volumes.len(), "two volumes of one name".to_owned());
    volumes.iter().for_each(|volume| rule(is_dns_label(volume), format!("the volume `{volume}`")));
    for source in list(pod, "volumes").iter().flat_map(|volume| [&volume["secret"], &volume["configMap"]]) {
        for item in list(source, "items") {
            let (key, path) = (item["key"].as_str().unwrap_or_default(), item["path"].as_str().unwrap_or_default());
            let inside = !path.starts_with('/') && !path.starts_with("..") && path.split('/').all(|part| part != "..");
            rule(is_data_key(key) && inside && !path.is_empty(), format!("the item `{key}` at `{path}`"));
        }
    }
    for container in ["initContainers", "containers"].iter().flat_map(|containers| list(pod, containers)) {
        let image = container["image"].as_str().unwrap_or_default();
        rule(!image.is_empty() && image.trim() == image, format!("the image `{image}`"));
        let names = texts(container, "env", "name");
        rule(names.iter().collect::<BTreeSet<_>>().len() == names.len(), format!("a variable twice: {names:?}"));
        names.iter().for_each(|name| rule(is_env_name(name), format!("the variable `{name}`")));
        for reference in list(container, "env").iter().filter_map(|v| v.pointer("/valueFrom/secretKeyRef/key")) {
            rule(reference.as_str().is_some_and(is_data_key), format!("the reference to {reference}"));
        }
        let paths = texts(container, "volumeMounts", "mountPath");
        rule(paths.iter().collect::<BTreeSet<_>>().len() == paths.len(), format!("two mounts at one path: {paths:?}"));
        texts(container, "volumeMounts", "name")
            .iter()
            .for_each(|name| rule(volumes.contains(name), format!("a mount of no volume: {name}")));
        texts(container, "ports", "name")
            .iter()
            .for_each(|name| rule(is_port_name(name), format!("the port `{name}`")));
    }
    broken
}

fn list<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}

fn texts<'v>(value: &'v Value, field: &str, inner: &str) -> Vec<&'v str> {
    list(value, field).iter().filter_map(|item| item[inner].as_str()).collect()
}

fn map<'v>(value: &'v Value, pointer: &str) -> Vec<(&'v String, &'v Value)> {
    value.pointer(pointer).and_then(Value::as_object).into_iter().flatten().collect()
}

fn is_dns_label(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// The name part of a label's key, and a label's value that is not empty.
fn is_qualified(text: &str) -> bool {
    let edge = |c: char| c.is_ascii_alphanumeric();
    (1..=63).contains(&text.len())
        && text.chars().all(|c| edge(c) || matches!(c, '-' | '_' | '.'))
        && text.starts_with(edge)
        && text.ends_with(edge)
}

fn is_data_key(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && text != "."
        && !text.starts_with("..")
}

fn is_env_name(text: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || matches!(c, '-' | '_' | '.');
    text.starts_with(first) && text.chars().all(|c| first(c) || c.is_ascii_digit())
}

fn is_port_name(text: &str) -> bool {
    (1..=15).contains(&text.len()) && is_dns_label(text) && text.bytes().any(|b| b.is_ascii_lowercase())
}
