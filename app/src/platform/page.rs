//! The page itself: the clock, the keyboard's focus, what the browser remembers.

use std::cell::RefCell;

use leptos::{
    prelude::{document, window},
    task::spawn_local,
    wasm_bindgen::{JsCast, JsValue},
    web_sys::{Element, Event, HtmlElement, js_sys},
};
use wasm_bindgen_futures::JsFuture;
use web_sys::{FocusOptions, ScrollIntoViewOptions, ScrollLogicalPosition, Storage};

use super::Point;

/// Frames to wait for the title of a page that is being loaded: about five seconds.
const MAX_WAIT_FRAMES: u32 = 300;

/// Seconds since 1970, by this machine's clock.
pub fn now_secs() -> i64 {
    (js_sys::Date::now() / 1000.0) as i64
}

/// The path of the page's address.
pub fn path() -> String {
    window().location().pathname().unwrap_or_default()
}

/// Goes to an address by a page of its own, as a link does without scripts.
pub fn navigate_full(address: &str) {
    // Fails only for an invalid address.
    let _ = window().location().assign(address);
}

/// Milliseconds of which only the difference means something.
pub fn now_ms() -> f64 {
    js_sys::Date::now()
}

/// Where this page is from: what an address begins with that can be used elsewhere.
pub fn origin() -> String {
    window().location().origin().unwrap_or_default()
}

/// How large the window is.
pub fn room_of_window() -> Point {
    let size = |size: Result<JsValue, JsValue>| size.ok().and_then(|size| size.as_f64()).unwrap_or_default();
    Point { x: size(window().inner_width()), y: size(window().inner_height()) }
}

/// Whether something modal is open, which keeps the keyboard to itself.
pub fn dialog_is_open() -> bool {
    matches!(document().query_selector("dialog[open]"), Ok(Some(_)))
}

/// Whether the event happened where text is entered.
pub fn is_for_text(event: &Event) -> bool {
    let element = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok());
    element.is_some_and(|element| {
        matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT") || element.is_content_editable()
    })
}

thread_local! {
    /// The title that had the focus, or was there, last: what another page's title is told from.
    static LAST_TITLE: RefCell<Option<(HtmlElement, String)>> = const { RefCell::new(None) };
}

thread_local! {
    /// The element that had the focus before an overlay opened.
    static HAD_FOCUS: RefCell<Option<HtmlElement>> = const { RefCell::new(None) };
}

/// Remembers the focused element for [`give_focus_back`].
pub fn remember_focus() {
    HAD_FOCUS.set(document().active_element().and_then(|element| element.dyn_into().ok()));
}

/// Moves the focus to where it was, or to the element of this id when that is gone.
pub fn give_focus_back(or: &str) {
    let had_focus = HAD_FOCUS.take().filter(|element| element.is_connected() && element.tag_name() != "BODY");
    match had_focus {
        // One that refuses focus leaves it where it was.
        Some(element) => drop(element.focus()),
        None => super::focus(or),
    }
}

/// Takes the title that the page shows now for the one of the page that the person is on.
pub fn remember_title() {
    LAST_TITLE.set(title().map(|title| (title.clone(), title.text_content().unwrap_or_default())));
}

/// Moves the focus to the page's title as soon as it is another than the one remembered, so that whoever hears or sees
/// the page by its focus is where it begins.
pub fn focus_next_title() {
    wait_for_title(MAX_WAIT_FRAMES, document().active_element());
}

/// `had_focus` is what had the focus when the page was left.
fn wait_for_title(frames_left: u32, had_focus: Option<Element>) {
    super::on_next_frame(move || {
        let is_new = |title: &HtmlElement| {
            LAST_TITLE.with_borrow(|last| match last {
                Some((old, text)) => old != title || title.text_content().unwrap_or_default() != *text,
                None => true,
            })
        };
        match title().filter(is_new) {
            Some(title) => {
                remember_title();
                // Whoever has gone on by the keyboard meanwhile, or has been asked something, is left alone.
                let has_gone_on = focus_is_in_content() && document().active_element() != had_focus;
                if !dialog_is_open() && !has_gone_on {
                    let _ = title.set_attribute("tabindex", "-1");
                    let options = FocusOptions::new();
                    // Where the page is scrolled to is the router's to say.
                    options.set_prevent_scroll(true);
                    let _ = title.focus_with_options(&options);
                }
            }
            None if frames_left > 0 => wait_for_title(frames_left - 1, had_focus),
            None => {}
        }
    });
}

fn title() -> Option<HtmlElement> {
    document().query_selector("#content h1").ok().flatten().and_then(|title| title.dyn_into().ok())
}

fn focus_is_in_content() -> bool {
    matches!(document().query_selector("#content :focus"), Ok(Some(_)))
}

/// Scrolls as little as is needed for the element of this id to be seen.
pub fn show(id: &str) {
    if let Some(element) = document().get_element_by_id(id) {
        let options = ScrollIntoViewOptions::new();
        options.set_block(ScrollLogicalPosition::Nearest);
        element.scroll_into_view_with_scroll_into_view_options(&options);
    }
}

/// Scrolls a menu sideways so that the entry of the present page is in its middle.
pub fn show_current_entry(menu: &str) {
    let menu = menu.to_owned();
    // The router marks the entry in this very task.
    super::on_next_frame(move || {
        let part = |selector: &str| document().query_selector(selector).ok()??.dyn_into::<HtmlElement>().ok();
        let entry = part(&format!("#{menu} [aria-current=page]"));
        if let (Some(menu), Some(entry)) = (part(&format!("#{menu}")), entry) {
            menu.set_scroll_left(entry.offset_left() + (entry.offset_width() - menu.client_width()) / 2);
        }
    });
}

/// Scrolls to the element that the address names after `#`, if there is one.
pub fn show_target() {
    let hash = window().location().hash().unwrap_or_default();
    let id = hash.strip_prefix('#').and_then(|hash| js_sys::decode_uri_component(hash).ok()).map(String::from);
    if let Some(target) = id.and_then(|id| document().get_element_by_id(&id)) {
        target.scroll_into_view();
    }
}

/// Puts a text into the clipboard. `done` is told whether the browser allowed it.
pub fn copy(text: &str, done: impl FnOnce(bool) + 'static) {
    let navigator = window().navigator();
    // Only pages of this machine or over TLS have a clipboard.
    let has_clipboard =
        js_sys::Reflect::get(&navigator, &JsValue::from_str("clipboard")).is_ok_and(|it| it.is_object());
    let writing = has_clipboard.then(|| navigator.clipboard().write_text(text));
    spawn_local(async move {
        let written = match writing {
            Some(writing) => JsFuture::from(writing).await.is_ok(),
            None => false,
        };
        done(written);
    });
}

/// The value that this browser has stored under this name.
pub fn local_storage_get(name: &str) -> Option<String> {
    storage()?.get_item(name).ok().flatten()
}

/// Keeps it until the person clears the browser's storage; nothing happens where there is none.
pub fn local_storage_set(name: &str, value: &str) {
    if let Some(storage) = storage() {
        // Fails when it is full.
        let _ = storage.set_item(name, value);
    }
}

fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}
