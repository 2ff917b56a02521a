//! `/runtimes/:runtime`: what is published, its versions, and adding one. What is listed is in the address.

pub mod filter;
pub mod list;
pub mod published;

use domain::{
    RuntimeSummary, ServerEvent, VersionName, VersionPage, VersionQuery, VersionState, VersionSummary,
    access::Permission, may_delete_runtime,
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{
    hooks::{use_params_map, use_query_map},
    params::ParamsMap,
};

use crate::{
    AppError,
    api::{self, resource::resource},
    error::sentence,
    features::{
        error_panel::when_loaded,
        overlays::{Overlay, overlay},
        upload::{AddVersionButton, DropZone, UploadProgress},
    },
    route::{param, parse_enum, runtime_id},
    state::{
        access::use_access,
        commands::use_commands,
        deletable::Deletable,
        live::use_live,
        live_list::{Listed, LiveList},
        live_query::LiveQuery,
        upload::Upload,
    },
    ui::{
        icon::{Icon, Shape},
        notice::{DeletedNotice, StaleNotice},
    },
};
use filter::VersionFilter;
use list::{List, More};
use published::Published;

type Loaded = (RuntimeSummary, VersionPage);

async fn load(runtime: String, query: VersionQuery) -> Result<Loaded, AppError> {
    let id = runtime_id(&runtime)?;
    Ok((api::runtime(id.clone()).await?, api::version_page(id, query).await?))
}

/// What the address asks for: `?state=`, `?q=`, `?archived=`.
fn asked_for(query: &ParamsMap) -> VersionQuery {
    VersionQuery {
        state: param(query, "state").and_then(|state| parse_enum(&state)),
        text: param(query, "q").unwrap_or_default(),
        archived: query.get("archived").is_some(),
        limit: VersionQuery::PAGE,
    }
}

#[component]
pub fn RuntimePage() -> impl IntoView {
    let params = use_params_map();
    let query = use_query_map();
    let id = Memo::new(move |_| params.with(|params| params.get("runtime").unwrap_or_default()));
    // A change of the query alone does not make another page: the list on it follows.
    let loaded = resource(move || id.get(), move |id| load(id, query.with_untracked(asked_for)));
    view! {
        {when_loaded(loaded, |(runtime, page)| view! { <Versions runtime page/> })}
    }
    .into_any()
}

/// What the page shows of the runtime's versions.
#[derive(Clone, Copy)]
pub struct Versions {
    list: LiveList<VersionSummary>,
    /// How many match what is asked for, shown or not.
    matching: RwSignal<u32>,
    published: RwSignal<Option<VersionSummary>>,
    /// The version that was published before.
    previous: RwSignal<Option<VersionSummary>>,
}

impl Versions {
    fn new(page: VersionPage) -> Self {
        Self {
            list: LiveList::new(page.versions),
            matching: RwSignal::new(page.matching),
            published: RwSignal::new(page.published),
            previous: RwSignal::new(page.previous),
        }
    }

    fn replace(self, page: VersionPage) {
        self.list.replace(page.versions);
        self.matching.try_set(page.matching);
        self.published.try_set(page.published);
        self.previous.try_set(page.previous);
    }

    /// Takes over a version; answers whether the rest has to be asked for again.
    fn take(self, now: &VersionSummary, query: &VersionQuery) -> bool {
        let listed = self.list.known(now.key());
        let before = [listed.clone(), self.published.get_untracked(), self.previous.get_untracked()]
            .into_iter()
            .flatten()
            .find(|known| known.name == now.name);
        if before.as_ref().is_some_and(|before| before.revision > now.revision) {
            return false;
        }
        for one in [self.published, self.previous] {
            if one.with_untracked(|known| known.as_ref().is_some_and(|known| known.name == now.name && known != now)) {
                one.set(Some(now.clone()));
            }
        }
        let belongs = query.lists(now);
        match (&listed, belongs) {
            (Some(_), true) => self.list.merge(now.clone()),
            (Some(_), false) => return true,
            (None, true) => {
                // One beyond the end of what is shown so far changes nothing that is seen.
                let complete =
                    u32::try_from(self.list.len_untracked()).is_ok_and(|len| len >= self.matching.get_untracked());
                if complete || self.list.last().is_none_or(|last| now.order(&last).is_lt()) {
                    return true;
                }
            }
            (None, false) => {}
        }
        match before {
            Some(before) => before.state != now.state,
            // A publish changes every version of the runtime a little; of those not shown only one matters.
            None => matches!(now.state, VersionState::Publishing | VersionState::Published),
        }
    }
}

#[component]
fn Versions(runtime: RuntimeSummary, page: VersionPage) -> impl IntoView {
    let id = runtime.id.clone();
    let href = format!("/runtimes/{id}");
    let runtime = RwSignal::new(runtime);
    let versions = Versions::new(page);
    let added = RwSignal::new(None::<VersionName>);
    let (live, commands) = (use_live(), use_commands());
    let address = use_query_map();
    let limit = RwSignal::new(VersionQuery::PAGE);
    let query = Memo::new(move |_| VersionQuery { limit: limit.get(), ..address.with(asked_for) });

    let is_deleted = RwSignal::new(false);
    let loading_id = id.clone();
    let shown = LiveQuery::new(move || {
        let id = loading_id.to_string();
        async move {
            let Some(asked) = query.try_get_untracked() else { return Ok(()) };
            let (now, page) = load(id, asked).await?;
            runtime.try_set(now);
            versions.replace(page);
            Ok(())
        }
    })
    .reload_on(|_| false);
    Effect::new(move |before: Option<VersionQuery>| {
        let now = query.get();
        if let Some(before) = before.filter(|before| *before != now) {
            if before.limit == now.limit && now.limit != VersionQuery::PAGE {
                // Something else is asked for: from the top again, by the change that this makes.
                limit.set(VersionQuery::PAGE);
            } else {
                shown.reload();
            }
        }
        now
    });
    let own = id.clone();
    live.on_event(move |event| match event {
        ServerEvent::Runtime(now) if now.id == own => {
            if is_deleted.get_untracked() {
                // Another one of the id, which begins anew.
                is_deleted.set(false);
                shown.reload();
            } else if runtime.with_untracked(|known| known.revision <= now.revision) {
                runtime.set((**now).clone());
            }
        }
        ServerEvent::Version(version) if version.runtime == own && versions.take(version, &query.get_untracked()) => {
            shown.reload();
        }
        ServerEvent::Deleted(deleted) if deleted.runtime == own => match deleted.version {
            Some(_) => shown.reload(),
            None => is_deleted.set(true),
        },
        _ => {}
    });
    let upload = Upload::new(
        &id,
        Callback::new(move |version: VersionName| {
            added.set(Some(version));
            shown.reload();
        }),
    );
    let title = Memo::new(move |_| runtime.with(|runtime| runtime.name.clone()));
    // The server asks for the title when it sends the page's head, and the signals may be gone by then.
    let loaded_title = title.get_untracked();
    let progress_href = href.clone();
    let (access, managed, access_href) = (use_access(), id.clone(), format!("{href}/access"));
    let show_review = Callback::new(|props| overlay(Overlay::Review(props)));
    view! {
        <Title text=move || title.try_get().unwrap_or_else(|| loaded_title.clone())/>
            <div class="page">
                <header class="page__head">
                    <div>
                        <h1 dir="auto" translate="no">{move || title.get()}</h1>
                        <p dir="auto">{move || runtime.with(|runtime| runtime.description.clone())}</p>
                        <RuntimeFacts runtime/>
                    </div>
                    {move || access.may(Permission::ManageGrants, Some(&managed)).then(|| view! {
                        <a class="button" href=access_href.clone()>"Access"</a>
                    })}
                    <AddVersionButton upload/>
                </header>
                <StaleNotice error=shown.error()/>
                <DeletedNotice what="runtime" is_deleted/>
                <UploadProgress upload runtime_href=progress_href show_review/>
                <Published runtime published=versions.published previous=versions.previous/>
                <section aria-labelledby="versions-title">
                    <h2 id="versions-title">"Versions"</h2>
                    <VersionFilter runtime href query/>
                    <List versions query added commands/>
                    <More versions limit/>
                </section>
                <DeleteRuntime runtime/>
                <DropZone upload/>
            </div>
    }
    .into_any()
}

#[component]
fn RuntimeFacts(runtime: RwSignal<RuntimeSummary>) -> impl IntoView {
    let (id, namespace) = runtime.with_untracked(|r| (r.id.to_string(), r.namespace.clone()));
    view! {
        <dl class="facts">
            <div><dt>"Id"</dt><dd><code>{id}</code></dd></div>
            <div><dt>"Namespace"</dt><dd><code>{namespace}</code></dd></div>
        </dl>
    }
    .into_any()
}

/// Off while there is any version, and says so.
#[component]
fn DeleteRuntime(runtime: RwSignal<RuntimeSummary>) -> impl IntoView {
    let (commands, access) = (use_commands(), use_access());
    let refusal = Memo::new(move |_| {
        let (denied, versions) = runtime.with(|runtime| {
            (access.why_not(Permission::DeleteRuntime, Some(&runtime.id)), runtime.states.values().sum())
        });
        denied.or_else(|| may_delete_runtime(versions).err().map(|refusal| sentence(&refusal)))
    });
    let ask = move |_| {
        if refusal.with_untracked(Option::is_none) {
            let (runtime, namespace) = runtime.with_untracked(|r| (r.id.clone(), r.namespace.clone()));
            commands.ask_to_delete(Deletable::Runtime { runtime, namespace });
        }
    };
    view! {
        <p class="page__foot">
            <button
                type="button"
                class="button button--quiet"
                aria-disabled=move || if refusal.with(Option::is_some) { "true" } else { "false" }
                aria-describedby="why-not-delete"
                aria-haspopup="dialog"
                on:click=ask
            >
                <Icon shape=Shape::Bin/>"Delete runtime"
            </button>
            <span class="quiet" id="why-not-delete">{move || refusal.get()}</span>
        </p>
    }
    .into_any()
}

/// How many versions are in a state.
fn count_of(runtime: &RuntimeSummary, state: VersionState) -> u32 {
    runtime.states.get(&state).copied().unwrap_or_default()
}
