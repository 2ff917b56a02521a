//! What is kept of a failure for the person who has to mend it: the reason, what Kubernetes reported, and the last lines
//! of the log.

use domain::{Failure, Timestamp};
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::{
    Api, Client,
    api::{ListParams, LogParams},
};

use super::plan::Blame;

/// Enough to see a stack trace, little enough to read.
const LOG_LINES: i64 = 20;
const LONGEST_LINE_CHARS: usize = 500;

/// Asks for the events and the log of the pod to blame. That there are none is no reason not to say what is known.
pub(super) async fn explain(client: Client, namespace: &str, blame: Blame, at: Timestamp) -> Failure {
    let Blame { node, mut reason, pod, container } = blame;
    let mut log = Vec::new();
    if let Some(pod) = &pod {
        if let Some(said) = last_warning(client.clone(), namespace, pod).await
            && !reason.contains(&said)
        {
            reason = format!("{reason} ({said})");
        }
        if let Some(container) = &container {
            log = last_lines(client, namespace, pod, container).await;
        }
    }
    Failure { at, node, reason, events: Vec::new(), log }
}

/// The longest of the pod's warnings: "Error: ErrImagePull" and "Back-off pulling image" stand beside the registry's own
/// answer, which is the one that helps.
async fn last_warning(client: Client, namespace: &str, pod: &str) -> Option<String> {
    let of_pod = ListParams::default().fields(&format!("involvedObject.name={pod},type=Warning"));
    match Api::<Event>::namespaced(client, namespace).list(&of_pod).await {
        Ok(events) => events.items.into_iter().filter_map(|event| event.message).max_by_key(String::len),
        Err(error) => {
            tracing::debug!(pod, error = error.to_string(), "no events");
            None
        }
    }
}

async fn last_lines(client: Client, namespace: &str, pod: &str, container: &str) -> Vec<String> {
    let api = Api::<Pod>::namespaced(client, namespace);
    // The container that crashed is the one before; if it has not been restarted yet it is still this one.
    for previous in [true, false] {
        let params = LogParams {
            container: Some(container.to_owned()),
            tail_lines: Some(LOG_LINES),
            previous,
            ..LogParams::default()
        };
        match api.logs(pod, &params).await {
            Ok(text) if !text.trim().is_empty() => {
                return text.lines().map(|line| line.chars().take(LONGEST_LINE_CHARS).collect()).collect();
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(pod, previous, error = error.to_string(), "no log"),
        }
    }
    Vec::new()
}
