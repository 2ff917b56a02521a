//! What is shown, derived from a record and what was observed (invariant 7). Pure.

use domain::{
    ConfigEntry, ConfigKind, NodeView, RuntimeSummary, VersionName, VersionState, VersionSummary, VersionView,
    WorkflowView, allowed_actions,
};
use krt::model::{Node, Workflow};

use crate::{
    reconciler::{NodeState, ObjectSettings, Status},
    store::{RuntimeRecord, VersionRecord},
};

/// What a runtime's summary takes from its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Digest {
    pub(super) published: Option<VersionName>,
    versions: u32,
    running: u32,
}

impl Digest {
    pub(super) fn of(runtime: &RuntimeRecord, versions: &[VersionRecord]) -> Self {
        let serving = runtime.publication.serving;
        let mut digest = Self { published: None, versions: 0, running: 0 };
        for version in versions {
            let state = version.state();
            if Some(version.key) == serving {
                digest.published = Some(version.name.clone());
            }
            if state != VersionState::Archived {
                digest.versions += 1;
            }
            if !matches!(state, VersionState::Archived | VersionState::Stopped) {
                digest.running += 1;
            }
        }
        digest
    }
}

pub(super) fn runtime_summary(runtime: &RuntimeRecord, digest: &Digest, objects: &ObjectSettings) -> RuntimeSummary {
    RuntimeSummary {
        id: runtime.id.clone(),
        name: runtime.name.clone(),
        description: runtime.description.clone(),
        created_at: runtime.created_at,
        revision: runtime.revision,
        namespace: objects.namespace(&runtime.id),
        published: digest.published.clone(),
        host: objects.host(&runtime.id),
        versions: digest.versions,
        running: digest.running,
    }
}

pub(super) fn version_summary(record: &VersionRecord, status: &Status) -> VersionSummary {
    let state = record.state();
    VersionSummary {
        runtime: record.runtime.clone(),
        name: record.name.clone(),
        description: record.manifest.description.clone(),
        krt_version: record.manifest.krt_version,
        size_bytes: record.file.size_bytes,
        sha256: record.file.sha256.clone(),
        created_at: record.created_at,
        created_by: record.created_by.clone(),
        published_at: record.published_at,
        revision: record.revision,
        state,
        switching: record.switching,
        health: status.health.clone(),
        failure: record.failure.clone(),
        allowed_actions: allowed_actions(state, record.switching),
        waiting: status.waiting.clone(),
    }
}

/// `published` is the runtime's version that is reached from outside now.
pub(super) fn version_view(
    record: &VersionRecord,
    status: &Status,
    published: Option<VersionName>,
    objects: &ObjectSettings,
) -> VersionView {
    let entrypoint = NodeView {
        addresses: objects.addresses(record),
        name: "entrypoint".to_owned(),
        image: record.manifest.entrypoint.image.clone(),
        src: None,
        gpu: false,
        subscriptions: Vec::new(),
        status: status.entrypoint.status,
        replicas: 1,
        ready_replicas: status.entrypoint.ready_replicas,
        message: status.entrypoint.message.clone(),
    };
    let entries = |names: &[String], kind| -> Vec<ConfigEntry> {
        names
            .iter()
            .map(|name| ConfigEntry { name: name.clone(), kind, is_set: record.config.contains_key(name) })
            .collect()
    };
    let spec = &record.manifest.config;
    VersionView {
        summary: version_summary(record, status),
        replaces: published.filter(|name| *name != record.name),
        entrypoint,
        workflows: record.manifest.workflows.iter().map(|workflow| workflow_view(workflow, status)).collect(),
        config: [entries(&spec.variables, ConfigKind::Variable), entries(&spec.files, ConfigKind::File)].concat(),
        warnings: record.warnings.clone(),
    }
}

fn workflow_view(workflow: &Workflow, status: &Status) -> WorkflowView {
    let nodes = workflow.nodes.iter().map(|node| {
        let state = status.nodes.get(&(workflow.name.clone(), node.name.clone()));
        node_view(node, state)
    });
    WorkflowView {
        name: workflow.name.clone(),
        entrypoint: workflow.entrypoint.clone(),
        exitpoint: workflow.exitpoint.clone(),
        nodes: nodes.collect(),
    }
}

fn node_view(node: &Node, state: Option<&NodeState>) -> NodeView {
    NodeView {
        name: node.name.to_string(),
        image: node.image.clone(),
        src: Some(node.src.clone()),
        gpu: node.gpu,
        subscriptions: node.subscriptions.iter().map(ToString::to_string).collect(),
        // The reconciler answers for every node of the manifest; were one missing, nothing would be known of it.
        status: state.map_or(domain::NodeStatus::Unknown, |state| state.status),
        replicas: node.replicas,
        ready_replicas: state.map_or(0, |state| state.ready_replicas),
        message: state.and_then(|state| state.message.clone()),
    }
}
