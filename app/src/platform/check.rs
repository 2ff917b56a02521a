//! The worker that checks a file: started for one file, and ended with its last word, or when nobody wants it any more.

use std::{cell::Cell, rc::Rc};

use domain::{CheckFailure, CheckMessage};
use leptos::prelude::document;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{Event, MessageEvent, Worker, js_sys::Array};

use super::File;

/// A check under way. Dropping it ends it, and nothing more is heard of it.
pub struct Checking {
    worker: Worker,
    ended: Rc<Cell<bool>>,
    // The worker calls them for as long as it lives.
    _on_message: Closure<dyn Fn(MessageEvent)>,
    _on_error: Closure<dyn Fn(Event)>,
}

impl Drop for Checking {
    fn drop(&mut self) {
        self.ended.set(true);
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

/// Begins to check the file; the page says by which worker and within which limits. `on_news` is called in a later task of the page, until its last word. None when the browser
/// has no workers.
pub fn check_file(file: &File, on_news: impl Fn(CheckMessage) + 'static) -> Option<Checking> {
    let page = document().query_selector("meta[name=checker]").ok()??;
    let worker = Worker::new(&page.get_attribute("content")?).ok()?;
    let ended = Rc::new(Cell::new(false));
    let on_news = {
        let (worker, ended) = (worker.clone(), Rc::clone(&ended));
        Rc::new(move |news: CheckMessage| {
            if ended.get() {
                return;
            }
            if !matches!(news, CheckMessage::Read(_)) {
                ended.set(true);
                // Its memory goes with it.
                worker.terminate();
            }
            on_news(news);
        })
    };
    let receive = Rc::clone(&on_news);
    let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        let text = event.data().as_string().unwrap_or_default();
        // A worker of another release may send a message that this page does not know.
        receive(serde_json::from_str(&text).unwrap_or_else(|error| broken(&error.to_string())));
    });
    let on_error = Closure::<dyn Fn(Event)>::new(move |_| on_news(broken("the worker did not start")));
    worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
    let (blob, limits): (&web_sys::Blob, _) = (file.as_ref(), page.get_attribute("data-limits")?);
    worker.post_message(&Array::of2(blob, &JsValue::from_str(&limits))).ok()?;
    Some(Checking { worker, ended, _on_message: on_message, _on_error: on_error })
}

fn broken(why: &str) -> CheckMessage {
    CheckMessage::Failed(CheckFailure::Broken(why.to_owned()))
}
