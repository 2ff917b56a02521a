//! The end of a sandbox, as its streams and controllers see it.

use tokio::sync::watch;

/// Ends everything when it is dropped, or before.
#[derive(Debug)]
pub(crate) struct Life(watch::Sender<bool>);

impl Life {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(crate) fn end(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn ending(&self) -> Ending {
        Ending(self.0.subscribe())
    }
}

/// Tells when the end has come; does not hold it off.
#[derive(Debug, Clone)]
pub(crate) struct Ending(watch::Receiver<bool>);

impl Ending {
    pub(crate) fn has_come(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    pub(crate) async fn comes(&mut self) {
        // An error means that the sandbox was dropped, which is an end too.
        let _ended = self.0.wait_for(|ended| *ended).await;
    }
}
