//! `/activity`: what was done on the whole server, by whom, and what became of it. What is listed is in the address.

use domain::{Action, ActivityEntry, ActivityFilter, OutcomeKind, RuntimeSummary, ServerEvent, Timestamp};
use leptos::{ev::SubmitEvent, prelude::*};
use leptos_meta::Title;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
    params::ParamsMap,
};

use crate::{
    AppError, api,
    components::{
        error_panel::when_loaded,
        icon::{Icon, Shape},
        outcome::outcome,
        time::Moment,
    },
    error::sentence,
    format,
    live::{coalesced, use_live},
    loading::resource,
    pages::query::{param, with_param, word},
    takeover::piece,
};

const PATH: &str = "/activity";
const DAY_SECS: i64 = 86_400;

type Loaded = (Vec<ActivityEntry>, Vec<RuntimeSummary>);

async fn load(filter: ActivityFilter) -> Result<Loaded, AppError> {
    Ok((api::activity(filter).await?, api::runtimes().await?))
}

/// What the address asks for: `?runtime=`, `?who=`, `?action=`, `?outcome=`, and the days `?from=` and `?to=`, in UTC.
fn asked_for(query: &ParamsMap) -> ActivityFilter {
    let day = |name| param(query, name).and_then(|day| domain::read_utc(&format!("{day}T00:00:00Z")));
    ActivityFilter {
        runtime: param(query, "runtime").and_then(|id| id.parse().ok()),
        who: param(query, "who"),
        action: param(query, "action").and_then(|action| word(&action)),
        outcome: param(query, "outcome").and_then(|outcome| word(&outcome)),
        from: day("from"),
        // The whole of the last day.
        to: day("to").and_then(|day| Timestamp::from_second(day.as_second() + DAY_SECS).ok()),
        ..ActivityFilter::default()
    }
}

/// Where a program, or a person's browser, gets the same as a table.
fn csv_address(filter: &ActivityFilter) -> String {
    let mut query = ParamsMap::new();
    let mut add = |name: &'static str, value: Option<String>| {
        if let Some(value) = value {
            query.insert(name, value);
        }
    };
    add("runtime", filter.runtime.as_ref().map(ToString::to_string));
    add("who", filter.who.clone());
    add("action", filter.action.map(|action| action.as_str().to_owned()));
    add("outcome", filter.outcome.map(|outcome| outcome.as_str().to_owned()));
    add("from", filter.from.map(format::machine));
    add("to", filter.to.map(format::machine));
    format!("/api/v1/activity.csv{}", query.to_query_string())
}

