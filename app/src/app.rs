//! The HTML document and what every page has in common: header, routes, announcements.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    components::{Router, Routes},
    hooks::use_location,
};

use crate::{
    features::{
        header::Header,
        help::KeyboardHelp,
        overlays::{OpenCommandDialogs, OpenPalette},
        toast_area::ToastArea,
    },
    pages::{self, not_found::NotFound},
    platform,
    state::{
        access::provide_access,
        clock::provide_clock,
        commands::provide_commands,
        lazy::provide_loading,
        live::provide_live,
        shortcuts::{Keys, provide_shortcuts},
        toasts::provide_toasts,
    },
};

/// A dark square with the first letter, so that no request is made for an icon.
#[cfg(feature = "ssr")]
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect \
    width='32' height='32' rx='7' fill='%23000'/%3E%3Cpath d='M10 7v18M22 7 11 17l11 8' fill='none' \
    stroke='%2322d3ee' stroke-width='3.5' stroke-linecap='round' stroke-linejoin='round'/%3E%3C/svg%3E";

/// Lets a page check files as its server would.
#[cfg(feature = "ssr")]
#[derive(Debug, Clone)]
pub struct Checker {
    /// Of the worker's script.
    pub url: String,
    /// The limits for files, as JSON for the worker.
    pub limits: String,
}

/// The whole document; the server renders [`App`] into it. `checker` is for [`platform::check_file`].
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
                // Only the whole page is painted: content that arrives later would shift it.
                <link rel="expect" href="#announcements" blocking="render"/>
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

/// The pages. The server provides `BackendContext` and `domain::Caller` around it. `hydrated` becomes true in the browser,
/// when the page that the server rendered can be changed.
#[component]
pub fn App(#[prop(into, default = ArcRwSignal::new(false))] hydrated: ArcRwSignal<bool>) -> impl IntoView {
    provide_meta_context();
    #[cfg(feature = "ssr")]
    provide_context(crate::api::resource::Loaded::default());
    let live = provide_live(hydrated.into());
    provide_access(live);
    let loading = provide_loading();
    provide_clock(live);
    let shortcuts = provide_shortcuts();
    let toasts = provide_toasts();
    let commands = provide_commands(live, toasts);
    let (palette, help) = (RwSignal::new(false), RwSignal::new(false));
    let open = |what: RwSignal<bool>| Callback::new(move |()| what.set(true));
    shortcuts.add(Keys::Command("k"), open(palette));
    shortcuts.add(Keys::Single("?"), open(help));
    view! {
        <Title formatter=document_title/>
        <Router set_is_routing=loading.is_routing.write_only()>
            <a class="skip-link" href="#content" on:click=move |_| platform::focus("content")>"Skip to content"</a>
            <FocusNewPages/>
            <Header palette help/>
            // Text only: a browser with scripts does not read it as markup.
            <noscript class="banner">
                "JavaScript is off: this page does not update itself, and versions cannot be added, started or published."
            </noscript>
            <main id="content" class="content" tabindex="-1">
                <Routes fallback=NotFound children=ToChildren::to_children(pages::routes)/>
            </main>
            <ToastArea toasts/>
            <OpenCommandDialogs commands/>
            <OpenPalette open=palette/>
            <KeyboardHelp open=help/>
            <div id="announcements" class="visually-hidden" aria-live="polite" role="status">{move || live.announcement.get()}</div>
        </Router>
    }
}

/// The document's title for a page with this title.
///
/// On the server Leptos writes it into the page as it is, so there it is escaped; in the browser it is set as text.
fn document_title(title: String) -> String {
    let title = if title.is_empty() { "KAI Server".to_owned() } else { format!("{title} · KAI Server") };
    if cfg!(feature = "ssr") { title.replace('&', "&amp;").replace('<', "&lt;") } else { title }
}

/// Moves the focus to the title of each page that is gone to without a reload, as a reload would move it.
#[component]
fn FocusNewPages() -> impl IntoView {
    let path = use_location().pathname;
    Effect::new(move |before: Option<String>| {
        let now = path.get();
        match before {
            None => platform::remember_title(),
            Some(before) if before != now => platform::focus_next_title(),
            Some(_) => {}
        }
        now
    });
}
