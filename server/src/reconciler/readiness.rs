//! What Deployments and pods say about how a version is doing.

use domain::Timestamp;
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ContainerStateTerminated, ContainerStatus, Pod, PodStatus},
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt;

/// How often a container has to have crashed during a start before the start counts as failed. The first restarts come
/// at once and a little later; a node that only waited for another is through by then.
const CRASHES_THAT_FAIL_A_START: i32 = 3;

/// How far a Deployment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) wanted: u32,
    pub(crate) available: u32,
    /// Of the newest template, available or not.
    pub(crate) updated: u32,
    /// All wanted replicas are available, and all are of the newest template.
    pub(crate) complete: bool,
}

/// Why a Deployment is not complete; none when it is.
pub(crate) fn incomplete(deployment: &Deployment) -> Option<String> {
    let Progress { wanted, available, updated, complete } = progress(deployment);
    (!complete).then(|| {
        if updated < wanted {
            format!("{updated} of {wanted} replicas have the current configuration")
        } else if available < wanted {
            format!("{available} of {wanted} replicas are available")
        } else {
            "replicas with the previous configuration are still running".to_owned()
        }
    })
}

pub(crate) fn progress(deployment: &Deployment) -> Progress {
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let status = deployment.status.clone().unwrap_or_default();
    let available = status.available_replicas.unwrap_or(0);
    let current = status.observed_generation >= deployment.metadata.generation;
    let updated = status.updated_replicas.unwrap_or(0);
    // Replicas of an older template that are still there are counted in `replicas` alone.
    let complete = current && available >= wanted && updated >= wanted && status.replicas.unwrap_or(0) <= updated;
    // What was counted before the newest template was seen says nothing of it.
    let updated = if current { unsigned(updated) } else { 0 };
    Progress { wanted: unsigned(wanted), available: unsigned(available.min(wanted)), updated, complete }
}

fn unsigned(count: i32) -> u32 {
    u32::try_from(count).unwrap_or(0)
}

/// What is wrong with a pod, as Kubernetes reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PodProblem {
    pub(crate) pod: String,
    pub(crate) message: String,
    /// The container whose last run left a log that explains it.
    pub(crate) crashed: Option<String>,
    pub(crate) severity: Severity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// The ordinary course of a start.
    Progressing,
    /// Something is wrong that may mend itself.
    Failing,
    /// A start in which this is seen cannot succeed.
    Fatal,
}

/// When a container of this pod last began again after it had ended. Kubernetes may go on calling a pod ready whose
/// container ended and was begun again between two of its looks, so that alone does not make it one that runs.
pub(crate) fn last_restart(pod: &Pod) -> Option<Timestamp> {
    let containers = pod.status.as_ref()?.container_statuses.as_ref()?;
    let restarted = containers.iter().filter(|container| container.restart_count > 0);
    restarted.filter_map(|container| Some(container.state.as_ref()?.running.as_ref()?.started_at.as_ref()?.0)).max()
}

/// An end of a container that was no success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Crashed {
    pub(crate) container: String,
    /// The same for as long as this end is its last.
    pub(crate) run: String,
    /// Its log is that of the container before the present one.
    pub(crate) is_previous: bool,
}

/// The crash that keeps this pod from running; none when it runs, or is on its way out.
pub(crate) fn crash(pod: &Pod) -> Option<Crashed> {
    if pod.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let status = pod.status.as_ref()?;
    let init = status.init_container_statuses.iter().flatten();
    init.chain(status.container_statuses.iter().flatten()).find_map(|container| {
        let state = container.state.as_ref()?;
        let (ended, is_previous) = match (&state.waiting, &state.terminated) {
            (Some(waiting), _) if waiting.reason.as_deref() == Some("CrashLoopBackOff") => {
                (container.last_state.as_ref()?.terminated.as_ref()?, true)
            }
            (None, Some(ended)) if ended.exit_code != 0 => (ended, false),
            _ => return None,
        };
        let at = ended.finished_at.as_ref().map(|at| at.0.to_string());
        let run = at.unwrap_or_else(|| container.restart_count.to_string());
        Some(Crashed { container: container.name.clone(), run, is_previous })
    })
}

