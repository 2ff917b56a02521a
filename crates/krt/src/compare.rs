//! What differs between two versions, in the words of the manifest and by the content of the files it names.

use std::collections::BTreeMap;

use domain::{
    CallerChanges, Change, Comparison, ConfigChange, ConfigDifference, ConfigKind, FieldChange, ManifestDiff,
    NodeChange, WorkflowChange,
};

use crate::{
    FileDigest, Protos,
    interface::{self, Interface},
    model::{ConfigSpec, Manifest, Node, ObjectStoreScope, Workflow},
};

/// Characters of a digest that pages show.
const DIGEST_SHOWN: usize = 12;

/// One of the two versions.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    pub manifest: &'a Manifest,
    /// Names and values as entered so far. No value is part of the result.
    pub config: &'a BTreeMap<&'a str, &'a str>,
    /// Of the files that the manifest names; none when they are not known.
    pub digests: Option<&'a [FileDigest]>,
    /// The proto files that callers depend on; none when they are not known.
    pub protos: Option<&'a Protos>,
}

impl<'a> Side<'a> {
    fn digest(&self, path: &str) -> Option<&'a str> {
        self.digests?.iter().find(|file| file.path == path).map(|file| file.sha256.as_str())
    }
}

/// What changes from `before` to `after`, without the line-by-line difference of the manifests.
pub fn compare(before: Side<'_>, after: Side<'_>) -> Comparison {
    let (was, now) = (before.manifest, after.manifest);
    let proto_content =
        content("content of the proto file", (before, &was.entrypoint.proto), (after, &now.entrypoint.proto));
    Comparison {
        from: was.version.clone(),
        to: now.version.clone(),
        callers: callers(before, after),
        entrypoint: [
            field("image", &was.entrypoint.image, &now.entrypoint.image),
            field("proto file", &was.entrypoint.proto, &now.entrypoint.proto),
            proto_content,
        ]
        .into_iter()
        .flatten()
        .collect(),
        workflows: workflows(before, after),
        config: config(before, after),
        contents_unknown: before.digests.is_none() || after.digests.is_none(),
        manifest: ManifestDiff::default(),
    }
}

fn callers(before: Side<'_>, after: Side<'_>) -> CallerChanges {
    let (was, now) = (interface_of(before), interface_of(after));
    let mut found = match (&was, &now) {
        (Ok(was), Ok(now)) => {
            let name = |side: Side<'_>| side.manifest.version.to_string();
            interface::changes((&name(before), was), (&name(after), now))
        }
        _ => {
            let not_compared = [was.err(), now.err()].into_iter().flatten().collect();
            CallerChanges { not_compared, ..CallerChanges::default() }
        }
    };
    let is_answered =
        |manifest: &Manifest, rpc: &str| manifest.workflows.iter().any(|workflow| workflow.entrypoint == rpc);
    for workflow in &before.manifest.workflows {
        let rpc = &workflow.entrypoint;
        if !is_answered(after.manifest, rpc) {
            found.breaking.push(format!("no workflow answers rpc `{rpc}` any more; `{}` did", workflow.name));
        }
    }
    found
}

/// The interface of a version, or why it cannot be compared.
fn interface_of(side: Side<'_>) -> Result<Interface, String> {
    let version = &side.manifest.version;
    let protos = side
        .protos
        .ok_or_else(|| format!("the proto file of `{version}` could not be compared: its text was not kept"))?;
    interface::link(&side.manifest.entrypoint.proto, protos)
        .map_err(|missing| missing.sentence(&format!("`{version}`")))
}

fn workflows(before: Side<'_>, after: Side<'_>) -> Vec<WorkflowChange> {
    let (was, now) = (&before.manifest.workflows, &after.manifest.workflows);
    let mut changes = Vec::new();
    for workflow in now {
        let change = match was.iter().find(|other| other.name == workflow.name) {
            None => Some(one_sided(workflow, Change::Added)),
            Some(other) => workflow_change((before, other), (after, workflow)),
        };
        changes.extend(change);
    }
    let gone = was.iter().filter(|workflow| !now.iter().any(|other| other.name == workflow.name));
    changes.extend(gone.map(|workflow| one_sided(workflow, Change::Removed)));
    changes
}

