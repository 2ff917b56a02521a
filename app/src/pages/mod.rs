//! The pages. Each loads what it shows, keeps it true by the events, and hands plain values to components.
//!
//! Their code comes in a file for each list of `lazy_routes!`. Were each page in a file of its own, what some of them share
//! would be in a file for each combination of them, hundreds in all.

pub mod access;
pub mod account;
pub mod activity;
pub mod audit;
pub mod new_runtime;
pub mod not_found;
pub mod people;
pub mod runtime;
pub mod runtimes;
pub mod version;

use std::sync::atomic::{AtomicBool, Ordering};

use leptos::prelude::*;
use leptos_router::{
    ChooseView, Lazy, MatchInterface, MatchNestedRoutes, RouteDefs, SsrMode,
    components::{ParentRoute, Route},
    path,
};

use crate::features::not_loaded::NotLoaded;
use access::AccessPage;
use account::AccountPage;
use activity::ActivityPage;
use audit::AuditPage;
use new_runtime::NewRuntimePage;
use people::PeoplePage;
use runtime::RuntimePage;
use runtimes::RuntimesPage;
use version::{
    VersionPage, compare::CompareScreen, configuration::ConfigurationScreen, documentation::DocumentationScreen,
    history::HistoryScreen, manifest::ManifestScreen, metrics::MetricsScreen, status::StatusScreen,
    try_it::TryItScreen,
};

/// All addresses that show a page.
pub fn routes() -> impl MatchNestedRoutes + Clone + Send + 'static {
    // Resources must be complete before the first byte: the status depends on them, and without scripts nobody would
    // move streamed parts into place.
    let whole = SsrMode::Async;
    view! {
        <Route path=path!("/") view={Lazy::<RuntimesRoute>::new()} ssr=whole.clone()/>
        <Route path=path!("/activity") view={Lazy::<ActivityRoute>::new()} ssr=whole.clone()/>
        <Route path=path!("/account") view={Lazy::<AccountRoute>::new()} ssr=whole.clone()/>
        <Route path=path!("/people") view={Lazy::<PeopleRoute>::new()} ssr=whole.clone()/>
        <Route path=path!("/audit") view={Lazy::<AuditRoute>::new()} ssr=whole.clone()/>
        <Route path=path!("/runtimes/:runtime/access") view={Lazy::<AccessRoute>::new()} ssr=whole.clone()/>
        <Route path=path!("/runtimes/new") view={Lazy::<NewRuntimeRoute>::new()} ssr=whole.clone()/>
        <Route path=path!("/runtimes/:runtime") view={Lazy::<RuntimeRoute>::new()} ssr=whole.clone()/>
        <ParentRoute
            path=path!("/runtimes/:runtime/versions/:version")
            view={Lazy::<VersionRoute>::new()}
            ssr=whole.clone()
        >
            <Route path=path!("") view={Lazy::<StatusRoute>::new()} ssr=whole.clone()/>
            <Route path=path!("metrics") view={Lazy::<MetricsRoute>::new()} ssr=whole.clone()/>
            <Route path=path!("documentation") view={Lazy::<DocumentationRoute>::new()} ssr=whole.clone()/>
            <Route path=path!("manifest") view={Lazy::<ManifestRoute>::new()} ssr=whole.clone()/>
            <Route path=path!("compare") view={Lazy::<CompareRoute>::new()} ssr=whole.clone()/>
            <Route path=path!("configuration") view={Lazy::<ConfigurationRoute>::new()} ssr=whole.clone()/>
            <Route path=path!("history") view={Lazy::<HistoryRoute>::new()} ssr=whole.clone()/>
            <Route path=path!("try-it") view={Lazy::<TryItRoute>::new()} ssr=whole/>
        </ParentRoute>
    }
    .into_inner()
}

/// Whether the code of a page could not be loaded: [`leptos_router::LazyRoute::preload`] answers nothing.
static HAS_FAILED: AtomicBool = AtomicBool::new(false);

/// Loads the code of the page at this path, which has to be there before the page is hydrated; answers whether all of it is.
pub async fn preload(path: &str) -> bool {
    if let Some(page) = RouteDefs::new(routes()).match_route(path) {
        let (view, screen) = page.into_view_and_child();
        view.preload().await;
        if let Some(screen) = screen {
            screen.into_view_and_child().0.preload().await;
        }
    }
    !HAS_FAILED.swap(false, Ordering::Relaxed)
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

            /// Loads the file without showing anything.
            pub(super) async fn preload() {
                #[cfg(feature = "hydrate")]
                if __preload_view().await.is_err() {
                    super::HAS_FAILED.store(true, std::sync::atomic::Ordering::Relaxed);
                }
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

                async fn view(_: Self) -> AnyView {
                    $file::view($file::Page::$route).await.unwrap_or_else(|_| not_loaded())
                }

                async fn preload() {
                    // Whoever goes to the page tries once more what has failed, and is told when it is shown.
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
    ActivityRoute => ActivityPage,
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
    DocumentationRoute => DocumentationScreen,
    ManifestRoute => ManifestScreen,
    CompareRoute => CompareScreen,
    ConfigurationRoute => ConfigurationScreen,
    HistoryRoute => HistoryScreen,
    MetricsRoute => MetricsScreen,
    TryItRoute => TryItScreen,
}

lazy_routes! {
    account_pages:
    AccountRoute => AccountPage,
    PeopleRoute => PeoplePage,
    AccessRoute => AccessPage,
    AuditRoute => AuditPage,
}
