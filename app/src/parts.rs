//! The parts of the pages that a browser loads when they are first needed, each from a file of its own.
//!
//! Whatever the code that is loaded first names is loaded with it. So in the browser nothing here names a screen: the
//! entry point, which does, hands in a function that loads it. The server has all of them at hand.

use std::{future::Future, pin::Pin};

use leptos::prelude::*;
use leptos_router::ChooseView;

use crate::{
    components::{
        acting::{Acting, ActingDialogProps},
        log_drawer::LogDrawerProps,
        palette::PaletteProps,
        upload_zone::review::ReviewProps,
    },
    pages::runtimes::create::form::CreateFormProps,
};

/// What an address shows, within what all pages have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    Activity,
    Runtime,
    /// What all screens of a version have in common.
    Version,
    Status,
    Documentation,
    Manifest,
    Compare,
    Configuration,
    History,
}

impl Screen {
    /// What is shown at this path, from the outside in, as the routes of [`crate::App`] have it; nothing where that is
    /// loaded first anyway.
    pub fn at(path: &str) -> Vec<Self> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        match parts.as_slice() {
            ["activity"] => vec![Self::Activity],
            ["runtimes", _] => vec![Self::Runtime],
            ["runtimes", _, "versions", _] => vec![Self::Version, Self::Status],
            ["runtimes", _, "versions", _, screen] => {
                let screen = match *screen {
                    "documentation" => Self::Documentation,
                    "manifest" => Self::Manifest,
                    "compare" => Self::Compare,
                    "configuration" => Self::Configuration,
                    "history" => Self::History,
                    _ => return Vec::new(),
                };
                vec![Self::Version, screen]
            }
            _ => Vec::new(),
        }
    }
}

/// Why a part is not there: its file could not be loaded, as when the server has become another release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotLoaded;

/// A part that is being loaded; at once when its file is there.
pub type Loading<T> = Pin<Box<dyn Future<Output = Result<T, NotLoaded>> + Send>>;

/// How the browser gets at the parts; in every component's context.
#[derive(Clone, Copy)]
pub struct Parts {
    pub screen: fn(Screen) -> Loading<AnyView>,
    /// Loads the screen's file and shows nothing.
    pub fetch: fn(Screen) -> Loading<()>,
    pub palette: fn(PaletteProps) -> Loading<AnyView>,
    pub acting_dialog: fn(ActingDialogProps) -> Loading<AnyView>,
    pub log_drawer: fn(LogDrawerProps) -> Loading<AnyView>,
    pub review: fn(ReviewProps) -> Loading<AnyView>,
    pub create_form: fn(CreateFormProps) -> Loading<AnyView>,
}

/// The command palette, there from when it is opened first.
pub fn palette(open: RwSignal<bool>) -> impl IntoView {
    let wanted = Memo::new(move |before: Option<&bool>| before.is_some_and(|before| *before) || open.get());
    move || {
        wanted.get().then(|| {
            let props = PaletteProps { open };
            #[cfg(feature = "hydrate")]
            return later(expect_context::<Parts>().palette, props);
            #[cfg(not(feature = "hydrate"))]
            crate::components::palette::Palette(props).into_any()
        })
    }
}

/// The dialog before an action, there while something is asked.
pub fn acting_dialog(acting: Acting) -> impl IntoView {
    let is_asking = Memo::new(move |_| acting.is_asking());
    move || {
        is_asking.get().then(|| {
            let props = ActingDialogProps { acting };
            #[cfg(feature = "hydrate")]
            return later(expect_context::<Parts>().acting_dialog, props);
            #[cfg(not(feature = "hydrate"))]
            crate::components::acting::ActingDialog(props).into_any()
        })
    }
}

/// The logs of a version, there as soon as they are loaded.
pub fn log_drawer(props: LogDrawerProps) -> AnyView {
    #[cfg(feature = "hydrate")]
    return later(expect_context::<Parts>().log_drawer, props);
    #[cfg(not(feature = "hydrate"))]
    crate::components::log_drawer::LogDrawer(props).into_any()
}

