//! Why the last start or publish failed.

use domain::Failure;
use leptos::prelude::*;

use crate::{
    components::{
        icon::{Icon, Shape},
        prose::prose,
        time::Moment,
    },
    error::sentence,
};

#[component]
pub fn FailurePanel(failure: Failure) -> impl IntoView {
    let log = failure.log.join("\n");
    view! {
        <section class="notice" data-tone="bad" aria-labelledby="failure-title">
            <Icon shape=Shape::Cross/>
            <div class="notice__text">
                <h2 id="failure-title" class="notice__title">"The last start failed"</h2>
                <p>
                    {failure.node.map(|node| view! { <code>{node}</code>": " })}
                    {prose(&sentence(&failure.reason))}
                </p>
                <p class="quiet"><Moment at=failure.at/>". Kept until the next start."</p>
                {(!log.is_empty()).then(|| view! {
                    <h3 class="notice__subtitle">"The last lines of its log"</h3>
                    <pre class="log" tabindex="0">{log}</pre>
                })}
            </div>
        </section>
    }
    .into_any()
}
