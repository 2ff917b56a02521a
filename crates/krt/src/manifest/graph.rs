//! Which nodes messages can reach (docs/krt.md §4). Cycles are allowed, so this is a search, not an order.

use std::collections::HashMap;

use crate::model::{Node, Subscription};

/// For each node whether a path from the entrypoint leads to it.
pub(super) fn reached(nodes: &[Node]) -> Vec<bool> {
    let position: HashMap<&str, usize> = nodes.iter().enumerate().map(|(at, node)| (node.name.as_str(), at)).collect();
    let mut listeners: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    let mut reached = vec![false; nodes.len()];
    let mut next = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        for subscription in &node.subscriptions {
            match subscription {
                Subscription::Entrypoint => next.push(at),
                Subscription::Node { node, .. } => {
                    if let Some(source) = position.get(node.as_str()) {
                        listeners[*source].push(at);
                    }
                }
            }
        }
    }
    while let Some(at) = next.pop() {
        if !std::mem::replace(&mut reached[at], true) {
            next.extend(&listeners[at]);
        }
    }
    reached
}
