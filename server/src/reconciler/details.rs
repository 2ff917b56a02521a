//! One node in full, for a person who looks into it: its pods from the watch caches, and what Kubernetes noted of it, which
//! is asked for then and kept nowhere.

use std::{collections::BTreeSet, time::Duration};

use domain::{ContainerDetail, ContainerEnd, ContainerState, NodeEvent, NodeName, PodDetail, Timestamp};
use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::{ContainerState as RawState, ContainerStateTerminated, ContainerStatus, Event, Pod};
use kube::{Api, ResourceExt, api::ListParams};
use tokio::time::{Instant, timeout_at};

use super::{ClusterUnavailable, LogSource, Reconciler, objects, observed::belongs_to, readiness::pod_problem};
use crate::store::VersionRecord;

/// What is listed at most. Newest come first, so what is left out is old.
const MAX_EVENTS: usize = 100;
/// Of how many pods events are asked for; each is a request.
const MAX_PODS_WITH_EVENTS: usize = 20;
const MAX_CONCURRENT_REQUESTS: usize = 8;
/// How long a person waits for all of them.
const EVENTS_TIMEOUT: Duration = Duration::from_secs(8);

/// What the cluster has of a node.
#[derive(Debug, Clone, PartialEq)]
pub struct Details {
    pub namespace: String,
    pub deployment: String,
    /// Newest first.
    pub pods: Vec<PodDetail>,
    /// Newest first.
    pub events: Vec<NodeEvent>,
    /// Why events may be missing.
    pub events_error: Option<String>,
}

impl Reconciler {
    /// # Errors
    /// [`ClusterUnavailable`], which may have passed at the next try.
    pub async fn details(&self, version: &VersionRecord, source: &LogSource) -> Result<Details, ClusterUnavailable> {
        if !self.is_observed() {
            return Err(ClusterUnavailable);
        }
        let namespace = self.0.settings.namespace(&version.runtime);
        let deployment = match &source.workflow {
            Some(workflow) => {
                let node: NodeName = source.node.parse().map_err(|_| ClusterUnavailable)?;
                objects::node_deployment(&version.name, workflow, &node)
            }
            None => objects::entrypoint_deployment(&version.name),
        };
        if let Some(foreign) = self.foreign(&namespace) {
            return Ok(Details { namespace, deployment, pods: vec![], events: vec![], events_error: Some(foreign) });
        }
        let cached = self.0.watches.pods.in_namespace(&namespace);
        let mut pods: Vec<&Pod> = cached
            .values()
            .map(AsRef::as_ref)
            .filter(|pod| belongs_to(*pod, &version.name) && is_of(pod, source))
            .collect();
        pods.sort_by_key(|pod| (std::cmp::Reverse(pod.creation_timestamp().map(|at| at.0)), pod.name_any()));

        let events = Api::<Event>::namespaced(self.0.cluster.client(), &namespace);
        let (mut found, mut is_complete) = (Vec::new(), true);
        let mut answers = stream::iter(event_subjects(&deployment, &pods))
            .map(|name| {
                let events = events.clone();
                async move { events.list(&ListParams::default().fields(&format!("involvedObject.name={name}"))).await }
            })
            .buffer_unordered(MAX_CONCURRENT_REQUESTS);
        let end = Instant::now() + EVENTS_TIMEOUT;
        loop {
            match timeout_at(end, answers.next()).await {
                Ok(None) => break,
                Ok(Some(Ok(list))) => found.extend(list.items.iter().map(node_event)),
                Ok(Some(Err(error))) => {
                    tracing::debug!(deployment, error = error.to_string(), "no events");
                    is_complete = false;
                }
                Err(_) => {
                    is_complete = false;
                    break;
                }
            }
        }
        let events_error = (!is_complete).then(|| "the cluster did not return all events".to_owned());
        // Those of one moment in the order of their texts, so that two answers about the same are the same.
        found.sort_by(|a, b| {
            b.at.cmp(&a.at).then_with(|| (&a.about, &a.reason, &a.message).cmp(&(&b.about, &b.reason, &b.message)))
        });
        found.truncate(MAX_EVENTS);
        let pods = pods.into_iter().map(pod_detail).collect();
        Ok(Details { namespace, deployment, pods, events: found, events_error })
    }
}

