//! How a version is doing, from what was asked and what was last observed. Derived here and nowhere else.

use std::{collections::BTreeMap, sync::Arc};

use domain::{Desired, Health, NodeStatus, Reachability, Role, Timestamp, VersionState};
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::{Resource, ResourceExt};

use super::{
    NodeState, Status,
    crash_logs::CrashLogs,
    objects::{entrypoint_deployment, node_deployment},
    observed::{Observed, ObservedMessaging, belongs_to},
    plan::messaging,
    readiness::{self, Severity},
};
use crate::{cluster::RESTARTED_AT, store::VersionRecord};

/// How long after its time a pod may still be there before that is said.
const OVERDUE_AFTER: jiff::SignedDuration = jiff::SignedDuration::from_secs(10);

/// What is said of nodes that live on after an outage, and answer nothing.
const RESTARTING: &str = "its pods have to restart, because messaging was unreachable for too long";

/// The status while the cluster cannot be observed.
pub(super) fn unknown_status(version: &VersionRecord, reachability: &Reachability) -> Status {
    let resting = version.settled && version.desired != Desired::Started;
    let reason = match reachability {
        Reachability::Unreachable { since, .. } => {
            format!("cluster unreachable since {} UTC", since.strftime("%H:%M:%S"))
        }
        Reachability::Forbidden { since, reason } => {
            format!("cluster access denied since {} UTC: {reason}", since.strftime("%H:%M:%S"))
        }
        Reachability::Connecting | Reachability::Reachable => "reading the state of the cluster".to_owned(),
    };
    let node = if resting { NodeStatus::Stopped } else { NodeStatus::Unknown };
    let state = NodeState { status: node, ready_replicas: 0, message: None, crash_log: Vec::new(), is_rolling: false };
    let mut status = derive(version, &Observed::default(), None, &CrashLogs::default(), Timestamp::UNIX_EPOCH);
    status.nodes.values_mut().for_each(|node| *node = state.clone());
    status.entrypoint = state;
    status.waiting = in_progress(version).then(|| reason.clone());
    status.health = if resting { Health::None } else { Health::Unknown { reason } };
    status
}

pub(super) fn derive(
    version: &VersionRecord,
    observed: &Observed,
    last_error: Option<&str>,
    crash_logs: &CrashLogs,
    now: Timestamp,
) -> Status {
    let input = NodeStatusInput { version, observed, crash_logs };
    let entrypoint = input.node_state(&entrypoint_deployment(&version.name), |labels| {
        labels.get("type").is_some_and(|kind| kind == "entrypoint")
    });
    let mut nodes = BTreeMap::new();
    for workflow in &version.manifest.workflows {
        for node in &workflow.nodes {
            let deployment = node_deployment(&version.name, &workflow.name, &node.name);
            let mut state = input.node_state(&deployment, |labels| {
                labels.get("workflow-name").is_some_and(|name| name == workflow.name.as_str())
                    && labels.get("node-name").is_some_and(|name| name == node.name.as_str())
            });
            if state.status == NodeStatus::Ready
                && let Some(reason) = messaging::unbound(observed, version, workflow, node)
            {
                (state.status, state.message) = (NodeStatus::Starting, Some(reason));
            }
            nodes.insert((workflow.name.clone(), node.name.clone()), state);
        }
    }
    let unready = std::iter::once(("entrypoint".to_owned(), &entrypoint))
        .chain(nodes.iter().map(|((workflow, node), state)| (format!("{workflow}/{node}"), state)))
        .filter(|(_, state)| state.status != NodeStatus::Ready)
        .collect::<Vec<_>>();
    let refused = refused(observed, last_error);
    let health = match (health(version, &unready), &refused) {
        // Something is not as it should be, though it may run well, and cannot be mended.
        (Health::Healthy | Health::Degraded { .. }, Some(refused)) => Health::Degraded { reason: refused.clone() },
        (Health::Healthy, None) if matches!(observed.messaging, ObservedMessaging::Reading) => {
            Health::Unknown { reason: observed.messaging.outage().unwrap_or_default() }
        }
        (Health::Healthy | Health::Degraded { .. }, None) if let Some(reason) = no_messages(observed, version) => {
            Health::Degraded { reason }
        }
        (health, _) => health,
    };
    let rolling_out = rolling_out(version, nodes.values().chain([&entrypoint]));
    let waiting = in_progress(version)
        .then(|| {
            let messages = || waits_for_messages(observed, version);
            refused.or_else(messages).unwrap_or_else(|| waiting_for(version, observed, &unready, nodes.len() + 1, now))
        })
        .map(|waiting| match overdue(version, now) {
            Some(overdue) => format!("{overdue}: {waiting}"),
            None => waiting,
        })
        .or(rolling_out);
    Status { health, waiting, entrypoint, nodes }
}

/// What keeps anything from being changed just now.
fn refused(observed: &Observed, last_error: Option<&str>) -> Option<String> {
    observed.namespace_closed.clone().or_else(|| last_error.map(str::to_owned))
}

