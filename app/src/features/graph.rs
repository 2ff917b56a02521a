//! A workflow as a graph: the entrypoint at the left, what it answers at the right, between them the nodes with their
//! states. Positions come with the layout and never change; states are live.
//!
//! Each box is a button with all that the picture says in its name, so the graph is read as it is seen. At first it is
//! as wide as it may be, by style alone, so that the server's page is already right; from then on a person zooms.

mod draw;

mod words;
mod zoom;

use domain::{GraphLayout, GraphPart, LiveNumbers, NodeView, WorkflowView};
use leptos::{ev, html, prelude::*, svg};

use crate::{
    platform,
    ui::icon::{Icon, Shape},
};
use zoom::{STEP, Zoom};

/// Smaller than this share of its full size it is not drawn unasked, for its words could not be read: it is moved then.
const SMALLEST_UNASKED_PERCENT: i32 = 70;

/// What a box of the graph is told about.
#[derive(Clone, Copy)]
struct Source {
    workflow: Signal<WorkflowView>,
    entrypoint: Signal<NodeView>,
    live: Signal<LiveNumbers>,
    /// Whether there are states: a file that is no version yet has none.
    states: bool,
}

/// The name of the open node, and what opens one.
#[derive(Clone, Copy)]
struct Opening {
    open: Signal<Option<String>>,
    on_open: Option<Callback<String>>,
}

/// `layout` is the workflow's own. `on_open` gets the name of the node whose box was activated, or `entrypoint`; without
/// it the boxes are no buttons. `open` is the name of the node that is open now. `states` is off for a file that is no
/// version yet: then the boxes say how many replicas are wanted, and nothing of how they do.
#[component]
pub fn WorkflowGraph(
    layout: GraphLayout,
    #[prop(into)] workflow: Signal<WorkflowView>,
    #[prop(into)] entrypoint: Signal<NodeView>,
    #[prop(optional, into)] live: Signal<LiveNumbers>,
    #[prop(default = true)] states: bool,
    #[prop(optional, into)] open: Signal<Option<String>>,
    #[prop(optional)] on_open: Option<Callback<String>>,
) -> impl IntoView {
    let name = layout.workflow.to_string();
    let (width, height) = (layout.width, layout.height);
    let source = Source { workflow, entrypoint, live, states };
    let opening = Opening { open, on_open };
    // The box that is pointed at or focused: its edges stand out.
    let near = RwSignal::new(None::<GraphPart>);
    let picture = NodeRef::<svg::Svg>::new();
    let pane = NodeRef::<html::Div>::new();
    let zoom = Zoom::new(pane, picture, width, height);
    let edges = layout.edges.clone();
    let boxes_of = name.clone();
    Effect::new(move |_| {
        let Some(id) = open.get().map(|node| box_id(&boxes_of, &node)) else { return };
        // What shows the node may leave the pane less room, and is there by then.
        platform::on_next_frame(move || {
            if let Some(pane) = pane.try_get_untracked().flatten() {
                platform::reveal(&pane, &id);
            }
        });
    });
    view! {
        <div class="graph">
            <div class="graph__tools" role="group" aria-label=format!("Size of the graph of {name}")>
                <button type="button" class="graph__tool" title="Zoom out" aria-label="Zoom out" on:click=move |_| zoom.by(1.0 / STEP)>
                    <Icon shape=Shape::Minus/>
                </button>
                <button type="button" class="graph__tool" title="Zoom in" aria-label="Zoom in" on:click=move |_| zoom.by(STEP)>
                    <Icon shape=Shape::Plus/>
                </button>
                <button type="button" class="graph__tool" title="Show all of it" aria-label="Fit" on:click=move |_| zoom.fit()>
                    <Icon shape=Shape::Fit/>
                </button>
            </div>
            <div
                class="graph__pane"
                node_ref=pane
                // What can be scrolled must be reachable by keyboard; the boxes are, when they are buttons.
                tabindex=on_open.is_none().then_some("0")
                role=on_open.is_none().then_some("group")
                aria-label=on_open.is_none().then(|| format!("Graph of {name}"))
                on:keydown=move |event| zoom.on_key(&event)
                on:wheel=move |event: ev::WheelEvent| zoom.on_wheel(&event)
                on:pointerdown=move |event| zoom.on_press(&event)
                on:pointermove=move |event| zoom.on_drag(&event)
                on:pointerup=move |_| zoom.on_release()
                on:pointercancel=move |_| zoom.on_release()
                on:touchstart=move |event| zoom.on_touch(&event)
                on:touchmove=move |event| zoom.on_pinch(&event)
            >
                <div class="graph__canvas">
                    // Holds the canvas open, where styles in the markup are not allowed.
                    <svg width=width * SMALLEST_UNASKED_PERCENT / 100 height="0" class="graph__strut" class:hidden=move || zoom.scale.get().is_some() aria-hidden="true"></svg>
                    <svg
                        node_ref=picture
                        class="graph__picture"
                        class:graph__picture--zoomed=move || zoom.scale.get().is_some()
                        viewBox=format!("0 0 {width} {height}")
                        width=move || zoom.pixels(width)
                        height=move || zoom.pixels(height)
                        role="group"
                        aria-label=format!("Graph of {name}")
                    >
                        {draw::edges(&name, edges, near, live)}
                        {draw::boxes(layout, near, source, opening)}
                    </svg>
                </div>
            </div>
        </div>
    }
    .into_any()
}

/// Moves the keyboard's focus to the box of a node, as after what it opened has been closed.
pub fn focus_box(workflow: &str, node: &str) {
    platform::focus(&box_id(workflow, node));
}

/// The id of a node's box.
pub fn box_id(workflow: &str, node: &str) -> String {
    format!("graph-{workflow}-{node}")
}

fn part_name(part: &GraphPart) -> String {
    match part {
        GraphPart::Entrypoint => "entrypoint".to_owned(),
        GraphPart::Node(name) => name.to_string(),
        // No node can be called so.
        GraphPart::Answer => "answer>".to_owned(),
    }
}
