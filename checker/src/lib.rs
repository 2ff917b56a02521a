//! Checks a KRT file in the browser before it is sent, in a Web Worker: off the page's thread, and so that the page
//! itself need not carry the KRT format. The same `krt` as in the server, so that both say the same.
//!
//! It knows nothing of pages. What it says are [`CheckNews`], as JSON.

mod report;
mod slices;

use domain::{CheckFailure, CheckNews};
use krt::{CheckError, Limits, Reading};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use web_sys::DedicatedWorkerGlobalScope;

use slices::Slices;

/// Checks the file and says how far it is on the way. Called once by the worker's script, which tells the page when
/// this throws.
#[wasm_bindgen]
pub fn check(file: web_sys::File) {
    let mut slices = match Slices::new(file.into(), |bytes| say(&CheckNews::Read(bytes))) {
        Ok(slices) => slices,
        Err(error) => return say(&CheckNews::Failed(CheckFailure::Broken(format!("{error:?}")))),
    };
    let checked = krt::check_as(&mut slices, &Limits::default(), &Reading::BRIEF);
    say(&match checked {
        Err(CheckError::Read(_)) => CheckNews::Failed(CheckFailure::Unreadable),
        checked => CheckNews::Done(Box::new(report::of(checked, slices.read_bytes()))),
    });
}

fn say(news: &CheckNews) {
    let global = js_sys::global().unchecked_into::<DedicatedWorkerGlobalScope>();
    if let Ok(text) = serde_json::to_string(news) {
        // A string can always be cloned, so this does not fail.
        let _ = global.post_message(&JsValue::from_str(&text));
    }
}
