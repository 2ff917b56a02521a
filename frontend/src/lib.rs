//! The wasm entry point: hydrates app, nothing else.

use wasm_bindgen::prelude::wasm_bindgen;

/// Takes over the page that the server has rendered; called once by the script that the page carries.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(app::App);
}
