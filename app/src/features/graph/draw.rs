//! The graph's edges and boxes.

use domain::{GraphBox, GraphEdge, GraphLayout, GraphPart, GraphPoint, LiveNumbers, NodeStatus, NodeView};
use leptos::{prelude::*, svg};

use super::{Opening, Source, box_id, part_name, words};
use crate::ui::{
    badge::{node_shape, node_tone},
    icon::Shape,
    live::{edge_words, node_words, numbers_of, short_node_words},
};

const LABEL_CHARS: usize = 22;
/// From this on a name takes letters that are a little smaller.
const LONG_NAME_CHARS: usize = 16;

/// Behind the boxes, and said by the boxes: a reader of the screen need not go through them.
pub(super) fn edges(
    name: &str,
    edges: Vec<GraphEdge>,
    near: RwSignal<Option<GraphPart>>,
    live: Signal<LiveNumbers>,
) -> AnyView {
    let marker = format!("arrow-{name}");
    let arrow = format!("url(#{marker})");
    let draw = |edge: GraphEdge| {
        let explanation = words::edge_explanation(&edge);
        let (from, to) = (edge.from.clone(), edge.to.clone());
        let stands_out =
            Memo::new(move |_| near.with(|near| near.as_ref().is_some_and(|part| *part == from || *part == to)));
        let label = edge.subtopic.as_deref().zip(edge.label).map(|(text, at)| label(text, at));
        let numbers = edge_numbers(name, &edge, live);
        view! {
            <g class="graph__edge" class:graph__edge--back=edge.back class:graph__edge--near=move || stands_out.get()>
                {svg::title().child(explanation)}
                <path class="graph__line" d=curve(&edge.points) marker-end=arrow.clone()></path>
                {label}
                {numbers}
            </g>
        }
        .into_any()
    };
    let edges: Vec<_> = edges.into_iter().map(draw).collect();
    view! {
        <g aria-hidden="true">
            <defs>
                <marker id=marker viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse">
                    <path class="graph__arrow" d="M0 0.5 7.5 4 0 7.5z"></path>
                </marker>
            </defs>
            {edges}
        </g>
    }
    .into_any()
}

fn label(text: &str, at: GraphPoint) -> AnyView {
    let text = words::cut(text, LABEL_CHARS);
    let width = 12 + 13 * i32::try_from(text.chars().count()).unwrap_or(0) / 2;
    view! {
        <g>
            <rect class="graph__plate" x=at.x - width / 2 y=at.y - 9 width=width height="18" rx="9"></rect>
            <text class="graph__topic" x=at.x y=at.y + 4 text-anchor="middle">{text}</text>
        </g>
    }
    .into_any()
}

/// What moves and waits on a subscription, a line each, above and below the edge. Nothing where there is nothing.
fn edge_numbers(workflow: &str, edge: &GraphEdge, live: Signal<LiveNumbers>) -> Option<AnyView> {
    let GraphPart::Node(to) = &edge.to else { return None };
    let subscription = words::subscription(edge)?;
    let (workflow, to) = (workflow.to_owned(), to.to_string());
    let at = edge.label.or_else(|| middle(&edge.points))?;
    // Below the plate of a subtopic, or beside the line.
    let first = at.y + if edge.label.is_some() && edge.subtopic.is_some() { 22 } else { -6 };
    let lines = Memo::new(move |_| {
        live.with(|live| {
            let found = live.edges.iter().find(|edge| {
                edge.workflow.as_str() == workflow && edge.to.as_str() == to && edge.subscription == subscription
            });
            found.map(edge_words).unwrap_or_default()
        })
    });
    let drawn = move || {
        lines.with(|lines| {
            let line = |(number, line): (i32, &String)| {
                // The second is below the line that the first is above.
                let y = first + 12 * number + if number > 0 && first < at.y { 12 } else { 0 };
                view! { <text class="graph__number" x=at.x y=y text-anchor="middle">{line.clone()}</text> }
            };
            (0..).zip(lines).map(line).collect_view()
        })
    };
    Some(view! { <g>{drawn}</g> }.into_any())
}

