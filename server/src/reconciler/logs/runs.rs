//! Which run of which container of a pod has the log that is wanted. Pure.

use domain::{LogLine, LogText, Timestamp};
use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod};
use kube::ResourceExt;

use super::LogSource;
use crate::reconciler::objects::VERSION_LABEL;

/// The init container that fetches the KRT file. Its log is shown for as long as it is what a pod waits for.
const INIT: &str = "krt-files";

/// One run of a container, from its start to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) source: LogSource,
    pub(super) pod: String,
    pub(super) pod_uid: String,
    pub(super) container: String,
    /// What tells it from the runs of this container before and after it.
    pub(super) id: String,
    /// More is to come: its container runs, and its pod is not being deleted.
    pub(super) is_running: bool,
}

impl Run {
    pub(super) fn line(&self, time: Timestamp, text: LogText) -> LogLine {
        LogLine {
            time,
            workflow: self.source.workflow.clone(),
            node: self.source.node.clone(),
            pod: self.pod.clone(),
            container: self.container.clone(),
            text,
        }
    }
}

/// The last run, or the one before it, of the pod's own container; none when there is none, or when the pod is not of
/// this version. What others put into the pod (a mesh's proxy) is not the node's log.
pub(super) fn run_of(pod: &Pod, version: &str, previous: bool) -> Option<Run> {
    let labels = pod.labels();
    if labels.get(VERSION_LABEL).is_none_or(|name| name != version) {
        return None;
    }
    // A pod's own container is called as its type.
    let main = labels.get("type")?;
    let source = match main.as_str() {
        "entrypoint" => LogSource { workflow: None, node: main.clone() },
        "node" => LogSource {
            workflow: Some(labels.get("workflow-name")?.parse().ok()?),
            node: labels.get("node-name")?.clone(),
        },
        _ => return None,
    };
    let status = pod.status.as_ref()?;
    let of = |container: &ContainerStatus| {
        let (id, is_running) = if previous { previous_run(container)? } else { last_run(container)? };
        Some(Run {
            source: source.clone(),
            pod: pod.name_any(),
            pod_uid: pod.uid().unwrap_or_default(),
            container: container.name.clone(),
            id,
            is_running: is_running && pod.metadata.deletion_timestamp.is_none(),
        })
    };
    let main = status.container_statuses.iter().flatten().find(|container| container.name == *main);
    let init = status.init_container_statuses.iter().flatten().find(|container| container.name == INIT);
    main.and_then(of).or_else(|| init.filter(|init| !has_succeeded(init)).and_then(of))
}

fn last_run(container: &ContainerStatus) -> Option<(String, bool)> {
    let state = container.state.as_ref()?;
    if let Some(running) = &state.running {
        let id = container.container_id.clone().filter(|id| !id.is_empty());
        let started = || running.started_at.as_ref().map(|at| at.0.to_string()).unwrap_or_default();
        return Some((id.unwrap_or_else(started), true));
    }
    // While it waits to be started again, the log is that of the run before (as `kubectl logs` has it).
    state.terminated.as_ref().map(ended).or_else(|| previous_run(container))
}

fn previous_run(container: &ContainerStatus) -> Option<(String, bool)> {
    container.last_state.as_ref()?.terminated.as_ref().map(ended)
}

fn ended(run: &ContainerStateTerminated) -> (String, bool) {
    let id = run.container_id.clone().filter(|id| !id.is_empty());
    let started = || run.started_at.as_ref().map(|at| at.0.to_string()).unwrap_or_default();
    (id.unwrap_or_else(started), false)
}

