//! What differs between the version and another of its runtime.

use domain::{RuntimeId, ServerEvent, VersionName, VersionSummary};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use leptos_router::{components::Form, hooks::use_query_map};

use super::VersionContext;
use crate::{
    AppError,
    api::{self, resource::resource},
    features::{
        compare::{ComparisonPanel, ManifestDiffPanel},
        error_panel::when_loaded,
    },
    route::version_name,
    state::{live::use_live, live_list::LiveList, live_query::LiveQuery},
};

/// What there is to compare with, and what is.
type Loaded = (Vec<VersionSummary>, Option<domain::Comparison>);

#[component]
pub fn CompareScreen() -> impl IntoView {
    let shown: VersionContext = expect_context();
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
                    <p class="quiet">"What changes between another version and "{own.get_value().to_string()}"."</p>
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

#[component]
fn Picker(others: Vec<VersionSummary>, chosen: VersionName) -> impl IntoView {
    let shown: VersionContext = expect_context();
    let (runtime, own) = shown.ids();
    // What differs never changes, unlike the states of what may be compared, and which versions there are.
    let others = LiveList::new(others);
    let (ids, with) = (shown.ids(), chosen.to_string());
    let deleted_in = runtime.clone();
    LiveQuery::new(move || {
        let answer = load(ids.clone(), Some(with.clone()));
        async move {
            others.replace(answer.await?.0);
            Ok(())
        }
    })
    .reload_on(move |event| matches!(event, ServerEvent::Deleted(deleted) if deleted.runtime == deleted_in));
    use_live().on_event(move |event| match event {
        ServerEvent::Version(version) if version.runtime == runtime && version.name != own => {
            others.merge((**version).clone());
        }
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
    let shown: VersionContext = expect_context();
    let (runtime, own) = shown.ids();
    use_live().on_event(move |event| match event {
        ServerEvent::Version(version) if version.runtime == runtime && version.name != own => on_other.run(()),
        _ => {}
    });
    view! { <p class="blank">"This runtime has no other version to compare with."</p> }.into_any()
}
