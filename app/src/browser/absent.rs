//! The same names where there is no browser. Nothing here is ever called; it makes the pages compile for the server.

use std::time::Duration;

use domain::CheckMessage;
use leptos::{
    ev::{DragEvent, Event, TouchEvent},
    web_sys::Element,
};

use super::{Fingers, Piece, Sent, Spot};

/// There are no files of a person on the server. Nobody makes one.
#[derive(Clone)]
pub struct File(());

impl File {
    pub fn name(&self) -> String {
        String::new()
    }

    pub fn size(&self) -> u64 {
        0
    }
}

#[derive(Clone, Copy)]
pub enum Sending {}

impl Sending {
    pub fn cancel(&self) {
        match *self {}
    }
}

#[derive(Clone, Copy)]
pub enum Checking {}

pub fn check_file(_file: &File, _on_news: impl Fn(CheckMessage) + 'static) -> Option<Checking> {
    None
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
    _file: &File,
    _url: &str,
    _on_progress: impl Fn(u64) + 'static,
    _on_end: impl Fn(Sent) + 'static,
) -> Option<Sending> {
    None
}

const NOWHERE: Spot = Spot { x: 0.0, y: 0.0 };

pub fn room_in(_pane: &Element) -> Spot {
    NOWHERE
}

pub fn scrolled(_pane: &Element) -> Spot {
    NOWHERE
}

pub fn scroll_to(_pane: &Element, _to: Spot) {}

pub fn reveal(_pane: &Element, _id: &str) {}

pub fn place_in(_pane: &Element, _spot: Option<Spot>) -> Spot {
    NOWHERE
}

pub fn width_of(_element: &Element) -> f64 {
    0.0
}

pub fn capture(_pane: &Element, _pointer: i32) {}

pub fn two_fingers(_event: &TouchEvent) -> Option<Fingers> {
    None
}

pub fn heights_in(_list: &Element) -> Vec<f32> {
    Vec::new()
}

pub fn set_style(_element: &Element, _name: &str, _value: &str) {}

pub fn set_on_page(_name: &str, _value: Option<&str>) {}

/// Nobody makes one.
#[derive(Clone)]
pub struct Stop(());

impl Stop {
    pub fn new() -> Option<Self> {
        None
    }

    pub fn stop(&self) {}
}

pub struct Reading(());

impl Reading {
    pub async fn open(_address: &str, _stop: &Stop) -> Result<Self, Piece> {
        Err(Piece::Broken)
    }

    pub async fn next(&self) -> Piece {
        Piece::Ended
    }
}

pub async fn next_frame() {}

pub async fn pause(_time: Duration) {}
