//! A workflow as a picture: where its parts stand and how its edges run. It says nothing of how the parts are doing, so it
//! never changes.

use serde::{Deserialize, Serialize};

use crate::{NodeName, WorkflowName};

/// Lengths are in CSS pixels at full size, from the upper left corner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphLayout {
    pub workflow: WorkflowName,
    pub width: i32,
    pub height: i32,
    /// From left to right, then from top to bottom: the order in which a keyboard reaches them.
    pub boxes: Vec<GraphBox>,
    pub edges: Vec<GraphEdge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphBox {
    pub part: GraphPart,
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
}

/// What a box stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GraphPart {
    Entrypoint,
    Node(NodeName),
    /// What the exitpoint gives back to the entrypoint, and that to the caller.
    Answer,
}

/// A subscription; the last one of all is the entrypoint's to the exitpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphEdge {
    pub from: GraphPart,
    pub to: GraphPart,
    pub subtopic: Option<String>,
    /// From the border of `from` to that of `to`, by way of all between; at least two.
    pub points: Vec<GraphPoint>,
    /// The middle of the place that is free for the subtopic.
    pub label: Option<GraphPoint>,
    /// It leads to the left: it closes a circle.
    pub back: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphPoint {
    pub x: i32,
    pub y: i32,
}
