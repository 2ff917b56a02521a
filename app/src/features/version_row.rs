//! One version in its runtime's table.

use domain::{Command, KrtVersion, VersionState, VersionSummary, allowed_actions};
use leptos::prelude::*;

use crate::{
    features::{failure::failed_action, time::RelativeTime},
    format,
    state::access::use_access,
    ui::{
        badge::{HealthBadge, StateBadge},
        command::verb,
    },
};

/// `on_ask` is called with a command that the lifecycle allows just now.
#[component]
pub fn VersionRow(
    version: ArcRwSignal<VersionSummary>,
    is_new: Signal<bool>,
    on_ask: Callback<(VersionSummary, Command)>,
) -> impl IntoView {
    let version = RwSignal::from(version);
    let access = use_access();
    // Only these change; the rest of a version is as it was uploaded (docs/lifecycle.md §1).
    let fixed = version.get_untracked();
    let state = Memo::new(move |_| version.with(|v| v.state));
    let health = Memo::new(move |_| version.with(|v| v.health.clone()));
    let failed = Memo::new(move |_| version.with(|v| v.failure.as_ref().map(|failure| failure.reason.clone())));
    let published_at = Memo::new(move |_| version.with(|v| v.published_at));
    let allowed = Memo::new(move |_| version.with(|v| (allowed_actions(v.state, v.switching), missing_for_start(v))));
    let missing = Memo::new(move |_| allowed.with(|(_, missing)| *missing));
    let krt = match fixed.krt_version {
        KrtVersion::V1 => "v1",
        KrtVersion::V2 => "v2",
    };
    let href = format!("/runtimes/{}/versions/{}", fixed.runtime, fixed.name);
    let name = fixed.name.to_string();
    // Archiving is for good, and so is left to the version's own page.
    let quick = move || allowed.get().0.into_iter().filter(|command| *command != Command::Archive);
    let configuration = format!("{href}/configuration");
    let button = move |command: Command| {
        if command == Command::Start && missing.get() > 0 {
            let text = format!("Set {}", values(missing.get()));
            return view! {
                <a class="button button--small" href=configuration.clone() aria-label=format!("{text} of {name}")>{text.clone()}</a>
            }
            .into_any();
        }
        let denied = Memo::new(move |_| version.with(|v| access.why_not(command.into(), Some(&v.runtime))));
        let press = move |_| {
            if denied.with_untracked(Option::is_none) {
                on_ask.run((version.get_untracked(), command));
            }
        };
        view! {
            <button
                type="button"
                class="button button--small"
                aria-label=format!("{} {name}", verb(command))
                aria-disabled=move || denied.with(Option::is_some).then_some("true")
                title=move || denied.get()
                on:click=press
            >
                {verb(command)}
            </button>
        }
        .into_any()
    };
    view! {
        <tr class:row--new=move || is_new.get()>
            <td data-label="State">
                <span class="row__state">
                    <StateBadge state/>
                    <HealthBadge health/>
                    {move || (missing.get() > 0).then(|| view! {
                        <span class="badge badge--plain" data-tone="warn">{format!("needs {}", values(missing.get()))}</span>
                    })}
                    {move || failed.get().map(|reason| view! {
                        <span class="badge badge--plain" data-tone="bad" title=reason>
                            {format!("{} failed", failed_action(state.get()))}
                        </span>
                    })}
                </span>
            </td>
            <th scope="row" data-label="Name" translate="no"><a href=href>{fixed.name.to_string()}</a></th>
            <td data-label="Description" class="row__text" dir="auto">{fixed.description}</td>
            <td data-label="KRT" class="row__lesser">{krt}</td>
            <td data-label="Size" class="number row__lesser">{format::size(fixed.size_bytes)}</td>
            <td data-label="Created">
                <span>
                    <RelativeTime at=fixed.created_at/>
                    <span class="row__by quiet" title=fixed.created_by.to_string()>{format!(" by {}", fixed.created_by)}</span>
                </span>
            </td>
            <td data-label="Published">
                {move || match published_at.get() {
                    Some(at) => view! { <RelativeTime at/> }.into_any(),
                    None => view! { <span class="quiet">"never"</span> }.into_any(),
                }}
            </td>
            <td data-label="Actions">
                <span class="row__actions">{move || quick().map(button.clone()).collect_view()}</span>
            </td>
        </tr>
    }
    .into_any()
}

/// How many values have to be set before a version can do what comes next, a start.
fn missing_for_start(version: &VersionSummary) -> u32 {
    if version.state == VersionState::Stopped { version.missing_values } else { 0 }
}

fn values(count: u32) -> String {
    format::count(count, "value", "values")
}
