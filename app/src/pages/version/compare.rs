//! What differs between the version and another of its runtime.

use domain::{RuntimeId, ServerEvent, VersionName, VersionSummary};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use leptos_router::{components::Form, hooks::use_query_map};

use super::Shown;
use crate::{
    AppError, api,
    components::{
        comparison::{ComparisonPanel, ManifestDiffPanel},
        error_panel::when_loaded,
    },
    live::{coalesced, use_live},
    live_list::LiveList,
    loading::resource,
    pages::version_name,
};

/// What there is to compare with, and what is.
type Loaded = (Vec<VersionSummary>, Option<domain::Comparison>);

#[component]
pub fn CompareScreen() -> impl IntoView {
    let shown: Shown = expect_context();
    let (runtime, name) = shown.ids();
    let query = use_query_map();
    let with = Memo::new(move |_| query.with(|query| query.get("with")).filter(|with| !with.is_empty()));
    let loaded = resource(move || (shown.ids(), with.get()), |(ids, with)| load(ids, with));
    let own = StoredValue::new(name.clone());
    view! {
        <Title text=format!("Compare · {name} · {runtime}")/>
        {when_loaded(loaded, move |(others, comparison): Loaded| view! {
            <div class="screen screen--wide">
                <header class="screen__head">
                    <h1>"Compare"</h1>
                    <p class="quiet">"What changes for whoever goes from another version to "{own.get_value().to_string()}"."</p>
                </header>
                {match comparison {
                    None => Either::Left(view! { <Alone on_other=Callback::new(move |()| loaded.refetch())/> }),
                    Some(comparison) => {
                        let manifest = comparison.manifest.clone();
                        let (from, to) = (comparison.from.to_string(), comparison.to.to_string());
                        Either::Right(view! {
                            <Picker others chosen=comparison.from.clone()/>
                            <ComparisonPanel comparison/>
                            <ManifestDiffPanel diff=manifest from to/>
                        })
                    }
                }}
            </div>
        })}
    }
    .into_any()
}

async fn load((runtime, name): (RuntimeId, VersionName), with: Option<String>) -> Result<Loaded, AppError> {
    let with = with.map(|with| version_name(&with)).transpose()?;
    api::compare_with(runtime, name, with).await
}

/// The published version, which this one might replace; else the one that came before it; else any.
#[cfg(feature = "ssr")]
pub(crate) fn usual(others: &[VersionSummary], own: Option<domain::Timestamp>) -> Option<&VersionSummary> {
    let published = others.iter().find(|other| other.state == domain::VersionState::Published);
    let before = others.iter().filter(|other| own.is_some_and(|own| other.created_at <= own));
    published.or_else(|| before.max_by_key(|other| other.created_at)).or_else(|| others.first())
}

#[component]
fn Picker(others: Vec<VersionSummary>, chosen: VersionName) -> impl IntoView {
    let shown: Shown = expect_context();
    let (runtime, own) = shown.ids();
    // What differs never changes, unlike the states of what may be compared, and which versions there are.
    let others = LiveList::new(others);
    let (ids, with) = (shown.ids(), chosen.to_string());
    let refresh = coalesced(move || {
        let answer = load(ids.clone(), Some(with.clone()));
        async move {
            if let Ok((now, _)) = answer.await {
                others.replace(now);
            }
        }
    });
    use_live().on_event(move |event| match event {
        ServerEvent::Hello { .. } => refresh.run(()),
        ServerEvent::Version { version } if version.runtime == runtime && version.name != own => {
            others.merge((**version).clone());
        }
        ServerEvent::Deleted { deleted } if deleted.runtime == runtime => refresh.run(()),
        _ => {}
    });
    let option = move |other: ArcRwSignal<VersionSummary>| {
        let name = other.with_untracked(|other| other.name.to_string());
        let selected = name == chosen.as_str();
        let label = move || other.with(|other| format!("{} ({})", other.name, other.state));
        view! { <option value=name selected=selected>{label}</option> }
    };
    view! {
        <Form method="GET" action="" attr:class="compare__picker">
            <label class="field__label" for="compare-with">"From"</label>
            <select id="compare-with" name="with" class="input">
                <For each=move || others.entries() key=|entry| entry.key.clone() children=move |entry| option(entry.value)/>
            </select>
            <button type="submit" class="button">"Compare"</button>
        </Form>
    }
    .into_any()
}

/// Until there is another version.
#[component]
fn Alone(on_other: Callback<()>) -> impl IntoView {
    let shown: Shown = expect_context();
    let (runtime, own) = shown.ids();
    use_live().on_event(move |event| match event {
        ServerEvent::Version { version } if version.runtime == runtime && version.name != own => on_other.run(()),
        _ => {}
    });
    view! { <p class="blank">"This runtime has no other version to compare with."</p> }.into_any()
}
