//! Why the last start or publish failed.

use domain::{Failure, VersionState};
use leptos::prelude::*;

use crate::{
    error::sentence,
    features::time::RelativeTime,
    ui::{
        icon::{Icon, Shape},
        inline_code::render_inline_code,
    },
};

/// What failed: a start leads back to stopped, a publish to started (docs/lifecycle.md §2.2).
pub fn failed_action(state: VersionState) -> &'static str {
    match state {
        VersionState::Started | VersionState::Publishing | VersionState::Published => "publish",
        VersionState::Stopped | VersionState::Starting | VersionState::Stopping | VersionState::Archived => "start",
    }
}

#[component]
pub fn FailurePanel(failure: Failure, state: VersionState) -> impl IntoView {
    let log = failure.log.join("\n");
    view! {
        <section class="notice" data-tone="bad" aria-labelledby="failure-title">
            <Icon shape=Shape::Cross/>
            <div class="notice__text">
                <h2 id="failure-title" class="notice__title">{format!("The last {} failed", failed_action(state))}</h2>
                <p>
                    {failure.node.map(|node| view! { <code>{node}</code>": " })}
                    {render_inline_code(&sentence(&failure.reason))}
                </p>
                <p class="quiet"><RelativeTime at=failure.at/>". Shown until the next start."</p>
                {(!log.is_empty()).then(|| view! {
                    <h3 class="notice__subtitle">"Last log lines"</h3>
                    <pre class="log" tabindex="0">{log}</pre>
                })}
            </div>
        </section>
    }
    .into_any()
}
