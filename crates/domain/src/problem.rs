//! What is wrong, or doubtful, with something a person sent.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether a [`Problem`] refuses what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Error,
    Warning,
}

/// One finding that a person can act on: what is wrong, where, and what would be right (docs/krt.md §6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    pub severity: Severity,
    /// Line in `krt.yml`, from 1; none when the finding is not about a place in it.
    pub line: Option<u32>,
    /// Column in that line, in characters, from 1.
    pub column: Option<u32>,
    /// Where in the manifest (`workflows[1].nodes[0].src`), or the archive entry's name; may be empty.
    pub path: String,
    pub message: String,
}

impl Problem {
    /// An error that is about no place in the manifest. `path` is an archive entry's or a field's name, or empty.
    pub fn error(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, line: None, column: None, path: path.into(), message: message.into() }
    }

    /// The same for a warning.
    pub fn warning(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(path, message) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "{line}:{column}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}
