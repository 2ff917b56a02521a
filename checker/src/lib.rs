//! Checks a KRT file in the browser before it is sent, in a Web Worker: off the page's thread, and so that the page
//! itself need not carry the KRT format. The same `krt` as in the server, so that both say the same.
//!
//! It knows nothing of pages. What it says are [`CheckMessage`], as JSON.

mod report;
mod slices;

use domain::{CheckFailure, CheckMessage};
use gloo_file::Blob;
use krt::{CheckError, Limits, Reading};
use wasm_bindgen::{JsCast, JsError, JsValue, prelude::wasm_bindgen};
use web_sys::DedicatedWorkerGlobalScope;

use slices::Slices;

/// Checks the file within the server's limits, which are JSON, and says how far it is on the way. Called once by the
/// worker's script, which tells the page when this throws.
#[wasm_bindgen]
pub fn check(file: web_sys::File, limits: &str) -> Result<(), JsError> {
    let limits: Limits = serde_json::from_str(limits)?;
    let news = look_into(file.into(), &limits)?;
    say(&news);
    Ok(())
}

fn look_into(file: Blob, limits: &Limits) -> Result<CheckMessage, JsError> {
    if file.size() > limits.max_packed_bytes {
        let message = format!("it has {} bytes, and at most {} are allowed", file.size(), limits.max_packed_bytes);
        return Ok(CheckMessage::Done(Box::new(report::too_large(&message, 0))));
    }
    let mut slices = Slices::new(file, |bytes| say(&CheckMessage::Read(bytes)))
        .map_err(|error| JsError::new(&format!("no reader: {error:?}")))?;
    let checked = krt::check_as(&mut slices, limits, &Reading::BRIEF);
    let read_bytes = slices.read_bytes();
    let report = match checked {
        Ok(checked) => report::accepted(checked, read_bytes),
        Err(CheckError::Refused { problems, manifest_text }) => report::refused(problems, manifest_text, read_bytes),
        Err(CheckError::TooLarge { message, .. }) => report::too_large(&message, read_bytes),
        Err(CheckError::Read(_)) => return Ok(CheckMessage::Failed(CheckFailure::Unreadable)),
    };
    Ok(CheckMessage::Done(Box::new(report)))
}

fn say(news: &CheckMessage) {
    let global = js_sys::global().unchecked_into::<DedicatedWorkerGlobalScope>();
    if let Ok(text) = serde_json::to_string(news) {
        // A string can always be cloned, so this does not fail.
        let _ = global.post_message(&JsValue::from_str(&text));
    }
}
