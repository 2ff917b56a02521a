//! Collects findings, bounded and in the order of the manifest.

use domain::{Problem, Severity, code_point, is_unseen, visible};

/// Longer messages are cut: they quote the file, which may have long texts.
const MAX_MESSAGE_CHARS: usize = 600;
/// Characters of a quoted text in a message.
const MAX_SHOWN_CHARS: usize = 80;
/// Code points that a message lists for a difference.
const MAX_CODE_POINTS: usize = 6;

/// Findings so far. Errors and warnings have a limit each, so warnings never displace errors.
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

/// A text of the file as a message quotes it: cut to a readable length, with invisible characters written out.
pub(crate) fn shown(text: &str) -> String {
    visible(&clip(text, MAX_SHOWN_CHARS)).into_owned()
}

/// The code points in which two texts that look the same differ. Empty when the difference is visible.
pub(crate) fn describe_difference(here: &str, there: &str) -> String {
    let is_plain = |c: char| c.is_ascii() && !is_unseen(c);
    let same = here.chars().zip(there.chars()).take_while(|(a, b)| a == b).count();
    let (here, there): (Vec<_>, Vec<_>) = (here.chars().skip(same).collect(), there.chars().skip(same).collect());
    let end = here.iter().rev().zip(there.iter().rev()).take_while(|(a, b)| a == b).count();
    let (here, there) = (&here[..here.len() - end], &there[..there.len() - end]);
    if here.iter().chain(there).all(|c| is_plain(*c)) {
        return String::new();
    }
    let points = |text: &[char]| match text {
        [] => "nothing".to_owned(),
        text => text.iter().take(MAX_CODE_POINTS).map(|c| code_point(*c)).collect::<Vec<_>>().join(" "),
    };
    format!(" (the two differ: here it has {}, there {})", points(here), points(there))
}

fn clip(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
