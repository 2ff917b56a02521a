//! Who did what with a version, when, and what became of it.

use domain::HistoryEntry;
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;

use super::Shown;
use crate::{
    AppError, api,
    components::{
        error_panel::Loading,
        icon::{Icon, Shape},
        outcome::outcome,
        time::Moment,
    },
    error::sentence,
    format,
    live::coalesced,
    loading::resource,
};

#[component]
pub fn HistoryScreen() -> impl IntoView {
    let shown: Shown = expect_context();
    let (runtime, name) = shown.ids();
    let title = format!("History · {name} · {runtime}");
    let loaded = resource(move || shown.ids(), |(runtime, name)| api::history(runtime, name));
    view! {
        <Title text=title/>
        <div class="screen">
            <header class="screen__head">
                <h1>"History"</h1>
                <p class="quiet">"What was done to this version, newest first, and what became of it."</p>
            </header>
            <Transition fallback=Loading>
                {move || Suspend::new(async move {
                    let first = loaded.await;
                    view! { <History first shown/> }
                })}
            </Transition>
        </div>
    }
    .into_any()
}

#[component]
fn History(first: Result<Vec<HistoryEntry>, AppError>, shown: Shown) -> impl IntoView {
    let history = RwSignal::new(first);
    let refresh = coalesced(move || {
        let (runtime, name) = shown.ids();
        async move {
            let now = api::history(runtime, name).await;
            if history.try_with_untracked(|known| *known != now).unwrap_or(false) {
                history.set(now);
            }
        }
    });
    // Every action, and every outcome, is a new revision of the version.
    let revision = Memo::new(move |_| shown.view.with(|view| view.summary.revision));
    Effect::new(move |before: Option<u64>| {
        let now = revision.get();
        if before.is_some_and(|before| before != now) {
            refresh.run(());
        }
        now
    });
    move || match history.get() {
        Ok(entries) => Either::Left(table(entries)),
        Err(error) => Either::Right(view! {
            <p class="notice" data-tone="bad" role="alert"><Icon shape=Shape::Cross/>{sentence(&error)}</p>
        }),
    }
}

fn table(entries: Vec<HistoryEntry>) -> impl IntoView {
    view! {
        <table class="table">
            <thead>
                <tr>
                    <th scope="col">"When"</th>
                    <th scope="col">"Action"</th>
                    <th scope="col">"Who"</th>
                    <th scope="col">"Outcome"</th>
                    <th scope="col">"Took"</th>
                    <th scope="col">"Comment"</th>
                </tr>
            </thead>
            <tbody>{entries.into_iter().map(row).collect_view()}</tbody>
        </table>
    }
    .into_any()
}

fn row(entry: HistoryEntry) -> impl IntoView {
    view! {
        <tr>
            <td data-label="When"><Moment at=entry.at/></td>
            <th scope="row" data-label="Action">{entry.action.as_str()}</th>
            <td data-label="Who">{entry.who.0}</td>
            <td data-label="Outcome">{outcome(entry.outcome)}</td>
            <td data-label="Took">{format::took(entry.at, entry.finished_at)}</td>
            <td data-label="Comment" class="row__text">{entry.comment}</td>
        </tr>
    }
    .into_any()
}
