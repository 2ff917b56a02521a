//! Checks a KRT file in the browser before it is sent, in a Web Worker: off the page's thread, and so that the page
//! does not contain the KRT format. It uses the same `krt` as the server, so both give the same messages.
//!
//! It knows nothing about pages. It sends [`CheckMessage`]s, as JSON.

mod blob_reader;
mod report;

use domain::{CheckFailure, CheckMessage};
use gloo_file::Blob;
use krt::{CheckError, Limits, ReadOptions};
use wasm_bindgen::{JsCast, JsError, JsValue, prelude::wasm_bindgen};
use web_sys::DedicatedWorkerGlobalScope;

use blob_reader::BlobReader;

/// Checks the file with the limits of the server, which are JSON, and reports its progress. Called once by the
/// worker's script, which tells the page if this throws.
#[wasm_bindgen]
pub fn check(file: web_sys::File, limits: &str) -> Result<(), JsError> {
    let limits: Limits = serde_json::from_str(limits)?;
    let message = check_file(file.into(), &limits)?;
    post(&message);
    Ok(())
}

fn check_file(file: Blob, limits: &Limits) -> Result<CheckMessage, JsError> {
    if file.size() > limits.max_packed_bytes {
        let message = format!("it has {} bytes, and at most {} are allowed", file.size(), limits.max_packed_bytes);
        return Ok(CheckMessage::Done(Box::new(report::too_large(&message, 0))));
    }
    let mut reader = BlobReader::new(file, |bytes| post(&CheckMessage::Read(bytes)))
        .map_err(|error| JsError::new(&format!("no reader: {error:?}")))?;
    let checked = krt::check_with(&mut reader, limits, &ReadOptions::BRIEF);
    let read_bytes = reader.read_bytes();
    let report = match checked {
        Ok(checked) => report::accepted(checked, read_bytes),
        Err(CheckError::Refused { problems, manifest_text }) => report::refused(problems, manifest_text, read_bytes),
        Err(CheckError::TooLarge { message, .. }) => report::too_large(&message, read_bytes),
        Err(CheckError::Read(_)) => return Ok(CheckMessage::Failed(CheckFailure::Unreadable)),
    };
    Ok(CheckMessage::Done(Box::new(report)))
}

fn post(message: &CheckMessage) {
    let global = js_sys::global().unchecked_into::<DedicatedWorkerGlobalScope>();
    if let Ok(text) = serde_json::to_string(message) {
        // A string can always be cloned, so this does not fail.
        let _ = global.post_message(&JsValue::from_str(&text));
    }
}
