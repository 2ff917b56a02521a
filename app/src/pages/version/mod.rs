//! `/runtimes/:runtime/versions/:version`: what all screens of a version share: its data, kept true by the events,
//! the side bar with its state, menu and actions, and the logs.

pub mod compare;
pub mod configuration;
pub mod documentation;
pub mod history;
pub mod logs;
pub mod manifest;
pub mod side_bar;
pub mod status;

use domain::{RuntimeId, ServerEvent, VersionName, VersionSummary, VersionView};
use leptos::prelude::*;
use leptos_router::{components::Outlet, hooks::use_params_map};

use crate::{
    AppError, api,
    components::{
        error_panel::when_loaded,
        icon::{Icon, Shape},
    },
    error::sentence,
    live::{Live, coalesced, use_live},
    loading::resource,
    pages::{runtime_id, version_name},
    takeover::piece,
};
use logs::{Logs, OpenLogs};
use side_bar::SideBar;

/// The version that the screens show; in their context.
#[derive(Clone, Copy)]
pub struct Shown {
    pub view: RwSignal<VersionView>,
    live: Live,
    refresh: Callback<()>,
}

impl Shown {
    /// The runtime's id and the version's name, which never change while it is shown.
    pub fn ids(self) -> (RuntimeId, VersionName) {
        self.view.with_untracked(|view| (view.summary.runtime.clone(), view.summary.name.clone()))
    }

    /// Takes over a summary unless a newer one is known, then asks for the rest, which it says nothing of.
    pub fn take_summary(self, summary: &VersionSummary) {
        let before = self.view.with_untracked(|view| view.summary.clone());
        if before.revision <= summary.revision && before != *summary {
            announce_change(self.live, &before, summary);
            self.view.update(|view| view.summary = summary.clone());
        }
        self.refresh.run(());
    }

    /// Takes over what the server answered.
    pub fn take_view(self, now: VersionView) {
        replace(self.view, self.live, now);
    }
}

/// Shows the answer, unless the page that asked for it is gone.
fn replace(view: RwSignal<VersionView>, live: Live, now: VersionView) {
    let Some(before) = view.try_get_untracked() else { return };
    if before != now {
        announce_change(live, &before.summary, &now.summary);
        view.set(now);
    }
}

fn announce_change(live: Live, before: &VersionSummary, now: &VersionSummary) {
    if let (None, Some(failure)) = (&before.failure, &now.failure) {
        live.announce(format!("{} is {}: {}", now.name, now.state, failure.reason));
    } else if before.state != now.state {
        live.announce(format!("{} is now {}", now.name, now.state));
    }
}

async fn load((runtime, version): (String, String)) -> Result<VersionView, AppError> {
    api::version(runtime_id(&runtime)?, version_name(&version)?).await
}

#[component]
pub fn VersionPage() -> impl IntoView {
    let params = use_params_map();
    let ids = Memo::new(move |_| {
        params.with(|params| (params.get("runtime").unwrap_or_default(), params.get("version").unwrap_or_default()))
    });
    let loaded = resource(move || ids.get(), load);
    view! {
        {when_loaded(loaded, |version| view! { <Version version/> })}
    }
    .into_any()
}

#[component]
fn Version(version: VersionView) -> impl IntoView {
    let live = use_live();
    let ids = (version.summary.runtime.clone(), version.summary.name.clone());
    let view = RwSignal::new(version);
    let stale = RwSignal::new(None::<AppError>);
    let is_deleted = RwSignal::new(false);
    let (runtime, name) = ids.clone();
    let refresh = coalesced(move || {
        let (runtime, name) = (runtime.clone(), name.clone());
        async move {
            match api::version(runtime, name).await {
                Ok(now) => {
                    replace(view, live, now);
                    stale.try_set(None);
                }
                Err(error) => {
                    stale.try_set(Some(error));
                }
            }
        }
    });
    let shown = Shown { view, live, refresh };
    provide_context(shown);
    let logs = Logs::of_address();
    live.on_event(move |event| match event {
        ServerEvent::Hello { .. } => refresh.run(()),
        ServerEvent::Version { version } if version.runtime == ids.0 && version.name == ids.1 => {
            // Another one of the name, if it was deleted.
            is_deleted.set(false);
            shown.take_summary(version);
        }
        // Which version another publication would replace depends on the others.
        ServerEvent::Version { version } if version.runtime == ids.0 => refresh.run(()),
        ServerEvent::Deleted { deleted } if deleted.runtime == ids.0 => {
            if deleted.version.as_ref().is_none_or(|version| *version == ids.1) {
                is_deleted.set(true);
            }
        }
        ServerEvent::Version { .. }
        | ServerEvent::Runtime { .. }
        | ServerEvent::Deleted { .. }
        | ServerEvent::Cluster { .. } => {}
    });
    view! {
        <div class="version">
            {piece(move || view! { <SideBar shown logs/> }.into_any())}
            <div class="version__main">
                <div class="version__screen">
                    {move || stale.get().map(|error| view! {
                        <p class="notice" data-tone="warn" role="status"><Icon shape=Shape::Warning/>{sentence(&error)}</p>
                    })}
                    {move || is_deleted.get().then(|| view! {
                        <p class="notice" data-tone="warn" role="status">
                            <Icon shape=Shape::Warning/>
                            <span>"This version was deleted. What was done to it is in the "<a href="/activity">"activity"</a>"."</span>
                        </p>
                    })}
                    <Outlet/>
                </div>
                <OpenLogs shown logs/>
            </div>
        </div>
    }
    .into_any()
}
