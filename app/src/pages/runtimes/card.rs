//! A runtime in the list: what is published, how its versions are, and what happened last.

use domain::{ActivityEntry, RuntimeSummary, VersionState};
use leptos::prelude::*;

use crate::{
    features::time::RelativeTime,
    ui::{
        badge::{HealthBadge, shape, tone},
        icon::{Icon, Shape},
    },
};

#[component]
pub fn RuntimeCard(runtime: ArcRwSignal<RuntimeSummary>) -> impl IntoView {
    let runtime = RwSignal::from(runtime);
    let href = runtime.with_untracked(|runtime| format!("/runtimes/{}", runtime.id));
    let published = Memo::new(move |_| runtime.with(|runtime| runtime.published.clone()));
    let health = Memo::new(move |_| runtime.with(|runtime| runtime.health.clone()));
    let states = Memo::new(move |_| runtime.with(|runtime| runtime.states.clone()));
    let last = Memo::new(move |_| runtime.with(|runtime| runtime.last_activity.clone()));
    view! {
        <li class="card">
            <h2 class="card__title" dir="auto" translate="no"><a class="card__link" href=href>{move || runtime.with(|r| r.name.clone())}</a></h2>
            <p class="card__id"><code>{runtime.with_untracked(|r| r.id.to_string())}</code></p>
            <p class="card__text" dir="auto">{move || runtime.with(|r| r.description.clone())}</p>
            <p class="card__published">
                {move || match published.get() {
                    Some(version) => view! {
                        <span class="quiet">"Published: "</span>
                        <span class="badge" data-tone="accent"><Icon shape=Shape::Globe/>{version.to_string()}</span>
                    }.into_any(),
                    None => view! { <span class="quiet">"Nothing published"</span> }.into_any(),
                }}
                <HealthBadge health/>
            </p>
            <ul class="card__counts" aria-label="Versions">
                {move || counts(&states.get())}
            </ul>
            <p class="card__last quiet">{move || activity(last.get())}</p>
        </li>
    }
    .into_any()
}

/// How many versions are in each state, the busiest states first.
fn counts(states: &std::collections::BTreeMap<VersionState, u32>) -> AnyView {
    let order = VersionState::ALL.into_iter().filter(|state| *state != VersionState::Archived).rev();
    let shown: Vec<_> = order
        .filter_map(|state| states.get(&state).map(|count| (state, *count)))
        .map(|(state, count)| {
            view! {
                <li class="badge badge--plain" data-tone=tone(state)>
                    <Icon shape=shape(state)/>{format!("{count} {state}")}
                </li>
            }
            .into_any()
        })
        .collect();
    match shown.is_empty() {
        true => view! { <li class="quiet">"No versions yet"</li> }.into_any(),
        false => shown.into_any(),
    }
}

fn activity(last: Option<ActivityEntry>) -> Option<impl IntoView> {
    let ActivityEntry { version, entry, .. } = last?;
    // Only an empty runtime has entries of its own, and none follows its end.
    let of = version.map(|version| format!(" of {version}")).unwrap_or_default();
    let what = format!("{}{of} by {}, ", entry.action.as_str(), entry.who);
    Some(view! { <span>{what}<RelativeTime at=entry.at/></span> })
}
