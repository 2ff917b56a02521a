//! From when to when: some time back, or between two moments. All in UTC, as everything here.

use domain::{Timestamp, parse_time};
use leptos::prelude::*;

use super::view::{LogView, RANGES};
use crate::{format, platform};

/// The option's value when a start or an end is entered.
const BETWEEN: &str = "between";
/// How far back the first of them is before anybody has said.
const BEGINS_BEFORE_SECS: i64 = 3600;

pub(super) fn times(view: Signal<LogView>, on_change: Callback<LogView>) -> AnyView {
    let chosen = Memo::new(move |_| view.with(choice));
    let choose = move |event| {
        let value: String = event_target_value(&event);
        let now = view.get_untracked();
        on_change.run(match value.as_str() {
            BETWEEN => {
                let begin = Timestamp::from_second(platform::now_secs() - BEGINS_BEFORE_SECS);
                LogView { since: begin.ok().map(format::machine), ..now }
            }
            range => LogView { since: Some(range.to_owned()).filter(|range| !range.is_empty()), until: None, ..now },
        });
    };
    let options = RANGES.map(|(value, name)| {
        view! { <option value=value selected=move || chosen.get() == value>{name}</option> }.into_any()
    });
    let change_since = Callback::new(move |since| on_change.run(LogView { since, ..view.get_untracked() }));
    let change_until = Callback::new(move |until| on_change.run(LogView { until, ..view.get_untracked() }));
    view! {
        <select class="input logs__choice" aria-label="Time" prop:value=move || chosen.get() on:change=choose>
            <option value="" selected=move || chosen.get().is_empty()>"Any time"</option>
            {options.into_iter().collect_view()}
            <option value=BETWEEN selected=move || chosen.get() == BETWEEN>"From … to …"</option>
        </select>
        {move || (chosen.get() == BETWEEN).then(|| view! {
            <span class="logs__moments">
                {moment("From (UTC)", Signal::derive(move || view.with(|view| view.since.clone())), change_since)}
                <span aria-hidden="true">"–"</span>
                {moment("To (UTC)", Signal::derive(move || view.with(|view| view.until.clone())), change_until)}
            </span>
        })}
    }
    .into_any()
}

fn moment(label: &'static str, at: Signal<Option<String>>, change: Callback<Option<String>>) -> AnyView {
    let value = move || at.get().as_deref().and_then(entered).unwrap_or_default();
    view! {
        <input
            class="input logs__moment"
            type="datetime-local"
            step="1"
            aria-label=label
            title=label
            prop:value=value
            on:change=move |event| change.run(moment_of(&event_target_value(&event)))
        />
    }
    .into_any()
}

/// Which of the choices it is.
fn choice(view: &LogView) -> &'static str {
    match (&view.since, &view.until) {
        (None, None) => "",
        (Some(since), None) => RANGES.iter().find(|(range, _)| range == since).map_or(BETWEEN, |(range, _)| range),
        _ => BETWEEN,
    }
}

/// A moment as the browser's field has it, to the second. A time ago is none.
fn entered(text: &str) -> Option<String> {
    Some(format::machine(parse_time(text)?).trim_end_matches('Z').to_owned())
}

/// What was entered, as the address has it. The field leaves out seconds that are zero.
fn moment_of(entered: &str) -> Option<String> {
    let seconds = if entered.matches(':').count() == 1 { ":00" } else { "" };
    Some(format!("{entered}{seconds}Z")).filter(|text| parse_time(text).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_some_time_back_or_between_two_moments() {
        let view = |since: Option<&str>, until: Option<&str>| LogView {
            since: since.map(str::to_owned),
            until: until.map(str::to_owned),
            ..LogView::default()
        };
        let moment = Some("2026-01-01T00:00:00Z");
        for (since, until, expected) in [
            (None, None, ""),
            (Some("15m"), None, "15m"),
            (moment, None, BETWEEN),
            (None, moment, BETWEEN),
            (Some("15m"), moment, BETWEEN),
        ] {
            assert_eq!(choice(&view(since, until)), expected);
        }
    }

    #[test]
    fn moments_are_entered_in_utc() {
        assert_eq!(entered("2026-01-01T01:02:03.5+01:00").as_deref(), Some("2026-01-01T00:02:03"));
        assert_eq!(entered("15m"), None);
        assert_eq!(moment_of("2026-01-01T00:02").as_deref(), Some("2026-01-01T00:02:00Z"));
        assert_eq!(moment_of("2026-01-01T00:02:03").as_deref(), Some("2026-01-01T00:02:03Z"));
        assert_eq!(moment_of(""), None);
    }
}
