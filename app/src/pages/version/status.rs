//! What a version does just now: its state in words, what failed, and every node.

use domain::{Health, KrtVersion, VersionState, WorkflowView};
use leptos::prelude::*;
use leptos_meta::Title;

use super::Shown;
use crate::{
    components::{
        failure::FailurePanel,
        icon::{Icon, Shape},
        node_list::{EntrypointPanel, WorkflowPanel},
        problems::ProblemList,
        prose::prose,
        state_badge::{StateBadge, meaning},
        time::Moment,
    },
    error::sentence,
    format,
};

#[component]
pub fn StatusScreen() -> impl IntoView {
    let shown: Shown = expect_context();
    let view = shown.view;
    let fixed = view.with_untracked(|view| view.summary.clone());
    let state = Memo::new(move |_| view.with(|view| view.summary.state));
    let waiting = Memo::new(move |_| view.with(|view| view.summary.waiting.clone()));
    let failure = Memo::new(move |_| view.with(|view| view.summary.failure.clone()));
    let health = Memo::new(move |_| view.with(|view| view.summary.health.clone()));
    let entrypoint = Memo::new(move |_| view.with(|view| view.entrypoint.clone()));
    let workflows = Memo::new(move |_| view.with(|view| view.workflows.clone()));
    let warnings = view.with_untracked(|view| view.warnings.clone());
    let missing = Memo::new(move |_| {
        view.with(|view| view.config.iter().filter(|e| !e.is_set).map(|e| e.name.clone()).collect::<Vec<_>>())
    });
    let (runtime, name) = shown.ids();
    let configuration = format!("/runtimes/{runtime}/versions/{name}/configuration");
    let krt = match fixed.krt_version {
        KrtVersion::V1 => "v1",
        KrtVersion::V2 => "v2",
    };
    view! {
        <Title text=format!("{name} · {runtime}")/>
        <div class="screen">
            <header class="screen__head">
                <h1>"Status"</h1>
                <p>{fixed.description}</p>
                <dl class="facts">
                    <div><dt>"Created"</dt><dd><Moment at=fixed.created_at/>" by "{fixed.created_by.0}</dd></div>
                    <div><dt>"KRT"</dt><dd>{krt}</dd></div>
                    <div><dt>"Size"</dt><dd>{format::size(fixed.size_bytes)}</dd></div>
                    <div><dt>"SHA-256"</dt><dd><code class="digest" title=fixed.sha256.clone()>{fixed.sha256.chars().take(12).collect::<String>()}</code></dd></div>
                </dl>
            </header>
            <section class="state-panel" aria-label="State">
                <StateBadge state/>
                <p>{move || meaning(state.get())}</p>
                {move || waiting.get().map(|waiting| view! { <p class="state-panel__waiting">{prose(&sentence(&waiting))}</p> })}
            </section>
            {move || failure.get().map(|failure| view! { <FailurePanel failure state=state.get()/> })}
            {move || health_notice(health.get())}
            {move || {
                let needed = state.get() == VersionState::Stopped && !missing.with(Vec::is_empty);
                let href = configuration.clone();
                needed.then(|| view! {
                    <p class="notice" data-tone="warn">
                        <Icon shape=Shape::Warning/>
                        <span>
                            "It cannot start before these are set: "
                            <code>{move || missing.with(|missing| missing.join(", "))}</code>". "
                            <a href=href>"Open the configuration"</a>
                        </span>
                    </p>
                })
            }}
            <section aria-labelledby="entrypoint-title">
                <h2 id="entrypoint-title">"Entrypoint"</h2>
                {move || view! { <EntrypointPanel node=entrypoint.get()/> }}
            </section>
            <section aria-labelledby="workflows-title">
                <h2 id="workflows-title">"Workflows"</h2>
                {move || {
                    let panel = |workflow: WorkflowView| view! { <WorkflowPanel workflow/> };
                    workflows.get().into_iter().map(panel).collect_view()
                }}
            </section>
            {(!warnings.is_empty()).then(|| view! {
                <section aria-labelledby="warnings-title">
                    <h2 id="warnings-title">"Warnings about the file"</h2>
                    <ProblemList problems=warnings/>
                </section>
            })}
        </div>
    }
    .into_any()
}

fn health_notice(health: Health) -> Option<impl IntoView> {
    let (title, text) = match health {
        Health::Degraded { reason } => ("Degraded", sentence(&reason)),
        Health::Unknown => ("Health unknown", "The cluster does not answer, so nobody knows how it does.".to_owned()),
        Health::None | Health::Healthy => return None,
    };
    Some(view! {
        <div class="notice" data-tone="warn">
            <Icon shape=Shape::Warning/>
            <p><strong>{title}": "</strong>{prose(&text)}</p>
        </div>
    })
}
