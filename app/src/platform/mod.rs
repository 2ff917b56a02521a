//! The browser APIs that the pages use, in one place. Called only by effects, event handlers and what they begin: on the
//! server all of it compiles and nothing of it runs.

mod check;
mod events;
mod files;
mod held;
mod page;
mod pane;
mod recovery;
mod stream;
mod visibility;

pub use check::{Checking, check_file};
pub use events::follow_events;
pub use files::{File, Sending, dragged_files, drags_files, picked_files, send_file};
pub use held::Held;
pub use pane::{
    capture, heights_in, place_in, reveal, room_in, scroll_to, scrolled, set_on_page, set_style, two_fingers, width_of,
};
pub use recovery::{is_to_be_rendered_here, note_hydrated, recover_from_panic, show_banner};
pub use stream::{AbortHandle, BodyStream, after, next_frame, on_next_frame, pause, server_answers};
pub use visibility::{is_seen, until_hidden, until_seen};

/// A place, or a width and a height, in CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

/// Two fingers on the screen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pinch {
    pub apart: f64,
    pub middle: Point,
}

pub use page::{
    copy, dialog_is_open, focus_next_title, give_focus_back, is_for_text, local_storage_get, local_storage_set,
    navigate_full, now_ms, now_secs, origin, path, remember_focus, remember_title, room_of_window, show,
    show_current_entry, show_target,
};

/// How an upload ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadOutcome {
    /// The server answered, with this status and body.
    Answered(u16, String),
    /// The connection broke before an answer came.
    Broken,
    Cancelled,
}

/// Of an answer that is read while it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chunk {
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
