//! The page itself: the clock, the keyboard's focus, what the browser remembers.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use leptos::{
    prelude::{document, request_animation_frame, window},
    wasm_bindgen::{JsCast, JsValue, prelude::Closure},
    web_sys::{Element, Event, HtmlElement, js_sys},
};

use super::Spot;

/// Frames to wait for the title of a page that is being loaded: about five seconds.
const PATIENCE_FRAMES: u32 = 300;

/// Of what [`LoadingMark`] shows.
pub const LOADING_ID: &str = "loading";

/// Seconds since 1970, by this machine's clock.
pub fn now_secs() -> i64 {
    (js_sys::Date::now() / 1000.0) as i64
}

/// The path of the page's address.
pub fn path() -> String {
    window().location().pathname().unwrap_or_default()
}

/// Goes to an address by a page of its own, as a link does without scripts.
pub fn visit(address: &str) {
    // Fails only for what is no address.
    let _ = window().location().assign(address);
}

/// Says above the page that a part of it is missing. Links and forms work without scripts.
pub fn admit_being_incomplete() {
    let Ok(notice) = document().create_element("p") else { return };
    let _ = notice.set_attribute("class", "banner");
    let _ = notice.set_attribute("data-tone", "warn");
    let _ = notice.set_attribute("role", "alert");
    notice.set_text_content(Some(
        "A part of this page could not be loaded, as when the server has been upgraded meanwhile. Reload the page.",
    ));
    if let Some(body) = document().body() {
        let _ = body.prepend_with_node_1(&notice);
    }
}

thread_local! {
    /// How much is being loaded.
    static LOADING: Cell<u32> = const { Cell::new(0) };
}

/// Shows that something is being loaded, for as long as this lives.
pub struct LoadingMark(());

impl LoadingMark {
    pub fn show() -> Self {
        count_loading(|loading| loading + 1);
        Self(())
    }
}

impl Drop for LoadingMark {
    fn drop(&mut self) {
        count_loading(|loading| loading - 1);
    }
}

fn count_loading(count: impl FnOnce(u32) -> u32) {
    let loading = count(LOADING.get());
    LOADING.set(loading);
    if let Some(mark) = document().get_element_by_id(LOADING_ID) {
        // Fails only for what is no name of an attribute.
        let _ = mark.toggle_attribute_with_force("hidden", loading == 0);
    }
}

/// Whether a button was pressed in what every page begins with.
pub fn is_on_header_button(event: &Event) -> bool {
    let element = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    event.type_() == "click" && element.is_some_and(|element| matches!(element.closest(".header button"), Ok(Some(_))))
}

/// What is within what all pages have in common.
pub fn content() -> Option<Element> {
    document().get_element_by_id("content")
}

/// What a person does that changes what a page shows.
const EVENTS: [&str; 6] = ["click", "drop", "input", "change", "keydown", "popstate"];

/// Calls it before anything else hears of what a person does, for as long as the page lives.
pub fn before_events(call: impl Fn(&Event) + 'static) {
    let call = Closure::<dyn Fn(Event)>::new(move |event: Event| call(&event)).into_js_value();
    for event in EVENTS {
        // Fails for what is no function.
        let _ = window().add_event_listener_with_callback_and_bool(event, call.unchecked_ref(), true);
    }
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
pub fn room_of_window() -> Spot {
    let size = |size: Result<JsValue, JsValue>| size.ok().and_then(|size| size.as_f64()).unwrap_or_default();
    Spot { x: size(window().inner_width()), y: size(window().inner_height()) }
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
    /// What had the focus before something was opened.
    static HAD_FOCUS: RefCell<Option<HtmlElement>> = const { RefCell::new(None) };
}

/// Remembers what has the keyboard's focus, for [`give_focus_back`].
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
    wait_for_title(PATIENCE_FRAMES, document().active_element());
}

/// `had_focus` is what had the focus when the page was left.
fn wait_for_title(frames_left: u32, had_focus: Option<Element>) {
    request_animation_frame(move || {
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
                    let options = js_sys::Object::new();
                    // Where the page is scrolled to is the router's to say.
                    let _ = js_sys::Reflect::set(&options, &JsValue::from_str("preventScroll"), &JsValue::TRUE);
                    call(&title, "focus", &[options.into()]);
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
        let options = js_sys::Object::new();
        let _ = js_sys::Reflect::set(&options, &JsValue::from_str("block"), &JsValue::from_str("nearest"));
        call(&element, "scrollIntoView", &[options.into()]);
    }
}

/// Scrolls a menu sideways so that the entry of the present page is in its middle.
pub fn show_current_entry(menu: &str) {
    let menu = menu.to_owned();
    // The router marks the entry in this very task.
    request_animation_frame(move || {
        let part = |selector: &str| document().query_selector(selector).ok()??.dyn_into::<HtmlElement>().ok();
        let entry = part(&format!("#{menu} [aria-current=page]"));
        if let (Some(menu), Some(entry)) = (part(&format!("#{menu}")), entry) {
            menu.set_scroll_left(entry.offset_left() + (entry.offset_width() - menu.client_width()) / 2);
        }
    });
}

/// Scrolls to what the address names after its `#`, if the page has it.
pub fn show_target() {
    let hash = window().location().hash().unwrap_or_default();
    let id = hash.strip_prefix('#').and_then(|hash| js_sys::decode_uri_component(hash).ok()).map(String::from);
    if let Some(target) = id.and_then(|id| document().get_element_by_id(&id)) {
        target.scroll_into_view();
    }
}

/// Puts a text into the clipboard. `done` is told whether the browser allowed it.
pub fn copy(text: &str, done: impl Fn(bool) + 'static) {
    // Only pages of this machine or over TLS have a clipboard.
    let part = |of: &JsValue, name| js_sys::Reflect::get(of, &JsValue::from_str(name)).ok();
    let promise = part(&window().into(), "navigator")
        .and_then(|navigator| part(&navigator, "clipboard"))
        .and_then(|clipboard| call(&clipboard, "writeText", &[JsValue::from_str(text)]))
        .and_then(|promise| promise.dyn_into::<js_sys::Promise>().ok());
    let Some(promise) = promise else {
        done(false);
        return;
    };
    let done = Rc::new(done);
    let failed = Rc::clone(&done);
    let written = Closure::once_into_js(move |_: JsValue| done(true));
    let refused = Closure::once_into_js(move |_: JsValue| failed(false));
    call(&promise, "then", &[written, refused]);
}

/// What this browser was told to remember under this name.
pub fn remembered(name: &str) -> Option<String> {
    call(&storage()?, "getItem", &[JsValue::from_str(name)])?.as_string()
}

/// Keeps it until the person clears the browser's storage; nothing happens where there is none.
pub fn remember(name: &str, value: &str) {
    if let Some(storage) = storage() {
        call(&storage, "setItem", &[JsValue::from_str(name), JsValue::from_str(value)]);
    }
}

fn storage() -> Option<JsValue> {
    js_sys::Reflect::get(&window(), &JsValue::from_str("localStorage")).ok().filter(JsValue::is_object)
}

/// Calls a method by its name: the server's build has no bindings for those used here. None when there is no such
/// method or it throws.
fn call(target: &JsValue, method: &str, arguments: &[JsValue]) -> Option<JsValue> {
    let method = js_sys::Reflect::get(target, &JsValue::from_str(method)).ok()?;
    let arguments: js_sys::Array = arguments.iter().collect();
    method.dyn_into::<js_sys::Function>().ok()?.apply(target, &arguments).ok()
}
