//! One node in full, beside the graph: its properties, its pods, and Kubernetes' events.

pub mod events;
pub mod pods;

use domain::{LiveNumbers, NodeDetail, NodeStatus, NodeView};
use leptos::prelude::*;
use leptos_router::components::A;

use crate::{
    AppError,
    error::sentence,
    ui::{
        badge::NodeStatusBadge,
        icon::{Icon, Shape},
        inline_code::render_inline_code,
        live::{node_facts, numbers_of},
    },
};
use events::EventList;
use pods::PodList;

/// The panel's title, which has the keyboard's focus once it has been opened.
pub const TITLE_ID: &str = "node-panel-title";

/// The node's place in its workflow, which never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodePlace {
    /// None for the entrypoint.
    pub workflow: Option<String>,
    pub name: String,
    pub exitpoint: bool,
    /// The nodes that listen to it.
    pub heard_by: Vec<String>,
}

/// `detail` is none while it is being read for the first time; `error` is why it could not be read, or not be read
/// again. `node` is known without it. `logs` is the address that shows the node's logs.
#[component]
pub fn NodePanel(
    place: NodePlace,
    #[prop(into)] node: Signal<NodeView>,
    #[prop(into)] live: Signal<LiveNumbers>,
    #[prop(into)] detail: Signal<Option<NodeDetail>>,
    #[prop(into)] error: Signal<Option<AppError>>,
    #[prop(into)] logs: Signal<String>,
    on_close: Callback<()>,
) -> impl IntoView {
    let NodePlace { workflow, name, exitpoint, heard_by } = place;
    let fixed = node.get_untracked();
    let status = Memo::new(move |_| node.with(|node| node.status));
    let message = Memo::new(move |_| node.with(|node| node.message.clone()));
    let ready = Memo::new(move |_| node.with(|node| (node.ready_replicas, node.replicas)));
    let numbers = numbers_of(live, workflow.clone().unwrap_or_default(), name.clone());
    let listens = fixed.subscriptions.join(", ");
    let subtitle = match &workflow {
        Some(workflow) => format!("Node of workflow {workflow}"),
        None => "Receives requests, passes them to the workflows and returns their responses".to_owned(),
    };
    let logs_of = format!("Logs of {name}");
    view! {
        <aside class="node-panel" aria-labelledby=TITLE_ID>
            <header class="node-panel__head">
                <div class="node-panel__title">
                    <h2 id=TITLE_ID tabindex="-1">{name.clone()}</h2>
                    <p class="quiet">{subtitle}</p>
                </div>
                <button type="button" class="button button--quiet node-panel__close" aria-label="Close" title="Close (Esc)" on:click=move |_| on_close.run(())>
                    <Icon shape=Shape::Cross/>
                </button>
            </header>
            <p class="node-panel__state">
                <NodeStatusBadge status/>
                <span class="tag">{move || { let (ready, wanted) = ready.get(); format!("{ready}/{wanted} ready") }}</span>
                {exitpoint.then(|| view! { <span class="tag">"exitpoint"</span> })}
                {fixed.gpu.then(|| view! { <span class="tag"><Icon shape=Shape::Chip/>"GPU"</span> })}
                <A href=move || logs.get() attr:class="button node-panel__logs" attr:aria-label=logs_of scroll=false>
                    <Icon shape=Shape::Lines/>"Logs"
                </A>
            </p>
            {move || message.get().map(|message| {
                let tone = if status.get() == NodeStatus::Failing { "bad" } else { "plain" };
                view! { <p class="node-panel__message" data-tone=tone>{render_inline_code(&sentence(&message))}</p> }
            })}
            <dl class="node-panel__facts">
                <dt>"Image"</dt><dd><code>{fixed.image}</code></dd>
                {fixed.src.map(|src| view! { <dt>"Source"</dt><dd><code>{src}</code></dd> })}
                {(!listens.is_empty()).then(|| view! { <dt>"Subscribes to"</dt><dd><code>{listens}</code></dd> })}
                {(!heard_by.is_empty()).then(|| view! { <dt>"Subscribers"</dt><dd><code>{heard_by.join(", ")}</code></dd> })}
                {move || numbers.with(node_facts).into_iter().map(|(what, words)| view! { <dt>{what}</dt><dd>{words}</dd> }).collect_view()}
                {move || detail.get().map(|detail| view! {
                    <dt>"Deployment"</dt><dd><code>{detail.deployment}</code></dd>
                    <dt>"Namespace"</dt><dd><code>{detail.namespace}</code></dd>
                })}
            </dl>
            {move || error.get().map(|error| view! {
                <p class="notice" data-tone="warn" role="status"><Icon shape=Shape::Warning/>{sentence(&error)}</p>
            })}
            <section aria-labelledby="node-pods-title">
                <h3 id="node-pods-title">"Pods"</h3>
                <PodList pods=Signal::derive(move || detail.with(|detail| detail.as_ref().map(|detail| detail.pods.clone())))/>
            </section>
            <section aria-labelledby="node-events-title">
                <h3 id="node-events-title">"Events"</h3>
                <EventList
                    events=Signal::derive(move || detail.with(|detail| detail.as_ref().map(|detail| detail.events.clone())))
                    gap=Signal::derive(move || detail.with(|detail| detail.as_ref().and_then(|detail| detail.events_error.clone())))
                />
            </section>
        </aside>
    }
    .into_any()
}
