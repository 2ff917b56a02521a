//! How long NATS may take, by kind of request.

use std::time::Duration;

/// No request to NATS waits without an end.
#[derive(Debug, Clone, Copy)]
pub struct MessagingTimeouts {
    /// Until a connection is made.
    pub connect: Duration,
    /// The pause between two attempts to connect at most.
    pub reconnect: Duration,
    /// A question.
    pub read: Duration,
    /// A change: in a cluster of NATS its servers have to agree on it.
    pub write: Duration,
    /// The probe.
    pub probe: Duration,
    /// The pause between two probes.
    pub probe_interval: Duration,
    /// How often all streams are listed, beside what NATS tells of changes.
    pub relist: Duration,
}

impl Default for MessagingTimeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            // An outage must not look longer than it is: pods are restarted after one.
            reconnect: Duration::from_secs(1),
            read: Duration::from_secs(5),
            write: Duration::from_secs(10),
            probe: Duration::from_secs(3),
            probe_interval: Duration::from_secs(5),
            relist: Duration::from_secs(60),
        }
    }
}