/// Half of the way from left to right, on the line.
fn middle(points: &[GraphPoint]) -> Option<GraphPoint> {
    let x = i32::midpoint(points.first()?.x, points.last()?.x);
    let (before, after) = points
        .iter()
        .zip(points.iter().skip(1))
        .find(|(before, after)| (before.x.min(after.x)..=before.x.max(after.x)).contains(&x))?;
    let along = (x - before.x).abs();
    let whole = (after.x - before.x).abs().max(1);
    Some(GraphPoint { x, y: before.y + (after.y - before.y) * along / whole })
}

/// Level at each point, so that parts that follow each other meet without a corner.
fn curve(points: &[GraphPoint]) -> String {
    let mut path = String::new();
    let mut before: Option<GraphPoint> = None;
    for point in points {
        let (x, y) = (point.x, point.y);
        path += &match before {
            None => format!("M{x} {y}"),
            Some(last) if last.y == y => format!("H{x}"),
            Some(last) => {
                let middle = i32::midpoint(last.x, x);
                format!("C{middle} {} {middle} {y} {x} {y}", last.y)
            }
        };
        before = Some(*point);
    }
    path
}

pub(super) fn boxes(
    layout: GraphLayout,
    near: RwSignal<Option<GraphPart>>,
    source: Source,
    opening: Opening,
) -> AnyView {
    let workflow = layout.workflow.to_string();
    let draw = |one: GraphBox| match one.part {
        GraphPart::Answer => answer(&one, near, source),
        GraphPart::Entrypoint | GraphPart::Node(_) => node_box(&workflow, one, near, source, opening),
    };
    let boxes: Vec<_> = layout.boxes.into_iter().map(draw).collect();
    view! { <g>{boxes}</g> }.into_any()
}

fn answer(one: &GraphBox, near: RwSignal<Option<GraphPart>>, source: Source) -> AnyView {
    let explanation = source
        .workflow
        .with_untracked(|workflow| format!("{} sends the response of rpc {}", workflow.exitpoint, workflow.entrypoint));
    let (width, height) = (one.width, one.height);
    view! {
        <g
            class="graph__answer"
            transform=format!("translate({} {})", one.x, one.y)
            role="img"
            on:pointerenter=move |_| near.set(Some(GraphPart::Answer))
            on:pointerleave=move |_| near.set(None)
        >
            {svg::title().child(explanation)}
            <rect class="graph__pill" width=width height=height rx=height / 2></rect>
            <path class="graph__shape" transform="translate(12 8)" d=Shape::Reply.path()></path>
            <text class="graph__word" x="34" y="21">"response"</text>
        </g>
    }
    .into_any()
}

