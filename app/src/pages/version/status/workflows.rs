//! The workflows, as graphs or as lists.

use domain::{GraphLayout, LiveNumbers, NodeStatus, VersionState, VersionView, WorkflowView};
use leptos::prelude::*;
use leptos_router::{
    components::A,
    hooks::{use_location, use_query_map},
};

use super::open::SelectedNode;
use crate::{
    features::graph::{WorkflowGraph, box_id},
    format,
    route::{param, with_param},
    ui::{
        icon::{Icon, Shape},
        node_list::{EntrypointPanel, NodeList, item_id},
    },
};

const VIEW_PARAM: &str = "view";
const LIST: &str = "list";

#[component]
pub fn Workflows(
    view: RwSignal<VersionView>,
    graphs: Vec<GraphLayout>,
    opened: SelectedNode,
    live: RwSignal<LiveNumbers>,
) -> impl IntoView {
    let query = use_query_map();
    let as_list = Memo::new(move |_| query.with(|query| param(query, VIEW_PARAM)).as_deref() == Some(LIST));
    let graphs = StoredValue::new(graphs);
    let count = view.with_untracked(|view| view.workflows.len());
    let panels =
        move || (0..count).map(|index| workflow_panel(view, index, graphs, as_list, opened, live)).collect_view();
    view! {
        <section class="workflows" aria-labelledby="workflows-title">
            <header class="workflows__head">
                <h2 id="workflows-title">"Workflows"</h2>
                <ViewSwitch as_list/>
            </header>
            {move || as_list.get().then(|| {
                let on_open = Callback::new(move |_| opened.open_entrypoint());
                let node = Signal::derive(move || view.with(|view| view.entrypoint.clone()));
                view! { <EntrypointPanel node on_open/> }
            })}
            <div class="workflows__all">{panels()}</div>
        </section>
    }
    .into_any()
}

#[component]
fn ViewSwitch(as_list: Memo<bool>) -> impl IntoView {
    let (query, path) = (use_query_map(), use_location().pathname);
    let href = move |value: &'static str| move || with_param(&path.get(), &query.get(), VIEW_PARAM, value);
    let current = move |list: bool| move || (as_list.get() == list).then_some("true");
    view! {
        <div class="switch" role="group" aria-label="Show workflows as">
            <A href=href("") attr:class="switch__choice" attr:data-current=current(false) scroll=false>
                <Icon shape=Shape::Graph/>"Graph"
            </A>
            <A href=href(LIST) attr:class="switch__choice" attr:data-current=current(true) scroll=false>
                <Icon shape=Shape::Lines/>"List"
            </A>
        </div>
    }
    .into_any()
}

fn workflow_panel(
    view: RwSignal<VersionView>,
    index: usize,
    graphs: StoredValue<Vec<GraphLayout>>,
    as_list: Memo<bool>,
    opened: SelectedNode,
    live: RwSignal<LiveNumbers>,
) -> Option<impl IntoView> {
    let first = view.with_untracked(|view| view.workflows.get(index).cloned())?;
    let name = first.name.to_string();
    let rpc = first.entrypoint.clone();
    let layout = graphs.with_value(|graphs| graphs.iter().find(|graph| graph.workflow == first.name).cloned());
    // A version's workflows never change, and neither does their order.
    let workflow =
        Memo::new(move |_| view.with(|view| view.workflows.get(index).cloned()).unwrap_or_else(|| first.clone()));
    let ready = Memo::new(move |_| {
        let state = view.with(|view| view.summary.state);
        workflow.with(|workflow| workflow_words(state, workflow))
    });
    let body = {
        let name = name.clone();
        move || match &layout {
            Some(layout) if !as_list.get() => graph(&name, layout.clone(), view, workflow, opened, live),
            Some(_) => list(&name, workflow, opened, live),
            None => view! {
                <p class="workflow__note">"The workflow is too large for a graph, so its nodes are listed."</p>
                {list(&name, workflow, opened, live)}
            }
            .into_any(),
        }
    };
    Some(view! {
            <section class="workflow" aria-label=format!("Workflow {name}")>
                <header class="workflow__head">
                    <h3>{name.clone()}</h3>
                    <p class="quiet">"triggered by rpc "<code>{rpc}</code></p>
                    <p class="workflow__ready quiet">{move || ready.get()}</p>
                </header>
                {body}
            </section>
    })
}

fn graph(
    name: &str,
    layout: GraphLayout,
    view: RwSignal<VersionView>,
    workflow: Memo<WorkflowView>,
    opened: SelectedNode,
    live: RwSignal<LiveNumbers>,
) -> AnyView {
    let entrypoint = Signal::derive(move || view.with(|view| view.entrypoint.clone()));
    let open = Signal::derive({
        let name = name.to_owned();
        move || {
            let open = opened.node.get()?;
            open.workflow.as_ref().is_none_or(|workflow| *workflow == name).then_some(open.name)
        }
    });
    let on_open = Callback::new({
        let name = name.to_owned();
        move |node: String| opened.open(Some(&name), node.clone(), box_id(&name, &node))
    });
    view! { <WorkflowGraph layout workflow entrypoint live open on_open/> }.into_any()
}

fn list(name: &str, workflow: Memo<WorkflowView>, opened: SelectedNode, live: RwSignal<LiveNumbers>) -> AnyView {
    let name = name.to_owned();
    let on_open = Callback::new(move |node: String| opened.open(Some(&name), node.clone(), item_id(&name, &node)));
    view! { <NodeList workflow live on_open/> }.into_any()
}

/// `3 of 4 nodes ready`; of a version that is not meant to run, `4 nodes`.
pub(super) fn ready_words(state: VersionState, ready: usize, all: usize) -> String {
    let all = format::count(u32::try_from(all).unwrap_or(u32::MAX), "node", "nodes");
    match state {
        VersionState::Stopped | VersionState::Archived => all,
        _ => format!("{ready} of {all} ready"),
    }
}

/// `3 of 4 nodes ready, 1 failing`.
fn workflow_words(state: VersionState, workflow: &WorkflowView) -> String {
    let count = |status: NodeStatus| workflow.nodes.iter().filter(|node| node.status == status).count();
    let failing = match count(NodeStatus::Failing) {
        0 => String::new(),
        failing => format!(", {failing} failing"),
    };
    ready_words(state, count(NodeStatus::Ready), workflow.nodes.len()) + &failing
}
