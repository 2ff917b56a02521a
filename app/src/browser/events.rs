//! The event stream. The browser reconnects by itself after a broken connection, but not after an answer that is no
//! stream (a proxy's error page while the server restarts); then a new one is opened here.

use std::{rc::Rc, time::Duration};

use leptos::prelude::set_timeout;
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{Event, EventSource, MessageEvent};

const URL: &str = "/api/v1/events";
const REOPEN_AFTER: Duration = Duration::from_secs(2);

struct Handlers {
    on_message: Box<dyn Fn(String)>,
    on_lost: Box<dyn Fn()>,
}

/// Opens the stream for as long as the page lives.
pub fn follow_events(on_message: impl Fn(String) + 'static, on_lost: impl Fn() + 'static) {
    open(Rc::new(Handlers { on_message: Box::new(on_message), on_lost: Box::new(on_lost) }));
}

fn open(handlers: Rc<Handlers>) {
    let Ok(source) = EventSource::new(URL) else {
        (handlers.on_lost)();
        return;
    };
    let receiver = Rc::clone(&handlers);
    let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        if let Some(text) = event.data().as_string() {
            (receiver.on_message)(text);
        }
    });
    let failing = source.clone();
    let on_error = Closure::<dyn Fn(Event)>::new(move |_| {
        (handlers.on_lost)();
        if failing.ready_state() == EventSource::CLOSED {
            failing.set_onerror(None);
            let handlers = Rc::clone(&handlers);
            set_timeout(move || open(handlers), REOPEN_AFTER);
        }
    });
    source.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
    // They live as long as the page.
    on_message.forget();
    on_error.forget();
}