/// Whether the pod has ended for good, as one that was evicted; another takes its place.
pub(crate) fn is_over(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Failed" | "Succeeded"))
}

/// Whether the Deployment's pods are being replaced by those of a newer template, and no more of them are missing than
/// that may take.
pub(crate) fn is_rolling(deployment: &Deployment) -> bool {
    let status = deployment.status.clone().unwrap_or_default();
    let Progress { wanted, available, updated, .. } = progress(deployment);
    let all = unsigned(status.replicas.unwrap_or(0));
    let rolling = status.observed_generation < deployment.metadata.generation || updated < wanted || all > updated;
    rolling && available > 0 && available + max_unavailable(deployment, wanted) >= wanted
}

/// How many of a Deployment's replicas a rolling update may take away at once: a quarter unless it says otherwise
/// (Kubernetes API reference, RollingUpdateDeployment).
fn max_unavailable(deployment: &Deployment, wanted: u32) -> u32 {
    let strategy = deployment.spec.as_ref().and_then(|spec| spec.strategy.as_ref());
    let configured = strategy.and_then(|strategy| strategy.rolling_update.as_ref()?.max_unavailable.clone());
    match configured {
        Some(IntOrString::Int(count)) => unsigned(count),
        Some(IntOrString::String(percent)) => {
            let percent = percent.trim_end_matches('%').parse().unwrap_or(25);
            wanted.saturating_mul(percent) / 100
        }
        None => wanted / 4,
    }
}

/// Why this pod is not ready; none when it is, or when it is on its way out.
pub(crate) fn pod_problem(pod: &Pod) -> Option<PodProblem> {
    if pod.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let status = pod.status.as_ref()?;
    let say = |message: String, crashed: Option<String>, severity: Severity| {
        Some(PodProblem { pod: pod.name_any(), message, crashed, severity })
    };
    let init = status.init_container_statuses.iter().flatten();
    if let Some((message, crashed, severity)) =
        init.chain(status.container_statuses.iter().flatten()).find_map(container_problem)
    {
        return say(message, crashed, severity);
    }
    let condition = |kind: &str| status.conditions.iter().flatten().find(|c| c.type_ == kind);
    if let Some(unscheduled) = condition("PodScheduled").filter(|c| c.status == "False") {
        let message = unscheduled.message.clone().unwrap_or_else(|| "no reason given".to_owned());
        return say(format!("unschedulable: {message}"), None, Severity::Failing);
    }
    if condition("Ready").is_some_and(|c| c.status == "True") {
        return None;
    }
    let waiting = status
        .init_container_statuses
        .iter()
        .flatten()
        .find(|c| c.state.as_ref().is_some_and(|s| s.running.is_some()))
        .map(|_| "downloading the KRT file")
        .or_else(|| status.container_statuses.iter().flatten().any(running).then_some("running, not ready yet"));
    let waiting = match (waiting, condition("PodReadyToStartContainers").map(|c| c.status.as_str())) {
        (Some(waiting), _) => waiting.to_owned(),
        // All that a container needs but its image is there then (Kubernetes documentation, "Pod network readiness").
        (None, Some("True")) => waiting_for_image(status),
        (None, Some("False")) => "setting up volumes and network".to_owned(),
        (None, _) => "creating the container".to_owned(),
    };
    say(waiting, None, Severity::Progressing)
}

fn waiting_for_image(status: &PodStatus) -> String {
    let init = status.init_container_statuses.iter().flatten();
    let is_created = |container: &&ContainerStatus| {
        let waiting = container.state.as_ref().and_then(|state| state.waiting.as_ref());
        waiting.is_some_and(|waiting| waiting.reason.as_deref() != Some("PodInitializing"))
    };
    match init.chain(status.container_statuses.iter().flatten()).find(is_created) {
        Some(container) => format!("waiting for the image `{}`", container.image),
        None => "creating the container".to_owned(),
    }
}

