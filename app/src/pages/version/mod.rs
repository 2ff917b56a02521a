//! `/runtimes/:runtime/versions/:version`: what all screens of a version share: its data, kept true by the events,
//! the side bar with its state, menu and actions, and the logs.

pub mod compare;
pub mod configuration;
pub mod documentation;
pub mod history;
pub mod logs;
pub mod manifest;
pub mod metrics;
pub mod side_bar;
pub mod status;
pub mod try_it;

use domain::{RuntimeId, ServerEvent, VersionName, VersionSummary, VersionView};
use leptos::prelude::*;
use leptos_router::{components::Outlet, hooks::use_params_map};

use crate::{
    AppError,
    api::{self, resource::resource},
    features::{error_panel::when_loaded, try_it::Calls},
    route::{runtime_id, version_name},
    state::{
        live::{Live, use_live},
        live_query::LiveQuery,
    },
    ui::notice::{DeletedNotice, StaleNotice},
};
use logs::{Logs, OpenLogs};
use side_bar::SideBar;

/// The version that the screens show; in their context.
#[derive(Clone, Copy)]
pub struct VersionContext {
    pub view: RwSignal<VersionView>,
    /// What this tab has sent to its entrypoint by hand.
    pub calls: Calls,
    live: Live,
    query: LiveQuery,
}

impl VersionContext {
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
        self.query.reload();
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
    let is_deleted = RwSignal::new(false);
    let (runtime, name) = ids.clone();
    let (runtime_id, others) = (runtime.clone(), runtime.clone());
    let query = LiveQuery::new(move || {
        let (runtime, name) = (runtime_id.clone(), name.clone());
        async move {
            replace(view, live, api::version(runtime, name).await?);
            Ok(())
        }
    })
    // Which version another publication would replace depends on the others.
    .reload_on(move |event| matches!(event, ServerEvent::Version(version) if version.runtime == others));
    let shown = VersionContext { view, calls: RwSignal::new(Vec::new()), live, query };
    provide_context(shown);
    let logs = Logs::of_address();
    live.on_event(move |event| match event {
        ServerEvent::Version(version) if version.runtime == ids.0 && version.name == ids.1 => {
            // Another one of the name, if it was deleted.
            is_deleted.set(false);
            shown.take_summary(version);
        }
        ServerEvent::Deleted(deleted)
            if deleted.runtime == ids.0 && deleted.version.as_ref().is_none_or(|version| *version == ids.1) =>
        {
            is_deleted.set(true);
        }
        _ => {}
    });
    view! {
        <div class="version">
            <SideBar shown logs/>
            <div class="version__main">
                <div class="version__screen">
                    <StaleNotice error=query.error()/>
                    <DeletedNotice what="version" is_deleted/>
                    <Outlet/>
                </div>
                <OpenLogs shown logs/>
            </div>
        </div>
    }
    .into_any()
}
