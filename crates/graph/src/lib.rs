//! Lays a workflow out as a graph in layers, from the entrypoint at the left to the answer at the right.
//!
//! A crate of its own, so that the browser's first load does not contain the layout: the server lays out what it stores, the
//! worker lays out the file that it checks, and pages only draw. The same workflow always gets the same layout.

mod route;

use std::collections::BTreeSet;

use dagre::{
    EdgeLabel, LayoutOptions, NodeLabel, RankDir,
    graph::{Graph, GraphOptions},
    layout::types::LabelPos,
};
use domain::{GraphBox, GraphEdge, GraphLayout, GraphPart, WorkflowView};

/// All boxes of nodes are of one size: a name has at most 19 characters.
pub const BOX_WIDTH: i32 = 208;
pub const BOX_HEIGHT: i32 = 60;
/// The answer has a smaller box than a node.
pub const ANSWER_WIDTH: i32 = 96;
pub const ANSWER_HEIGHT: i32 = 32;
/// Pages cut a longer subtopic.
pub const LABEL_CHARS: usize = 22;

/// Nobody can read a larger picture, and the time for the layout grows faster than the graph.
const MAX_NODES: usize = 150;
const MAX_EDGES: usize = 450;

const MARGIN: i32 = 16;
const GAP_BETWEEN_LAYERS: f64 = 64.0;
const GAP_IN_LAYER: f64 = 24.0;
const GAP_BETWEEN_EDGES: f64 = 14.0;
const LABEL_HEIGHT: f64 = 18.0;
const LABEL_CHAR_WIDTH: f64 = 6.8;

/// None when the workflow is too large for a readable picture.
pub fn lay_out(workflow: &WorkflowView) -> Option<GraphLayout> {
    let parts = parts(workflow);
    let unplaced = edges(workflow);
    if parts.len() > MAX_NODES || unplaced.len() > MAX_EDGES {
        return None;
    }
    let mut graph =
        Graph::<NodeLabel, EdgeLabel>::with_options(GraphOptions { directed: true, multigraph: true, compound: false });
    for part in &parts {
        // As wide as its layer, so that an edge to it stays clear of what stands above and below.
        let (width, height) = (f64::from(BOX_WIDTH), f64::from(size(part).1));
        graph.set_node(key(part), Some(NodeLabel { width, height, ..NodeLabel::default() }));
    }
    for (index, edge) in unplaced.iter().enumerate() {
        graph.set_edge(key(&edge.from), key(&edge.to), Some(edge_label(edge)), Some(&index.to_string()));
    }
    let options = LayoutOptions {
        rankdir: RankDir::LR,
        nodesep: GAP_IN_LAYER,
        edgesep: GAP_BETWEEN_EDGES,
        ranksep: GAP_BETWEEN_LAYERS,
        ..LayoutOptions::default()
    };
    dagre::layout(&mut graph, Some(options));
    Some(read(workflow, &graph, &parts, unplaced))
}

/// An edge before it is laid out.
struct Edge {
    from: GraphPart,
    to: GraphPart,
    subtopic: Option<String>,
}

fn parts(workflow: &WorkflowView) -> Vec<GraphPart> {
    let nodes = workflow.nodes.iter().filter_map(|node| node.name.parse().ok()).map(GraphPart::Node);
    let mut seen = BTreeSet::new();
    std::iter::once(GraphPart::Entrypoint)
        .chain(nodes)
        .chain(std::iter::once(GraphPart::Answer))
        .filter(|part| seen.insert(key(part).to_owned()))
        .collect()
}

/// One edge for each subscription, in the order of the nodes, and one from the exitpoint to the answer. A subscription to
/// a node that does not exist has no edge: the reader of the manifest reports it.
fn edges(workflow: &WorkflowView) -> Vec<Edge> {
    let known: BTreeSet<&str> = workflow.nodes.iter().map(|node| node.name.as_str()).collect();
    let part = |name: &str| match name {
        "entrypoint" => Some(GraphPart::Entrypoint),
        name if known.contains(name) => name.parse().ok().map(GraphPart::Node),
        _ => None,
    };
    let mut edges = Vec::new();
    for node in &workflow.nodes {
        let mut seen_sources = BTreeSet::new();
        for subscription in &node.subscriptions {
            let (from, subtopic) = match subscription.split_once('.') {
                Some((from, subtopic)) => (from, Some(subtopic.to_owned())),
                None => (subscription.as_str(), None),
            };
            let Some((from, to)) = part(from).zip(part(&node.name)) else { continue };
            if from != to && seen_sources.insert(subscription.as_str()) {
                edges.push(Edge { from, to, subtopic });
            }
        }
    }
    if known.contains(workflow.exitpoint.as_str()) {
        edges.push(Edge { from: GraphPart::Node(workflow.exitpoint.clone()), to: GraphPart::Answer, subtopic: None });
    }
    edges
}

