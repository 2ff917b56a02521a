//! The browser APIs that the pages use, in one place. Called by effects and event handlers only.
//!
//! On the server there are the same names, which do nothing and are never called.

#[cfg(not(feature = "hydrate"))]
mod absent;
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
pub use absent::{capture, place_in, room_in, scroll_to, scrolled, two_fingers, width_of};
#[cfg(feature = "hydrate")]
pub use check::{Checking, check_file};
#[cfg(feature = "hydrate")]
pub use events::follow_events;
#[cfg(feature = "hydrate")]
pub use files::{File, Sending, dragged_files, drags_files, picked_files, send_file};
#[cfg(feature = "hydrate")]
pub use pane::{capture, place_in, room_in, scroll_to, scrolled, two_fingers, width_of};

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
    admit_being_incomplete, copy, dialog_is_open, focus_next_title, is_for_text, now_secs, path, remember,
    remember_title, remembered, show, show_current_entry, show_target, visit,
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

/// Moves the keyboard's focus to the element of this id.
pub fn focus(id: &str) {
    use leptos::{wasm_bindgen::JsCast, web_sys::HtmlElement};

    if let Some(element) = leptos::prelude::document().get_element_by_id(id) {
        // The parts of a picture (SVG) take the focus by the same name, though they are no HTML elements. One that
        // refuses focus leaves it where it was.
        let _ = element.unchecked_into::<HtmlElement>().focus();
    }
}
