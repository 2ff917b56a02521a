//! Collects findings, bounded and in the order of the manifest.

use domain::{Problem, Severity};

/// Longer messages are cut: they repeat what was sent, and that may be long.
const MAX_MESSAGE_CHARS: usize = 600;
/// The most characters of a sent text that a message repeats.
const MAX_SHOWN_CHARS: usize = 80;

/// Findings so far. Errors are never crowded out by warnings: both have the same room.
#[derive(Debug)]
pub(crate) struct Problems {
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
    /// Errors found after there was no room left to list them.
    unlisted: usize,
    max: usize,
}

impl Problems {
    pub(crate) fn new(max: usize) -> Self {
        Self { errors: Vec::new(), warnings: Vec::new(), unlisted: 0, max }
    }

    pub(crate) fn push(&mut self, mut problem: Problem) {
        problem.message = clip(&problem.message, MAX_MESSAGE_CHARS);
        problem.path = clip(&problem.path, MAX_MESSAGE_CHARS);
        match problem.severity {
            Severity::Error if self.errors.len() < self.max => self.errors.push(problem),
            Severity::Error => self.unlisted += 1,
            Severity::Warning if self.warnings.len() < self.max => self.warnings.push(problem),
            Severity::Warning => {}
        }
    }

    /// Errors so far, listed or not.
    pub(crate) fn error_count(&self) -> usize {
        self.errors.len() + self.unlisted
    }

    /// The warnings if there is no error, else everything; by line and column, what has no place first.
    pub(crate) fn finish(mut self) -> Result<Vec<Problem>, Vec<Problem>> {
        let refused = !self.errors.is_empty();
        let mut all = self.errors;
        all.append(&mut self.warnings);
        all.sort_by_key(|problem| (problem.line, problem.column));
        if self.unlisted > 0 {
            all.push(Problem::error("", format!("and {} more problems of these kinds", self.unlisted)));
        }
        if refused { Err(all) } else { Ok(all) }
    }
}

/// A sent text as a message may repeat it: cut to a readable length, control characters replaced.
pub(crate) fn shown(text: &str) -> String {
    let printable: String =
        text.chars().take(MAX_SHOWN_CHARS + 1).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    clip(&printable, MAX_SHOWN_CHARS)
}

fn clip(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
