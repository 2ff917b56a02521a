//! `/runtimes/:runtime`: its versions, and adding one.

use domain::{RuntimeSummary, ServerEvent, VersionName, VersionState, VersionSummary};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

use crate::{
    AppError, api,
    components::{
        error_panel::when_loaded,
        icon::{Icon, Shape},
        upload_zone::{AddVersionButton, DropZone, UploadProgress},
        version_row::VersionRow,
    },
    error::sentence,
    live::{coalesced, use_live},
    live_list::LiveList,
    pages::runtime_id,
    upload::Upload,
};

type Loaded = (RuntimeSummary, Vec<VersionSummary>);

async fn load(runtime: String) -> Result<Loaded, AppError> {
    let id = runtime_id(&runtime)?;
    Ok((api::runtime(id.clone()).await?, api::versions(id).await?))
}

#[component]
pub fn RuntimePage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("runtime").unwrap_or_default()));
    let loaded = Resource::new(move || id.get(), load);
    view! {
        {when_loaded(loaded, |(runtime, versions)| view! { <Versions runtime versions/> })}
    }
    .into_any()
}

#[component]
fn Versions(runtime: RuntimeSummary, versions: Vec<VersionSummary>) -> impl IntoView {
    let id = runtime.id.clone();
    let href = format!("/runtimes/{id}");
    let runtime = RwSignal::new(runtime);
    let list = LiveList::new(versions);
    let added = RwSignal::new(None::<VersionName>);
    let live = use_live();

    let stale = RwSignal::new(None::<AppError>);
    let loading_id = id.clone();
    let refresh = coalesced(move || {
        let id = loading_id.to_string();
        async move {
            match load(id).await {
                Ok((now, versions)) => {
                    runtime.try_set(now);
                    list.replace(versions);
                    stale.try_set(None);
                }
                Err(error) => {
                    stale.try_set(Some(error));
                }
            }
        }
    });
    let own = id.clone();
    live.on_event(move |event| match event {
        ServerEvent::Hello { .. } => refresh.run(()),
        ServerEvent::Runtime { runtime: now } if now.id == own => {
            if runtime.with_untracked(|known| known.revision <= now.revision) {
                runtime.set(now.clone());
            }
        }
        ServerEvent::Version { version } if version.runtime == own => list.merge(version.as_ref().clone()),
        ServerEvent::Runtime { .. } | ServerEvent::Version { .. } | ServerEvent::Cluster { .. } => {}
    });
    let upload = Upload::new(
        &id,
        Callback::new(move |version: VersionName| {
            added.set(Some(version));
            refresh.run(());
        }),
    );

    let with_archived = use_query_map();
    let with_archived = Memo::new(move |_| with_archived.with(|query| query.get("archived").is_some()));
    let is_archived = |version: &ArcRwSignal<VersionSummary>| version.with(|v| v.state == VersionState::Archived);
    let archived = Memo::new(move |_| list.entries().iter().filter(|entry| is_archived(&entry.value)).count());
    let shown = move || {
        let all = with_archived.get();
        list.entries().into_iter().filter(|entry| all || !is_archived(&entry.value)).collect::<Vec<_>>()
    };
    let none_shown = Memo::new(move |_| shown().is_empty());
    let title = Memo::new(move |_| runtime.with(|runtime| runtime.name.clone()));
    let progress_href = href.clone();
    view! {
        <Title text=move || title.get()/>
        <div class="page">
            <header class="page__head">
                <div>
                    <h1>{move || title.get()}</h1>
                    <p>{move || runtime.with(|runtime| runtime.description.clone())}</p>
                    <RuntimeFacts runtime/>
                </div>
                <AddVersionButton upload/>
            </header>
            {move || stale.get().map(|error| view! {
                <p class="notice" data-tone="warn" role="status"><Icon shape=Shape::Warning/>{sentence(&error)}</p>
            })}
            <UploadProgress upload runtime_href=progress_href/>
            <section aria-labelledby="versions-title">
                <h2 id="versions-title">"Versions"</h2>
                {move || none_shown.get().then(|| view! {
                    <div class="blank">
                        <Icon shape=Shape::Upload/>
                        <p>"No version yet: drop a .krt file here, or press "<strong>"Add version"</strong>"."</p>
                    </div>
                })}
                <table class="table" class:hidden=move || none_shown.get()>
                    <thead>
                        <tr>
                            <th scope="col">"State"</th>
                            <th scope="col">"Name"</th>
                            <th scope="col">"Description"</th>
                            <th scope="col">"KRT"</th>
                            <th scope="col" class="number">"Size"</th>
                            <th scope="col">"Created"</th>
                            <th scope="col">"Published"</th>
                        </tr>
                    </thead>
                    <tbody>
                        <For each=shown key=|entry| entry.key.clone() let(entry)>
                            <VersionRow
                                version=entry.value
                                is_new=Signal::derive(move || {
                                    added.with(|added| added.as_ref().is_some_and(|added| added.as_str() == entry.key))
                                })
                            />
                        </For>
                    </tbody>
                </table>
                {move || {
                    let href = href.clone();
                    let (href, text) = match with_archived.get() {
                        true => (href, "Hide archived versions".to_owned()),
                        false => (format!("{href}?archived=show"), format!("Show {} archived", archived.get())),
                    };
                    (archived.get() > 0).then(|| view! { <a class="button button--quiet" href=href>{text}</a> })
                }}
            </section>
            <DropZone upload/>
        </div>
    }
    .into_any()
}

#[component]
fn RuntimeFacts(runtime: RwSignal<RuntimeSummary>) -> impl IntoView {
    let published = Memo::new(move |_| runtime.with(|r| r.published.clone().map(|version| (version, r.host.clone()))));
    let (id, namespace) = runtime.with_untracked(|r| (r.id.to_string(), r.namespace.clone()));
    view! {
        <dl class="facts">
            <div><dt>"Id"</dt><dd><code>{id}</code></dd></div>
            <div><dt>"Namespace"</dt><dd><code>{namespace}</code></dd></div>
            <div>
                <dt>"Published"</dt>
                <dd>
                    {move || match published.get() {
                        Some((version, host)) => Either::Left(view! {
                            <strong>{version.to_string()}</strong>" at "<code>{host}</code>
                        }),
                        None => Either::Right("nothing"),
                    }}
                </dd>
            </div>
        </dl>
    }
    .into_any()
}