/// What was found in a file, there as soon as it is loaded.
pub fn review(props: ReviewProps) -> AnyView {
    #[cfg(feature = "hydrate")]
    return later(expect_context::<Parts>().review, props);
    #[cfg(not(feature = "hydrate"))]
    crate::components::upload_zone::review::Review(props).into_any()
}

/// The form that creates a runtime: what the server made of it works, and is taken over once it is `wanted`.
pub fn create_form(wanted: Signal<bool>, props: CreateFormProps) -> AnyView {
    #[cfg(feature = "hydrate")]
    return crate::takeover::late_piece(wanted, move || (expect_context::<Parts>().create_form)(props)).into_any();
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = wanted;
        crate::pages::runtimes::create::form::CreateForm(props).into_any()
    }
}

/// Something that no page begins with.
#[cfg(feature = "hydrate")]
fn later<P: 'static>(load: fn(P) -> Loading<AnyView>, props: P) -> AnyView {
    let loading = load(props);
    Suspend::new(async move {
        loading.await.unwrap_or_else(|NotLoaded| {
            crate::browser::admit_being_incomplete();
            ().into_any()
        })
    })
    .into_any()
}

#[cfg(feature = "hydrate")]
impl ChooseView for Screen {
    async fn choose(self) -> AnyView {
        let parts: Parts = expect_context();
        let url = leptos_router::hooks::use_url().get_untracked();
        match (parts.screen)(self).await {
            Ok(view) => view,
            Err(NotLoaded) => {
                // The server renders the page anew, and with it names the files that it has now.
                crate::browser::visit(&format!("{}{}", url.path(), url.search()));
                ().into_any()
            }
        }
    }

    async fn preload(&self) {
        let parts: Parts = expect_context();
        // What fails is tried once more, and told, when it is shown.
        let _ = (parts.fetch)(*self).await;
    }
}

#[cfg(not(feature = "hydrate"))]
impl ChooseView for Screen {
    async fn choose(self) -> AnyView {
        use crate::pages::{
            activity::ActivityPage,
            runtime::RuntimePage,
            version::{
                VersionPage, compare::CompareScreen, configuration::ConfigurationScreen,
                documentation::DocumentationScreen, history::HistoryScreen, manifest::ManifestScreen,
                status::StatusScreen,
            },
        };

        // Named in the page's head, so that the browser loads it along with what is loaded first.
        leptos::prefetch_lazy_fn_on_server(self.file());
        match self {
            Self::Activity => ActivityPage().into_any(),
            Self::Runtime => RuntimePage().into_any(),
            Self::Version => VersionPage().into_any(),
            Self::Status => StatusScreen().into_any(),
            Self::Documentation => DocumentationScreen().into_any(),
            Self::Manifest => ManifestScreen().into_any(),
            Self::Compare => CompareScreen().into_any(),
            Self::Configuration => ConfigurationScreen().into_any(),
            Self::History => HistoryScreen().into_any(),
        }
    }

    async fn preload(&self) {}
}

#[cfg(not(feature = "hydrate"))]
impl Screen {
    /// What the entry point calls the file that the screen is in.
    fn file(self) -> &'static str {
        match self {
            Self::Runtime => "runtime",
            Self::Version | Self::Status => "version",
            Self::Activity
            | Self::Documentation
            | Self::Manifest
            | Self::Compare
            | Self::Configuration
            | Self::History => "screens",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Screen;

    #[test]
    fn each_address_has_its_screens() {
        let version = "/runtimes/demo/versions/v1";
        assert_eq!(Screen::at("/"), []);
        assert_eq!(Screen::at("/activity/"), [Screen::Activity]);
        assert_eq!(Screen::at("/runtimes/demo"), [Screen::Runtime]);
        assert_eq!(Screen::at(version), [Screen::Version, Screen::Status]);
        assert_eq!(Screen::at(&format!("{version}/history")), [Screen::Version, Screen::History]);
        assert_eq!(Screen::at(&format!("{version}/nowhere")), []);
    }
}
