//! Tells streams and controllers that the sandbox stops.

use tokio::sync::watch;

/// Triggers the shutdown when dropped, or before by [`ShutdownTrigger::end`].
#[derive(Debug)]
pub(crate) struct ShutdownTrigger(watch::Sender<bool>);

impl ShutdownTrigger {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(crate) fn end(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn shutdown(&self) -> Shutdown {
        Shutdown(self.0.subscribe())
    }
}

/// Observes the shutdown without delaying it.
#[derive(Debug, Clone)]
pub(crate) struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    pub(crate) fn is_triggered(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    pub(crate) async fn triggered(&mut self) {
        // An error means that the sandbox was dropped.
        let _ended = self.0.wait_for(|ended| *ended).await;
    }
}
