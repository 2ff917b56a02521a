//! Whether the person sees the page: its tab is in front, and its window not minimised.

use futures::{StreamExt, channel::mpsc::unbounded};
use gloo_events::EventListener;
use leptos::prelude::document;

pub fn is_seen() -> bool {
    !document().hidden()
}

/// Returns at once when it is seen.
pub async fn until_seen() {
    until(true).await;
}

/// Returns at once when it is not seen.
pub async fn until_hidden() {
    until(false).await;
}

async fn until(seen: bool) {
    let (sender, mut changes) = unbounded();
    let _listener = EventListener::new(&document(), "visibilitychange", move |_| {
        // Fails only when nobody waits for it any more.
        let _ = sender.unbounded_send(());
    });
    while document().hidden() == seen {
        changes.next().await;
    }
}
