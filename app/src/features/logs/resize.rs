//! The drawer's upper border, by which it is made higher or lower: with a pointer or, like any separator, by keyboard.

use leptos::{ev, html, prelude::*};

use crate::platform::{self, Point};

const REMEMBERED: &str = "kai-logs-height";
/// The CSS property of the height.
const PROPERTY: &str = "--logs-height";
/// All in percent of the window.
const FIRST: f64 = 45.0;
/// Where it lies over the page, so that nothing beside it is read at the same time.
const FIRST_OF_NARROW: f64 = 75.0;
const NARROW_PX: f64 = 760.0;
const LOWEST: f64 = 20.0;
const HIGHEST: f64 = 90.0;
const STEP: f64 = 5.0;

pub(super) fn height_handle() -> AnyView {
    let local_storage_get = platform::local_storage_get(REMEMBERED).and_then(|text| text.parse().ok());
    let is_narrow = platform::room_of_window().x <= NARROW_PX;
    let first = if is_narrow { FIRST_OF_NARROW } else { FIRST };
    let height = RwSignal::new(within(local_storage_get.unwrap_or(first)));
    let is_dragged = StoredValue::new(false);
    let handle = NodeRef::<html::Div>::new();
    Effect::new(move |before: Option<()>| {
        platform::set_on_page(PROPERTY, Some(&format!("{}vh", height.get())));
        if before.is_some() {
            platform::local_storage_set(REMEMBERED, &height.get().to_string());
        }
    });
    on_cleanup(|| platform::set_on_page(PROPERTY, None));
    let press = move |event: ev::KeyboardEvent| {
        let now = height.get_untracked();
        let to = match event.key().as_str() {
            "ArrowUp" => now + STEP,
            "ArrowDown" => now - STEP,
            "Home" => LOWEST,
            "End" => HIGHEST,
            _ => return,
        };
        event.prevent_default();
        height.set(within(to));
    };
    let grab = move |event: ev::PointerEvent| {
        if event.button() == 0
            && let Some(handle) = handle.get_untracked()
        {
            // No text is selected meanwhile.
            event.prevent_default();
            platform::capture(&handle, event.pointer_id());
            is_dragged.set_value(true);
        }
    };
    let drag = move |event: ev::PointerEvent| {
        if is_dragged.get_value() {
            let Point { y: window, .. } = platform::room_of_window();
            height.set(within((window - f64::from(event.client_y())) / window.max(1.0) * 100.0));
        }
    };
    view! {
        <div
            class="logs__handle"
            role="separator"
            aria-label="Height of the logs"
            aria-orientation="horizontal"
            aria-valuemin=LOWEST.to_string()
            aria-valuemax=HIGHEST.to_string()
            aria-valuenow=move || height.get().round().to_string()
            aria-valuetext=move || format!("{} % of the window", height.get().round())
            aria-controls=super::DRAWER_ID
            tabindex="0"
            node_ref=handle
            on:keydown=press
            on:pointerdown=grab
            on:pointermove=drag
            on:pointerup=move |_| is_dragged.set_value(false)
            on:pointercancel=move |_| is_dragged.set_value(false)
        ></div>
    }
    .into_any()
}

fn within(percent: f64) -> f64 {
    if percent.is_finite() { percent.clamp(LOWEST, HIGHEST) } else { FIRST }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_of_the_page_and_some_of_the_drawer_always_stay() {
        for (asked, given) in [(50.0, 50.0), (0.0, LOWEST), (1e9, HIGHEST), (-3.0, LOWEST), (f64::NAN, FIRST)] {
            assert_eq!(within(asked), given);
        }
    }
}
