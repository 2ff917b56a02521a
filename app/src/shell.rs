//! The HTML document and what every page has in common: header, routes, announcements.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    path,
};

use crate::{
    browser,
    components::header::Header,
    live::provide_live,
    pages::{
        not_found::NotFound,
        runtime::RuntimePage,
        runtimes::RuntimesPage,
        version::{VersionPage, configuration::ConfigurationScreen, history::HistoryScreen, status::StatusScreen},
    },
};

/// A dark square with the first letter, so that no request is made for an icon.
#[cfg(feature = "ssr")]
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect \
    width='32' height='32' rx='7' fill='%23000'/%3E%3Cpath d='M10 7v18M22 7 11 17l11 8' fill='none' \
    stroke='%2322d3ee' stroke-width='3.5' stroke-linecap='round' stroke-linejoin='round'/%3E%3C/svg%3E";

/// The whole document; the server renders [`App`] into it. `checker` is the URL of the worker that checks files.
#[cfg(feature = "ssr")]
pub fn shell(options: LeptosOptions, checker: &str) -> impl IntoView + use<> {
    use leptos_meta::{HashedStylesheet, MetaTags};

    let checker = checker.to_owned();
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="dark light"/>
                <meta name="checker" content=checker/>
                <link rel="icon" href=ICON/>
                <HashedStylesheet options=options.clone() id="style"/>
                <AutoReload options=options.clone()/>
                <HydrationScripts options/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// The pages. The server provides `BackendContext` and `domain::Actor` around it.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let live = provide_live();
    // Resources must be complete before the first byte: the status depends on them, and without scripts nobody would
    // move streamed parts into place.
    let whole = SsrMode::Async;
    view! {
        <Title formatter=|text: String| if text.is_empty() { "KAI Server".to_owned() } else { format!("{text} · KAI Server") }/>
        <Router>
            <a class="skip-link" href="#content" on:click=move |_| browser::focus("content")>"Skip to content"</a>
            <Header/>
            // Text only: a browser with scripts does not read it as markup.
            <noscript class="banner">
                "JavaScript is off: this page does not follow changes, and versions can be neither added nor acted on."
            </noscript>
            <main id="content" class="content" tabindex="-1">
                <Routes fallback=NotFound>
                    <Route path=path!("/") view=RuntimesPage ssr=whole.clone()/>
                    <Route path=path!("/runtimes/:runtime") view=RuntimePage ssr=whole.clone()/>
                    <ParentRoute path=path!("/runtimes/:runtime/versions/:version") view=VersionPage ssr=whole.clone()>
                        <Route path=path!("") view=StatusScreen ssr=whole.clone()/>
                        <Route path=path!("configuration") view=ConfigurationScreen ssr=whole.clone()/>
                        <Route path=path!("history") view=HistoryScreen ssr=whole/>
                    </ParentRoute>
                </Routes>
            </main>
            <div class="visually-hidden" aria-live="polite" role="status">{move || live.announcement.get()}</div>
        </Router>
    }
}
