//! What differs between the version and another of its runtime.

use domain::{RuntimeId, VersionName, VersionSummary};
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
    let loaded = Resource::new(move || (shown.ids(), with.get()), |(ids, with)| load(ids, with));
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
                    None => Either::Left(view! {
                        <p class="blank">"This runtime has no other version to compare with."</p>
                    }),
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
    let option = move |other: VersionSummary| {
        let name = other.name.to_string();
        let selected = other.name == chosen;
        let label = format!("{name} ({})", other.state);
        view! { <option value=name selected=selected>{label}</option> }
    };
    view! {
        <Form method="GET" action="" attr:class="compare__picker">
            <label class="field__label" for="compare-with">"From"</label>
            <select id="compare-with" name="with" class="input">{others.into_iter().map(option).collect_view()}</select>
            <button type="submit" class="button">"Compare"</button>
        </Form>
    }
    .into_any()
}
