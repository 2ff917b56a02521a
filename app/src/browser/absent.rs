//! The same names where there is no browser. Nothing here is ever called; it makes the pages compile for the server.

use leptos::ev::{DragEvent, Event};

use super::Sent;

/// There are no files of a person on the server.
#[derive(Clone, Copy)]
pub enum File {}

impl File {
    pub fn name(&self) -> String {
        match *self {}
    }

    pub fn size(&self) -> u64 {
        match *self {}
    }
}

#[derive(Clone, Copy)]
pub enum Sending {}

impl Sending {
    pub fn cancel(&self) {
        match *self {}
    }
}

pub fn follow_events(_on_message: impl Fn(String) + 'static, _on_lost: impl Fn() + 'static) {}

pub fn drags_files(_event: &DragEvent) -> bool {
    false
}

pub fn dragged_files(_event: &DragEvent) -> Vec<File> {
    Vec::new()
}

pub fn picked_files(_event: &Event) -> Vec<File> {
    Vec::new()
}

pub fn send_file(
    file: &File,
    _url: &str,
    _on_progress: impl Fn(u64) + 'static,
    _on_end: impl Fn(Sent) + 'static,
) -> Option<Sending> {
    match *file {}
}