fn node_box(
    workflow: &str,
    one: GraphBox,
    near: RwSignal<Option<GraphPart>>,
    source: Source,
    opening: Opening,
) -> AnyView {
    let Source { workflow: flow, entrypoint, live, states } = source;
    let name = part_name(&one.part);
    let (exitpoint, rpc) = flow.with_untracked(|flow| {
        (flow.exitpoint.as_str() == name, (one.part == GraphPart::Entrypoint).then(|| flow.entrypoint.clone()))
    });
    let initial = flow.with_untracked(|flow| flow.nodes.iter().find(|node| node.name == name).cloned());
    let node = Memo::new({
        let (name, part) = (name.clone(), one.part.clone());
        move |before: Option<&NodeView>| match part {
            GraphPart::Entrypoint => entrypoint.get(),
            // A version's nodes never change; should one be missing for a moment, what was known of it stays.
            _ => flow
                .with(|flow| flow.nodes.iter().find(|node| node.name == name).cloned())
                .or_else(|| before.cloned())
                .or_else(|| initial.clone())
                .unwrap_or_else(|| entrypoint.get_untracked()),
        }
    });
    let tone = move || if states { node_tone(node.with(|node| node.status)) } else { "plain" };
    // Without states it is a node, whatever it does.
    let shape = move || if states { node_shape(node.with(|node| node.status)) } else { Shape::Box }.path();
    let is_open = {
        let name = name.clone();
        Memo::new(move |_| opening.open.with(|open| open.as_ref() == Some(&name)))
    };
    let activate = {
        let name = name.clone();
        move || {
            if let Some(on_open) = opening.on_open {
                on_open.run(name.clone());
            }
        }
    };
    let pressed = activate.clone();
    let interactive = opening.on_open.is_some();
    let id = box_id(workflow, &name);
    let long = name.len() >= LONG_NAME_CHARS;
    let (entered, focused) = (one.part.clone(), one.part.clone());
    let subtitle_rpc = rpc.clone();
    let badge = Memo::new(move |_| node.with(|node| words::badge(node, states)));
    let numbers = numbers_of(live, workflow.to_owned(), name.clone());
    let short = Memo::new(move |_| {
        states && node.with(|node| node.ready_replicas < node.replicas && node.status != NodeStatus::Stopped)
    });
    view! {
        <g
            id=id
            class="graph__box"
            class:graph__box--button=interactive
            class:graph__box--open=move || is_open.get()
            class:graph__box--entrypoint=one.part == GraphPart::Entrypoint
            data-tone=tone
            transform=format!("translate({} {})", one.x, one.y)
            role=if interactive { "button" } else { "img" }
            tabindex=interactive.then_some("0")
            aria-expanded=move || interactive.then(|| if is_open.get() { "true" } else { "false" })
            on:click=move |_| activate()
            on:keydown=move |event| {
                if matches!(event.key().as_str(), "Enter" | " ") && !event.ctrl_key() && !event.meta_key() && !event.alt_key() {
                    event.prevent_default();
                    pressed();
                }
            }
            on:pointerenter=move |_| near.set(Some(entered.clone()))
            on:pointerleave=move |_| near.set(None)
            on:focus=move |_| near.set(Some(focused.clone()))
            on:blur=move |_| near.set(None)
        >
            // Made by hand: what `view!` makes of a `title` in a browser is HTML's, which explains and names nothing here.
            // It is the name, too: one that differs from what is seen could not be spoken to a computer (WCAG 2.5.3).
            {svg::title().child(move || {
                let said = numbers.with(|numbers| numbers.node.as_ref().map(node_words));
                node.with(|node| words::explanation(node, exitpoint, states, said.as_deref()))
            })}
            <rect class="graph__ground" width=one.width height=one.height rx="8"></rect>
            <rect class="graph__mark" x="8" y="14" width="32" height="32" rx="6"></rect>
            <path class="graph__shape" transform="translate(16 22)" d=shape></path>
            <text class="graph__name" class:graph__name--long=long x="50" y="27">{name}</text>
            <text class="graph__word" x="50" y="45">
                {move || node.with(|node| words::subtitle(node, exitpoint, subtitle_rpc.as_deref(), states))}
            </text>
            // Its right end would lie under the badge of the box below.
            <text class="graph__number" x="6" y=one.height + 12>
                {move || numbers.with(|numbers| numbers.node.as_ref().map(short_node_words))}
            </text>
            <g class="graph__badge" class:graph__badge--short=move || short.get() class:graph__badge--none=move || badge.with(Option::is_none)>
                <rect class="graph__plate" x=one.width - 48 y="-10" width="38" height="20" rx="10"></rect>
                <text class="graph__count" x=one.width - 29 y="4" text-anchor="middle">{move || badge.get().unwrap_or_default()}</text>
            </g>
        </g>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_level_at_each_point() {
        let points = [(0, 10), (20, 10), (40, 50), (60, 50)].map(|(x, y)| GraphPoint { x, y });
        assert_eq!(curve(&points), "M0 10H20C30 10 30 50 40 50H60");
        assert_eq!((middle(&points), middle(&points[..1])), (Some(GraphPoint { x: 30, y: 30 }), None));
        assert_eq!(middle(&points[2..]), Some(GraphPoint { x: 50, y: 50 }));
    }
}
