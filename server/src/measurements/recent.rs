//! The messages that a version's nodes handled last: by them is told which nodes a call went through.
//!
//! A point has no mark of the request that it was for (docs/runners.md §8). So it is told only of a time in which each node
//! handled one message at most of each node before it: then they are of the one call.

use std::collections::{BTreeSet, VecDeque};

use domain::{PassedNode, Timestamp, WorkflowName};

const MAX: usize = 256;
/// So much may the clocks of pods and of this server differ.
const CLOCK_SKEW_MICROS: i64 = 500_000;

/// A message that a node has handled.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Handled {
    /// When it had done so, in microseconds since 1970 by its pod's clock.
    pub(super) at: i64,
    /// When its point came, in the same by this server's.
    pub(super) came: i64,
    pub(super) workflow: String,
    pub(super) node: String,
    /// Whose message it was.
    pub(super) from: Option<String>,
    pub(super) elapsed_ms: Option<f64>,
}

impl Handled {
    /// In microseconds since 1970. A node is done only after it has passed its message on, so maybe after the next one.
    fn began(&self) -> i64 {
        self.at.saturating_sub((self.elapsed_ms.unwrap_or_default() * 1000.0) as i64)
    }
}

/// Oldest first.
#[derive(Default)]
pub(super) struct Recent(VecDeque<Handled>);

impl Recent {
    pub(super) fn add(&mut self, handled: Handled) {
        if self.0.len() == MAX {
            self.0.pop_front();
        }
        self.0.push_back(handled);
    }

    /// The nodes of the workflow that handled a message in that time, in the order in which they began. None when that
    /// was more than one call.
    pub(super) fn passed(&self, workflow: &WorkflowName, from: Timestamp, until: Timestamp) -> Option<Vec<PassedNode>> {
        let (from, until) = (from.as_microsecond(), until.as_microsecond());
        let range = from - CLOCK_SKEW_MICROS..=until + CLOCK_SKEW_MICROS;
        let is_in = |handled: &&Handled| {
            handled.came >= from && range.contains(&handled.at) && handled.workflow == workflow.as_str()
        };
        let mut found: Vec<&Handled> = self.0.iter().filter(is_in).collect();
        found.sort_by_key(|handled| handled.began());
        let edges: BTreeSet<_> = found.iter().map(|handled| (&handled.node, &handled.from)).collect();
        if edges.len() < found.len() {
            return None;
        }
        let mut passed: Vec<PassedNode> = Vec::new();
        for Handled { node, elapsed_ms, .. } in found {
            // A handler takes no negative time, and none that does not fit.
            let took_ms = elapsed_ms.map(|elapsed| elapsed.round() as u64);
            match passed.iter_mut().find(|before| before.node == *node) {
                // One that joins branches handles a message of each.
                Some(before) => before.took_ms = before.took_ms.zip(took_ms).map(|(before, more)| before + more),
                None => passed.push(PassedNode { workflow: workflow.clone(), node: node.clone(), took_ms }),
            }
        }
        Some(passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn handled(second: i64, workflow: &str, node: &str) -> Handled {
        let (workflow, node) = (workflow.to_owned(), node.to_owned());
        let at = second * 1_000_000;
        Handled { at, came: at, workflow, node, from: None, elapsed_ms: Some(1.6) }
    }

    fn names(passed: Option<Vec<PassedNode>>) -> Option<Vec<String>> {
        passed.map(|passed| passed.into_iter().map(|passed| passed.node).collect())
    }

    #[test]
    fn the_nodes_of_a_call_are_told_in_their_order_and_those_of_others_are_not() {
        let flow: WorkflowName = "flow".parse().unwrap();
        let mut recent = Recent::default();
        recent.add(handled(2, "flow", "one"));
        recent.add(handled(11, "flow", "two"));
        // Done later than the one after it.
        recent.add(Handled { elapsed_ms: Some(1600.4), ..handled(12, "flow", "one") });
        recent.add(handled(11, "other", "one"));
        recent.add(Handled { at: 9_900_000, ..handled(9, "flow", "one") });
        let passed = recent.passed(&flow, at(10), at(13)).unwrap();
        assert_eq!(passed[0], PassedNode { workflow: flow.clone(), node: "one".to_owned(), took_ms: Some(1600) });
        assert_eq!(names(Some(passed)).unwrap(), ["one", "two"]);
        let joined = Handled { from: Some("side".to_owned()), ..handled(12, "flow", "two") };
        recent.add(joined);
        let passed = recent.passed(&flow, at(10), at(13)).unwrap();
        assert_eq!(passed[1], PassedNode { workflow: flow.clone(), node: "two".to_owned(), took_ms: Some(4) });
        assert_eq!(recent.passed(&flow, at(20), at(30)), Some(vec![]));
        recent.add(handled(12, "flow", "one"));
        assert_eq!(recent.passed(&flow, at(10), at(13)), None, "two messages of one node at another: of two calls");
    }

    #[test]
    fn only_the_last_messages_are_kept() {
        let flow: WorkflowName = "flow".parse().unwrap();
        let mut recent = Recent::default();
        for second in 0..=MAX as i64 {
            recent.add(handled(second * 10, "flow", "one"));
        }
        assert_eq!((recent.0.len(), names(recent.passed(&flow, at(0), at(5)))), (MAX, Some(vec![])));
    }
}
