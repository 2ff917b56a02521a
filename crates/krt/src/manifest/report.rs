//! The findings about a manifest so far, and what the manifest is checked against.

use std::collections::HashMap;

use domain::{Problem, Severity};

use super::{
    fields::{Item, element, join},
    suggest::Suggester,
};
use crate::{
    ArchiveIndex,
    limits::{MAX_NODES, MAX_REPLICAS},
    problems::{Problems, describe_difference, shown},
    yaml::{Node, Position, Value},
};

pub(super) struct Report<'i> {
    pub(super) index: &'i ArchiveIndex,
    pub(super) skipped_protos: &'i [String],
    problems: Problems,
    suggester: Suggester,
    nodes_left: usize,
    replicas: u64,
}

impl<'i> Report<'i> {
    pub(super) fn new(index: &'i ArchiveIndex, skipped_protos: &'i [String], max_problems: usize) -> Self {
        let problems = Problems::new(max_problems);
        Self { index, skipped_protos, problems, suggester: Suggester::default(), nodes_left: MAX_NODES, replicas: 0 }
    }

    pub(super) fn error(&mut self, at: Position, path: &str, message: impl Into<String>) {
        self.push(Severity::Error, at, path, message.into());
    }

    pub(super) fn warn(&mut self, at: Position, path: &str, message: impl Into<String>) {
        self.push(Severity::Warning, at, path, message.into());
    }

    /// Errors so far. Two counts that differ mean an error in between.
    pub(super) fn error_count(&self) -> usize {
        self.problems.error_count()
    }

    /// Counts the nodes of one more workflow; answers false, and reports it, when there are more than a version has.
    pub(super) fn claim_nodes(&mut self, count: usize, item: &Item<'_>) -> bool {
        let room = count <= self.nodes_left;
        self.nodes_left = self.nodes_left.saturating_sub(count);
        if !room {
            item.error(format!("a version has at most {MAX_NODES} nodes in all its workflows"), self);
        }
        room
    }

    /// Counts the replicas of one more node; answers false, and reports it once, when there are more than a version has.
    pub(super) fn claim_replicas(&mut self, count: u32, item: &Item<'_>) -> bool {
        let (before, limit) = (self.replicas, u64::from(MAX_REPLICAS));
        self.replicas += u64::from(count);
        if before <= limit && self.replicas > limit {
            let message =
                format!("with this node the version has more than {MAX_REPLICAS} replicas in all nodes together");
            item.error(message, self);
        }
        self.replicas <= limit
    }

    /// `; did you mean …?`, or nothing when no candidate is close.
    pub(super) fn did_you_mean<'c>(&mut self, wanted: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
        self.suggester.closest(wanted, candidates).map_or_else(String::new, |close| suggestion(wanted, close))
    }

    /// The same for a file of the archive: one with a similar path, or the only one with this file name elsewhere.
    pub(super) fn did_you_mean_file(&mut self, wanted: &str, extension: &str) -> String {
        let index = self.index;
        let files = || index.files().filter(|name| name.ends_with(extension));
        self.suggester
            .closest(wanted, files())
            .or_else(|| self.suggester.only_namesake(wanted, files()))
            .map_or_else(String::new, |close| suggestion(wanted, close))
    }

    /// Reports names that a mapping has twice, wherever it is. The depth is bounded by the YAML loader.
    pub(super) fn duplicate_fields(&mut self, node: &Node, path: &str) {
        match &node.value {
            Value::Scalar(_) => {}
            Value::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    self.duplicate_fields(item, &element(path, at));
                }
            }
            Value::Map(fields) => {
                let mut seen: HashMap<&str, Position> = HashMap::new();
                for field in fields {
                    let path = join(path, &field.key);
                    if let Some(first) = seen.get(field.key.as_str()) {
                        let message =
                            format!("`{}` is already at line {}; keep one of them", shown(&field.key), first.line);
                        self.error(field.key_at, &path, message);
                    } else {
                        seen.insert(&field.key, field.key_at);
                    }
                    self.duplicate_fields(&field.value, &path);
                }
            }
        }
    }

    pub(super) fn finish(self) -> Result<Vec<Problem>, Vec<Problem>> {
        self.problems.finish()
    }

    fn push(&mut self, severity: Severity, at: Position, path: &str, message: String) {
        self.problems.push(Problem {
            severity,
            line: Some(at.line),
            column: Some(at.column),
            path: path.to_owned(),
            message,
        });
    }
}

fn suggestion(wanted: &str, close: &str) -> String {
    format!("; did you mean `{}`?{}", shown(close), describe_difference(wanted, close))
}
