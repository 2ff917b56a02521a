//! How a version is doing, from what was asked and what was last observed. Derived here and nowhere else.

use std::collections::BTreeMap;

use domain::{Desired, Health, NodeStatus, Reachability, Role, VersionState};
use kube::{Resource, ResourceExt};

use super::{
    NodeState, Status,
    objects::{entrypoint_deployment, node_deployment},
    observed::{Observed, belongs_to},
    readiness::{self, Severity},
};
use crate::store::VersionRecord;

/// What keeps a look at the cluster from saying anything.
pub(super) fn blind(version: &VersionRecord, reachability: &Reachability) -> Status {
    let resting = version.settled && version.desired != Desired::Started;
    let why = match reachability {
        Reachability::Unreachable { since, .. } => {
            format!("cluster not reachable since {}", since.strftime("%H:%M:%S"))
        }
        Reachability::Connecting | Reachability::Reachable => "reading what the cluster holds".to_owned(),
    };
    let node = if resting { NodeStatus::Stopped } else { NodeStatus::Unknown };
    let state = NodeState { status: node, ready_replicas: 0, message: None };
    let mut status = derive(version, &Observed::default(), None);
    status.nodes.values_mut().for_each(|node| *node = state.clone());
    status.entrypoint = state;
    status.health = if resting { Health::None } else { Health::Unknown };
    status.waiting = in_progress(version).then_some(why);
    status
}

pub(super) fn derive(version: &VersionRecord, observed: &Observed, trouble: Option<&str>) -> Status {
    let entrypoint = node_state(version, observed, &entrypoint_deployment(&version.name), |labels| {
        labels.get("type").is_some_and(|kind| kind == "entrypoint")
    });
    let mut nodes = BTreeMap::new();
    for workflow in &version.manifest.workflows {
        for node in &workflow.nodes {
            let deployment = node_deployment(&version.name, &workflow.name, &node.name);
            let state = node_state(version, observed, &deployment, |labels| {
                labels.get("workflow-name").is_some_and(|name| name == workflow.name.as_str())
                    && labels.get("node-name").is_some_and(|name| name == node.name.as_str())
            });
            nodes.insert((workflow.name.clone(), node.name.clone()), state);
        }
    }
    let unready = std::iter::once(("entrypoint".to_owned(), &entrypoint))
        .chain(nodes.iter().map(|((workflow, node), state)| (format!("{workflow}/{node}"), state)))
        .filter(|(_, state)| state.status != NodeStatus::Ready)
        .collect::<Vec<_>>();
    let health = health(version, &unready);
    let waiting = in_progress(version).then(|| match trouble {
        Some(trouble) => format!("the cluster refuses: {trouble}"),
        None => waiting_for(version, observed, &unready, nodes.len() + 1),
    });
    Status { health, waiting, entrypoint, nodes }
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
    let Some((name, state)) = unready.iter().max_by_key(|(_, state)| state.status == NodeStatus::Failing) else {
        return Health::Healthy;
    };
    let why = state.message.as_deref().unwrap_or("not ready");
    let others = match unready.len() - 1 {
        0 => String::new(),
        1 => " (and 1 other)".to_owned(),
        more => format!(" (and {more} others)"),
    };
    Health::Degraded { reason: format!("{name}: {why}{others}") }
}

fn waiting_for(version: &VersionRecord, observed: &Observed, unready: &[(String, &NodeState)], all: usize) -> String {
    match version.state() {
        VersionState::Stopping => {
            let pods = observed.pods_of(&version.name).count();
            let deployments = observed.deployments.values().filter(|d| belongs_to(d.as_ref(), &version.name)).count();
            format!("{pods} pods and {deployments} deployments are still to go{}", held_by(version, observed))
        }
        VersionState::Publishing => "the entrypoint is being switched over to it".to_owned(),
        VersionState::Published => "the entrypoint is being switched over from it".to_owned(),
        _ => {
            let ready = all - unready.len();
            let said = unready.iter().find_map(|(name, state)| Some(format!("; {name}: {}", state.message.as_ref()?)));
            format!("{ready} of {all} deployments are ready{}", said.unwrap_or_default())
        }
    }
}

/// Who keeps something of the version from going: finalizers that are not Kubernetes' own way of deleting in order.
fn held_by(version: &VersionRecord, observed: &Observed) -> String {
    fn holder<K: Resource<DynamicType = ()>>(object: &K) -> Option<String> {
        let finalizers = object.meta().finalizers.as_ref()?;
        let foreign = finalizers.iter().find(|finalizer| *finalizer != "foregroundDeletion")?;
        let kind = K::kind(&()).to_lowercase();
        Some(format!("; {kind} {} is held by the finalizer {foreign}", object.name_any()))
    }
    let pods = observed.pods_of(&version.name).find_map(holder);
    let deployments = || observed.deployments.values().filter(|d| belongs_to(d.as_ref(), &version.name));
    let services = || observed.services.values().filter(|s| belongs_to(s.as_ref(), &version.name));
    pods.or_else(|| deployments().find_map(|d| holder(d.as_ref())))
        .or_else(|| services().find_map(|s| holder(s.as_ref())))
        .unwrap_or_default()
}

fn node_state(
    version: &VersionRecord,
    observed: &Observed,
    deployment: &str,
    is_mine: impl Fn(&BTreeMap<String, String>) -> bool,
) -> NodeState {
    let live = observed.deployments.get(deployment);
    let pods: Vec<_> =
        observed.pods_of(&version.name).filter(|pod| pod.meta().labels.as_ref().is_some_and(&is_mine)).collect();
    let progress = live.map(|live| readiness::progress(live));
    let ready_replicas = progress.map_or(0, |progress| progress.available);
    let complaint = pods
        .iter()
        .filter_map(|pod| readiness::complaint(pod))
        .map(|complaint| (complaint.severity, complaint.message))
        .chain(live.and_then(|live| readiness::replica_failure(live)).map(|(said, severity)| (severity, said)))
        .max_by_key(|(severity, _)| *severity);
    let status = match (version.desired, progress) {
        (Desired::Started, Some(progress)) if progress.available >= progress.wanted => NodeStatus::Ready,
        (Desired::Started, _) => match &complaint {
            Some((Severity::Failing | Severity::Fatal, _)) => NodeStatus::Failing,
            _ => NodeStatus::Starting,
        },
        (_, None) if pods.is_empty() => NodeStatus::Stopped,
        _ => NodeStatus::Stopping,
    };
    let message = match status {
        NodeStatus::Failing | NodeStatus::Starting => complaint.map(|(_, message)| message),
        _ => None,
    };
    NodeState { status, ready_replicas, message }
}
