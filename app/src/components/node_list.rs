//! Workflows as lists: each node with its status, replicas, image and what it listens to.

use domain::{NodeStatus, NodeView, WorkflowView};
use leptos::prelude::*;

use crate::components::{
    icon::{Icon, Shape},
    prose::prose,
    state_badge::NodeStatusBadge,
};

#[component]
pub fn EntrypointPanel(node: NodeView) -> impl IntoView {
    view! { <ul class="nodes" role="list">{node_item(node, None)}</ul> }.into_any()
}

#[component]
pub fn WorkflowPanel(workflow: WorkflowView) -> impl IntoView {
    let exitpoint = workflow.exitpoint.to_string();
    let nodes = workflow.nodes.into_iter().map(|node| {
        let role = (node.name == exitpoint).then_some("exitpoint");
        node_item(node, role)
    });
    view! {
        <section class="workflow" aria-label=format!("Workflow {}", workflow.name)>
            <header class="workflow__head">
                <h3>{workflow.name.to_string()}</h3>
                <p class="quiet">"fed by rpc "<code>{workflow.entrypoint}</code></p>
            </header>
            <ul class="nodes" role="list">{nodes.collect_view()}</ul>
        </section>
    }
    .into_any()
}

fn node_item(node: NodeView, role: Option<&'static str>) -> impl IntoView {
    let failing = node.status == NodeStatus::Failing;
    let enough = node.ready_replicas >= node.replicas;
    let listens = (!node.subscriptions.is_empty()).then(|| node.subscriptions.join(", "));
    view! {
        <li class="node">
            <div class="node__head">
                <NodeStatusBadge status=node.status/>
                <strong class="node__name">{node.name}</strong>
                {role.map(|role| view! { <span class="tag">{role}</span> })}
                {node.gpu.then(|| view! { <span class="tag"><Icon shape=Shape::Chip/>"GPU"</span> })}
                <span class="node__replicas" class:node__replicas--short=!enough>
                    {format!("{}/{}", node.ready_replicas, node.replicas)}
                    <span class="node__unit">" ready"</span>
                </span>
            </div>
            {node.message.map(|message| view! { <p class="node__message" class:node__message--bad=failing>{prose(&message)}</p> })}
            <dl class="node__facts">
                <div><dt>"Image"</dt><dd><code>{node.image}</code></dd></div>
                {node.src.map(|src| view! { <div><dt>"Source"</dt><dd><code>{src}</code></dd></div> })}
                {listens.map(|listens| view! { <div><dt>"Listens to"</dt><dd><code>{listens}</code></dd></div> })}
            </dl>
        </li>
    }
    .into_any()
}