/// The key of a part in the layout. It cannot be a node's name, nor one of the keys that the layout adds.
fn key(part: &GraphPart) -> &str {
    match part {
        GraphPart::Entrypoint => ">entrypoint",
        GraphPart::Node(name) => name.as_str(),
        GraphPart::Answer => "answer>",
    }
}

fn size(part: &GraphPart) -> (i32, i32) {
    match part {
        GraphPart::Entrypoint | GraphPart::Node(_) => (BOX_WIDTH, BOX_HEIGHT),
        GraphPart::Answer => (ANSWER_WIDTH, ANSWER_HEIGHT),
    }
}

/// The room for the subtopic.
fn edge_label(edge: &Edge) -> EdgeLabel {
    let chars = edge.subtopic.as_ref().map_or(0, |text| text.chars().count().min(LABEL_CHARS));
    let (width, height) = if chars == 0 { (0.0, 0.0) } else { (label_width(chars), LABEL_HEIGHT) };
    EdgeLabel { width, height, labelpos: LabelPos::Center, ..EdgeLabel::default() }
}

fn label_width(chars: usize) -> f64 {
    f64::from(u32::try_from(chars).unwrap_or(0)) * LABEL_CHAR_WIDTH + 12.0
}

fn read(
    workflow: &WorkflowView,
    graph: &Graph<NodeLabel, EdgeLabel>,
    parts: &[GraphPart],
    unplaced: Vec<Edge>,
) -> GraphLayout {
    let mut boxes: Vec<GraphBox> = parts
        .iter()
        .map(|part| {
            let placed = graph.node(key(part));
            let (x, y) = placed.and_then(|at| at.x.zip(at.y)).unwrap_or_default();
            let (width, height) = size(part);
            GraphBox {
                part: part.clone(),
                x: route::pixel(x) - BOX_WIDTH / 2 + MARGIN,
                y: route::pixel(y) - height / 2 + MARGIN,
                width,
                height,
            }
        })
        .collect();
    boxes.sort_by_key(|one| (one.x, one.y));
    let layers: BTreeSet<i32> = boxes.iter().map(|one| one.x + BOX_WIDTH / 2).collect();
    let find = |part: &GraphPart| boxes.iter().find(|one| one.part == *part);
    let mut edges = Vec::new();
    for (index, edge) in unplaced.into_iter().enumerate() {
        let Some((from, to)) = find(&edge.from).zip(find(&edge.to)) else { continue };
        let placed = graph.edge(key(&edge.from), key(&edge.to), Some(&index.to_string()));
        let between = placed.map(|edge| route::shifted(&edge.points, MARGIN)).unwrap_or_default();
        let at = placed.filter(|_| edge.subtopic.is_some()).and_then(|edge| edge.x.zip(edge.y));
        edges.push(GraphEdge {
            back: to.x < from.x,
            points: route::points(from, to, &between, &layers),
            label: at.map(|at| route::shifted_point(at, MARGIN)),
            from: edge.from,
            to: edge.to,
            subtopic: edge.subtopic,
        });
    }
    // Edges and labels may reach beyond the boxes.
    let points = || edges.iter().flat_map(|edge| edge.points.iter().chain(&edge.label));
    let right = boxes.iter().map(|one| one.x + one.width).chain(points().map(|point| point.x)).max();
    let bottom = boxes.iter().map(|one| one.y + one.height).chain(points().map(|point| point.y)).max();
    GraphLayout {
        workflow: workflow.name.clone(),
        width: right.unwrap_or(0) + MARGIN,
        height: bottom.unwrap_or(0) + MARGIN,
        boxes,
        edges,
    }
}

#[cfg(test)]
mod tests;
