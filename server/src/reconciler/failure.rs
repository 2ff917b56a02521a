//! What is kept of a failure for the person who has to mend it: the reason, and the last lines of the log.

use domain::{Failure, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client, api::LogParams};

use super::plan::Blame;

/// Enough to see a stack trace, little enough to read.
const LOG_LINES: i64 = 20;
const LONGEST_LINE_CHARS: usize = 500;

/// Asks for the log of the container to blame. That there is none is no reason not to say what is known.
pub(super) async fn explain(client: Client, namespace: &str, blame: Blame, at: Timestamp) -> Failure {
    let log = match &blame.log_of {
        Some((pod, container)) => last_lines(client, namespace, pod, container).await,
        None => Vec::new(),
    };
    Failure { at, node: blame.node, reason: blame.reason, log }
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
