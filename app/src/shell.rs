//! The HTML document and what every page has in common: header, routes, announcements.

use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    hooks::use_location,
    path,
};

use crate::{
    browser,
    clock::provide_clock,
    components::{
        acting::provide_acting,
        header::Header,
        help::KeyboardHelp,
        toast::{ToastArea, provide_toasts},
    },
    live::provide_live,
    pages::{not_found::NotFound, runtimes::RuntimesPage},
    parts::{self, Screen},
    shortcuts::{Keys, provide_shortcuts},
    takeover::piece,
};

/// A dark square with the first letter, so that no request is made for an icon.
#[cfg(feature = "ssr")]
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect \
    width='32' height='32' rx='7' fill='%23000'/%3E%3Cpath d='M10 7v18M22 7 11 17l11 8' fill='none' \
    stroke='%2322d3ee' stroke-width='3.5' stroke-linecap='round' stroke-linejoin='round'/%3E%3C/svg%3E";

/// What a page needs to check files as its server would.
#[cfg(feature = "ssr")]
#[derive(Debug, Clone)]
pub struct Checker {
    /// Of the worker's script.
    pub url: String,
    /// What a file may cost, as JSON for the worker.
    pub limits: String,
}

/// The whole document; the server renders [`App`] into it. `checker` is for [`browser::check_file`].
#[cfg(feature = "ssr")]
pub fn shell(options: LeptosOptions, checker: &Checker) -> impl IntoView + use<> {
    use leptos_meta::{HashedStylesheet, MetaTags};

    let Checker { url, limits } = checker.clone();
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="dark light"/>
                <meta name="checker" content=url data-limits=limits/>
                <link rel="icon" href=ICON/>
                // Nothing is painted before all of the page is there, else what comes later would move what is seen.
                <link rel="expect" href="#announcements" blocking="render"/>
                <HashedStylesheet options=options.clone() id="style"/>
                <AutoReload options=options.clone()/>
                <HydrationScripts options/>
                {loader()}
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// The script that loads parts. The first script imports it, so a browser would learn of it only from that one.
#[cfg(feature = "ssr")]
fn loader() -> impl IntoView {
    let manifest: Option<leptos::WasmSplitManifest> = use_context();
    manifest.map(|manifest| {
        let href = manifest.0.with_value(|(folder, _, script)| format!("{folder}/{script}"));
        view! { <link rel="modulepreload" href=href/> }
    })
}

/// The pages. The server provides `BackendContext` and `domain::Actor` around it.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    #[cfg(feature = "ssr")]
    provide_context(crate::loading::Loaded::default());
    let live = provide_live();
    provide_clock();
    let shortcuts = provide_shortcuts();
    let toasts = provide_toasts();
    let acting = provide_acting(live, toasts);
    let (palette, help) = (RwSignal::new(false), RwSignal::new(false));
    let open = |what: RwSignal<bool>| Callback::new(move |()| what.set(true));
    shortcuts.add(Keys::Command("k"), "Go to a runtime or a version, or act on one", open(palette));
    shortcuts.add(Keys::Single("?"), "Show these keys", open(help));
    // Resources must be complete before the first byte: the status depends on them, and without scripts nobody would
    // move streamed parts into place.
    let whole = SsrMode::Async;
    let main = move || {
        view! {
            <main id="content" class="content" tabindex="-1">
                <Routes fallback=NotFound>
                    <Route path=path!("/") view=RuntimesPage ssr=whole.clone()/>
                    <Route path=path!("/activity") view=Screen::Activity ssr=whole.clone()/>
                    <Route path=path!("/runtimes/:runtime") view=Screen::Runtime ssr=whole.clone()/>
                    <ParentRoute path=path!("/runtimes/:runtime/versions/:version") view=Screen::Version ssr=whole.clone()>
                        <Route path=path!("") view=Screen::Status ssr=whole.clone()/>
                        <Route path=path!("documentation") view=Screen::Documentation ssr=whole.clone()/>
                        <Route path=path!("manifest") view=Screen::Manifest ssr=whole.clone()/>
                        <Route path=path!("compare") view=Screen::Compare ssr=whole.clone()/>
                        <Route path=path!("configuration") view=Screen::Configuration ssr=whole.clone()/>
                        <Route path=path!("history") view=Screen::History ssr=whole/>
                    </ParentRoute>
                </Routes>
            </main>
        }
        .into_any()
    };
    view! {
        <Title formatter=document_title/>
        <Router>
            <a class="skip-link" href="#content" on:click=move |_| browser::focus("content")>"Skip to content"</a>
            <FocusNewPages/>
            <Header palette help/>
            <LaidOutSoFar/>
            // Text only: a browser with scripts does not read it as markup.
            <noscript class="banner">
                "JavaScript is off: this page does not follow changes, and versions can be neither added nor acted on."
            </noscript>
            {piece(main)}
            {piece(move || view! { <ToastArea toasts/> }.into_any())}
            {parts::acting_dialog(acting)}
            {parts::palette(palette)}
            {piece(move || view! { <KeyboardHelp open=help/> }.into_any())}
            <div id="announcements" class="visually-hidden" aria-live="polite" role="status">{move || live.announcement.get()}</div>
        </Router>
    }
}

/// What the browser calls a page with this title.
///
/// On the server Leptos writes it into the page as it is, so there it is escaped; in the browser it is set as text.
fn document_title(title: String) -> String {
    let title = if title.is_empty() { "KAI Server".to_owned() } else { format!("{title} · KAI Server") };
    if cfg!(feature = "ssr") { title.replace('&', "&amp;").replace('<', "&lt;") } else { title }
}

/// Has the browser lay out what it has so far, the header, in a task of its own. Most of that is asking the system for
/// fonts: the layout of the whole page, which is one task in any case, finds them there.
#[component]
fn LaidOutSoFar() -> impl IntoView {
    view! { <script nonce=use_nonce()>"document.body.offsetHeight"</script> }
}

/// Moves the focus to the title of each page that is gone to without a reload, as a reload would move it.
#[component]
fn FocusNewPages() -> impl IntoView {
    let path = use_location().pathname;
    Effect::new(move |before: Option<String>| {
        let now = path.get();
        match before {
            None => browser::remember_title(),
            Some(before) if before != now => browser::focus_next_title(),
            Some(_) => {}
        }
        now
    });
}