#[component]
pub fn ActivityPage() -> impl IntoView {
    let query = use_query_map();
    // A change of the query does not make another page: the list on it follows.
    let loaded = resource(|| (), move |()| load(query.with_untracked(asked_for)));
    view! {
        <Title text="Activity"/>
        {when_loaded(loaded, |(entries, runtimes)| piece(move || view! { <Activity entries runtimes/> }.into_any()))}
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
    let refresh = coalesced(move || async move {
        let Some(asked) = filter.try_get_untracked() else { return };
        let length = shown.with_untracked(Vec::len).max(page);
        let limit = u32::try_from(length).unwrap_or(u32::MAX).min(ActivityFilter::MAX_LIMIT);
        match api::activity(ActivityFilter { limit: Some(limit), ..asked.clone() }).await {
            // What was asked for meanwhile comes with its own answer.
            Ok(_) if filter.try_get_untracked().is_none_or(|now| now != asked) => {}
            Ok(newest) => {
                more.try_set(newest.len() >= limit as usize);
                shown.try_set(newest);
                failed.try_set(None);
            }
            Err(error) => {
                failed.try_set(Some(error));
            }
        }
    });
    let show_more = coalesced(move || async move {
        let Some(asked) = filter.try_get_untracked() else { return };
        let before = shown.with_untracked(|shown| shown.last().map(|entry| entry.id));
        match api::activity(ActivityFilter { before, ..asked.clone() }).await {
            Ok(older) if filter.try_get_untracked().is_some_and(|now| now == asked) => {
                more.try_set(older.len() >= page);
                shown.try_update(|shown| {
                    // A refresh in between has brought some of them.
                    let known = shown.last().map(|entry| entry.id);
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
            refresh.run(());
        }
        now
    });
    use_live().on_event(move |event| match event {
        // Each action and each outcome changes one or the other.
        ServerEvent::Hello { .. } | ServerEvent::Runtime { .. } | ServerEvent::Version { .. } => refresh.run(()),
        ServerEvent::Cluster { .. } => {}
    });
    let none = Memo::new(move |_| shown.with(Vec::is_empty));
    view! {
        <div class="page">
            <header class="page__head">
                <div>
                    <h1>"Activity"</h1>
                    <p class="quiet">"What was done on this server, newest first, and what became of it."</p>
                </div>
                // A file: not for the router.
                <a class="button" href=move || filter.with(csv_address) rel="external" download="activity.csv">
                    "Export as CSV"
                </a>
            </header>
            <Filter runtimes/>
            {move || failed.get().map(|error| view! {
                <p class="notice" data-tone="warn" role="status"><Icon shape=Shape::Warning/>{sentence(&error)}</p>
            })}
            <p class="blank" class:hidden=move || !none.get()>"Nothing that matches has happened yet."</p>
            <table class="table" class:hidden=move || none.get()>
                <thead>
                    <tr>
                        <th scope="col">"When"</th>
                        <th scope="col">"Action"</th>
                        <th scope="col">"Version"</th>
                        <th scope="col">"Runtime"</th>
                        <th scope="col">"Who"</th>
                        <th scope="col">"Outcome"</th>
                        <th scope="col">"Took"</th>
                        <th scope="col">"Comment"</th>
                    </tr>
                </thead>
                <tbody>
                    // An entry changes once, when its outcome is known, or when it is added to; then it is another row.
                    <For
                        each=move || shown.get()
                        key=|shown| (shown.id, shown.entry.outcome.kind(), shown.entry.comment.clone())
                        children=|shown| piece(move || row(shown))
                    />
                </tbody>
            </table>
            <p class="more" class:hidden=move || !more.get() || none.get()>
                <button type="button" class="button" on:click=move |_| show_more.run(())>"Show more"</button>
            </p>
        </div>
    }
    .into_any()
}

fn row(shown: ActivityEntry) -> AnyView {
    let ActivityEntry { runtime, version, entry, .. } = shown;
    let runtime_href = format!("/runtimes/{runtime}");
    let version_href = format!("{runtime_href}/versions/{version}");
    view! {
        <tr>
            <td data-label="When"><Moment at=entry.at/></td>
            <th scope="row" data-label="Action">{entry.action.as_str()}</th>
            <td data-label="Version"><a href=version_href>{version.to_string()}</a></td>
            <td data-label="Runtime"><a href=runtime_href>{runtime.to_string()}</a></td>
            <td data-label="Who">{entry.who.0}</td>
            <td data-label="Outcome">{outcome(entry.outcome)}</td>
            <td data-label="Took">{format::took(entry.at, entry.finished_at)}</td>
            <td data-label="Comment" class="row__text">{entry.comment}</td>
        </tr>
    }
    .into_any()
}

/// Without scripts it is sent by its button; with them each field counts as soon as it is changed.
#[component]
fn Filter(runtimes: Vec<RuntimeSummary>) -> impl IntoView {
    let address = use_query_map();
    let navigate = use_navigate();
    let change = Callback::new(move |(name, value): (&'static str, String)| {
        let to = address.with_untracked(|query| with_param(PATH, query, name, value.trim()));
        navigate(&to, NavigateOptions { scroll: false, ..NavigateOptions::default() });
    });
    let runtimes = runtimes.into_iter().map(|runtime| (runtime.id.to_string(), runtime.name)).collect();
    let named = |words: &[&str]| words.iter().map(|word| ((*word).to_owned(), (*word).to_owned())).collect();
    let actions = named(&Action::ALL.map(Action::as_str));
    let outcomes = OutcomeKind::ALL.into_iter().map(|kind| (kind.as_str().to_owned(), outcome_word(kind).to_owned()));
    let asked = Memo::new(move |_| address.with(|query| query.latest_values().next().is_some()));
    view! {
        <form
            class="filter"
            method="get"
            action=PATH
            role="search"
            aria-label="Filter"
            on:submit=|event: SubmitEvent| event.prevent_default()
        >
            {choice("runtime", "Runtime", runtimes, change)}
            {entry("who", "Person", "text", change)}
            {choice("action", "Action", actions, change)}
            {choice("outcome", "Outcome", outcomes.collect(), change)}
            {entry("from", "From", "date", change)}
            {entry("to", "To", "date", change)}
            <button type="submit" class="button">"Filter"</button>
            <a class="button button--quiet" class:hidden=move || !asked.get() href=PATH data-noscroll="">"Clear"</a>
        </form>
    }
    .into_any()
}

/// What [`outcome`] calls it.
fn outcome_word(kind: OutcomeKind) -> &'static str {
    match kind {
        OutcomeKind::Pending => "under way",
        OutcomeKind::Reached => "done",
        OutcomeKind::Failed => "failed",
        OutcomeKind::Cancelled => "cancelled",
        OutcomeKind::Superseded => "superseded",
    }
}

/// One of some values, each with the word for it, or any.
fn choice(
    name: &'static str,
    label: &'static str,
    values: Vec<(String, String)>,
    change: Callback<(&'static str, String)>,
) -> AnyView {
    let address = use_query_map();
    let id = format!("filter-{name}");
    let chosen = Memo::new(move |_| address.with(|query| param(query, name)).unwrap_or_default());
    let options: Vec<_> = values
        .into_iter()
        .map(|(value, word)| {
            let own = value.clone();
            view! { <option value=value selected=move || chosen.get() == own>{word}</option> }.into_any()
        })
        .collect();
    view! {
        <div class="filter__field">
            <label for=id.clone()>{label}</label>
            <select
                class="input"
                id=id
                name=name
                prop:value=move || chosen.get()
                on:change=move |event| change.run((name, event_target_value(&event)))
            >
                <option value="" selected=move || chosen.get().is_empty()>"any"</option>
                {options}
            </select>
        </div>
    }
    .into_any()
}

fn entry(
    name: &'static str,
    label: &'static str,
    kind: &'static str,
    change: Callback<(&'static str, String)>,
) -> AnyView {
    let address = use_query_map();
    let id = format!("filter-{name}");
    let entered = Memo::new(move |_| address.with(|query| param(query, name)).unwrap_or_default());
    view! {
        <div class="filter__field">
            <label for=id.clone()>{label}</label>
            <input
                class="input"
                id=id
                type=kind
                name=name
                value=move || entered.get()
                prop:value=move || entered.get()
                on:change=move |event| change.run((name, event_target_value(&event)))
            />
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_the_page_leads_to_the_same_entries_as_a_table() {
        let mut query = ParamsMap::new();
        for (name, value) in
            [("runtime", "demo"), ("action", "start"), ("from", "2026-11-01"), ("to", "2026-11-23"), ("who", " ")]
        {
            query.insert(name, value.to_owned());
        }
        let filter = asked_for(&query);
        assert_eq!(filter.who, None);
        assert_eq!(filter.to, "2026-11-24T00:00:00Z".parse().ok());
        let address = csv_address(&filter);
        // The router escapes every character that is no letter or digit.
        let (from, to) = ("from=2026%2D11%2D01T00%3A00%3A00Z", "to=2026%2D11%2D24T00%3A00%3A00Z");
        for part in ["runtime=demo", "action=start", from, to] {
            assert!(address.contains(part), "{address}");
        }
    }
}
