//! The pages. Each loads what it shows, keeps it true by the events, and hands plain values to components.
//!
//! Their code comes in four files: the list of runtimes, a runtime, a version with its status, and all others. Were each page in
//! a file of its own, what some of them share would be in a file for each combination of them, hundreds in all.

pub mod activity;
pub mod new_runtime;
pub mod not_found;
pub mod runtime;
pub mod runtimes;
pub mod version;

use leptos::prelude::*;

use crate::features::not_loaded::NotLoaded;
use activity::ActivityPage;
use new_runtime::NewRuntimePage;
use runtime::RuntimePage;
use runtimes::RuntimesPage;
use version::{
    VersionPage, compare::CompareScreen, configuration::ConfigurationScreen, documentation::DocumentationScreen,
    history::HistoryScreen, manifest::ManifestScreen, metrics::MetricsScreen, status::StatusScreen,
    try_it::TryItScreen,
};

/// Loads the code of the page at this path, which has to be there before the page is hydrated; answers whether all of it is.
pub async fn preload(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        ["activity"] => more_pages::preload().await,
        ["runtimes", "new"] => first_pages::preload().await,
        ["runtimes", _] => runtime_pages::preload().await,
        ["runtimes", _, "versions", _] => version_pages::preload().await,
        ["runtimes", _, "versions", _, _] => version_pages::preload().await && more_pages::preload().await,
        _ => first_pages::preload().await,
    }
}

/// Makes a [`LazyRoute`](leptos_router::LazyRoute) of each page, all of them in the one file that the function loads.
macro_rules! lazy_routes {
    ($file:ident: $($route:ident => $page:ident),+ $(,)?) => {
        mod $file {
            use leptos::{LazyViewError, prelude::*};

            #[derive(Clone, Copy)]
            #[allow(clippy::enum_variant_names, reason = "each is its route's name")]
            pub(super) enum Page { $($route),+ }

            #[lazy($file, fallible)]
            pub(super) fn view(page: Page) -> Result<AnyView, LazyViewError> {
                Ok(match page { $(Page::$route => super::$page().into_any()),+ })
            }

            /// Loads the file without showing anything; answers whether it is there.
            pub(super) async fn preload() -> bool {
                #[cfg(feature = "hydrate")]
                return __preload_view().await.is_ok();
                #[cfg(not(feature = "hydrate"))]
                true
            }
        }

        $(
            #[doc = concat!("The route of [`", stringify!($page), "`].")]
            #[derive(Debug, Clone, Copy)]
            pub struct $route;

            impl leptos_router::LazyRoute for $route {
                fn data() -> Self {
                    Self
                }

                async fn view(_: Self) -> leptos::prelude::AnyView {
                    $file::view($file::Page::$route).await.unwrap_or_else(|_| not_loaded())
                }

                async fn preload() {
                    // What fails is tried once more, and told, when it is shown.
                    $file::preload().await;
                }
            }
        )+
    };
}

fn not_loaded() -> AnyView {
    view! { <NotLoaded/> }.into_any()
}

lazy_routes! {
    first_pages:
    RuntimesRoute => RuntimesPage,
    NewRuntimeRoute => NewRuntimePage,
}

lazy_routes! {
    runtime_pages:
    RuntimeRoute => RuntimePage,
}

lazy_routes! {
    version_pages:
    VersionRoute => VersionPage,
    StatusRoute => StatusScreen,
}

lazy_routes! {
    more_pages:
    ActivityRoute => ActivityPage,
    DocumentationRoute => DocumentationScreen,
    ManifestRoute => ManifestScreen,
    CompareRoute => CompareScreen,
    ConfigurationRoute => ConfigurationScreen,
    HistoryRoute => HistoryScreen,
    MetricsRoute => MetricsScreen,
    TryItRoute => TryItScreen,
}
