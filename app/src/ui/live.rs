//! What a node and its subscriptions do just now, in words: short in the graph, in full for who reads or listens.

use domain::{LiveEdge, LiveNode, LiveNumbers};
use leptos::prelude::*;

use crate::ui::chart::{millis, short};

/// Of one node; empty while there is nothing to say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NodeNumbers {
    pub node: Option<LiveNode>,
    /// Its subscriptions.
    pub edges: Vec<LiveEdge>,
}

/// The numbers of this node out of all.
pub fn numbers_of(live: Signal<LiveNumbers>, workflow: String, node: String) -> Memo<NodeNumbers> {
    Memo::new(move |_| {
        live.with(|live| NodeNumbers {
            node: live.nodes.iter().find(|one| one.workflow.as_str() == workflow && one.node.as_str() == node).cloned(),
            edges: live
                .edges
                .iter()
                .filter(|edge| edge.workflow.as_str() == workflow && edge.to.as_str() == node)
                .cloned()
                .collect(),
        })
    })
}

/// `3.2/s · 12 ms · p95 40 ms · 2 failed`.
pub fn short_node_words(node: &LiveNode) -> String {
    let mut parts = vec![format!("{}/s", short(node.per_second))];
    parts.extend(node.median_ms.map(millis));
    parts.extend(node.p95_ms.map(|p95| format!("p95 {}", millis(p95))));
    if node.failures > 0 {
        parts.push(format!("{} failed", short(node.failures as f64)));
    }
    parts.join(" · ")
}

/// `3.2 messages per second, median 12 ms, 95th percentile 40 ms, 2 failed`.
pub fn node_words(node: &LiveNode) -> String {
    let mut parts = vec![format!("{} messages per second", short(node.per_second))];
    parts.extend(node.median_ms.map(|median| format!("median {}", millis(median))));
    parts.extend(node.p95_ms.map(|p95| format!("95th percentile {}", millis(p95))));
    if node.failures > 0 {
        parts.push(format!("{} failed", short(node.failures as f64)));
    }
    parts.join(", ")
}

/// What moves and waits on a subscription, each in short.
pub fn edge_words(edge: &LiveEdge) -> Vec<String> {
    let mut words = Vec::new();
    if edge.per_second > 0.0 {
        words.push(format!("{}/s", short(edge.per_second)));
    }
    let queue = edge.queue.unwrap_or_default();
    for (count, what) in
        [(queue.waiting, "waiting"), (queue.in_progress, "in progress"), (queue.redelivered, "redelivered")]
    {
        if count > 0 {
            words.push(format!("{} {what}", short(count as f64)));
        }
    }
    words
}

/// All of it as pairs of what and how much, for a list of facts.
pub fn node_facts(numbers: &NodeNumbers) -> Vec<(String, String)> {
    let mut facts: Vec<_> = numbers.node.iter().map(|node| ("Now".to_owned(), node_words(node))).collect();
    for edge in &numbers.edges {
        let words = edge_words(edge);
        if !words.is_empty() {
            facts.push((format!("From {}", edge.subscription), words.join(", ")));
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use domain::LiveQueue;

    use super::*;

    #[test]
    fn what_a_node_does_is_told_in_short_and_in_full() {
        let (workflow, name) = ("rate", "score");
        let node = LiveNode {
            workflow: workflow.parse().unwrap(),
            node: name.parse().unwrap(),
            per_second: 3.25,
            median_ms: Some(12.0),
            p95_ms: Some(1400.0),
            failures: 2,
        };
        assert_eq!(short_node_words(&node), "3.25/s · 12 ms · p95 1.4 s · 2 failed");
        assert_eq!(node_words(&node), "3.25 messages per second, median 12 ms, 95th percentile 1.4 s, 2 failed");
        let idle = LiveNode { median_ms: None, p95_ms: None, failures: 0, per_second: 0.0, ..node.clone() };
        assert_eq!(
            (short_node_words(&idle), node_words(&idle)),
            ("0/s".to_owned(), "0 messages per second".to_owned())
        );
        let edge = LiveEdge {
            workflow: workflow.parse().unwrap(),
            subscription: "etl.low".to_owned(),
            to: name.parse().unwrap(),
            per_second: 0.0,
            queue: Some(LiveQueue { waiting: 1400, in_progress: 0, redelivered: 1 }),
        };
        let numbers = NodeNumbers { node: Some(idle), edges: vec![edge.clone(), LiveEdge { queue: None, ..edge }] };
        let facts = node_facts(&numbers);
        assert_eq!(facts.len(), 2, "nothing is said of what is idle: {facts:?}");
        assert_eq!(facts[1], ("From etl.low".to_owned(), "1.4k waiting, 1 redelivered".to_owned()));
    }
}
