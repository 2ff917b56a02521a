//! The wasm entry point: hydrates app, and says which parts of it are files of their own.

mod parts;

use app::{App, browser, parts::Screen};
use leptos::{mount::hydrate_body, prelude::provide_context};
use wasm_bindgen::prelude::wasm_bindgen;

/// Takes over the page that the server has rendered; called once by the script that the page carries.
#[wasm_bindgen]
pub async fn hydrate() {
    console_error_panic_hook::set_once();
    // The page is taken over in one go, so what it shows has to be there before.
    for screen in Screen::at(&browser::path()) {
        if (parts::PARTS.fetch)(screen).await.is_err() {
            browser::admit_being_incomplete();
            return;
        }
    }
    hydrate_body(|| {
        provide_context(parts::PARTS);
        App()
    });
}
