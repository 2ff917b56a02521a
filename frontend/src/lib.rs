//! The wasm entry point: hydrates app, nothing else.

use std::panic;

use app::{App, AppProps, pages, platform};
use leptos::{
    mount::{hydrate_body, mount_to_body},
    prelude::{ArcRwSignal, Set},
    tachys::dom::body,
};
use wasm_bindgen::prelude::wasm_bindgen;

/// Hydrates the page that the server has rendered; called once by the script that the page carries. The page's code is
/// loaded before, so hydration waits for nothing: Leptos' `hydrate_lazy`, which can wait, is 7 % more code.
///
/// What cannot be hydrated, as when a browser's extension has changed the page meanwhile, panics. Then the page is loaded
/// once more, and rendered by the browser alone.
#[wasm_bindgen]
pub async fn hydrate() {
    panic::set_hook(Box::new(|panicked| {
        console_error_panic_hook::hook(panicked);
        platform::recover_from_panic();
    }));
    let hydrated = ArcRwSignal::new(false);
    let app = {
        let hydrated = hydrated.clone();
        move || App(AppProps { hydrated })
    };
    // Without its code the page stays as the server made it: links and forms work without scripts.
    if !pages::preload(&platform::path()).await {
        platform::show_banner(
            "A part of this page could not be loaded. The server may have been upgraded: reload the page.",
        );
        return;
    }
    if platform::is_to_be_rendered_here() {
        body().set_inner_html("");
        mount_to_body(app);
    } else {
        hydrate_body(app);
    }
    platform::note_hydrated();
    hydrated.set(true);
}
