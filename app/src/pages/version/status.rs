//! What a version does just now: its state in words, what failed, every workflow as a graph, and on demand a node in full.
//!
//! What is open, and whether workflows are graphs or lists, is in the address, so that a link shows the same.

mod live;
pub mod open;
pub mod starting;
pub mod workflows;

use domain::{GraphLayout, Health, KrtVersion, NodeDetail, NodeStatus, VersionState, VersionView};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::VersionContext;
use crate::{
    AppError,
    api::{self, resource::resource},
    error::sentence,
    features::{error_panel::when_loaded, failure::FailurePanel, time::RelativeTime},
    format,
    ui::{
        address::Addresses,
        badge::{NodeStatusBadge, StateBadge, meaning},
        icon::{Icon, Shape},
        inline_code::render_inline_code,
        problems::ProblemList,
    },
};
use live::live_numbers;
use open::{OpenNode, OpenPanel, SelectedNode};
use starting::StartProgress;
use workflows::{Workflows, ready_words};

/// What the screen begins with. The graphs never change; the detail is of the node that the address says is open.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct StatusData {
    graphs: Vec<GraphLayout>,
    detail: Option<NodeDetail>,
    error: Option<AppError>,
}

#[component]
pub fn StatusScreen() -> impl IntoView {
    let shown: VersionContext = expect_context();
    let asked = use_query_map().with_untracked(OpenNode::of);
    let loaded = resource(
        || (),
        move |()| {
            let ((runtime, version), asked) = (shown.ids(), asked.clone());
            async move {
                let graphs = api::graphs(runtime.clone(), version.clone()).await?;
                let (mut detail, mut error) = (None, None);
                if let Some(asked) = asked {
                    match asked.inspect(runtime, version).await {
                        Ok(found) => detail = Some(found),
                        Err(failed) => error = Some(failed),
                    }
                }
                Ok::<_, AppError>(StatusData { graphs, detail, error })
            }
        },
    );
    let (runtime, name) = shown.ids();
    view! {
        <Title text=format!("{name} · {runtime}")/>
        {when_loaded(loaded, |beginning| view! { <Screen beginning/> })}
    }
    .into_any()
}

#[component]
fn Screen(beginning: StatusData) -> impl IntoView {
    let shown: VersionContext = expect_context();
    let view = shown.view;
    let opened = SelectedNode::new(shown, beginning.detail, beginning.error);
    let fixed = view.with_untracked(|view| view.summary.clone());
    let state = Memo::new(move |_| view.with(|view| view.summary.state));
    // How many are ready, and what the others wait for, is what the progress of a start shows.
    let waiting = Memo::new(move |_| {
        view.with(|view| {
            let waiting = view.summary.waiting.clone();
            waiting.filter(|text| view.starting.is_none() || !text.contains(" deployments ready"))
        })
    });
    let failure = Memo::new(move |_| view.with(|view| view.summary.failure.clone()));
    let health = Memo::new(move |_| view.with(|view| view.summary.health.clone()));
    let addresses = Memo::new(move |_| view.with(|view| view.addresses.clone()));
    let warnings = view.with_untracked(|view| view.warnings.clone());
    let live = live_numbers(shown, state);
    view! {
        <div
            class="status-screen"
            class:status-screen--open=move || opened.is_open()
            on:keydown=move |event| {
                if event.key() == "Escape" && opened.is_open() {
                    event.stop_propagation();
                    opened.close();
                }
            }
        >
            <div class="screen screen--wide">
                <header class="screen__head">
                    <h1>"Status"</h1>
                    <p dir="auto">{fixed.description.clone()}</p>
                </header>
                <section class="state-panel" aria-label="State">
                    <StateBadge state/>
                    <p>{move || meaning(state.get())}</p>
                    {move || waiting.get().map(|waiting| view! { <p class="state-panel__waiting">{render_inline_code(&sentence(&waiting))}</p> })}
                    <ReadyFacts view opened/>
                    <Addresses addresses/>
                </section>
                <StartProgress view/>
                {move || failure.get().map(|failure| view! { <FailurePanel failure state=state.get()/> })}
                {move || health_notice(health.get())}
                <MissingNotice shown state/>
                <Workflows view graphs=beginning.graphs opened live/>
                {(!warnings.is_empty()).then(|| view! {
                    <section aria-labelledby="warnings-title">
                        <h2 id="warnings-title">"Warnings"</h2>
                        <ProblemList problems=warnings/>
                    </section>
                })}
                {about(&fixed)}
            </div>
            <OpenPanel view opened live/>
        </div>
    }
    .into_any()
}

