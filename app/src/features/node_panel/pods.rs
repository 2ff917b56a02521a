//! The pods of a node, each with its containers and what keeps it from being ready.

use domain::{ContainerDetail, ContainerEnd, ContainerState, PodDetail};
use leptos::prelude::*;

use crate::{
    error::sentence,
    features::time::RelativeTime,
    format,
    ui::{
        icon::{Icon, Shape},
        inline_code::render_inline_code,
    },
};

/// None while they are not known yet.
#[component]
pub fn PodList(pods: Signal<Option<Vec<PodDetail>>>) -> impl IntoView {
    // Drawn anew only when something about them has changed.
    let pods = Memo::new(move |_| pods.get());
    move || match pods.get() {
        None => view! { <p class="quiet">"Unknown."</p> }.into_any(),
        Some(pods) if pods.is_empty() => {
            view! { <p class="quiet">"None. Pods are created when the version is started."</p> }.into_any()
        }
        Some(pods) => {
            let pods: Vec<_> = pods.into_iter().map(pod_item).collect();
            view! { <ul class="pods" role="list">{pods}</ul> }.into_any()
        }
    }
}

fn pod_item(pod: PodDetail) -> AnyView {
    let (tone, shape, word) = look(&pod);
    let restarts = (pod.restarts > 0).then(|| format::count(pod.restarts, "restart", "restarts"));
    let failing = tone == "bad";
    let containers: Vec<_> = pod.containers.into_iter().map(container_item).collect();
    view! {
        <li class="pod">
            <p class="pod__head">
                <span class="badge badge--plain" data-tone=tone><Icon shape/>{word}</span>
                <code class="pod__name">{pod.name}</code>
            </p>
            <p class="pod__facts">
                <span>{pod.phase}</span>
                {restarts.map(|restarts| view! { <span class="pod__restarts">{restarts}</span> })}
                {pod.created_at.map(|at| view! { <span>"created "<RelativeTime at/></span> })}
                {pod.machine.map(|machine| view! { <span>"on "<code>{machine}</code></span> })}
            </p>
            {pod.message.map(|message| view! {
                <p class="node-panel__message" data-tone=if failing { "bad" } else { "plain" }>{render_inline_code(&sentence(&message))}</p>
            })}
            <ul class="containers" role="list">{containers}</ul>
        </li>
    }
    .into_any()
}

/// How a pod is doing, at a glance.
fn look(pod: &PodDetail) -> (&'static str, Shape, &'static str) {
    let failing = pod.containers.iter().any(is_failing);
    match pod.phase.as_str() {
        "Terminating" => ("busy", Shape::ArrowDown, "terminating"),
        _ if pod.ready => ("good", Shape::Check, "ready"),
        "Failed" => ("bad", Shape::Cross, "failed"),
        _ if failing => ("bad", Shape::Cross, "failing"),
        _ => ("busy", Shape::Arc, "not ready"),
    }
}

/// What Kubernetes calls the ordinary course of a start.
const ORDINARY: [&str; 2] = ["ContainerCreating", "PodInitializing"];

fn is_failing(container: &ContainerDetail) -> bool {
    match &container.state {
        ContainerState::Waiting { reason: Some(reason), .. } => !ORDINARY.contains(&reason.as_str()),
        ContainerState::Ended(end) => end.exit_code != 0,
        ContainerState::Waiting { reason: None, .. } | ContainerState::Running { .. } => false,
    }
}

fn container_item(container: ContainerDetail) -> AnyView {
    let failing = is_failing(&container);
    // One that has prepared well has nothing more to say.
    let (word, more, at) = state_words(&container.state);
    let last = container.last_end.map(|end| (end_words(&end), end.at));
    view! {
        <li class="container">
            <p>
                <code>{container.name}</code>
                {container.prepares.then_some(" (init container)")}
                ": "
                <span class:container__bad=failing>{word}</span>
                {at.map(|at| view! { " "<RelativeTime at/> })}
                {(container.restarts > 0).then(|| format!(", restarted {}", format::count(container.restarts, "time", "times")))}
            </p>
            {more.map(|more| view! { <p class="container__more">{render_inline_code(&more)}</p> })}
            {last.map(|(words, at)| view! {
                <p class="container__more">"Previously: "{words}{at.map(|at| view! { " "<RelativeTime at/> })}</p>
            })}
        </li>
    }
    .into_any()
}

fn state_words(state: &ContainerState) -> (String, Option<String>, Option<domain::Timestamp>) {
    match state {
        ContainerState::Waiting { reason, message } => {
            (reason.clone().unwrap_or_else(|| "waiting".to_owned()), message.clone(), None)
        }
        ContainerState::Running { since } => ("running, since".to_owned(), None, *since),
        ContainerState::Ended(end) => (end_words(end), end.message.clone(), end.at),
    }
}

/// `OOMKilled, exit code 137`.
fn end_words(end: &ContainerEnd) -> String {
    let reason = end.reason.clone().unwrap_or_else(|| "ended".to_owned());
    format!("{reason}, exit code {}", end.exit_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(state: ContainerState) -> ContainerDetail {
        ContainerDetail {
            name: "node".to_owned(),
            prepares: false,
            image: "runner:1".to_owned(),
            ready: false,
            restarts: 0,
            state,
            last_end: None,
        }
    }

    fn pod(phase: &str, ready: bool, state: ContainerState) -> PodDetail {
        PodDetail {
            name: "p".to_owned(),
            phase: phase.to_owned(),
            ready,
            restarts: 0,
            created_at: None,
            machine: None,
            message: None,
            containers: vec![container(state)],
        }
    }

    fn waiting(reason: &str) -> ContainerState {
        ContainerState::Waiting { reason: Some(reason.to_owned()), message: None }
    }

    fn ended(exit_code: i32) -> ContainerState {
        ContainerState::Ended(ContainerEnd { exit_code, reason: None, message: None, at: None })
    }

    #[test]
    fn a_pod_is_seen_to_fail_only_when_it_does() {
        let words = |pod: PodDetail| look(&pod).2;
        assert_eq!(words(pod("Running", true, ContainerState::Running { since: None })), "ready");
        assert_eq!(words(pod("Pending", false, waiting("ContainerCreating"))), "not ready");
        assert_eq!(words(pod("Running", false, waiting("CrashLoopBackOff"))), "failing");
        assert_eq!(words(pod("Pending", false, waiting("ImagePullBackOff"))), "failing");
        assert_eq!(words(pod("Running", false, ended(1))), "failing");
        assert_eq!(words(pod("Running", false, ended(0))), "not ready");
        assert_eq!(words(pod("Failed", false, ended(1))), "failed");
        assert_eq!(words(pod("Terminating", false, waiting("CrashLoopBackOff"))), "terminating");
    }

    #[test]
    fn an_end_is_told_with_its_code() {
        let end = ContainerEnd { exit_code: 137, reason: Some("OOMKilled".to_owned()), message: None, at: None };
        assert_eq!(end_words(&end), "OOMKilled, exit code 137");
    }
}