/// Why the nodes of a version that runs get no messages, whatever their pods are like.
fn no_messages(observed: &Observed, version: &VersionRecord) -> Option<String> {
    match observed.messaging {
        ObservedMessaging::Off | ObservedMessaging::Reading => None,
        ObservedMessaging::Unreachable { .. } => observed.messaging.outage(),
        ObservedMessaging::Known { .. } => messaging::waits_for(observed, version),
    }
}

/// What keeps a start or a stop from going on, as far as messages are concerned.
fn waits_for_messages(observed: &Observed, version: &VersionRecord) -> Option<String> {
    match version.state() {
        VersionState::Starting => messaging::waits_for(observed, version),
        VersionState::Stopping if !observed.deployments.values().any(|d| belongs_to(d.as_ref(), &version.name)) => {
            let has_pods = observed.pods_of(&version.name).next().is_some();
            observed.messaging.outage().filter(|_| !has_pods)
        }
        _ => None,
    }
}

fn in_progress(version: &VersionRecord) -> bool {
    match version.state() {
        VersionState::Starting | VersionState::Stopping | VersionState::Publishing => true,
        VersionState::Published => version.role == Role::Outgoing,
        VersionState::Stopped | VersionState::Started | VersionState::Archived => false,
    }
}

fn health(version: &VersionRecord, unready: &[(String, &NodeState)]) -> Health {
    if version.desired != Desired::Started || !version.settled {
        return Health::None;
    }
    // Pods that are replaced one after another, as after a change of the configuration, are nothing to worry about.
    let failing: Vec<_> =
        unready.iter().filter(|(_, state)| !(state.is_rolling && state.status == NodeStatus::Starting)).collect();
    let Some((name, state)) = failing.iter().max_by_key(|(_, state)| state.status == NodeStatus::Failing) else {
        return Health::Healthy;
    };
    let why = state.message.as_deref().unwrap_or("not ready");
    let said = state.crash_log.last().map(|line| format!("; last log line: {line}")).unwrap_or_default();
    let others = match failing.len() - 1 {
        0 => String::new(),
        1 => " (and 1 other)".to_owned(),
        more => format!(" (and {more} others)"),
    };
    Health::Degraded { reason: format!("{name}: {why}{said}{others}") }
}

/// That a change, as of the configuration, has not reached all pods of a version that runs.
fn rolling_out<'a>(version: &VersionRecord, states: impl Iterator<Item = &'a NodeState>) -> Option<String> {
    if version.desired != Desired::Started || !version.settled {
        return None;
    }
    let states: Vec<_> = states.collect();
    let done = states.iter().filter(|state| !state.is_rolling).count();
    (done < states.len())
        .then(|| format!("rolling out a change: the pods of {done} of {} deployments are up to date", states.len()))
}

/// That a stop takes longer than it should.
fn overdue(version: &VersionRecord, now: Timestamp) -> Option<String> {
    let deadline = version.deadline.filter(|_| version.state() == VersionState::Stopping)?;
    (deadline <= now).then(|| format!("overdue since {} UTC, still in progress", deadline.strftime("%H:%M:%S")))
}

fn waiting_for(
    version: &VersionRecord,
    observed: &Observed,
    unready: &[(String, &NodeState)],
    all: usize,
    now: Timestamp,
) -> String {
    match version.state() {
        VersionState::Stopping => {
            let pods = observed.pods_of(&version.name).count();
            let deployments = observed.deployments.values().filter(|d| belongs_to(d.as_ref(), &version.name)).count();
            let left =
                format!("waiting for {} and {} to be deleted", count(pods, "pod"), count(deployments, "deployment"));
            let held = blocking_finalizer(version, observed).or_else(|| overdue_pod(version, observed, now));
            left + &held.unwrap_or_default()
        }
        VersionState::Publishing => "switching the published entrypoint to this version".to_owned(),
        VersionState::Published => "switching the published entrypoint away from this version".to_owned(),
        _ => {
            let ready = all - unready.len();
            let said = unready.iter().find_map(|(name, state)| Some(format!("; {name}: {}", state.message.as_ref()?)));
            format!("{ready} of {all} deployments ready{}", said.unwrap_or_default())
        }
    }
}

fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// A pod that should have ended by now: Kubernetes gives the time by which it has to be gone.
fn overdue_pod(version: &VersionRecord, observed: &Observed, now: Timestamp) -> Option<String> {
    let due = |pod: &Pod| pod.metadata.deletion_timestamp.as_ref().map(|at| at.0);
    let (at, name) = observed.pods_of(&version.name).filter_map(|pod| Some((due(pod)?, pod.name_any()))).min()?;
    (at.checked_add(OVERDUE_AFTER).unwrap_or(Timestamp::MAX) < now)
        .then(|| format!("; pod {name} is overdue since {} UTC", at.strftime("%H:%M:%S")))
}

