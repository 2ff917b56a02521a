//! Which runtimes have changed since they were last taken.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use domain::RuntimeId;
use tokio::sync::Notify;

/// A set of dirty runtimes. Marking one twice before it is taken counts once, so it never holds more entries than there are
/// runtimes.
#[derive(Clone, Default)]
pub struct Changes(Arc<Inner>);

#[derive(Default)]
struct Inner {
    dirty: Mutex<BTreeSet<RuntimeId>>,
    wake: Notify,
}

impl Changes {
    pub fn mark_dirty(&self, runtime: &RuntimeId) {
        self.0.dirty.lock().unwrap_or_else(PoisonError::into_inner).insert(runtime.clone());
        self.0.wake.notify_one();
    }

    /// Waits until there is at least one, and takes them all. For one taker only. Cancel safe.
    pub async fn take(&self) -> BTreeSet<RuntimeId> {
        loop {
            let taken = std::mem::take(&mut *self.0.dirty.lock().unwrap_or_else(PoisonError::into_inner));
            if !taken.is_empty() {
                return taken;
            }
            self.0.wake.notified().await;
        }
    }
}
