//! An answer of the server that is read while it comes, and the pauses of whoever reads it.

use std::time::Duration;

use leptos::prelude::{request_animation_frame, set_timeout, window};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, ReadableStreamDefaultReader, RequestInit, Response,
    js_sys::{Function, Promise, Reflect, Uint8Array},
};

use super::Piece;

/// Ends a request, whether its answer has come or not.
#[derive(Clone)]
pub struct Stop(AbortController);

impl Stop {
    /// None when the browser cannot end requests.
    pub fn new() -> Option<Self> {
        AbortController::new().ok().map(Self)
    }

    pub fn stop(&self) {
        self.0.abort();
    }
}

/// A body that is on its way.
pub struct Reading(ReadableStreamDefaultReader);

impl Reading {
    /// Asks for an address of this server.
    ///
    /// # Errors
    /// With what came instead of a body to be read.
    pub async fn open(address: &str, stop: &Stop) -> Result<Self, Piece> {
        let options = RequestInit::new();
        options.set_signal(Some(&stop.0.signal()));
        let asked = window().fetch_with_str_and_init(address, &options);
        let response: Response =
            JsFuture::from(asked).await.ok().and_then(|answer| answer.dyn_into().ok()).ok_or(Piece::Broken)?;
        if !response.ok() {
            let text = match response.text() {
                Ok(text) => JsFuture::from(text).await.ok().and_then(|text| text.as_string()),
                Err(_) => None,
            };
            return Err(Piece::Refused(response.status(), text.unwrap_or_default()));
        }
        let body = response.body().ok_or(Piece::Ended)?;
        Ok(Self(body.get_reader().unchecked_into()))
    }

    /// What came since it was asked last. Nothing more is sent than is asked for, but for what fits into some buffers.
    pub async fn next(&self) -> Piece {
        let Ok(read) = JsFuture::from(self.0.read()).await else { return Piece::Broken };
        let part = |name| Reflect::get(&read, &JsValue::from_str(name)).ok();
        match part("value").and_then(|value| value.dyn_into::<Uint8Array>().ok()) {
            Some(bytes) => Piece::Bytes(bytes.to_vec()),
            None => Piece::Ended,
        }
    }
}

/// Until the browser is about to draw. In a window that is not seen it takes as long as that.
pub async fn next_frame() {
    until(request_animation_frame).await;
}

pub async fn pause(time: Duration) {
    until(|done| set_timeout(done, time)).await;
}

async fn until(begin: impl FnOnce(Box<dyn FnOnce()>)) {
    let mut begin = Some(begin);
    let promise = Promise::new(&mut |resolve: Function, _| {
        if let Some(begin) = begin.take() {
            begin(Box::new(move || {
                // It takes any argument and does not throw.
                let _ = resolve.call0(&JsValue::UNDEFINED);
            }));
        }
    });
    // It is never rejected.
    let _ = JsFuture::from(promise).await;
}
