//! What of the activity is listed: as the address says, and the form that changes it.

use domain::{Action, ActivityFilter, OutcomeKind, RuntimeSummary, Timestamp};
use leptos::{ev::SubmitEvent, prelude::*};
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
    params::ParamsMap,
};

use crate::{
    format,
    route::{param, parse_enum, with_param},
};

const PATH: &str = "/activity";
const DAY_SECS: i64 = 86_400;

/// What the address asks for: `?runtime=`, `?who=`, `?action=`, `?outcome=`, and the days `?from=` and `?to=`, in UTC.
pub(super) fn asked_for(query: &ParamsMap) -> ActivityFilter {
    let day = |name| param(query, name).and_then(|day| domain::parse_utc(&format!("{day}T00:00:00Z")));
    ActivityFilter {
        runtime: param(query, "runtime").and_then(|id| id.parse().ok()),
        who: param(query, "who"),
        action: param(query, "action").and_then(|action| parse_enum(&action)),
        outcome: param(query, "outcome").and_then(|outcome| parse_enum(&outcome)),
        from: day("from"),
        // The whole of the last day.
        to: day("to").and_then(|day| Timestamp::from_second(day.as_second() + DAY_SECS).ok()),
        ..ActivityFilter::default()
    }
}

/// Where a program, or a person's browser, gets the same as a table.
pub(super) fn csv_address(filter: &ActivityFilter) -> String {
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

/// Without scripts it is sent by its button; with them each field counts as soon as it is changed.
#[component]
pub fn Filter(runtimes: Vec<RuntimeSummary>) -> impl IntoView {
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
            {entry("who", "By", "text", change)}
            {choice("action", "Action", actions, change)}
            {choice("outcome", "Outcome", outcomes.collect(), change)}
            {entry("from", "From (UTC)", "date", change)}
            {entry("to", "To (UTC)", "date", change)}
            <button type="submit" class="button">"Filter"</button>
            <a class="button button--quiet" class:hidden=move || !asked.get() href=PATH data-noscroll="">"Clear"</a>
        </form>
    }
    .into_any()
}

/// What [`outcome`](crate::ui::outcome::outcome) calls it.
fn outcome_word(kind: OutcomeKind) -> &'static str {
    match kind {
        OutcomeKind::Pending => "in progress",
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
