//! What a version's containers have logged, as it crosses the wire, and which of it somebody wants to see.

mod filter;
mod level;
mod trace;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::{
    filter::{LogFilter, Search, strip_ansi},
    level::{LevelReader, LogLevel, UnknownLevel},
};
use crate::WorkflowName;

/// One line of the answer to `GET …/logs`, which is a JSON object per line:
/// `{"time","workflow","node","pod","container","line"}`, or with `error` in the place of `line` where the log of a
/// container could not be read. An error ends nothing: the lines of all other containers go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogLine {
    /// When the container wrote it, as Kubernetes noted it; of an error, when the server met it.
    #[serde(with = "crate::time")]
    pub time: Timestamp,
    /// None for the entrypoint.
    pub workflow: Option<WorkflowName>,
    /// The node's name, or `entrypoint`.
    pub node: String,
    pub pod: String,
    /// `node` or `entrypoint`; `krt-files` while the pod is still about fetching the KRT file.
    pub container: String,
    #[serde(flatten)]
    pub text: LogText,
}

/// What a [`LogLine`] says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LogText {
    /// What the container wrote, without the end of the line. A very long line is cut, and ends with a mark that says so.
    Line(String),
    /// Why the container's log could not be read, or not be read on, as Kubernetes reports it.
    Error(String),
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn line(pod: &str, text: &str) -> LogLine {
        LogLine {
            time: Timestamp::UNIX_EPOCH,
            workflow: None,
            node: "entrypoint".to_owned(),
            pod: pod.to_owned(),
            container: "entrypoint".to_owned(),
            text: LogText::Line(text.to_owned()),
        }
    }

    #[test]
    fn a_line_is_one_flat_object() {
        let mut line = line("p", "hello");
        let json = serde_json::to_string(&line).unwrap();
        let expected = r#"{"time":"1970-01-01T00:00:00Z","workflow":null,"node":"entrypoint","pod":"p","container":"entrypoint","line":"hello"}"#;
        assert_eq!(json, expected);
        line.text = LogText::Error("no".to_owned());
        let json = serde_json::to_string(&line).unwrap();
        assert!(json.ends_with(r#""error":"no"}"#), "{json}");
        assert_eq!(serde_json::from_str::<LogLine>(&json).unwrap(), line);
    }
}