/// Who keeps something of the version from going: finalizers that are not Kubernetes' own way of deleting in order.
fn blocking_finalizer(version: &VersionRecord, observed: &Observed) -> Option<String> {
    let pods = observed.pods_of(&version.name).find_map(foreign_finalizer);
    pods.or_else(|| blocking_finalizer_of(&observed.deployments, version))
        .or_else(|| blocking_finalizer_of(&observed.ingresses, version))
        .or_else(|| blocking_finalizer_of(&observed.services, version))
        .or_else(|| blocking_finalizer_of(&observed.secrets, version))
        .or_else(|| blocking_finalizer_of(&observed.config_maps, version))
}

fn blocking_finalizer_of<K>(objects: &BTreeMap<String, Arc<K>>, version: &VersionRecord) -> Option<String>
where
    K: Resource<DynamicType = ()>,
{
    objects
        .values()
        .filter(|object| belongs_to(object.as_ref(), &version.name))
        .find_map(|object| foreign_finalizer(object.as_ref()))
}

fn foreign_finalizer<K: Resource<DynamicType = ()>>(object: &K) -> Option<String> {
    object.meta().deletion_timestamp.as_ref()?;
    let finalizers = object.meta().finalizers.as_ref()?;
    let foreign = finalizers.iter().find(|finalizer| *finalizer != "foregroundDeletion")?;
    let kind = K::kind(&()).to_lowercase();
    Some(format!("; {kind} {} is blocked by the finalizer {foreign}", object.name_any()))
}

/// What a version's nodes are derived from.
struct NodeStatusInput<'a> {
    version: &'a VersionRecord,
    observed: &'a Observed,
    crash_logs: &'a CrashLogs,
}

struct NodeProblem {
    severity: Severity,
    message: String,
    crash_log: Vec<String>,
}

impl NodeStatusInput<'_> {
    fn node_state(&self, deployment: &str, is_mine: impl Fn(&BTreeMap<String, String>) -> bool) -> NodeState {
        let Self { version, observed, .. } = self;
        let live = observed.deployments.get(deployment);
        let pods: Vec<_> =
            observed.pods_of(&version.name).filter(|pod| pod.meta().labels.as_ref().is_some_and(&is_mine)).collect();
        let progress = live.map(|live| readiness::progress(live));
        let ready_replicas = progress.map_or(0, |progress| progress.available);
        let is_full = progress.is_some_and(|progress| progress.available.min(progress.updated) >= progress.wanted);
        let must_restart = self.must_restart(&pods);
        let problem = self.problem(&pods, live.map(AsRef::as_ref), is_full);
        let fails = problem.as_ref().is_some_and(|problem| problem.severity >= Severity::Failing);
        let status = match version.desired {
            Desired::Started if fails => NodeStatus::Failing,
            Desired::Started if is_full && !must_restart => NodeStatus::Ready,
            Desired::Started => NodeStatus::Starting,
            _ if progress.is_none() && pods.is_empty() => NodeStatus::Stopped,
            _ => NodeStatus::Stopping,
        };
        let problem = problem.filter(|_| matches!(status, NodeStatus::Failing | NodeStatus::Starting));
        let (message, crash_log) = problem.map(|problem| (problem.message, problem.crash_log)).unzip();
        let message =
            message.or_else(|| (must_restart && status == NodeStatus::Starting).then(|| RESTARTING.to_owned()));
        NodeState {
            status,
            ready_replicas,
            message,
            crash_log: crash_log.unwrap_or_default(),
            // These answer nothing meanwhile, unlike pods that a change of the configuration replaces.
            is_rolling: !must_restart && live.is_some_and(|live| readiness::is_rolling(live)),
        }
    }

    /// That pods have to restart because NATS was away for longer than runners survive, until none is left that did not.
    fn must_restart(&self, pods: &[&Pod]) -> bool {
        let Some(due) = self.version.pods_restarted_at else { return false };
        let has = |pod: &Pod| pod.annotations().get(RESTARTED_AT).is_some_and(|at| *at == due.to_string());
        pods.iter().any(|pod| !readiness::is_over(pod) && pod.meta().deletion_timestamp.is_none() && !has(pod))
    }

    /// The worst that there is to say. Pods that are over count only as long as none has taken their place.
    fn problem(&self, pods: &[&Pod], live: Option<&Deployment>, is_full: bool) -> Option<NodeProblem> {
        let of_pods = pods.iter().filter(|pod| !is_full || !readiness::is_over(pod)).filter_map(|pod| {
            let problem = readiness::pod_problem(pod)?;
            let crash_log = self.crash_logs.of(&self.version.runtime, pod).to_vec();
            Some(NodeProblem { severity: problem.severity, message: problem.message, crash_log })
        });
        let of_deployment = live.and_then(readiness::replica_failure).map(|(message, severity)| NodeProblem {
            severity,
            message,
            crash_log: Vec::new(),
        });
        of_pods.chain(of_deployment).max_by_key(|problem| problem.severity)
    }
}

#[cfg(test)]
mod tests;
