//! A version's manifest as it was sent, with what is doubtful about it at its lines.

use leptos::prelude::*;
use leptos_meta::Title;

use super::VersionContext;
use crate::{
    api::{self, resource::resource},
    features::{error_panel::when_loaded, manifest::ManifestSource},
    platform,
    ui::{
        icon::{Icon, Shape},
        problems::ProblemList,
    },
};

#[component]
pub fn ManifestScreen() -> impl IntoView {
    let shown: VersionContext = expect_context();
    let (runtime, name) = shown.ids();
    let loaded = resource(move || shown.ids(), |(runtime, name)| api::manifest(runtime, name));
    view! {
        <Title text=format!("Manifest · {name} · {runtime}")/>
        {when_loaded(loaded, move |text| view! { <Manifest text shown/> })}
    }
    .into_any()
}

#[component]
fn Manifest(text: String, shown: VersionContext) -> impl IntoView {
    let (runtime, name) = shown.ids();
    let base = format!("/api/v1/runtimes/{runtime}/versions/{name}");
    let warnings = shown.view.with_untracked(|view| view.warnings.clone());
    let elsewhere: Vec<_> = warnings.iter().filter(|warning| warning.line.is_none()).cloned().collect();
    let copied = RwSignal::new(None::<&'static str>);
    let to_copy = StoredValue::new(text.clone());
    let copy = move |_| {
        to_copy.with_value(|text| {
            platform::copy(text, move |done| {
                copied.try_set(Some(if done { "Copied." } else { "The browser did not allow copying." }));
            });
        });
    };
    view! {
        <div class="screen screen--wide">
            <header class="screen__head">
                <h1>"Manifest"</h1>
                <p class="quiet"><code>"krt.yml"</code>" as uploaded, with warnings at their lines."</p>
                <div class="screen__actions">
                    <button type="button" class="button" on:click=copy><Icon shape=Shape::Copy/>"Copy"</button>
                    // The router leaves what is external to the browser.
                    <a class="button" rel="external" download="krt.yml" href=format!("{base}/manifest")>
                        <Icon shape=Shape::ArrowDown/>"Download krt.yml"
                    </a>
                    <a class="button" rel="external" download href=format!("{base}/krt")>
                        <Icon shape=Shape::Box/>"Download the KRT file"
                    </a>
                    <span class="quiet" role="status">{move || copied.get()}</span>
                </div>
            </header>
            {(!elsewhere.is_empty()).then(|| view! { <ProblemList problems=elsewhere/> })}
            <ManifestSource text problems=warnings/>
        </div>
    }
    .into_any()
}
