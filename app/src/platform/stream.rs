//! An answer of the server that is read while it comes, and the pauses of whoever reads it.

use std::time::Duration;

use futures::channel::oneshot;
use gloo_timers::{callback::Timeout, future::TimeoutFuture};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, ReadableStreamDefaultReader, RequestInit, Response,
    js_sys::{Reflect, Uint8Array},
};

use super::Chunk;

/// Ends a request, whether its answer has come or not.
#[derive(Clone)]
pub struct AbortHandle(AbortController);

impl AbortHandle {
    /// None when the browser cannot end requests.
    pub fn new() -> Option<Self> {
        AbortController::new().ok().map(Self)
    }

    pub fn stop(&self) {
        self.0.abort();
    }
}

/// A body that is on its way.
pub struct BodyStream(ReadableStreamDefaultReader);

impl BodyStream {
    /// Asks for an address of this server.
    ///
    /// # Errors
    /// With what came instead of a body to be read.
    pub async fn open(address: &str, stop: &AbortHandle) -> Result<Self, Chunk> {
        let options = RequestInit::new();
        options.set_signal(Some(&stop.0.signal()));
        let asked = window().fetch_with_str_and_init(address, &options);
        let response: Response =
            JsFuture::from(asked).await.ok().and_then(|answer| answer.dyn_into().ok()).ok_or(Chunk::Broken)?;
        if !response.ok() {
            let text = match response.text() {
                Ok(text) => JsFuture::from(text).await.ok().and_then(|text| text.as_string()),
                Err(_) => None,
            };
            return Err(Chunk::Refused(response.status(), text.unwrap_or_default()));
        }
        let body = response.body().ok_or(Chunk::Ended)?;
        Ok(Self(body.get_reader().unchecked_into()))
    }

    /// What came since it was asked last. Nothing more is sent than is asked for, but for what fits into some buffers.
    pub async fn next(&self) -> Chunk {
        let Ok(read) = JsFuture::from(self.0.read()).await else { return Chunk::Broken };
        let part = |name| Reflect::get(&read, &JsValue::from_str(name)).ok();
        match part("value").and_then(|value| value.dyn_into::<Uint8Array>().ok()) {
            Some(bytes) => Chunk::Bytes(bytes.to_vec()),
            None => Chunk::Ended,
        }
    }
}

/// Whether the server is there and ready.
pub async fn server_answers() -> bool {
    let Some(stop) = AbortHandle::new() else { return false };
    BodyStream::open("/readyz", &stop).await.is_ok()
}

/// Until the browser is about to draw. In a window that is not seen it takes as long as that.
pub async fn next_frame() {
    let (done, drawn) = oneshot::channel();
    on_next_frame(move || {
        // Fails only when nobody waits for it any more.
        let _ = done.send(());
    });
    // An error says that the browser draws no more.
    let _ = drawn.await;
}

/// Calls it when the browser is about to draw. Leptos' function of this kind belongs to the effect that calls it, and
/// forgets it when the effect runs again.
pub fn on_next_frame(call: impl FnOnce() + 'static) {
    let call = Closure::once_into_js(call);
    // Fails only where there is no window.
    let _ = window().request_animation_frame(call.unchecked_ref());
}

pub async fn pause(time: Duration) {
    TimeoutFuture::new(millis(time)).await;
}

/// Calls it once, after this time.
pub fn after(time: Duration, call: impl FnOnce() + 'static) {
    Timeout::new(millis(time), call).forget();
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
