//! What is kept of a failure for the person who has to mend it: the reason, what Kubernetes reported, and the last lines
//! of the log.

use std::time::Duration;

use domain::{Failure, Timestamp};
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::{
    Api, Client,
    api::{ListParams, LogParams},
};
use tokio::time::timeout;

use super::plan::FailureCause;

/// Enough to see a stack trace, little enough to read.
const LOG_LINES: usize = 20;
const MAX_EVENTS: usize = 10;
const MAX_LINE_CHARS: usize = 500;
/// How long the cluster may take for the events, and then for the log. That something failed must be recorded soon, with or
/// without its details.
const GATHER_TIMEOUT: Duration = Duration::from_secs(5);

/// Fetches the events and the log of the pod at fault. Without them the failure is recorded with what is known.
pub(super) async fn explain(client: Client, namespace: &str, cause: FailureCause, at: Timestamp) -> Failure {
    let FailureCause { node, mut reason, pod, container } = cause;
    let (mut events, mut log) = (Vec::new(), Vec::new());
    if let Some(pod) = &pod {
        let warnings = timeout(GATHER_TIMEOUT, warnings(client.clone(), namespace, pod)).await.unwrap_or_default();
        if let Some(said) = most_helpful(&warnings)
            && is_new(&reason, said)
        {
            reason = format!("{reason} ({said})");
        }
        events = warnings.iter().map(event_message).collect();
        if let Some(container) = &container {
            // The container that crashed is the one before; if it has not been restarted yet it is still this one.
            let lines = last_lines(client, namespace, (pod, container), LOG_LINES, [true, false]);
            log = timeout(GATHER_TIMEOUT, lines).await.unwrap_or_default();
        }
    }
    Failure { at, node, reason, events, log }
}

/// Whether most of what the event says is new. Kubernetes wraps one error into messages that differ in their beginnings
/// alone (`Back-off pulling image …: E`, `Failed to pull image …: E`); nobody has to read E twice.
fn is_new(reason: &str, said: &str) -> bool {
    let known: usize = said.split(": ").filter(|part| reason.contains(part)).map(str::len).sum();
    known * 2 <= said.len()
}

/// What Kubernetes warned of about this pod, oldest first; the newest of very many.
async fn warnings(client: Client, namespace: &str, pod: &str) -> Vec<Event> {
    let of_pod = ListParams::default().fields(&format!("involvedObject.name={pod},type=Warning"));
    match Api::<Event>::namespaced(client, namespace).list(&of_pod).await {
        Ok(list) => {
            let mut events = list.items;
            events.sort_by_key(last_seen);
            events.split_off(events.len().saturating_sub(MAX_EVENTS))
        }
        Err(error) => {
            tracing::debug!(pod, error = error.to_string(), "no events");
            Vec::new()
        }
    }
}

/// The longest of the warnings: "Error: ErrImagePull" and "Back-off pulling image" stand beside the registry's own answer,
/// which is the one that helps.
fn most_helpful(warnings: &[Event]) -> Option<&String> {
    warnings.iter().filter_map(|event| event.message.as_ref()).max_by_key(|message| message.len())
}

fn last_seen(event: &Event) -> Option<Timestamp> {
    let seen = event.last_timestamp.as_ref().or(event.first_timestamp.as_ref()).map(|at| at.0);
    seen.or(event.event_time.as_ref().map(|at| at.0))
}

/// `BackOff: Back-off restarting failed container, 3 times`.
fn event_message(event: &Event) -> String {
    let parts = [event.reason.as_deref(), event.message.as_deref()];
    let said = parts.into_iter().flatten().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ");
    let times = event.count.filter(|count| *count > 1).map(|count| format!(", {count} times")).unwrap_or_default();
    said.trim().chars().take(MAX_LINE_CHARS).chain(times.chars()).collect()
}

/// The last lines of a container, of the first of its runs (`previous` or not) that logged any.
pub(super) async fn last_lines(
    client: Client,
    namespace: &str,
    (pod, container): (&str, &str),
    lines: usize,
    order: [bool; 2],
) -> Vec<String> {
    let api = Api::<Pod>::namespaced(client, namespace);
    for previous in order {
        let params = LogParams {
            container: Some(container.to_owned()),
            tail_lines: i64::try_from(lines).ok(),
            previous,
            ..LogParams::default()
        };
        match api.logs(pod, &params).await {
            Ok(text) if !text.trim().is_empty() => {
                return text.lines().map(|line| line.chars().take(MAX_LINE_CHARS).collect()).collect();
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(pod, previous, error = error.to_string(), "no log"),
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::is_new;

    #[test]
    fn an_event_is_added_only_when_it_says_more_than_the_reason() {
        let why = "failed to pull and unpack image \"x/y:1\": failed to resolve reference \"x/y:1\": x/y:1: not found";
        let said = format!("Failed to pull image \"x/y:1\": {why}");
        assert!(!is_new(&format!("score: ErrImagePull: {why}"), &said));
        assert!(!is_new(&format!("the start timed out: {said}"), &said));
        assert!(is_new("score: Back-off pulling image \"x/y:1\"", &said));
    }
}