fn running(container: &ContainerStatus) -> bool {
    container.state.as_ref().is_some_and(|state| state.running.is_some())
}

fn container_problem(container: &ContainerStatus) -> Option<(String, Option<String>, Severity)> {
    let name = &container.name;
    let state = container.state.as_ref()?;
    if let Some(waiting) = &state.waiting {
        let reason = waiting.reason.as_deref().unwrap_or("");
        let said = waiting.message.as_deref().unwrap_or(reason);
        return match reason {
            // The first refusal may be a registry's bad moment; after the second Kubernetes itself backs off.
            "ErrImagePull" => Some((format!("cannot pull the image: {said}"), None, Severity::Failing)),
            "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => {
                let image = &container.image;
                // Says no more than that; newer kubelets add the registry's answer.
                let why = Some(said).filter(|said| *said != format!("Back-off pulling image \"{image}\""));
                let why = why.map(|said| format!(": {said}")).unwrap_or_default();
                Some((format!("cannot pull the image `{image}`{why}"), None, Severity::Fatal))
            }
            "CrashLoopBackOff" => {
                let severity = if container.restart_count >= CRASHES_THAT_FAIL_A_START {
                    Severity::Fatal
                } else {
                    Severity::Failing
                };
                Some((format!("crash-looping: {}", last_end(container)), Some(name.clone()), severity))
            }
            "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
                Some((format!("cannot create the container: {said}"), None, Severity::Failing))
            }
            _ => None,
        };
    }
    let ended = state.terminated.as_ref().filter(|ended| ended.exit_code != 0)?;
    let message = format!("container `{name}` {}", exit(ended));
    Some((message, Some(name.clone()), Severity::Failing))
}

fn last_end(container: &ContainerStatus) -> String {
    let ended = container.last_state.as_ref().and_then(|state| state.terminated.as_ref());
    let code = ended.map_or_else(|| "ended".to_owned(), exit);
    format!("container `{}` {code}, restarted {} times", container.name, container.restart_count)
}

/// The reason says more than the code alone where it is not the ordinary one, as "OOMKilled".
fn exit(ended: &ContainerStateTerminated) -> String {
    let reason = ended.reason.as_deref().filter(|reason| !matches!(*reason, "" | "Error" | "Completed"));
    let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    format!("ended with exit code {}{reason}", ended.exit_code)
}

/// Why a Deployment cannot even make pods, such as a quota that is used up.
pub(crate) fn replica_failure(deployment: &Deployment) -> Option<(String, Severity)> {
    let conditions = deployment.status.as_ref()?.conditions.as_ref()?;
    let failure = conditions.iter().find(|c| c.type_ == "ReplicaFailure" && c.status == "True")?;
    let said = failure.message.clone().unwrap_or_else(|| "pods cannot be created".to_owned());
    let severity = if is_refusal(&said) { Severity::Fatal } else { Severity::Failing };
    Some((said, severity))
}

/// What a namespace that was made a moment ago has not got yet, one that is being deleted, and a webhook that is not there.
const PASSING: [&str; 4] =
    ["error looking up service account", "status unknown for quota", "is being terminated", "failed calling webhook"];

/// Whether the API server refused the pods for what they are: by a quota, a LimitRange, Pod Security, a validating
/// webhook or its own validation. None of these changes its mind by itself, unlike those that are [`PASSING`].
fn is_refusal(said: &str) -> bool {
    let is_passing = PASSING.iter().any(|passing| said.contains(passing));
    let refusals = ["is forbidden:", "denied the request", "is invalid:"];
    !is_passing && refusals.iter().any(|refusal| said.contains(refusal))
}

#[cfg(test)]
mod tests;
