//! The way of an edge: level through each layer, so that it never runs over a box that stands there.

use std::collections::BTreeSet;

use dagre::layout::types::Point;
use domain::{GraphBox, GraphPoint};

use crate::BOX_WIDTH;

/// A back edge leaves and arrives below the middle, so that it does not hide the edge that goes the other way.
const BACK_SHIFT: i32 = 14;

pub(crate) fn pixel(length: f64) -> i32 {
    // Far within an i32: a picture has at most some hundred boxes. The cast saturates.
    length.round() as i32
}

pub(crate) fn shifted_point((x, y): (f64, f64), by: i32) -> GraphPoint {
    GraphPoint { x: pixel(x) + by, y: pixel(y) + by }
}

pub(crate) fn shifted(points: &[Point], by: i32) -> Vec<GraphPoint> {
    points.iter().map(|point| shifted_point((point.x, point.y), by)).collect()
}

/// From one box's side to the other's. `between` begins and ends at the borders of the boxes; what lies between are
/// places that the layout has kept free for this edge, one per layer. `layers` are the middles of the layers of boxes.
pub(crate) fn points(
    from: &GraphBox,
    to: &GraphBox,
    between: &[GraphPoint],
    layers: &BTreeSet<i32>,
) -> Vec<GraphPoint> {
    let back = to.x < from.x;
    let side = |one: &GraphBox, right: bool| GraphPoint {
        x: if right { one.x + one.width } else { one.x },
        y: one.y + one.height / 2 + if back { BACK_SHIFT } else { 0 },
    };
    let (start, end) = (side(from, !back), side(to, back));
    let mut way = vec![start];
    let inner = between.get(1..between.len().saturating_sub(1)).unwrap_or_default();
    for point in inner {
        if layers.contains(&point.x) {
            let half = if back { -BOX_WIDTH / 2 } else { BOX_WIDTH / 2 };
            way.push(GraphPoint { x: point.x - half, y: point.y });
            way.push(GraphPoint { x: point.x + half, y: point.y });
        } else {
            way.push(*point);
        }
    }
    way.push(end);
    way.dedup();
    way
}
