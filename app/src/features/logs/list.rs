//! The lines, of which only those that are seen are in the page, and some around them.
//!
//! Every row has the height of one line until it has been measured, which is needed only where lines are wrapped or
//! opened. What is seen stays where it is while rows above it are measured, dropped or filtered: either the end, while
//! the list follows, or the row at the top.

use leptos::{html, prelude::*, task};

use super::{
    Drawer, LogNode,
    row::{Key, row},
};
use crate::{
    platform::{self, Point},
    ui::icon::{Icon, Shape},
};

pub(super) const LIST_ID: &str = "logs-lines";
/// How much is there above and below what is seen.
const MARGIN_PX: f64 = 300.0;
/// Nearer to the end than this is at the end.
const END_PX: f64 = 3.0;

#[derive(Clone, Copy)]
pub(super) struct List {
    drawer: Drawer,
    pane: NodeRef<html::Div>,
    /// As high as all rows.
    room: NodeRef<html::Div>,
    rows: NodeRef<html::Div>,
    visible: RwSignal<Vec<Key>>,
    place: StoredValue<Place>,
}

#[derive(Clone, Copy, Default)]
struct Place {
    /// The row at the top and how much of it is above the border, unless the end is shown.
    anchor: Option<(u64, f64)>,
    /// Where it was scrolled to, by a person or by the list itself.
    top: f64,
    /// It will be drawn with the next frame.
    due: bool,
}

pub(super) fn line_list(
    drawer: Drawer,
    nodes: StoredValue<Vec<LogNode>>,
    wrap: Memo<bool>,
    one_node: Memo<bool>,
) -> AnyView {
    let list = List {
        drawer,
        pane: NodeRef::new(),
        room: NodeRef::new(),
        rows: NodeRef::new(),
        visible: RwSignal::new(Vec::new()),
        place: StoredValue::new(Place::default()),
    };
    Effect::new(move |_| {
        drawer.changes.track();
        drawer.opened.track();
        drawer.at_end.track();
        list.draw_soon();
    });
    Effect::new(move |before: Option<bool>| {
        let now = wrap.get();
        if before.is_some_and(|before| before != now) {
            drawer.buffer.update_value(|buffer| buffer.forget_heights());
            list.draw_soon();
        }
        now
    });
    let resizing = window_event_listener(leptos::ev::resize, move |_| {
        drawer.buffer.update_value(|buffer| buffer.forget_heights());
        list.draw_soon();
    });
    on_cleanup(move || resizing.remove());
    view! {
        <div
            class="logs__lines"
            class:logs__lines--wrapped=move || wrap.get()
            class:logs__lines--one-node=move || one_node.get()
            id=LIST_ID
            role="log"
            aria-live="off"
            aria-label="Lines"
            tabindex="0"
            node_ref=list.pane
            on:scroll=move |_| list.scrolled()
            // A line must not move away while a person is about to press something in it.
            on:focusin=move |event| {
                if event.target() != event.current_target() {
                    list.hold();
                }
            }
        >
            <div class="logs__room" node_ref=list.room>
                <div class="logs__rows" node_ref=list.rows>
                    <For
                        each=move || list.visible.get()
                        key=|key| *key
                        children=move |key| row(drawer, key, nodes)
                    />
                </div>
            </div>
        </div>
        {move || (!drawer.at_end.get()).then(|| view! {
            <button type="button" class="button button--small logs__jump" on:click=move |_| drawer.at_end.set(true)>
                <Icon shape=Shape::ArrowDown/>"Jump to latest"
            </button>
        })}
    }
    .into_any()
}

impl List {
    /// With the next frame, however often it is asked for until then.
    fn draw_soon(self) {
        let is_due = self.place.try_update_value(|place| std::mem::replace(&mut place.due, true));
        if is_due == Some(false) {
            platform::on_next_frame(move || self.draw());
        }
    }

