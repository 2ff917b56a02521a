//! The browser APIs that the pages use, in one place. Called only by effects, event handlers and what loads parts.
//!
//! On the server there are the same names, which do nothing and are never called.

#[cfg(feature = "hydrate")]
use leptos::prelude::LocalStorage;
use leptos::prelude::StoredValue;

#[cfg(not(feature = "hydrate"))]
mod absent;
#[cfg(feature = "hydrate")]
mod answer;
#[cfg(feature = "hydrate")]
mod check;
#[cfg(feature = "hydrate")]
mod events;
#[cfg(feature = "hydrate")]
mod files;
mod page;
#[cfg(feature = "hydrate")]
mod pane;

#[cfg(not(feature = "hydrate"))]
pub use absent::{
    Checking, File, Sending, check_file, dragged_files, drags_files, follow_events, picked_files, send_file,
};
#[cfg(not(feature = "hydrate"))]
pub use absent::{Reading, Stop, next_frame, pause};
#[cfg(not(feature = "hydrate"))]
pub use absent::{
    capture, heights_in, place_in, reveal, room_in, scroll_to, scrolled, set_on_page, set_style, two_fingers, width_of,
};
#[cfg(feature = "hydrate")]
pub use answer::{Reading, Stop, next_frame, pause};
#[cfg(feature = "hydrate")]
pub use check::{Checking, check_file};
#[cfg(feature = "hydrate")]
pub use events::follow_events;
#[cfg(feature = "hydrate")]
pub use files::{File, Sending, dragged_files, drags_files, picked_files, send_file};
#[cfg(feature = "hydrate")]
pub use pane::{
    capture, heights_in, place_in, reveal, room_in, scroll_to, scrolled, set_on_page, set_style, two_fingers, width_of,
};

/// Something of the browser, which stays on its one thread.
#[cfg(feature = "hydrate")]
pub type Held<T> = StoredValue<Option<T>, LocalStorage>;
/// The server has none of it, and a page that it rendered may go away on another thread than it was made on.
#[cfg(not(feature = "hydrate"))]
pub type Held<T> = StoredValue<Option<T>>;

#[cfg(feature = "hydrate")]
pub fn held<T: 'static>() -> Held<T> {
    StoredValue::new_local(None)
}

#[cfg(not(feature = "hydrate"))]
pub fn held<T: Send + Sync + 'static>() -> Held<T> {
    StoredValue::new(None)
}

/// A place, or a width and a height, in CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spot {
    pub x: f64,
    pub y: f64,
}

/// Two fingers on the screen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fingers {
    pub apart: f64,
    pub middle: Spot,
}

pub use page::{
    LOADING_ID, LoadingMark, admit_being_incomplete, before_events, content, copy, dialog_is_open, focus_next_title,
    give_focus_back, is_for_text, is_on_header_button, now_ms, now_secs, origin, path, remember, remember_focus,
    remember_title, remembered, room_of_window, show, show_current_entry, show_target, visit,
};

/// How an upload ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// The server answered, with this status and body.
    Answered(u16, String),
    /// The connection broke before an answer came.
    Broken,
    Cancelled,
}

/// Of an answer that is read while it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Bytes(Vec<u8>),
    /// The server answered with this status and body instead.
    Refused(u16, String),
    /// All of it has come.
    Ended,
    /// The connection broke, or was ended.
    Broken,
}

/// Moves the keyboard's focus to the element of this id.
pub fn focus(id: &str) {
    use leptos::{wasm_bindgen::JsCast, web_sys::HtmlElement};

    if let Some(element) = leptos::prelude::document().get_element_by_id(id) {
        // The parts of a picture (SVG) take the focus by the same name, though they are no HTML elements. One that
        // refuses focus leaves it where it was.
        let _ = element.unchecked_into::<HtmlElement>().focus();
    }
}
