//! Deletes versions that have been archived for long enough, when there is a setting for it. What is due is decided by
//! what is stored, so nothing is missed by a server that was off.

use std::{sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::service::Service;

/// A version may stay this much longer.
const INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Runs until told to stop.
pub(crate) async fn run(service: Arc<Service>, retention: Duration, stop: CancellationToken) {
    let mut due = interval(INTERVAL.min(retention));
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = due.tick() => {}
        }
        if let Err(error) = service.delete_archived(retention).await {
            tracing::warn!("could not delete old archived versions: {error}");
        }
    }
}
