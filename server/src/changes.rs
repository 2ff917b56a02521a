//! Which runtimes have changed since somebody last looked.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use domain::RuntimeId;
use tokio::sync::Notify;

/// A set of runtimes to look at again. Touching one twice before it is taken counts once, so however many changes there
/// are, it never holds more than there are runtimes.
#[derive(Clone, Default)]
pub struct Changes(Arc<Inner>);

#[derive(Default)]
struct Inner {
    touched: Mutex<BTreeSet<RuntimeId>>,
    wake: Notify,
}

impl Changes {
    pub fn touch(&self, runtime: &RuntimeId) {
        self.0.touched.lock().unwrap_or_else(PoisonError::into_inner).insert(runtime.clone());
        self.0.wake.notify_one();
    }

    /// Waits until there is at least one, and takes them all. For one taker only. Cancel safe.
    pub async fn take(&self) -> BTreeSet<RuntimeId> {
        loop {
            let taken = std::mem::take(&mut *self.0.touched.lock().unwrap_or_else(PoisonError::into_inner));
            if !taken.is_empty() {
                return taken;
            }
            self.0.wake.notified().await;
        }
    }
}