    fn draw(self) {
        // None: the drawer was closed meanwhile.
        if self.place.try_update_value(|place| place.due = false).is_none() {
            return;
        }
        let Some(pane) = self.pane.get_untracked() else { return };
        let top = self.settle();
        let height = platform::room_in(&pane).y;
        let buffer = self.drawer.buffer;
        let (numbers, begin) = buffer.with_value(|buffer| buffer.between(top - MARGIN_PX, top + height + MARGIN_PX));
        if let Some(rows) = self.rows.get_untracked() {
            platform::set_style(&rows, "transform", &format!("translateY({begin}px)"));
        }
        let filters = self.drawer.filters.get_untracked();
        let opened = self.drawer.opened.get_untracked();
        let keys: Vec<Key> = numbers.iter().map(|number| (filters, *number, opened.contains(number))).collect();
        if self.visible.with_untracked(|visible| *visible != keys) {
            self.visible.set(keys);
        }
        let measured = pane.class_list().contains("logs__lines--wrapped") || !opened.is_empty();
        if measured {
            task::spawn_local(async move {
                // When the rows are in the page, and before they are painted.
                task::tick().await;
                self.measure(&numbers);
            });
        }
    }

    /// Makes the room as large as it has to be and scrolls to where the list stays. Returns that.
    fn settle(self) -> f64 {
        let (Some(pane), Some(room)) = (self.pane.get_untracked(), self.room.get_untracked()) else { return 0.0 };
        let buffer = self.drawer.buffer;
        let (height, widest) = buffer.with_value(|buffer| (buffer.height(), buffer.widest()));
        platform::set_style(&room, "height", &format!("{height}px"));
        platform::set_style(&room, "--widest", &widest.min(super::row::MAX_CHARS).to_string());
        let visible = platform::room_in(&pane).y;
        let end = (height - visible).max(0.0);
        let anchor = self.place.with_value(|place| place.anchor);
        let wanted = match anchor {
            Some((number, above)) if !self.drawer.at_end.get_untracked() => {
                (buffer.with_value(|buffer| buffer.top_of(number)) + above).clamp(0.0, end)
            }
            _ => end,
        };
        let now = platform::scrolled(&pane);
        if (now.y - wanted).abs() >= 1.0 {
            platform::scroll_to(&pane, Point { x: now.x, y: wanted });
        }
        let top = platform::scrolled(&pane).y;
        self.place.update_value(|place| place.top = top);
        top
    }

    fn measure(self, numbers: &[u64]) {
        let Some(Some(rows)) = self.rows.try_get_untracked() else { return };
        let heights = platform::heights_in(&rows);
        let mut changed = false;
        self.drawer.buffer.try_update_value(|buffer| {
            for (number, height) in numbers.iter().zip(heights) {
                changed |= buffer.measure(*number, height);
            }
        });
        if changed {
            self.settle();
            if let Some(first) = numbers.first() {
                let begin = self.drawer.buffer.with_value(|buffer| buffer.top_of(*first));
                platform::set_style(&rows, "transform", &format!("translateY({begin}px)"));
            }
        }
    }

    /// Somebody scrolls, unless it is the list itself.
    fn scrolled(self) {
        let Some(pane) = self.pane.get_untracked() else { return };
        let top = platform::scrolled(&pane).y;
        if (top - self.place.with_value(|place| place.top)).abs() < 1.0 {
            return;
        }
        let height = self.drawer.buffer.with_value(|buffer| buffer.height());
        let is_end = top + platform::room_in(&pane).y >= height - END_PX;
        self.anchor_at(top);
        if self.drawer.at_end.get_untracked() != is_end {
            self.drawer.at_end.set(is_end);
        }
        self.draw_soon();
    }

    /// What is seen stays, even at the end.
    fn hold(self) {
        let Some(pane) = self.pane.get_untracked() else { return };
        if self.drawer.at_end.get_untracked() {
            self.anchor_at(platform::scrolled(&pane).y);
            self.drawer.at_end.set(false);
        }
    }

    fn anchor_at(self, top: f64) {
        let (numbers, begin) = self.drawer.buffer.with_value(|buffer| buffer.between(top, top + 1.0));
        self.place.update_value(|place| {
            place.anchor = numbers.first().map(|first| (*first, top - begin));
            place.top = top;
        });
    }
}
