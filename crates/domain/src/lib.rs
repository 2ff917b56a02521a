//! The words of the product as types: ids, the lifecycle, and what crosses the wire.
//!
//! Compiled for the server and for the browser, so that both enforce one set of rules. Nothing here does I/O, reads a
//! clock or knows a framework; timestamps are handed in.

mod check;
mod comparison;
mod deletion;
mod details;
mod error;
mod event;
mod graph;
mod history;
mod lifecycle;
mod lists;
mod logs;
mod names;
mod problem;
mod tagged;
mod time;
mod views;
mod visible;

pub use check::{CheckFailure, CheckNews, FileCheck, FileContent, WantedValue};
pub use comparison::{
    CallerChanges, Change, Comparison, ConfigChange, ConfigDifference, DiffLine, DocumentationPage, FieldChange,
    Heading, ManifestDiff, NodeChange, WorkflowChange,
};
pub use deletion::{NotEmpty, may_delete, may_delete_runtime};
pub use details::{ContainerDetail, ContainerEnd, ContainerState, NodeDetail, NodeEvent, PodDetail};
pub use error::ApiError;
pub use event::{ClusterInfo, ClusterKind, Deleted, Reachability, ServerEvent};
pub use graph::{GraphBox, GraphEdge, GraphLayout, GraphPart, GraphPoint};
pub use history::{Action, ActivityEntry, ActivityFilter, HistoryEntry, HistoryPage, Outcome, OutcomeKind};
pub use jiff::Timestamp;
pub use lifecycle::{Command, Desired, Publication, Refusal, Role, VersionState, allowed_actions, decide, state};
pub use lists::{Found, FoundVersion, VersionPage, VersionQuery, has_words};
pub use logs::{LevelReader, LogFilter, LogLevel, LogLine, LogText, Search, UnknownLevel, without_colours};
pub use names::{NAME_MAX_LEN, NameError, NodeName, RuntimeId, VersionName, WorkflowName};
pub use problem::{Problem, Severity};
pub use time::{read_utc, to_second};
pub use views::{
    Actor, Address, CarriedValue, ConfigEntry, ConfigKind, Failure, Health, KrtVersion, NewRuntime, NodeStatus,
    NodeView, Reach, RuntimeSummary, VersionSummary, VersionView, WorkflowView,
};
pub use visible::{code_point, is_unseen, visible};
