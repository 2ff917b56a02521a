//! What a publication over another version changes, in the dialog before it.

use domain::{Comparison, RuntimeId, VersionName};
use leptos::{prelude::*, task::spawn_local};

use crate::{
    AppError, api,
    components::comparison::{CallerList, in_short},
    error::sentence,
};

/// Which version takes whose place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Takeover {
    pub runtime: RuntimeId,
    pub from: VersionName,
    pub to: VersionName,
}

/// Asks for the difference whenever it is shown anew. The person may go on before it is there, or without it.
#[component]
pub fn PublishChanges(takeover: Memo<Option<Takeover>>) -> impl IntoView {
    let found = RwSignal::new(None::<Result<Comparison, AppError>>);
    Effect::new(move |_| {
        found.set(None);
        let Some(wanted) = takeover.get() else { return };
        spawn_local(async move {
            let answer = api::compare(wanted.runtime.clone(), wanted.from.clone(), wanted.to.clone()).await;
            // The dialog may be about another version by now, or the page gone.
            if takeover.try_get_untracked().flatten() == Some(wanted) {
                found.try_set(Some(answer));
            }
        });
    });
    move || {
        let Takeover { runtime, from, to } = takeover.get()?;
        let href = format!("/runtimes/{runtime}/versions/{to}/compare?with={from}");
        let text = match found.get() {
            None => view! { <p class="quiet">"Comparing…"</p> }.into_any(),
            Some(Err(error)) => view! {
                <p class="quiet">{format!("They could not be compared: {}", sentence(&error))}</p>
            }
            .into_any(),
            Some(Ok(comparison)) => view! {
                <CallerList callers=comparison.callers.clone()/>
                <p>{format!("Otherwise: {}.", in_short(&comparison))}</p>
            }
            .into_any(),
        };
        Some(view! {
            <section class="changes" aria-labelledby="changes-title" tabindex="0">
                <h3 id="changes-title">{format!("What changes from {from} to {to}")}</h3>
                <div aria-live="polite">{text}</div>
                <p><a href=href>"Compare them in full"</a></p>
            </section>
        })
    }
}