fn is_of(pod: &Pod, source: &LogSource) -> bool {
    let label = |name: &str| pod.labels().get(name).map(String::as_str);
    match &source.workflow {
        Some(workflow) => {
            label("type") == Some("node")
                && label("workflow-name") == Some(workflow.as_str())
                && label("node-name") == Some(&source.node)
        }
        None => label("type") == Some("entrypoint"),
    }
}

/// The names of all that events may be about: the Deployment, the ReplicaSets between, the pods.
fn event_subjects(deployment: &str, pods: &[&Pod]) -> BTreeSet<String> {
    let owners = pods.iter().flat_map(|pod| pod.owner_references()).map(|owner| owner.name.clone());
    let named = pods.iter().take(MAX_PODS_WITH_EVENTS).map(|pod| pod.name_any());
    std::iter::once(deployment.to_owned()).chain(owners).chain(named).collect()
}

fn pod_detail(pod: &Pod) -> PodDetail {
    let status = pod.status.clone().unwrap_or_default();
    let conditions = status.conditions.unwrap_or_default();
    let inits = status.init_container_statuses.unwrap_or_default();
    let mains = status.container_statuses.unwrap_or_default();
    let prepared = inits.iter().map(|container| container_detail(container, true));
    let containers: Vec<_> = prepared.chain(mains.iter().map(|container| container_detail(container, false))).collect();
    let ending = pod.metadata.deletion_timestamp.is_some();
    PodDetail {
        name: pod.name_any(),
        phase: if ending { "Terminating".to_owned() } else { status.phase.unwrap_or_else(|| "Unknown".to_owned()) },
        ready: !ending && conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True"),
        restarts: containers.iter().map(|container| container.restarts).sum(),
        created_at: pod.creation_timestamp().map(|at| at.0),
        machine: pod.spec.as_ref().and_then(|spec| spec.node_name.clone()),
        // An evicted pod says why itself.
        message: pod_problem(pod).map(|problem| problem.message).or(status.message),
        containers,
    }
}

fn container_detail(container: &ContainerStatus, prepares: bool) -> ContainerDetail {
    ContainerDetail {
        name: container.name.clone(),
        prepares,
        image: container.image.clone(),
        ready: container.ready,
        restarts: u32::try_from(container.restart_count).unwrap_or(0),
        state: container
            .state
            .as_ref()
            .map_or(ContainerState::Waiting { reason: None, message: None }, container_state),
        last_end: container.last_state.as_ref().and_then(|state| state.terminated.as_ref()).map(container_end),
    }
}

fn container_state(state: &RawState) -> ContainerState {
    if let Some(running) = &state.running {
        return ContainerState::Running { since: running.started_at.as_ref().map(|at| at.0) };
    }
    if let Some(ended) = &state.terminated {
        return ContainerState::Ended(container_end(ended));
    }
    let waiting = state.waiting.clone().unwrap_or_default();
    ContainerState::Waiting { reason: waiting.reason, message: waiting.message }
}

fn container_end(ended: &ContainerStateTerminated) -> ContainerEnd {
    ContainerEnd {
        exit_code: ended.exit_code,
        reason: ended.reason.clone(),
        message: ended.message.clone(),
        at: ended.finished_at.as_ref().map(|at| at.0),
    }
}

