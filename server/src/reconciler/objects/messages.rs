//! How streams, subjects, consumers and buckets are called (docs/runners.md §4 to §6).

use krt::model::{Node, ObjectStoreScope, Subscription, Workflow};

use crate::store::VersionRecord;

/// The stream of a workflow. `_` cannot be in the name of a runtime or a version, so no two streams of generation C have
/// one name; those of generation B are named by the entrypoint, and may.
pub(crate) fn stream(version: &VersionRecord, workflow: &Workflow) -> String {
    let separator = if version.generation_of_runners().is_c() { '_' } else { '-' };
    format!("{}{separator}{}{separator}{}", version.runtime, version.name, workflow.entrypoint)
}

pub(super) fn entrypoint_subject(version: &VersionRecord, workflow: &Workflow) -> String {
    format!("{}.entrypoint", stream(version, workflow))
}

/// Where a node of generation C writes to, and one of A and B reads from.
pub(super) fn own_subject(version: &VersionRecord, workflow: &Workflow, node: &Node) -> String {
    format!("{}.{}", stream(version, workflow), node.name)
}

/// What a node of generations A and B sends to: the subject of the first node that listens to it. None of the last one.
pub(super) fn next_subject(version: &VersionRecord, workflow: &Workflow, node: &Node) -> Option<String> {
    if node.name == workflow.exitpoint {
        return None;
    }
    let listens = |other: &&Node| {
        other.subscriptions.iter().any(|s| matches!(s, Subscription::Node { node: to, .. } if *to == node.name))
    };
    workflow.nodes.iter().find(listens).map(|next| own_subject(version, workflow, next))
}

/// What the entrypoint of generations A and B sends to.
pub(super) fn first_subject(version: &VersionRecord, workflow: &Workflow) -> String {
    let listens = |node: &&Node| node.subscriptions.contains(&Subscription::Entrypoint);
    let first = workflow.nodes.iter().find(listens).or(workflow.nodes.first());
    first.map(|first| own_subject(version, workflow, first)).unwrap_or_default()
}

/// What a node of generation C listens to: the subject of each of its subscriptions.
pub(super) fn inputs(version: &VersionRecord, workflow: &Workflow, node: &Node) -> Vec<String> {
    let stream = stream(version, workflow);
    node.subscriptions.iter().map(|subscription| format!("{stream}.{subscription}")).collect()
}

/// The object store of a node that has one (generation C).
pub(crate) fn object_store(version: &VersionRecord, workflow: &Workflow, node: &Node) -> Option<String> {
    let store = node.object_store.as_ref().filter(|_| version.generation_of_runners().is_c())?;
    let of_version = format!("{}_{}", version.runtime, version.name);
    Some(match store.scope {
        ObjectStoreScope::Workflow => format!("{of_version}_{}_{}", workflow.name, store.name),
        ObjectStoreScope::Project => format!("{of_version}_{}", store.name),
    })
}

/// The key-value buckets that a node has (generation C2).
pub(crate) struct Buckets {
    pub(crate) project: String,
    pub(crate) workflow: String,
    pub(crate) node: String,
}

pub(crate) fn buckets(version: &VersionRecord, workflow: &Workflow, node: &Node) -> Buckets {
    let project = format!("key-store_{}_{}", version.runtime, version.name);
    let workflow = format!("{project}_{}", workflow.name);
    let node = format!("{workflow}_{}", node.name);
    Buckets { project, workflow, node }
}
