//! Who did what with a version, when, and what became of it.

use domain::{HistoryEntry, HistoryPage};
use leptos::prelude::*;
use leptos_meta::Title;

use super::VersionContext;
use crate::{
    AppError,
    api::{self, resource::resource},
    error::sentence,
    features::{error_panel::LoadingPanel, time::RelativeTime},
    format,
    state::live_query::{LiveQuery, single_flight},
    ui::{
        icon::{Icon, Shape},
        notice::StaleNotice,
        outcome::outcome,
    },
};

#[component]
pub fn HistoryScreen() -> impl IntoView {
    let shown: VersionContext = expect_context();
    let (runtime, name) = shown.ids();
    let title = format!("History · {name} · {runtime}");
    let loaded = resource(move || shown.ids(), |(runtime, name)| api::history(runtime, name, HistoryPage::default()));
    view! {
        <Title text=title/>
        <div class="screen">
            <header class="screen__head">
                <h1>"History"</h1>
                <p class="quiet">"Actions on this version and their outcomes, newest first."</p>
            </header>
            <Transition fallback=LoadingPanel>
                {move || Suspend::new(async move {
                    match loaded.await {
                        Ok(entries) => view! { <History entries shown/> }.into_any(),
                        Err(error) => notice(&error),
                    }
                })}
            </Transition>
        </div>
    }
    .into_any()
}

#[component]
fn History(entries: Vec<HistoryEntry>, shown: VersionContext) -> impl IntoView {
    let page = HistoryPage::DEFAULT_LIMIT as usize;
    let more = RwSignal::new(entries.len() >= page);
    let entries = RwSignal::new(entries);
    let failed = RwSignal::new(None::<AppError>);
    let load = move |asked: HistoryPage| {
        let (runtime, name) = shown.ids();
        api::history(runtime, name, asked)
    };
    let query = LiveQuery::new(move || async move {
        // Where all of it is shown, there is room for what is new.
        let room = if more.get_untracked() { 0 } else { page };
        let length = (entries.with_untracked(Vec::len) + room).max(page);
        let limit = u32::try_from(length).unwrap_or(u32::MAX).min(HistoryPage::MAX_LIMIT);
        let newest = load(HistoryPage { before: None, limit: Some(limit) }).await?;
        more.try_set(newest.len() >= limit as usize);
        entries.try_set(newest);
        failed.try_set(None);
        Ok(())
    });
    let show_more = single_flight(move || async move {
        let before = entries.with_untracked(|entries| entries.last().map(|entry| entry.id));
        match load(HistoryPage { before, limit: None }).await {
            Ok(older) => {
                more.try_set(older.len() >= page);
                entries.try_update(|entries| {
                    // A refresh in between may have changed where the list ends.
                    if entries.last().map(|entry| entry.id) == before {
                        entries.extend(older);
                    }
                });
            }
            Err(error) => {
                failed.try_set(Some(error));
            }
        }
    });
    // Every action, and every outcome, is a new revision of the version.
    let revision = Memo::new(move |_| shown.view.with(|view| view.summary.revision));
    Effect::new(move |before: Option<u64>| {
        let now = revision.get();
        if before.is_some_and(|before| before != now) {
            query.reload();
        }
        now
    });
    view! {
        <StaleNotice error=Signal::derive(move || query.error().get().or_else(|| failed.get()))/>
        <div class="table-box"><table class="table">
            <thead>
                <tr>
                    <th scope="col">"Time"</th>
                    <th scope="col">"Action"</th>
                    <th scope="col">"By"</th>
                    <th scope="col">"Outcome"</th>
                    <th scope="col">"Duration"</th>
                    <th scope="col">"Comment"</th>
                </tr>
            </thead>
            <tbody>
                // An entry changes once, when its outcome is known, or when it is added to; then it is another row.
                <For
                    each=move || entries.get()
                    key=|entry| (entry.id, entry.outcome.kind(), entry.comment.clone())
                    children=row
                />
            </tbody>
        </table></div>
        <p class="more" class:hidden=move || !more.get()>
            <button type="button" class="button" on:click=move |_| show_more.run(())>"Show more"</button>
        </p>
    }
    .into_any()
}

fn notice(error: &AppError) -> AnyView {
    view! { <p class="notice" data-tone="bad" role="alert"><Icon shape=Shape::Cross/>{sentence(error)}</p> }.into_any()
}

fn row(entry: HistoryEntry) -> impl IntoView {
    view! {
        <tr>
            <td data-label="Time"><RelativeTime at=entry.at/></td>
            <th scope="row" data-label="Action">{entry.action.as_str()}</th>
            <td data-label="By"><span class="row__who" title=entry.who.to_string()>{entry.who.to_string()}</span></td>
            <td data-label="Outcome">{outcome(entry.outcome)}</td>
            <td data-label="Duration">{format::took(entry.at, entry.finished_at)}</td>
            <td data-label="Comment" class="row__text" dir="auto">{entry.comment}</td>
        </tr>
    }
    .into_any()
}
