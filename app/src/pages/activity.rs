//! `/activity`: what was done on the whole server, by whom, and what became of it. What is listed is in the address.

pub mod filter;

use domain::{ActivityEntry, ActivityFilter, RuntimeSummary, ServerEvent};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::{
    AppError,
    api::{self, resource::resource},
    features::{error_panel::when_loaded, time::RelativeTime},
    format,
    state::live_query::{LiveQuery, single_flight},
    ui::{notice::StaleNotice, outcome::outcome},
};
use filter::{Filter, asked_for, csv_address};

type Loaded = (Vec<ActivityEntry>, Vec<RuntimeSummary>);

async fn load(filter: ActivityFilter) -> Result<Loaded, AppError> {
    Ok((api::activity(filter).await?, api::runtimes().await?))
}

#[component]
pub fn ActivityPage() -> impl IntoView {
    let query = use_query_map();
    // A change of the query does not make another page: the list on it follows.
    let loaded = resource(|| (), move |()| load(query.with_untracked(asked_for)));
    view! {
        <Title text="Activity"/>
        {when_loaded(loaded, |(entries, runtimes)| view! { <Activity entries runtimes/> })}
    }
    .into_any()
}

#[component]
fn Activity(entries: Vec<ActivityEntry>, runtimes: Vec<RuntimeSummary>) -> impl IntoView {
    let address = use_query_map();
    let filter = Memo::new(move |_| address.with(asked_for));
    let page = ActivityFilter::DEFAULT_LIMIT as usize;
    let more = RwSignal::new(entries.len() >= page);
    let shown = RwSignal::new(entries);
    let failed = RwSignal::new(None::<AppError>);
    let query = LiveQuery::new(move || async move {
        let Some(asked) = filter.try_get_untracked() else { return Ok(()) };
        let length = shown.with_untracked(Vec::len).max(page);
        let limit = u32::try_from(length).unwrap_or(u32::MAX).min(ActivityFilter::MAX_LIMIT);
        let newest = api::activity(ActivityFilter { limit: Some(limit), ..asked.clone() }).await?;
        // What was asked for meanwhile comes with its own answer.
        if filter.try_get_untracked().is_some_and(|now| now == asked) {
            more.try_set(newest.len() >= limit as usize);
            shown.try_set(newest);
            failed.try_set(None);
        }
        Ok(())
    })
    // Each action and each outcome changes a runtime or a version.
    .reload_on(|event| !matches!(event, ServerEvent::Cluster(_) | ServerEvent::SignedOut { .. }));
    let show_more = single_flight(move || async move {
        let Some(asked) = filter.try_get_untracked() else { return };
        let before = shown.with_untracked(|shown| shown.last().map(|shown| shown.entry.id));
        match api::activity(ActivityFilter { before, ..asked.clone() }).await {
            Ok(older) if filter.try_get_untracked().is_some_and(|now| now == asked) => {
                more.try_set(older.len() >= page);
                shown.try_update(|shown| {
                    // A refresh in between has brought some of them.
                    let known = shown.last().map(|shown| shown.entry.id);
                    if known == before {
                        shown.extend(older);
                    }
                });
            }
            Ok(_) => {}
            Err(error) => {
                failed.try_set(Some(error));
            }
        }
    });
    Effect::new(move |before: Option<ActivityFilter>| {
        let now = filter.get();
        if before.is_some_and(|before| before != now) {
            shown.update(|shown| shown.truncate(page));
            query.reload();
        }
        now
    });
    let none = Memo::new(move |_| shown.with(Vec::is_empty));
    view! {
        <div class="page">
            <header class="page__head">
                <div>
                    <h1>"Activity"</h1>
                    <p class="quiet">"Actions on this server and their outcomes, newest first."</p>
                </div>
                // A file: not for the router.
                <a class="button" href=move || filter.with(csv_address) rel="external" download="activity.csv">
                    "Export as CSV"
                </a>
            </header>
            <Filter runtimes/>
            <StaleNotice error=Signal::derive(move || query.error().get().or_else(|| failed.get()))/>
            <p class="blank" class:hidden=move || !none.get()>"No matching activity."</p>
            <div class="table-box"><table class="table" class:hidden=move || none.get()>
                <thead>
                    <tr>
                        <th scope="col">"Time"</th>
                        <th scope="col">"Action"</th>
                        <th scope="col">"Version"</th>
                        <th scope="col">"Runtime"</th>
                        <th scope="col">"By"</th>
                        <th scope="col">"Outcome"</th>
                        <th scope="col" class="row__lesser">"Duration"</th>
                        <th scope="col">"Comment"</th>
                    </tr>
                </thead>
                <tbody>
                    // An entry changes once, when its outcome is known, or when it is added to; then it is another row.
                    <For
                        each=move || shown.get()
                        key=|shown| (shown.entry.id, shown.version_deleted, shown.entry.outcome.kind(), shown.entry.comment.clone())
                        children=row
                    />
                </tbody>
            </table></div>
            <p class="more" class:hidden=move || !more.get() || none.get()>
                <button type="button" class="button" on:click=move |_| show_more.run(())>"Show more"</button>
            </p>
        </div>
    }
    .into_any()
}

fn row(shown: ActivityEntry) -> AnyView {
    let ActivityEntry { runtime, version, runtime_deleted, version_deleted, entry } = shown;
    let runtime_href = format!("/runtimes/{runtime}");
    let version = version.map(|version| {
        let href = format!("{runtime_href}/versions/{version}");
        link(href, version.to_string(), version_deleted)
    });
    view! {
        <tr>
            <td data-label="Time"><RelativeTime at=entry.at/></td>
            <th scope="row" data-label="Action">{entry.action.as_str()}</th>
            <td data-label="Version" translate="no">{version}</td>
            <td data-label="Runtime" translate="no">{link(runtime_href, runtime.to_string(), runtime_deleted)}</td>
            <td data-label="By"><span class="row__who" title=entry.who.to_string()>{entry.who.to_string()}</span></td>
            <td data-label="Outcome">{outcome(entry.outcome)}</td>
            <td data-label="Duration" class="row__lesser">{format::took(entry.at, entry.finished_at)}</td>
            <td data-label="Comment" class="row__text" dir="auto">{entry.comment}</td>
        </tr>
    }
    .into_any()
}

/// What was deleted has no page any more; another one of its name has entries of its own.
fn link(href: String, name: String, is_deleted: bool) -> AnyView {
    match is_deleted {
        true => view! { <span title="deleted">{name}</span> }.into_any(),
        false => view! { <a href=href>{name}</a> }.into_any(),
    }
}
