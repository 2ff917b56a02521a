//! What is shown, derived from a record and what was observed (invariant 7). Pure.

use std::time::Duration;

use domain::{
    ConfigEntry, ConfigKind, Health, NodeStatus, NodeView, RuntimeSummary, StartTime, VersionName, VersionState,
    VersionSummary, VersionView, WorkflowView, allowed_actions,
};
use krt::model::Workflow;

use super::summary_cache::CachedRuntime;
use crate::{
    reconciler::{NodeState, ObjectSettings, Status},
    store::{RuntimeRecord, VersionRecord},
};

pub(super) fn runtime_summary(
    runtime: &RuntimeRecord,
    cached: &CachedRuntime,
    health: Health,
    objects: &ObjectSettings,
) -> RuntimeSummary {
    RuntimeSummary {
        id: runtime.id.clone(),
        name: runtime.name.clone(),
        description: runtime.description.clone(),
        created_at: runtime.created_at,
        revision: runtime.revision,
        namespace: objects.namespace(&runtime.id),
        published: cached.published.clone(),
        host: objects.host(&runtime.id),
        versions: cached.versions(),
        running: u32::try_from(cached.running.len()).unwrap_or(u32::MAX),
        states: cached.states.clone(),
        health,
        last_activity: cached.last_activity.clone(),
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
        missing_values: missing_values(record),
    }
}

fn start_time(record: &VersionRecord, timeout: Duration) -> Option<StartTime> {
    let gives_up_at = record.deadline.filter(|_| record.state() == VersionState::Starting)?;
    let since = gives_up_at.checked_sub(timeout).unwrap_or(record.created_at);
    Some(StartTime { since, gives_up_at })
}

fn missing_values(record: &VersionRecord) -> u32 {
    let spec = &record.manifest.config;
    let wanted = spec.variables.iter().chain(&spec.files);
    u32::try_from(wanted.filter(|name| !record.config.contains_key(*name)).count()).unwrap_or(u32::MAX)
}

/// `published` is the runtime's version that is reached from outside now.
pub(super) fn version_view(
    record: &VersionRecord,
    status: &Status,
    published: Option<VersionName>,
    objects: &ObjectSettings,
    start_timeout: Duration,
) -> VersionView {
    let entrypoint = NodeView {
        status: status.entrypoint.status,
        ready_replicas: status.entrypoint.ready_replicas,
        message: status.entrypoint.message_with_log(),
        ..record.manifest.entrypoint_view()
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
        addresses: objects.addresses(record),
        starting: start_time(record, start_timeout),
        generation: record.generation_of_runners(),
        detected_generation: record.manifest.detected_generation(),
    }
}

fn workflow_view(workflow: &Workflow, status: &Status) -> WorkflowView {
    let mut view = workflow.view();
    for (node, shown) in workflow.nodes.iter().zip(&mut view.nodes) {
        let state = status.nodes.get(&(workflow.name.clone(), node.name.clone()));
        // The reconciler answers for every node of the manifest; were one missing, nothing would be known of it.
        shown.status = state.map_or(NodeStatus::Unknown, |state| state.status);
        shown.ready_replicas = state.map_or(0, |state| state.ready_replicas);
        shown.message = state.and_then(NodeState::message_with_log);
    }
    view
}
