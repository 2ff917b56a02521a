//! The event stream of the server. It is open only while the page is seen: over HTTP/1.1 a browser has six connections
//! to a server, for all tabs together.

use std::{pin::pin, time::Duration};

use futures::{
    StreamExt,
    channel::mpsc::{UnboundedSender, unbounded},
    future::{Either, select},
};
use gloo_events::EventListener;
use web_sys::{EventSource, MessageEvent};

use super::{
    pause,
    visibility::{until_hidden, until_seen},
};

const URL: &str = "/api/v1/events";
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

enum News {
    Message(String),
    Broken,
}

/// Closed when dropped.
struct Connection {
    source: EventSource,
    _listeners: [EventListener; 2],
}

impl Connection {
    fn open(news: UnboundedSender<News>) -> Option<Self> {
        let source = EventSource::new(URL).ok()?;
        let broken = news.clone();
        let on_message = EventListener::new(&source, "message", move |event| {
            let text = wasm_bindgen::JsCast::dyn_ref::<MessageEvent>(event).and_then(|event| event.data().as_string());
            if let Some(text) = text {
                // Fails only when nobody waits for it any more.
                let _ = news.unbounded_send(News::Message(text));
            }
        });
        let on_error = EventListener::new(&source, "error", move |_| {
            let _ = broken.unbounded_send(News::Broken);
        });
        Some(Self { source, _listeners: [on_message, on_error] })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.source.close();
    }
}

/// The browser tells nobody why a stream did not open.
async fn is_signed_in() -> bool {
    let Some(window) = web_sys::window() else { return true };
    let answer = wasm_bindgen_futures::JsFuture::from(window.fetch_with_str("/api/v1/me")).await;
    let answer = answer.ok().and_then(|answer| wasm_bindgen::JsCast::dyn_into::<web_sys::Response>(answer).ok());
    answer.is_none_or(|answer| answer.status() != 401)
}

/// Follows the stream for as long as the page lives. The browser would connect again by itself, but not after an answer
/// that is no stream (a proxy's error page while the server restarts); here it is done with growing pauses in any case.
/// `on_lost` is told whether the server still knows who is here, as far as it answers.
pub async fn follow_events(on_message: impl Fn(String), on_lost: impl Fn(bool)) {
    let mut next_pause = FIRST_PAUSE;
    loop {
        until_seen().await;
        let (sender, mut news) = unbounded();
        // None when the browser refuses; then there is no news either.
        let connection = Connection::open(sender);
        let is_broken = loop {
            match select(news.next(), pin!(until_hidden())).await {
                Either::Left((Some(News::Message(text)), _)) => {
                    next_pause = FIRST_PAUSE;
                    on_message(text);
                }
                Either::Left((Some(News::Broken) | None, _)) => break true,
                Either::Right(_) => break false,
            }
        };
        drop(connection);
        if is_broken {
            on_lost(is_signed_in().await);
            pause(next_pause).await;
            next_pause = (next_pause * 2).min(LONGEST_PAUSE);
        }
    }
}
