//! What a browser finds out about a KRT file before it sends it, and how the worker that does it tells the page.

use serde::{Deserialize, Serialize};

use crate::{ConfigKind, GraphLayout, KrtVersion, NodeView, Problem, Severity, VersionName, WorkflowView};

/// A checked file. The server checks it again by itself: this is for the person, not for safety.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCheck {
    /// What the file holds; none when it has an error.
    pub content: Option<FileContent>,
    /// Of its workflows, those that can be read as a picture.
    pub graphs: Vec<GraphLayout>,
    /// The manifest as it was written, if there is one that could be read.
    pub manifest_text: Option<String>,
    /// By line and column; what has no place in the manifest comes first.
    pub problems: Vec<Problem>,
    /// How much of the file had to be read.
    pub read_bytes: u64,
    /// Whether it was read to its end. If not, the server may still find something behind that point.
    pub complete: bool,
}

impl FileCheck {
    /// How many problems refuse the file.
    pub fn errors(&self) -> usize {
        self.problems.iter().filter(|problem| problem.severity == Severity::Error).count()
    }
}

/// What a valid file holds. Its nodes are shown as those of a version that is stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileContent {
    pub version: VersionName,
    pub description: String,
    pub krt_version: KrtVersion,
    pub entrypoint: NodeView,
    pub workflows: Vec<WorkflowView>,
    /// Variables, then files, each in the manifest's order.
    pub config: Vec<WantedValue>,
}

/// A configuration value that the version will want before it can start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedValue {
    pub name: String,
    pub kind: ConfigKind,
}

/// What the worker says, as JSON. [`Done`](Self::Done) and [`Failed`](Self::Failed) are its last messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckMessage {
    /// So many bytes of the file have been read.
    Read(u64),
    Done(Box<FileCheck>),
    Failed(CheckFailure),
}

/// Why there is no [`FileCheck`]. This says nothing about the file's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckFailure {
    /// The browser could not read the file, as when it was changed or removed since it was picked.
    Unreadable,
    /// The worker broke: no memory, or an error of its own. For the console, not for people.
    Broken(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_are_written_as_the_worker_script_writes_them() {
        let failed = CheckMessage::Failed(CheckFailure::Broken("RangeError".to_owned()));
        assert_eq!(serde_json::to_string(&failed).unwrap(), r#"{"failed":{"broken":"RangeError"}}"#);
        assert_eq!(serde_json::to_string(&CheckMessage::Read(7)).unwrap(), r#"{"read":7}"#);
    }
}
