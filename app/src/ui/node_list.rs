//! Workflows as lists: each node with its status, replicas, image and what it listens to. The same as the graph says, for
//! who would rather read.

use domain::{LiveNumbers, NodeStatus, NodeView, WorkflowView};
use leptos::prelude::*;

use crate::ui::{
    badge::NodeStatusBadge,
    icon::{Icon, Shape},
    inline_code::render_inline_code,
    live::{node_facts, numbers_of},
};

/// The entrypoint by itself. `on_open` gets its name.
#[component]
pub fn EntrypointPanel(#[prop(into)] node: Signal<NodeView>, on_open: Callback<String>) -> impl IntoView {
    view! { <ul class="nodes" role="list">{node_item("", node, None, Signal::default(), on_open)}</ul> }.into_any()
}

/// The nodes in the manifest's order. `on_open` gets the name of the one that was activated.
#[component]
pub fn NodeList(
    #[prop(into)] workflow: Signal<WorkflowView>,
    #[prop(into)] live: Signal<LiveNumbers>,
    on_open: Callback<String>,
) -> impl IntoView {
    let fixed = workflow.get_untracked();
    let name = fixed.name.to_string();
    let exitpoint = fixed.exitpoint.to_string();
    let item = |(index, first): (usize, NodeView)| {
        let role = (first.name == exitpoint).then_some("exitpoint");
        // A version's nodes never change, and neither does their order.
        let node = Signal::derive(move || {
            workflow.with(|workflow| workflow.nodes.get(index).cloned()).unwrap_or_else(|| first.clone())
        });
        node_item(&name, node, role, live, on_open)
    };
    let items: Vec<_> = fixed.nodes.into_iter().enumerate().map(item).collect();
    view! { <ul class="nodes" role="list">{items}</ul> }.into_any()
}

/// The id of what opens a node from its list.
pub fn item_id(workflow: &str, node: &str) -> String {
    format!("node-{workflow}-{node}")
}

fn node_item(
    workflow: &str,
    node: Signal<NodeView>,
    role: Option<&'static str>,
    live: Signal<LiveNumbers>,
    on_open: Callback<String>,
) -> AnyView {
    let fixed = node.get_untracked();
    let status = Memo::new(move |_| node.with(|node| node.status));
    let replicas = Memo::new(move |_| node.with(|node| (node.ready_replicas, node.replicas)));
    let message = Memo::new(move |_| node.with(|node| node.message.clone()));
    let listens = (!fixed.subscriptions.is_empty()).then(|| fixed.subscriptions.join(", "));
    let numbers = numbers_of(live, workflow.to_owned(), fixed.name.clone());
    let id = item_id(workflow, &fixed.name);
    let name = fixed.name.clone();
    view! {
        <li class="node">
            <div class="node__head">
                <NodeStatusBadge status/>
                <button type="button" class="node__open" id=id on:click=move |_| on_open.run(name.clone())>
                    <strong class="node__name">{fixed.name}</strong>
                </button>
                {role.map(|role| view! { <span class="tag">{role}</span> })}
                {fixed.gpu.then(|| view! { <span class="tag"><Icon shape=Shape::Chip/>"GPU"</span> })}
                <span class="node__replicas" class:node__replicas--short=move || replicas.get().0 < replicas.get().1>
                    {move || format!("{}/{}", replicas.get().0, replicas.get().1)}
                    <span class="node__unit">" ready"</span>
                </span>
            </div>
            {move || message.get().map(|message| view! {
                <p class="node__message" class:node__message--bad=move || status.get() == NodeStatus::Failing>{render_inline_code(&message)}</p>
            })}
            <dl class="node__facts">
                <div><dt>"Image"</dt><dd><code>{fixed.image}</code></dd></div>
                {fixed.src.map(|src| view! { <div><dt>"Source"</dt><dd><code>{src}</code></dd></div> })}
                {listens.map(|listens| view! { <div><dt>"Subscribes to"</dt><dd><code>{listens}</code></dd></div> })}
                {move || numbers.with(node_facts).into_iter().map(|(what, words)| view! { <div><dt>{what}</dt><dd>{words}</dd></div> }).collect_view()}
            </dl>
        </li>
    }
    .into_any()
}