/// The entrypoint's state, which is no workflow's alone, and how many nodes are ready.
#[component]
fn ReadyFacts(view: RwSignal<VersionView>, opened: SelectedNode) -> impl IntoView {
    let entrypoint = Memo::new(move |_| view.with(|view| view.entrypoint.status));
    let ready = Memo::new(move |_| {
        view.with(|view| {
            let nodes = || view.workflows.iter().flat_map(|workflow| &workflow.nodes);
            let ready = nodes().filter(|node| node.status == NodeStatus::Ready).count();
            // A start has a count of its own, with the entrypoint in it.
            (view.starting.is_none()).then(|| ready_words(view.summary.state, ready, nodes().count()))
        })
    });
    view! {
        <p class="state-panel__facts">
            <span>{move || ready.get()}</span>
            <button type="button" class="button state-panel__entrypoint" id="open-entrypoint" on:click=move |_| opened.open_entrypoint()>
                "Entrypoint"<NodeStatusBadge status=entrypoint/>
            </button>
        </p>
    }
    .into_any()
}

#[component]
fn MissingNotice(shown: VersionContext, state: Memo<VersionState>) -> impl IntoView {
    let (runtime, name) = shown.ids();
    let configuration = format!("/runtimes/{runtime}/versions/{name}/configuration");
    let missing = Memo::new(move |_| {
        shown.view.with(|view| {
            view.config.iter().filter(|entry| !entry.is_set).map(|entry| entry.name.clone()).collect::<Vec<_>>()
        })
    });
    move || {
        let needed = state.get() == VersionState::Stopped && !missing.with(Vec::is_empty);
        let href = configuration.clone();
        needed.then(|| {
            view! {
                <p class="notice" data-tone="warn">
                    <Icon shape=Shape::Warning/>
                    <span>
                        "Set these values before you start it: "
                        <code>{move || missing.with(|missing| missing.join(", "))}</code>". "
                        <a href=href>"Open the configuration"</a>
                    </span>
                </p>
            }
        })
    }
}

fn about(fixed: &domain::VersionSummary) -> AnyView {
    let krt = match fixed.krt_version {
        KrtVersion::V1 => "v1",
        KrtVersion::V2 => "v2",
    };
    let digest = fixed.sha256.chars().take(12).collect::<String>();
    view! {
        <section aria-labelledby="about-title">
            <h2 id="about-title">"About this version"</h2>
            <dl class="facts">
                <div><dt>"Created"</dt><dd><RelativeTime at=fixed.created_at/>" by "{fixed.created_by.to_string()}</dd></div>
                {fixed.published_at.map(|at| view! { <div><dt>"Last published"</dt><dd><RelativeTime at/></dd></div> })}
                <div><dt>"KRT"</dt><dd>{krt}</dd></div>
                <div><dt>"Size"</dt><dd>{format::size(fixed.size_bytes)}</dd></div>
                <div><dt>"SHA-256"</dt><dd><code class="digest" title=fixed.sha256.clone()>{digest}</code></dd></div>
            </dl>
        </section>
    }
    .into_any()
}

fn health_notice(health: Health) -> Option<impl IntoView> {
    let (title, text) = match health {
        Health::Degraded { reason } => ("Degraded", sentence(&reason)),
        Health::Unknown { reason } => ("Health unknown", sentence(&reason)),
        Health::None | Health::Healthy => return None,
    };
    Some(view! {
        <div class="notice" data-tone="warn">
            <Icon shape=Shape::Warning/>
            <p><strong>{title}": "</strong>{render_inline_code(&text)}</p>
        </div>
    })
}