/// A workflow that only one of the two versions has.
fn one_sided(workflow: &Workflow, change: Change) -> WorkflowChange {
    let nodes = workflow.nodes.iter().map(|node| one_sided_node(node, change)).collect();
    WorkflowChange { name: workflow.name.to_string(), change, fields: Vec::new(), nodes }
}

fn one_sided_node(node: &Node, change: Change) -> NodeChange {
    NodeChange { name: node.name.to_string(), change, fields: Vec::new() }
}

fn workflow_change(
    (before, was): (Side<'_>, &Workflow),
    (after, now): (Side<'_>, &Workflow),
) -> Option<WorkflowChange> {
    let fields: Vec<_> = [
        field("entrypoint", &was.entrypoint, &now.entrypoint),
        field("exitpoint", was.exitpoint.as_str(), now.exitpoint.as_str()),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut nodes = Vec::new();
    for node in &now.nodes {
        match was.nodes.iter().find(|other| other.name == node.name) {
            None => nodes.push(one_sided_node(node, Change::Added)),
            Some(other) => {
                let fields = node_fields((before, other), (after, node));
                if !fields.is_empty() {
                    nodes.push(NodeChange { fields, ..one_sided_node(node, Change::Changed) });
                }
            }
        }
    }
    let gone = was.nodes.iter().filter(|node| !now.nodes.iter().any(|other| other.name == node.name));
    nodes.extend(gone.map(|node| one_sided_node(node, Change::Removed)));
    let changed = !fields.is_empty() || !nodes.is_empty();
    changed.then(|| WorkflowChange { name: now.name.to_string(), change: Change::Changed, fields, nodes })
}

fn node_fields((before, was): (Side<'_>, &Node), (after, now): (Side<'_>, &Node)) -> Vec<FieldChange> {
    [
        field("image", &was.image, &now.image),
        field("source", &was.src, &now.src),
        content("content of the source", (before, &was.src), (after, &now.src)),
        field("replicas", &was.replicas.to_string(), &now.replicas.to_string()),
        field("subscriptions", &subscriptions(was), &subscriptions(now)),
        field("gpu", yes_no(was.gpu), yes_no(now.gpu)),
        field("object store", &object_store(was), &object_store(now)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn field(name: &str, before: &str, after: &str) -> Option<FieldChange> {
    let (field, before, after) = (name.to_owned(), before.to_owned(), after.to_owned());
    (before != after).then_some(FieldChange { field, before, after })
}

/// Compares digests. None if one is not known.
fn content(name: &str, (before, was): (Side<'_>, &str), (after, now): (Side<'_>, &str)) -> Option<FieldChange> {
    let (was, now) = (before.digest(was)?, after.digest(now)?);
    let short = |digest: &str| digest.chars().take(DIGEST_SHOWN).collect::<String>();
    field(name, was, now).map(|change| FieldChange { before: short(was), after: short(now), ..change })
}

fn subscriptions(node: &Node) -> String {
    // Their order means nothing.
    let mut all: Vec<_> = node.subscriptions.iter().map(ToString::to_string).collect();
    all.sort_unstable();
    all.join(", ")
}

fn yes_no(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

fn object_store(node: &Node) -> String {
    match &node.object_store {
        None => "none".to_owned(),
        Some(store) => {
            let scope = match store.scope {
                ObjectStoreScope::Workflow => "workflow",
                ObjectStoreScope::Project => "project",
            };
            format!("{} ({scope})", store.name)
        }
    }
}

fn config(before: Side<'_>, after: Side<'_>) -> Vec<ConfigChange> {
    let (was, now) = (&before.manifest.config, &after.manifest.config);
    let mut changes = Vec::new();
    for (name, kind) in names(now) {
        let other = names(was).find(|(other, _)| *other == name).map(|(_, kind)| kind);
        let difference = match (other, before.config.get(name), after.config.get(name)) {
            (None, ..) => ConfigDifference::Added,
            (Some(other), ..) if other != kind => ConfigDifference::OtherKind,
            (_, Some(old), Some(new)) if old != new => ConfigDifference::OtherValue,
            (_, Some(_), None) => ConfigDifference::NotSetAfter,
            (_, None, Some(_)) => ConfigDifference::NotSetBefore,
            _ => continue,
        };
        changes.push(ConfigChange { name: name.to_owned(), kind, difference });
    }
    for (name, kind) in names(was).filter(|(name, _)| !names(now).any(|(other, _)| other == *name)) {
        changes.push(ConfigChange { name: name.to_owned(), kind, difference: ConfigDifference::Removed });
    }
    changes
}

fn names(spec: &ConfigSpec) -> impl Iterator<Item = (&str, ConfigKind)> {
    let variables = spec.variables.iter().map(|name| (name.as_str(), ConfigKind::Variable));
    variables.chain(spec.files.iter().map(|name| (name.as_str(), ConfigKind::File)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Entrypoint, KrtVersion, ObjectStore, Subscription};

    fn node(name: &str) -> Node {
        Node {
            name: name.parse().unwrap(),
            image: "example/node:1".to_owned(),
            src: format!("src/{name}.py"),
            gpu: false,
            replicas: 1,
            subscriptions: vec![Subscription::Entrypoint],
            object_store: None,
        }
    }

    fn manifest(name: &str) -> Manifest {
        Manifest {
            version: name.parse().unwrap(),
            krt_version: KrtVersion::V2,
            description: String::new(),
            entrypoint: Entrypoint { proto: "p.proto".to_owned(), image: "example/entrypoint:1".to_owned() },
            config: ConfigSpec { variables: vec!["A".to_owned(), "B".to_owned()], files: vec!["c.json".to_owned()] },
            workflows: vec![Workflow {
                name: "flow".parse().unwrap(),
                entrypoint: "Call".to_owned(),
                exitpoint: "one".parse().unwrap(),
                nodes: vec![node("one"), node("two")],
            }],
        }
    }

    fn protos(text: &str) -> Protos {
        Protos { texts: BTreeMap::from([("p.proto".to_owned(), text.to_owned())]), ..Protos::default() }
    }

    fn digest_of(path: &str, sha256: &str) -> FileDigest {
        FileDigest { path: path.to_owned(), size_bytes: 1, sha256: sha256.repeat(64) }
    }

    /// Compares `v1` with a changed `v2`.
    fn against(change: impl FnOnce(&mut Manifest)) -> Comparison {
        let (before, mut after, none) = (manifest("v1"), manifest("v2"), BTreeMap::new());
        change(&mut after);
        let protos = protos("");
        let side = |manifest| Side { manifest, config: &none, digests: Some(&[]), protos: Some(&protos) };
        compare(side(&before), side(&after))
    }

    #[test]
    fn two_versions_that_do_the_same_differ_in_nothing() {
        let found = against(|after| after.description = "another text".to_owned());
        assert!(found.is_same() && !found.contents_unknown, "{found:?}");
    }

    #[test]
    fn each_field_of_a_node_is_told_with_before_and_after() {
        type Edit = fn(&mut Node);
        for (edit, field, before, after) in [
            ((|n| n.image = "example/node:2".to_owned()) as Edit, "image", "example/node:1", "example/node:2"),
            (|n| n.src = "src/other.py".to_owned(), "source", "src/two.py", "src/other.py"),
            (|n| n.replicas = 3, "replicas", "1", "3"),
            (|n| n.gpu = true, "gpu", "no", "yes"),
            (
                |n| {
                    n.subscriptions
                        .push(Subscription::Node { node: "one".parse().unwrap(), subtopic: Some("x".into()) })
                },
                "subscriptions",
                "entrypoint",
                "entrypoint, one.x",
            ),
            (
                |n| n.object_store = Some(ObjectStore { name: "s".to_owned(), scope: ObjectStoreScope::Project }),
                "object store",
                "none",
                "s (project)",
            ),
        ] {
            let found = against(|after| edit(&mut after.workflows[0].nodes[1]));
            let flow = &found.workflows[0];
            assert_eq!((flow.name.as_str(), flow.change, flow.nodes.len()), ("flow", Change::Changed, 1), "{field}");
            assert_eq!((flow.nodes[0].name.as_str(), flow.nodes[0].change), ("two", Change::Changed));
            let expected = FieldChange { field: field.into(), before: before.into(), after: after.into() };
            assert_eq!(flow.nodes[0].fields, [expected]);
        }
    }

    #[test]
    fn nodes_and_workflows_come_and_go() {
        let found = against(|after| {
            after.workflows[0].nodes.remove(1);
            after.workflows[0].nodes.push(node("three"));
            after.workflows[0].exitpoint = "three".parse().unwrap();
        });
        let nodes: Vec<_> = found.workflows[0].nodes.iter().map(|n| (n.name.as_str(), n.change)).collect();
        assert_eq!(nodes, [("three", Change::Added), ("two", Change::Removed)]);
        assert_eq!(found.workflows[0].fields[0].field, "exitpoint");

        let found = against(|after| after.workflows[0].name = "other".parse().unwrap());
        let flows: Vec<_> = found.workflows.iter().map(|w| (w.name.as_str(), w.change, w.nodes.len())).collect();
        assert_eq!(flows, [("other", Change::Added, 2), ("flow", Change::Removed, 2)]);
    }

    #[test]
    fn sources_are_compared_by_content() {
        let (before, after, none) = (manifest("v1"), manifest("v2"), BTreeMap::new());
        let was = [digest_of("src/one.py", "a"), digest_of("src/two.py", "b"), digest_of("p.proto", "c")];
        let now = [digest_of("src/one.py", "a"), digest_of("src/two.py", "d"), digest_of("p.proto", "e")];
        let side = |manifest, digests| Side { manifest, config: &none, digests, protos: None };
        let found = compare(side(&before, Some(&was)), side(&after, Some(&now)));
        let expected = |field: &str, before: &str, after: &str| FieldChange {
            field: field.to_owned(),
            before: before.repeat(12),
            after: after.repeat(12),
        };
        assert_eq!(found.workflows[0].nodes[0].fields, [expected("content of the source", "b", "d")]);
        assert_eq!(found.entrypoint, [expected("content of the proto file", "c", "e")]);

        let unknown = compare(side(&before, None), side(&after, Some(&now)));
        assert!(unknown.contents_unknown && unknown.workflows.is_empty());
    }

    #[test]
    fn configuration_is_told_by_name_and_never_by_value() {
        let (before, mut after) = (manifest("v1"), manifest("v2"));
        after.config =
            ConfigSpec { variables: vec!["A".to_owned(), "C".to_owned(), "D".to_owned()], files: vec!["B".to_owned()] };
        let mut was = before.clone();
        was.config.variables.push("C".to_owned());
        let old = BTreeMap::from([("A", "secret-1"), ("B", "secret-2"), ("C", "secret-3")]);
        let new = BTreeMap::from([("A", "secret-4"), ("B", "secret-2")]);
        let side = |manifest, config| Side { manifest, config, digests: None, protos: None };
        let found = compare(side(&was, &old), side(&after, &new));
        let told: Vec<_> = found.config.iter().map(|c| (c.name.as_str(), c.difference)).collect();
        assert_eq!(
            told,
            [
                ("A", ConfigDifference::OtherValue),
                ("C", ConfigDifference::NotSetAfter),
                ("D", ConfigDifference::Added),
                ("B", ConfigDifference::OtherKind),
                ("c.json", ConfigDifference::Removed),
            ]
        );
        assert!(!format!("{found:?}").contains("secret"));
        let same = compare(side(&before, &old), side(&before, &old));
        assert!(same.config.is_empty());
    }

    #[test]
    fn an_rpc_that_no_workflow_answers_any_more_breaks_its_callers() {
        let found = against(|after| after.workflows[0].entrypoint = "Other".to_owned());
        assert_eq!(found.callers.breaking, ["no workflow answers rpc `Call` any more; `flow` did"]);
        let (v1, none) = (manifest("v1"), BTreeMap::new());
        let side = |protos| Side { manifest: &v1, config: &none, digests: None, protos };
        let (valid, broken) = (protos(""), protos("message A {\n}}"));
        let found = compare(side(None), side(Some(&valid)));
        assert!(found.callers.not_compared[0].contains("`v1` could not be compared"), "{found:?}");
        let found = compare(side(Some(&broken)), side(Some(&valid)));
        assert!(found.callers.not_compared[0].starts_with("`p.proto` of `v1` cannot be read (line 2: "), "{found:?}");
    }
}
