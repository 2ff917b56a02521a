//! Outages of NATS: runners survive a short one only. After a longer one they live on, and no request is answered until their
//! pods are restarted (docs/runners.md §7).
//!
//! When an outage began is stored, so that a server that ends during it still knows. That pods have to restart is stored
//! with its end, in one transaction, so that they do so once.

use std::time::Duration;

use domain::{Reachability, Timestamp};
use tokio::time::{sleep, timeout};

use super::{Inner, STORE_TIMEOUT};
use crate::store::StoreError;

/// The pause after the store could not be written to.
const RETRY: Duration = Duration::from_secs(2);

pub(super) async fn run(inner: &Inner) {
    let Some(messaging) = &inner.messaging else { return std::future::pending().await };
    let mut changed = messaging.changed();
    changed.mark_changed();
    loop {
        // Its other end is in there.
        if changed.changed().await.is_err() {
            return;
        }
        let reachability = changed.borrow_and_update().reachability.clone();
        while let Err(error) = record(inner, &reachability).await {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot record whether NATS is reachable");
            sleep(RETRY).await;
        }
        if reachability == Reachability::Reachable {
            messaging.outage_recorded();
        }
    }
}

async fn record(inner: &Inner, reachability: &Reachability) -> Result<(), StoreError> {
    let done = async {
        match reachability {
            Reachability::Unreachable { since, .. } => inner.store.messaging_lost(*since).await,
            Reachability::Reachable => {
                let survived = inner.timings.messaging_outage;
                let restarted = inner.store.messaging_back(Timestamp::now(), survived).await?;
                for runtime in &restarted {
                    inner.wake.mark_dirty(runtime);
                    inner.changed.mark_dirty(runtime);
                }
                if !restarted.is_empty() {
                    tracing::info!(runtimes = restarted.len(), "restarting the pods of all versions that run");
                }
                Ok(())
            }
            Reachability::Connecting | Reachability::Forbidden { .. } => Ok(()),
        }
    };
    timeout(STORE_TIMEOUT, done).await.unwrap_or(Err(StoreError::Timeout(STORE_TIMEOUT)))
}
