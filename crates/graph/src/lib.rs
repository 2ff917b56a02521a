//! Lays a workflow out as a graph in layers, from the entrypoint at the left to the answer at the right.
//!
//! A crate of its own, so that what the browser loads first need not have the layout's code: the server lays out what it
//! stores, the worker that checks a file lays out that file, and pages only draw. The same workflow always gives the
//! same layout.

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
/// The answer is a mark, not a node.
pub const ANSWER_WIDTH: i32 = 96;
pub const ANSWER_HEIGHT: i32 = 32;
/// A longer subtopic is cut by whoever draws it.
pub const LABEL_CHARS: usize = 22;

/// Beyond these nobody could read the picture, and the time it takes to lay out grows faster than the graph.
const MOST_NODES: usize = 150;
const MOST_EDGES: usize = 450;

const MARGIN: i32 = 16;
const GAP_BETWEEN_LAYERS: f64 = 64.0;
const GAP_IN_LAYER: f64 = 24.0;
const GAP_BETWEEN_EDGES: f64 = 14.0;
const LABEL_HEIGHT: f64 = 18.0;
const LABEL_CHAR_WIDTH: f64 = 6.8;

/// None when the workflow is too large to be read as a picture.
pub fn lay_out(workflow: &WorkflowView) -> Option<GraphLayout> {
    let parts = parts(workflow);
    let links = links(workflow);
    if parts.len() > MOST_NODES || links.len() > MOST_EDGES {
        return None;
    }
    let mut graph =
        Graph::<NodeLabel, EdgeLabel>::with_options(GraphOptions { directed: true, multigraph: true, compound: false });
    for part in &parts {
        // As wide as its layer, so that an edge to it stays clear of what stands above and below.
        let (width, height) = (f64::from(BOX_WIDTH), f64::from(size(part).1));
        graph.set_node(key(part), Some(NodeLabel { width, height, ..NodeLabel::default() }));
    }
    for (index, link) in links.iter().enumerate() {
        graph.set_edge(key(&link.from), key(&link.to), Some(space_for(link)), Some(&index.to_string()));
    }
    let options = LayoutOptions {
        rankdir: RankDir::LR,
        nodesep: GAP_IN_LAYER,
        edgesep: GAP_BETWEEN_EDGES,
        ranksep: GAP_BETWEEN_LAYERS,
        ..LayoutOptions::default()
    };
    dagre::layout(&mut graph, Some(options));
    Some(read(workflow, &graph, &parts, links))
}

/// A subscription before it has a place.
struct Link {
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

/// What the nodes listen to, in their order, and at last the answer to the exitpoint. What nobody says, such as a
/// subscription to a node that is not there, is left out: the picture shows what is, problems are told elsewhere.
fn links(workflow: &WorkflowView) -> Vec<Link> {
    let known: BTreeSet<&str> = workflow.nodes.iter().map(|node| node.name.as_str()).collect();
    let part = |name: &str| match name {
        "entrypoint" => Some(GraphPart::Entrypoint),
        name if known.contains(name) => name.parse().ok().map(GraphPart::Node),
        _ => None,
    };
    let mut links = Vec::new();
    for node in &workflow.nodes {
        let mut heard = BTreeSet::new();
        for subscription in &node.subscriptions {
            let (from, subtopic) = match subscription.split_once('.') {
                Some((from, subtopic)) => (from, Some(subtopic.to_owned())),
                None => (subscription.as_str(), None),
            };
            let Some((from, to)) = part(from).zip(part(&node.name)) else { continue };
            if from != to && heard.insert(subscription.as_str()) {
                links.push(Link { from, to, subtopic });
            }
        }
    }
    if known.contains(workflow.exitpoint.as_str()) {
        links.push(Link { from: GraphPart::Node(workflow.exitpoint.clone()), to: GraphPart::Answer, subtopic: None });
    }
    links
}

/// What a part is called in the layout. No name of a node has these marks, and none of the layout's own is as these.
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

/// Keeps a place free for the subtopic.
fn space_for(link: &Link) -> EdgeLabel {
    let chars = link.subtopic.as_ref().map_or(0, |text| text.chars().count().min(LABEL_CHARS));
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
    links: Vec<Link>,
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
    for (index, link) in links.into_iter().enumerate() {
        let Some((from, to)) = find(&link.from).zip(find(&link.to)) else { continue };
        let placed = graph.edge(key(&link.from), key(&link.to), Some(&index.to_string()));
        let between = placed.map(|edge| route::shifted(&edge.points, MARGIN)).unwrap_or_default();
        let at = placed.filter(|_| link.subtopic.is_some()).and_then(|edge| edge.x.zip(edge.y));
        edges.push(GraphEdge {
            back: to.x < from.x,
            points: route::points(from, to, &between, &layers),
            label: at.map(|at| route::shifted_point(at, MARGIN)),
            from: link.from,
            to: link.to,
            subtopic: link.subtopic,
        });
    }
    // Edges and labels may stand out beyond the boxes.
    let spots = || edges.iter().flat_map(|edge| edge.points.iter().chain(&edge.label));
    let right = boxes.iter().map(|one| one.x + one.width).chain(spots().map(|spot| spot.x)).max();
    let bottom = boxes.iter().map(|one| one.y + one.height).chain(spots().map(|spot| spot.y)).max();
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
