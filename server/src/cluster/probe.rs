//! Probes the cluster every few seconds.
//!
//! A connection can break without an error, and a healthy watch may send nothing for minutes. A request with a short timeout
//! of its own detects an outage in seconds, whether anything else is requested or not.

use std::time::Duration;

use domain::{Reachability, Timestamp};
use tokio::{
    sync::{Notify, watch},
    time::{sleep, timeout},
};

use super::Cluster;

/// As [`Cluster::report_failure`] knows it.
const PROBE: &str = "probe";
/// The pause while there is no answer, unless a shorter one is set.
const RETRY: Duration = Duration::from_secs(2);

#[derive(Default)]
pub(super) struct Probes {
    /// Somebody wants to know now.
    wanted: Notify,
    /// How many there were.
    done: watch::Sender<u64>,
}

impl Cluster {
    /// Asks until dropped.
    pub(crate) async fn run_probe(&self) {
        loop {
            let pause =
                if self.probe().await { self.timeouts.probe_interval } else { self.timeouts.probe_interval.min(RETRY) };
            self.probes.done.send_modify(|count| *count += 1);
            tokio::select! {
                () = sleep(pause) => {}
                () = self.probes.wanted.notified() => {}
            }
        }
    }

    /// Whether the cluster is reachable, as the next probe finds, which comes at once. One that is under way will do: its
    /// answer is yet to come, too.
    pub(crate) async fn probe_now(&self) -> bool {
        let mut done = self.probes.done.subscribe();
        self.probes.wanted.notify_one();
        // Its other end is in here.
        let _ = done.changed().await;
        self.info().reachability == Reachability::Reachable
    }

    /// Requests the version, which needs no permission and costs nothing. A refusal is an answer, too.
    ///
    /// All connections are dropped when the cluster stops answering, since those in use may hang for ever; and again when
    /// it answers, since those made meanwhile may have got stuck on the way.
    async fn probe(&self) -> bool {
        let began = Timestamp::now();
        let limit = self.timeouts.probe;
        let error = match timeout(limit, self.client.apiserver_version()).await {
            Ok(Ok(_) | Err(kube::Error::Api(_))) => None,
            Ok(Err(error)) => Some(error),
            Err(_) => Some(kube::Error::Service(format!("no answer within {limit:?}").into())),
        };
        let was_failing = self.is_failing(PROBE);
        if was_failing != error.is_some() {
            self.connections.reset();
        }
        match &error {
            None => self.report_success(PROBE),
            Some(error) => self.report_failure(PROBE, error, began),
        }
        error.is_none()
    }
}
