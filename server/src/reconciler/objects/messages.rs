//! How streams, subjects, consumers and buckets are called (docs/runners.md §4 to §6).

use std::collections::BTreeMap;

use domain::Generation;
use krt::{
    Runner,
    model::{Node, ObjectStoreScope, Subscription, Workflow},
};

use crate::{
    messaging::{ConsumerSpec, Mark, StreamKind, StreamSpec},
    store::{InstallationId, VersionRecord},
};

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

/// The durable consumers of a node, as it makes them itself if they are missing.
pub(crate) fn durables(version: &VersionRecord, workflow: &Workflow, node: &Node) -> Vec<ConsumerSpec> {
    match version.generation_of_runners() {
        Generation::A => Vec::new(),
        Generation::B => {
            let is_go = krt::runner(&node.image) == Some(Runner::Go);
            let of_python = format!("{}-{}", version.name, node.name);
            let name = if is_go { node.name.to_string() } else { of_python };
            let deliver_group = if is_go { stream(version, workflow) } else { name.clone() };
            vec![ConsumerSpec { name, filter_subject: own_subject(version, workflow, node), deliver_group }]
        }
        Generation::C1 | Generation::C2 => inputs(version, workflow, node)
            .into_iter()
            .map(|input| {
                let name = format!("{}-{}", input.replace('.', "-"), node.name);
                ConsumerSpec { deliver_group: name.clone(), name, filter_subject: input }
            })
            .collect(),
    }
}

/// All streams of a version: of its workflows, then object stores and key-value buckets.
pub(crate) fn streams(version: &VersionRecord, installation: InstallationId) -> Vec<StreamSpec> {
    let generation = version.generation_of_runners();
    if !generation.has_streams() {
        return Vec::new();
    }
    let mark = Mark { installation, runtime: version.runtime.clone(), version: version.name.clone() };
    let mut streams: Vec<StreamSpec> = Vec::new();
    let mut buckets_of_all = Vec::new();
    for workflow in &version.manifest.workflows {
        let of_workflow = stream_of(version, workflow, &mark);
        // Of two workflows with one rpc, which are refused now, the first has the stream.
        if streams.iter().all(|known| known.title != of_workflow.title) {
            streams.push(of_workflow);
        }
        for node in &workflow.nodes {
            let store = object_store(version, workflow, node);
            buckets_of_all.extend(store.map(|title| StreamSpec::object_store(title, mark.clone())));
            if generation == Generation::C2 {
                let Buckets { project, workflow, node } = buckets(version, workflow, node);
                buckets_of_all
                    .extend([project, workflow, node].map(|title| StreamSpec::key_value(title, mark.clone())));
            }
        }
    }
    for bucket in buckets_of_all {
        // Nodes share some.
        if streams.iter().all(|known| known.name() != bucket.name()) {
            streams.push(bucket);
        }
    }
    streams
}

fn stream_of(version: &VersionRecord, workflow: &Workflow, mark: &Mark) -> StreamSpec {
    let title = stream(version, workflow);
    let is_c = version.generation_of_runners().is_c();
    let subjects = if is_c {
        let of_node = |node: &Node| [format!("{title}.{}", node.name), format!("{title}.{}.*", node.name)];
        let of_nodes = workflow.nodes.iter().flat_map(of_node);
        // Subtopics of more than one word.
        let deeper = workflow.nodes.iter().flat_map(|node| inputs(version, workflow, node));
        let deeper = deeper.filter(|input| input[title.len()..].matches('.').count() > 2);
        let mut subjects: Vec<String> =
            std::iter::once(format!("{title}.entrypoint")).chain(of_nodes).chain(deeper).collect();
        subjects.sort_unstable();
        subjects.dedup();
        subjects
    } else {
        vec![format!("{title}.*")]
    };
    let mut consumers: BTreeMap<String, ConsumerSpec> = BTreeMap::new();
    for durable in workflow.nodes.iter().flat_map(|node| durables(version, workflow, node)) {
        // Of two of one name, of which a warning tells, the first node's.
        consumers.entry(durable.name.clone()).or_insert(durable);
    }
    let kind = if is_c { StreamKind::Workflow } else { StreamKind::PlainWorkflow };
    StreamSpec { kind, title, subjects, mark: mark.clone(), consumers }
}

/// The names of the streams of a version whose consumers matter.
pub(crate) fn workflow_streams(version: &VersionRecord) -> Vec<String> {
    if !version.generation_of_runners().has_streams() {
        return Vec::new();
    }
    let mut names: Vec<String> = version.manifest.workflows.iter().map(|workflow| stream(version, workflow)).collect();
    names.dedup();
    names
}
