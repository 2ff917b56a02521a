//! A part of the page that is scrolled within itself.

use leptos::{ev::TouchEvent, prelude::document, wasm_bindgen::JsCast, web_sys::Element};
use web_sys::HtmlElement;

use super::{Pinch, Point};

/// The margin around a scroll target.
const BESIDE_PX: f64 = 24.0;

/// How much room there is inside its borders.
pub fn room_in(pane: &Element) -> Point {
    Point { x: f64::from(pane.client_width()), y: f64::from(pane.client_height()) }
}

pub fn scrolled(pane: &Element) -> Point {
    Point { x: f64::from(pane.scroll_left()), y: f64::from(pane.scroll_top()) }
}

pub fn scroll_to(pane: &Element, to: Point) {
    // Whole pixels are what a pane scrolls by; the cast saturates.
    pane.set_scroll_left(to.x.round() as i32);
    pane.set_scroll_top(to.y.round() as i32);
}

/// Scrolls the pane, and nothing else, no further than the part of this id is seen with some room beside it. Does nothing
/// for one that is elsewhere.
pub fn reveal(pane: &Element, id: &str) {
    let part = document().get_element_by_id(id).filter(|part| pane.contains(Some(part)));
    let Some(part) = part else { return };
    let (frame, part, seen) = (pane.get_bounding_client_rect(), part.get_bounding_client_rect(), scrolled(pane));
    let room = room_in(pane);
    let to = Point {
        x: seen.x + distance(part.left() - frame.left(), part.width(), room.x),
        y: seen.y + distance(part.top() - frame.top(), part.height(), room.y),
    };
    scroll_to(pane, to);
}

/// How far to scroll for what begins at `start`, seen from the border, and is `length` long.
fn distance(start: f64, length: f64, room: f64) -> f64 {
    let (before, beyond) = (start - BESIDE_PX, start + length + BESIDE_PX - room);
    // Where not all of it has room, it is its beginning that is seen.
    if before < 0.0 || length + 2.0 * BESIDE_PX > room { before } else { beyond.max(0.0) }
}

/// From the pane's corner to a place in the window, or without one to the pane's middle.
pub fn place_in(pane: &Element, spot: Option<Point>) -> Point {
    let Some(spot) = spot else {
        let room = room_in(pane);
        return Point { x: room.x / 2.0, y: room.y / 2.0 };
    };
    let frame = pane.get_bounding_client_rect();
    Point { x: spot.x - frame.left(), y: spot.y - frame.top() }
}

pub fn width_of(element: &Element) -> f64 {
    element.get_bounding_client_rect().width()
}

/// Sends all that this pointer does to the pane until it is released.
pub fn capture(pane: &Element, pointer: i32) {
    // Fails only when the pointer has been released meanwhile.
    let _ = pane.set_pointer_capture(pointer);
}

/// How high each child is, the first one first.
pub fn heights_in(list: &Element) -> Vec<f32> {
    let children = list.children();
    // A browser's own measure is of twice the precision, which no row's height needs.
    (0..children.length())
        .filter_map(|at| children.item(at).map(|child| child.get_bounding_client_rect().height() as f32))
        .collect()
}

/// Sets a property of the element's own style.
pub fn set_style(element: &Element, name: &str, value: &str) {
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        // Fails only for a style that is not to be changed.
        let _ = element.style().set_property(name, value);
    }
}

/// Sets a property of the whole page's style, or removes it.
pub fn set_on_page(name: &str, value: Option<&str>) {
    if let Some(page) = document().document_element() {
        // An empty value removes it.
        set_style(&page, name, value.unwrap_or_default());
    }
}

/// None unless it is exactly two.
pub fn two_fingers(event: &TouchEvent) -> Option<Pinch> {
    let touches = event.touches();
    if touches.length() != 2 {
        return None;
    }
    let (one, other) = (touches.item(0)?, touches.item(1)?);
    let (ax, ay) = (f64::from(one.client_x()), f64::from(one.client_y()));
    let (bx, by) = (f64::from(other.client_x()), f64::from(other.client_y()));
    Some(Pinch { apart: (ax - bx).hypot(ay - by), middle: Point { x: (ax + bx) / 2.0, y: (ay + by) / 2.0 } })
}
