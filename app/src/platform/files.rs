//! Files that a person drops or picks, and sending one with its progress.

use std::rc::Rc;

pub use gloo_file::File;
use leptos::ev::{DragEvent, Event};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{FileList, HtmlInputElement, ProgressEvent, XmlHttpRequest};

use super::UploadOutcome;

/// Whether files are being dragged (and not, say, selected text).
pub fn drags_files(event: &DragEvent) -> bool {
    event.data_transfer().is_some_and(|data| data.types().includes(&"Files".into(), 0))
}

pub fn dragged_files(event: &DragEvent) -> Vec<File> {
    event.data_transfer().and_then(|data| data.files()).map(files).unwrap_or_default()
}

/// The files that were picked in the input that the event is of, which is emptied so that the same can be picked again.
pub fn picked_files(event: &Event) -> Vec<File> {
    let Some(input) = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok()) else {
        return Vec::new();
    };
    let picked = input.files().map(files).unwrap_or_default();
    input.set_value("");
    picked
}

fn files(list: FileList) -> Vec<File> {
    gloo_file::FileList::from(list).to_vec()
}

/// A file on its way. Dropping it does not stop it; [`Sending::cancel`] does.
#[derive(Clone)]
pub struct Sending(XmlHttpRequest);

impl Sending {
    pub fn cancel(&self) {
        // Fails only when there is nothing to abort any more.
        let _ = self.0.abort();
    }
}

/// Sends the file as a raw body. `on_progress` gets how many bytes have left, `on_end` is called once.
/// None when the browser refuses to send at all.
///
/// Uses XMLHttpRequest because fetch reports no upload progress.
pub fn send_file(
    file: &File,
    url: &str,
    on_progress: impl Fn(u64) + 'static,
    on_end: impl Fn(UploadOutcome) + 'static,
) -> Option<Sending> {
    let request = XmlHttpRequest::new().ok()?;
    request.open("POST", url).ok()?;
    request.set_request_header("content-type", "application/gzip").ok()?;
    request.set_request_header("accept", "application/json").ok()?;

    let progress =
        Closure::<dyn Fn(ProgressEvent)>::new(move |event: ProgressEvent| on_progress(event.loaded() as u64));
    if let Ok(upload) = request.upload() {
        upload.set_onprogress(Some(progress.as_ref().unchecked_ref()));
    }
    progress.forget();

    let on_end = Rc::new(on_end);
    let end_with = |outcome: Box<dyn Fn() -> UploadOutcome>| {
        let on_end = Rc::clone(&on_end);
        Closure::<dyn Fn(ProgressEvent)>::new(move |_| on_end(outcome())).into_js_value()
    };
    let answered = request.clone();
    let load = end_with(Box::new(move || {
        let status = answered.status().unwrap_or(0);
        UploadOutcome::Answered(status, answered.response_text().ok().flatten().unwrap_or_default())
    }));
    request.set_onload(Some(load.unchecked_ref()));
    request.set_onerror(Some(end_with(Box::new(|| UploadOutcome::Broken)).unchecked_ref()));
    request.set_ontimeout(Some(end_with(Box::new(|| UploadOutcome::Broken)).unchecked_ref()));
    request.set_onabort(Some(end_with(Box::new(|| UploadOutcome::Cancelled)).unchecked_ref()));

    let blob: &web_sys::Blob = file.as_ref();
    request.send_with_opt_blob(Some(blob)).ok()?;
    Some(Sending(request))
}
