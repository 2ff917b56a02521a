//! The wasm entry point: hydrates app, and says which parts of it are files of their own.

mod parts;

use std::time::Duration;

use app::{App, browser, parts::Screen, takeover::take_over_page};
use leptos::prelude::provide_context;
use wasm_bindgen::prelude::wasm_bindgen;

/// Takes over the page that the server has rendered; called once by the script that the page carries.
#[wasm_bindgen]
pub async fn hydrate() {
    console_error_panic_hook::set_once();
    // What the page shows has to be there before it is taken over.
    for screen in Screen::at(&browser::path()) {
        if (parts::PARTS.fetch)(screen).await.is_err() {
            browser::admit_being_incomplete();
            return;
        }
    }
    // What is done so far was a task of its own.
    browser::pause(Duration::ZERO).await;
    take_over_page(|| {
        provide_context(parts::PARTS);
        App()
    });
}