fn has_succeeded(container: &ContainerStatus) -> bool {
    let ended = container.state.as_ref().and_then(|state| state.terminated.as_ref());
    ended.is_some_and(|ended| ended.exit_code == 0)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use serde_json::{Value, json};

    use super::*;
    use crate::reconciler::{fixture, objects::version_objects};

    fn pod(status: Value) -> Pod {
        let labels = json!({ "version-name": "v1", "type": "node", "workflow-name": "work", "node-name": "first" });
        let metadata = json!({ "name": "p", "uid": "u", "labels": labels });
        serde_json::from_value(json!({ "metadata": metadata, "status": status })).unwrap()
    }

    fn seen(status: Value, previous: bool) -> Option<(String, String, bool)> {
        run_of(&pod(status), "v1", previous).map(|run| (run.container, run.id, run.is_running))
    }

    fn container(name: &str, state: Value, last: Value) -> Value {
        let shape = json!({ "name": name, "image": "i", "imageID": "", "ready": false, "restartCount": 0 });
        let mut container = shape.as_object().unwrap().clone();
        container.extend([("state".into(), state), ("lastState".into(), last), ("containerID".into(), "now".into())]);
        container.into()
    }

    fn terminated(id: &str, exit_code: i32) -> Value {
        json!({ "terminated": { "containerID": id, "exitCode": exit_code } })
    }

    fn run(container: &str, id: &str, is_running: bool) -> Option<(String, String, bool)> {
        Some((container.to_owned(), id.to_owned(), is_running))
    }

    #[test]
    fn the_last_run_is_the_one_under_way_or_else_the_one_that_ended_last() {
        let running = json!({ "running": { "startedAt": "2026-01-01T00:00:00Z" } });
        let waiting = json!({ "waiting": { "reason": "CrashLoopBackOff" } });
        for (state, last, expected, previous) in [
            (&running, json!({}), run("node", "now", true), None),
            (&running, terminated("before", 1), run("node", "now", true), run("node", "before", false)),
            (&terminated("now", 1), terminated("before", 1), run("node", "now", false), run("node", "before", false)),
            (&waiting, terminated("before", 1), run("node", "before", false), run("node", "before", false)),
            (&waiting, json!({}), None, None),
        ] {
            let status = json!({ "containerStatuses": [
                container("proxy", running.clone(), json!({})), container("node", state.clone(), last),
            ] });
            assert_eq!(seen(status.clone(), false), expected, "{status}");
            assert_eq!(seen(status.clone(), true), previous, "{status}");
        }
    }

    #[test]
    fn the_fetching_of_the_file_is_shown_until_it_has_succeeded() {
        let waiting = json!({ "waiting": { "reason": "PodInitializing" } });
        let running = json!({ "running": { "startedAt": "2026-01-01T00:00:00Z" } });
        for (state, expected) in [
            (running, run("krt-files", "now", true)),
            (terminated("now", 1), run("krt-files", "now", false)),
            (terminated("now", 0), None),
        ] {
            let status = json!({
                "initContainerStatuses": [container("krt-files", state, json!({}))],
                "containerStatuses": [container("node", waiting.clone(), json!({}))],
            });
            assert_eq!(seen(status.clone(), false), expected, "{status}");
        }
    }

    #[test]
    fn of_a_pod_that_is_told_to_end_no_more_is_waited_for_than_what_is_there() {
        let running = json!({ "running": { "startedAt": "2026-01-01T00:00:00Z" } });
        let mut pod = pod(json!({ "containerStatuses": [container("node", running, json!({}))] }));
        assert!(run_of(&pod, "v1", false).is_some_and(|run| run.is_running));
        pod.metadata.deletion_timestamp = Some(Time(Timestamp::UNIX_EPOCH));
        assert!(run_of(&pod, "v1", false).is_some_and(|run| !run.is_running && run.id == "now"));
    }

    #[test]
    fn a_pod_of_another_version_or_without_a_status_has_none() {
        let status = json!({ "containerStatuses": [container("node", terminated("now", 0), json!({}))] });
        assert!(run_of(&pod(status.clone()), "v1", false).is_some());
        assert!(run_of(&pod(status), "v2", false).is_none());
        assert!(run_of(&pod(Value::Null), "v1", false).is_none());
    }

    #[test]
    fn the_containers_that_are_read_are_those_that_our_deployments_have() {
        let objects = version_objects(&fixture::version(Default::default(), "v1"), &fixture::settings());
        for deployment in objects.deployments {
            let template = deployment.spec.unwrap().template;
            let (labels, spec) = (template.metadata.unwrap().labels.unwrap(), template.spec.unwrap());
            assert_eq!(spec.containers[0].name, labels["type"]);
            assert_eq!(spec.init_containers.unwrap()[0].name, INIT);
        }
    }
}