/// Kubernetes has two ways to count and to date an Event (API reference, Event v1 core and EventSeries).
fn node_event(event: &Event) -> NodeEvent {
    let series = event.series.as_ref();
    let last_seen = series.and_then(|series| series.last_observed_time.as_ref()).map(|at| at.0);
    let last = event.last_timestamp.as_ref().map(|at| at.0);
    let once = event.event_time.as_ref().map(|at| at.0);
    let at: Option<Timestamp> = last_seen.max(last).or(once).or_else(|| event.creation_timestamp().map(|at| at.0));
    let count = series.and_then(|series| series.count).max(event.count).unwrap_or(1);
    let about = &event.involved_object;
    NodeEvent {
        at,
        warning: event.type_.as_deref() == Some("Warning"),
        reason: event.reason.clone().unwrap_or_default(),
        message: event.message.clone().unwrap_or_default(),
        about: format!("{} {}", about.kind.as_deref().unwrap_or("Object"), about.name.as_deref().unwrap_or("")),
        count: u32::try_from(count).unwrap_or(1).max(1),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(value: serde_json::Value) -> NodeEvent {
        node_event(&serde_json::from_value(value).unwrap())
    }

    #[test]
    fn an_event_is_counted_and_dated_in_either_of_kubernetes_ways() {
        let counted = event(json!({
            "metadata": {}, "type": "Warning", "reason": "BackOff", "message": "Back-off restarting", "count": 4,
            "involvedObject": {"kind": "Pod", "name": "p"},
            "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:05:00Z",
        }));
        assert_eq!((counted.count, counted.warning, counted.about.as_str()), (4, true, "Pod p"));
        assert_eq!(counted.at, "2026-01-01T00:05:00Z".parse().ok());
        let series = event(json!({
            "metadata": {}, "type": "Normal", "reason": "Scheduled", "eventTime": "2026-01-01T00:00:00.000000Z",
            "involvedObject": {"kind": "Pod", "name": "p"},
            "series": {"count": 7, "lastObservedTime": "2026-01-01T01:00:00.000000Z"},
        }));
        assert_eq!((series.count, series.warning), (7, false));
        assert_eq!(series.at, "2026-01-01T01:00:00Z".parse().ok());
    }

    #[test]
    fn a_pod_that_crashes_tells_its_restarts_and_how_it_ended() {
        let pod: Pod = serde_json::from_value(json!({
            "metadata": {"name": "p", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "status": {
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": "False"}],
                "initContainerStatuses": [{
                    "name": "krt-files", "image": "busybox:1", "imageID": "", "ready": true, "restartCount": 0,
                    "state": {"terminated": {"exitCode": 0, "reason": "Completed"}},
                }],
                "containerStatuses": [{
                    "name": "node", "image": "runner:1", "imageID": "", "ready": false, "restartCount": 3,
                    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
                    "lastState": {"terminated": {
                        "exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-01-01T00:03:00Z",
                    }},
                }],
            },
        }))
        .unwrap();
        let detail = pod_detail(&pod);
        assert_eq!((detail.phase.as_str(), detail.ready, detail.restarts), ("Running", false, 3));
        assert!(detail.message.unwrap().starts_with("crash-looping"));
        let [init, node] = detail.containers.as_slice() else { panic!("two containers") };
        assert!(init.prepares && matches!(&init.state, ContainerState::Ended(end) if end.exit_code == 0));
        assert!(!node.prepares);
        assert!(
            matches!(&node.state, ContainerState::Waiting { reason: Some(word), .. } if word == "CrashLoopBackOff")
        );
        let end = node.last_end.clone().unwrap();
        assert_eq!((end.exit_code, end.reason.as_deref()), (137, Some("OOMKilled")));
        assert_eq!(end.at, "2026-01-01T00:03:00Z".parse().ok());
    }

    #[test]
    fn a_pod_that_is_told_to_end_is_not_ready_whatever_it_says() {
        let pod: Pod = serde_json::from_value(json!({
            "metadata": {"name": "p", "deletionTimestamp": "2026-01-01T00:00:00Z"},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
        }))
        .unwrap();
        let detail = pod_detail(&pod);
        assert_eq!((detail.phase.as_str(), detail.ready), ("Terminating", false));
    }
}
