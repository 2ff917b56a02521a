//! What becomes of a page whose program has panicked: nothing of it runs any more.

use std::cell::Cell;

use leptos::prelude::{document, window};

/// Kept by the browser for as long as the tab is open, from one load of the page to the next.
const RENDER_HERE: &str = "kai-render-here";

thread_local! {
    static IS_HYDRATED: Cell<bool> = const { Cell::new(false) };
}

/// From now on a panic is none of hydration.
pub fn note_hydrated() {
    IS_HYDRATED.set(true);
}

/// Loads the page once more, to be rendered by the browser, when it could not be hydrated; else says that it has to be
/// loaded again. Called by the panic hook.
pub fn recover_from_panic() {
    let is_first_try = !IS_HYDRATED.get() && !is_rendered_here();
    if is_first_try && storage().is_some_and(|storage| storage.set_item(RENDER_HERE, &address()).is_ok()) {
        // Fails only where there is no page.
        let _ = window().location().reload();
        return;
    }
    show_banner("This page has stopped working. Reload it; if that does not help, see the browser's console.");
}

/// Says something above a page of which nothing else runs.
pub fn show_banner(text: &str) {
    let Ok(notice) = document().create_element("p") else { return };
    let _ = notice.set_attribute("class", "banner");
    let _ = notice.set_attribute("data-tone", "bad");
    let _ = notice.set_attribute("role", "alert");
    notice.set_text_content(Some(text));
    if let Some(body) = document().body() {
        let _ = body.prepend_with_node_1(&notice);
    }
}

/// Whether the last load of this page could not be hydrated. Asked once: the next load is tried as usual.
pub fn is_to_be_rendered_here() -> bool {
    let is_meant = storage().and_then(|storage| storage.get_item(RENDER_HERE).ok().flatten()) == Some(address());
    if is_meant {
        let _ = storage().map(|storage| storage.remove_item(RENDER_HERE));
        let _ = document().body().map(|body| body.set_attribute(RENDER_HERE, ""));
    }
    is_meant
}

fn is_rendered_here() -> bool {
    document().body().is_some_and(|body| body.has_attribute(RENDER_HERE))
}

fn address() -> String {
    window().location().href().unwrap_or_default()
}

fn storage() -> Option<web_sys::Storage> {
    window().session_storage().ok().flatten()
}
