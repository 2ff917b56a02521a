//! How large the picture is, and which part of it is seen: buttons, keys, the wheel with Ctrl, two fingers, dragging.
//! Moving without these is the browser's own scrolling.

use leptos::{ev, html, prelude::*, svg};

use crate::platform::{self, Point};

/// What one press of a button, or one turn of the wheel, changes.
pub(super) const STEP: f64 = 1.25;
/// A phone shows the largest graphs at this.
const SMALLEST: f64 = 0.04;
const LARGEST: f64 = 2.5;
/// How far the mouse moves before a click is a drag.
const DRAG_FROM_PX: f64 = 4.0;

#[derive(Clone, Copy)]
pub(super) struct Zoom {
    /// None: as the style has it.
    pub(super) scale: RwSignal<Option<f64>>,
    pane: NodeRef<html::Div>,
    picture: NodeRef<svg::Svg>,
    size: (i32, i32),
    /// Where the mouse was pressed, and what was seen then.
    press: StoredValue<Option<Press>>,
    /// How far two fingers were apart, and how large the picture was then.
    pinch: StoredValue<Option<(f64, f64)>>,
}

#[derive(Clone, Copy)]
struct Press {
    at: Point,
    scroll: Point,
    dragging: bool,
}

impl Zoom {
    pub(super) fn new(pane: NodeRef<html::Div>, picture: NodeRef<svg::Svg>, width: i32, height: i32) -> Self {
        Self {
            scale: RwSignal::new(None),
            pane,
            picture,
            size: (width, height),
            press: StoredValue::new(None),
            pinch: StoredValue::new(None),
        }
    }

    /// A length of the picture as it is to be drawn.
    pub(super) fn pixels(self, full: i32) -> String {
        (f64::from(full) * self.scale.get().unwrap_or(1.0)).round().to_string()
    }

    pub(super) fn by(self, factor: f64) {
        self.to(self.current() * factor, None);
    }

    /// All of it, but never larger than at full size.
    pub(super) fn fit(self) {
        let Some(pane) = self.pane.get_untracked() else { return };
        self.to(fitting(platform::room_in(&pane), self.size), None);
    }

    pub(super) fn on_key(self, event: &ev::KeyboardEvent) {
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        match event.key().as_str() {
            "+" | "=" => self.by(STEP),
            "-" => self.by(1.0 / STEP),
            "0" => self.fit(),
            _ => return,
        }
        event.prevent_default();
    }

    /// With Ctrl, which is also what a pinch on a touch pad sends; without it the wheel scrolls.
    pub(super) fn on_wheel(self, event: &ev::WheelEvent) {
        if !event.ctrl_key() {
            return;
        }
        event.prevent_default();
        let at = Point { x: f64::from(event.client_x()), y: f64::from(event.client_y()) };
        self.to(self.current() * (-event.delta_y() / 400.0).clamp(-0.25, 0.25).exp(), Some(at));
    }

    pub(super) fn on_press(self, event: &ev::PointerEvent) {
        // Fingers scroll by themselves.
        if event.pointer_type() != "mouse" || event.button() != 0 {
            return;
        }
        let Some(pane) = self.pane.get_untracked() else { return };
        let at = Point { x: f64::from(event.client_x()), y: f64::from(event.client_y()) };
        self.press.set_value(Some(Press { at, scroll: platform::scrolled(&pane), dragging: false }));
    }

    pub(super) fn on_drag(self, event: &ev::PointerEvent) {
        let (Some(mut press), Some(pane)) = (self.press.get_value(), self.pane.get_untracked()) else { return };
        let by = Point { x: f64::from(event.client_x()) - press.at.x, y: f64::from(event.client_y()) - press.at.y };
        if event.buttons() & 1 == 0 {
            self.on_release();
            return;
        }
        if !press.dragging {
            if by.x.hypot(by.y) < DRAG_FROM_PX {
                return;
            }
            press.dragging = true;
            self.press.set_value(Some(press));
            // From here on the mouse belongs to the pane: its release is no click on a box.
            platform::capture(&pane, event.pointer_id());
        }
        platform::scroll_to(&pane, Point { x: press.scroll.x - by.x, y: press.scroll.y - by.y });
    }

    pub(super) fn on_release(self) {
        self.press.set_value(None);
    }

    pub(super) fn on_touch(self, event: &ev::TouchEvent) {
        self.pinch.set_value(platform::two_fingers(event).map(|fingers| (fingers.apart, self.current())));
    }

    pub(super) fn on_pinch(self, event: &ev::TouchEvent) {
        let (Some((apart, scale)), Some(fingers)) = (self.pinch.get_value(), platform::two_fingers(event)) else {
            return;
        };
        event.prevent_default();
        self.to(scale * fingers.apart / apart.max(1.0), Some(fingers.middle));
    }

    /// What is at `around`, a place in the window, or else in the middle of the pane, stays where it is.
    fn to(self, scale: f64, around: Option<Point>) {
        let (Some(pane), before) = (self.pane.get_untracked(), self.current()) else { return };
        let scale = scale.clamp(SMALLEST, LARGEST);
        let scroll = platform::scrolled(&pane);
        let anchor = platform::place_in(&pane, around);
        self.scale.set(Some(scale));
        let factor = scale / before;
        let to = Point { x: kept(scroll.x, anchor.x, factor), y: kept(scroll.y, anchor.y, factor) };
        // When it has been drawn at its new size.
        platform::on_next_frame(move || platform::scroll_to(&pane, to));
    }

    fn current(self) -> f64 {
        if let Some(scale) = self.scale.get_untracked() {
            return scale;
        }
        let shown = self.picture.get_untracked().map(|picture| platform::width_of(&picture));
        shown.map_or(1.0, |shown| shown / f64::from(self.size.0.max(1)))
    }
}

/// The largest size at which all is seen, but no larger than full size.
fn fitting(room: Point, (width, height): (i32, i32)) -> f64 {
    (room.x / f64::from(width.max(1))).min(room.y / f64::from(height.max(1))).min(1.0)
}

/// How far to scroll, so that what is `anchor` away from the border stays there while all grows by `factor`.
fn kept(scroll: f64, anchor: f64, factor: f64) -> f64 {
    ((scroll + anchor) * factor - anchor).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fitting_shows_all_and_enlarges_nothing() {
        assert_eq!(fitting(Point { x: 500.0, y: 400.0 }, (1000, 400)), 0.5);
        assert_eq!(fitting(Point { x: 500.0, y: 100.0 }, (1000, 400)), 0.25);
        assert_eq!(fitting(Point { x: 5000.0, y: 4000.0 }, (1000, 400)), 1.0);
    }

    #[test]
    fn what_is_zoomed_at_stays_where_it_is() {
        // 130 from the left of the picture; twice as large it is at 260, and still 30 from the border.
        assert_eq!(kept(100.0, 30.0, 2.0), 230.0);
        assert_eq!(kept(0.0, 100.0, 0.5), 0.0);
    }
}
