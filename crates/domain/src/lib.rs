//! The terms of the product as types: ids, the lifecycle, and what crosses the wire.
//!
//! Compiled for the server and for the browser, so that both enforce one set of rules. Nothing here does I/O, reads a
//! clock or knows a framework; timestamps are handed in.

pub mod access;
mod accounts;
mod audit;
mod caller;
mod calls;
mod check;
mod comparison;
mod deletion;
mod details;
mod error;
mod event;
mod generation;
mod graph;
mod history;
mod lifecycle;
mod lists;
mod logs;
mod metrics;
mod names;
mod problem;
mod time;
mod views;
mod visible;
#[cfg(test)]
mod wire_tests;

pub use accounts::{
    CreatedToken, Grant, Invitation, Me, NewGrant, NewToken, Person, Session, Subject, SubjectError, SubjectKind, Token,
};
pub use audit::{AuditAction, AuditEntry, AuditFilter};
pub use caller::{Actor, Caller, CallerNameError, Identity, PersonId, PersonName, TokenId, TokenName};
pub use calls::{CallAnswer, CallFailure, CallOutcome, CallableRpc, CallableRpcs, GrpcTarget, PassedNode};
pub use check::{CheckFailure, CheckMessage, FileCheck, FileContent, WantedValue};
pub use comparison::{
    CallerChanges, Change, Comparison, ConfigChange, ConfigDifference, DiffLine, DocumentationPage, FieldChange,
    Heading, ManifestDiff, NodeChange, WorkflowChange,
};
pub use deletion::{NotEmpty, may_delete, may_delete_runtime};
pub use details::{ContainerDetail, ContainerEnd, ContainerState, NodeDetail, NodeEvent, PodDetail};
pub use error::ApiError;
pub use event::{ClusterInfo, ClusterKind, Deleted, Reachability, ServerEvent};
pub use generation::Generation;
pub use graph::{GraphBox, GraphEdge, GraphLayout, GraphPart, GraphPoint};
pub use history::{Action, ActivityEntry, ActivityFilter, HistoryEntry, HistoryPage, Outcome, OutcomeKind};
pub use jiff::Timestamp;
pub use lifecycle::{Command, Desired, Publication, Refusal, Role, VersionState, allowed_actions, decide, state};
pub use lists::{MatchedVersion, SearchResult, VersionPage, VersionQuery, contains_words};
pub use logs::{LevelReader, LogFilter, LogLevel, LogLine, LogText, Search, UnknownLevel, strip_ansi};
pub use metrics::{
    Curve, Curves, LiveEdge, LiveNode, LiveNumbers, LiveQueue, MeasurementsTarget, Metrics, MetricsRange, NodeMetrics,
    NodeTotals, OwnMetric, RefusedPoints, WorkflowMetrics,
};
pub use names::{NAME_MAX_LEN, NameError, NodeName, RuntimeId, VersionName, WorkflowName};
pub use problem::{Problem, Severity};
pub use time::{parse_time, parse_utc, to_second};
pub use views::{
    Address, ConfigEntry, ConfigKind, Failure, Health, InheritedValue, KrtVersion, NewRuntime, NodeStatus, NodeView,
    Reach, RuntimeSummary, StartTime, VersionSummary, VersionView, WorkflowView,
};
pub use visible::{changes_direction, code_point, is_unseen, visible};
