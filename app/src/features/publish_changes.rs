//! What a publication over another version changes, in the dialog before it.

use domain::{Comparison, RuntimeId, VersionName};
use leptos::{prelude::*, task::spawn_local};

use crate::{
    AppError, api,
    error::sentence,
    features::compare::{CallerList, in_short},
};

/// Which version replaces which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    pub runtime: RuntimeId,
    pub from: VersionName,
    pub to: VersionName,
}

/// Asks for the difference. The person may go on before it is there, or without it.
#[component]
pub fn PublishChanges(replacement: Replacement) -> impl IntoView {
    let Replacement { runtime, from, to } = replacement;
    let found = RwSignal::new(None::<Result<Comparison, AppError>>);
    let href = format!("/runtimes/{runtime}/versions/{to}/compare?with={from}");
    let title = format!("What changes from {from} to {to}");
    Effect::new(move |_| {
        let (runtime, from, to) = (runtime.clone(), from.clone(), to.clone());
        spawn_local(async move {
            let answer = api::compare(runtime, from, to).await;
            // Nothing when the dialog is gone by now.
            found.try_set(Some(answer));
        });
    });
    let text = move || match found.get() {
        None => view! { <p class="quiet">"Comparing…"</p> }.into_any(),
        Some(Err(error)) => view! {
            <p class="quiet">{format!("The versions could not be compared: {}", sentence(&error))}</p>
        }
        .into_any(),
        Some(Ok(comparison)) => view! {
            <CallerList callers=comparison.callers.clone()/>
            <p>{format!("Other changes: {}.", in_short(&comparison))}</p>
        }
        .into_any(),
    };
    view! {
        <section class="changes" aria-labelledby="changes-title" tabindex="0">
            <h3 id="changes-title">{title}</h3>
            <div aria-live="polite">{text}</div>
            <p><a href=href>"Open the full comparison"</a></p>
        </section>
    }
    .into_any()
}
