//! How the types are read that are written with a tag, or another type's fields, among their own.
//!
//! serde's own reader of such a type keeps what it has not understood yet in a form of its own, and reads each field's
//! type from that by code that nothing else needs; a page would load it before anything else. Here all fields that there
//! may be are read as those of one struct, and what belongs to the tag is taken.

use jiff::Timestamp;
use serde::Deserialize;

use crate::{
    Action, ActivityEntry, Actor, ApiError, Command, Health, HistoryEntry, Outcome, Problem, Reachability, Refusal,
    RuntimeId, VersionName, VersionState,
};

/// What is wrong with a tag and its fields.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Mismatch {
    #[error("there is no variant `{0}`")]
    Tag(String),
    #[error("the field `{0}` is missing")]
    Missing(&'static str),
}

fn wanted<T>(field: Option<T>, name: &'static str) -> Result<T, Mismatch> {
    field.ok_or(Mismatch::Missing(name))
}

#[derive(Deserialize)]
pub(crate) struct FlatHealth {
    status: String,
    reason: Option<String>,
}

impl TryFrom<FlatHealth> for Health {
    type Error = Mismatch;

    fn try_from(FlatHealth { status, reason }: FlatHealth) -> Result<Self, Mismatch> {
        Ok(match status.as_str() {
            "none" => Self::None,
            "healthy" => Self::Healthy,
            "degraded" => Self::Degraded { reason: wanted(reason, "reason")? },
            "unknown" => Self::Unknown { reason: wanted(reason, "reason")? },
            _ => return Err(Mismatch::Tag(status)),
        })
    }
}

#[derive(Deserialize)]
pub(crate) struct FlatReachability {
    status: String,
    #[serde(default, with = "crate::time::optional")]
    since: Option<Timestamp>,
    reason: Option<String>,
}

impl TryFrom<FlatReachability> for Reachability {
    type Error = Mismatch;

    fn try_from(FlatReachability { status, since, reason }: FlatReachability) -> Result<Self, Mismatch> {
        Ok(match status.as_str() {
            "connecting" => Self::Connecting,
            "reachable" => Self::Reachable,
            "unreachable" => Self::Unreachable { since: wanted(since, "since")?, reason: wanted(reason, "reason")? },
            "forbidden" => Self::Forbidden { since: wanted(since, "since")?, reason: wanted(reason, "reason")? },
            _ => return Err(Mismatch::Tag(status)),
        })
    }
}

#[derive(Deserialize)]
pub(crate) struct FlatOutcome {
    result: String,
    reason: Option<String>,
}

impl TryFrom<FlatOutcome> for Outcome {
    type Error = Mismatch;

    fn try_from(FlatOutcome { result, reason }: FlatOutcome) -> Result<Self, Mismatch> {
        Ok(match result.as_str() {
            "pending" => Self::Pending,
            "reached" => Self::Reached,
            "failed" => Self::Failed { reason: wanted(reason, "reason")? },
            "cancelled" => Self::Cancelled,
            "superseded" => Self::Superseded,
            _ => return Err(Mismatch::Tag(result)),
        })
    }
}

#[derive(Deserialize)]
pub(crate) struct FlatActivityEntry {
    id: i64,
    runtime: RuntimeId,
    version: Option<VersionName>,
    #[serde(default)]
    runtime_deleted: bool,
    #[serde(default)]
    version_deleted: bool,
    #[serde(with = "crate::time")]
    at: Timestamp,
    who: Actor,
    action: Action,
    comment: Option<String>,
    outcome: Outcome,
    #[serde(default, with = "crate::time::optional")]
    finished_at: Option<Timestamp>,
}

impl From<FlatActivityEntry> for ActivityEntry {
    fn from(flat: FlatActivityEntry) -> Self {
        let FlatActivityEntry { id, runtime, version, runtime_deleted, version_deleted, .. } = flat;
        let FlatActivityEntry { at, who, action, comment, outcome, finished_at, .. } = flat;
        let entry = HistoryEntry { id, at, who, action, comment, outcome, finished_at };
        Self { runtime, version, runtime_deleted, version_deleted, entry }
    }
}

#[derive(Deserialize)]
pub(crate) struct FlatRefusal {
    reason: String,
    command: Option<Command>,
    state: Option<VersionState>,
}

impl TryFrom<FlatRefusal> for Refusal {
    type Error = Mismatch;

    fn try_from(FlatRefusal { reason, command, state }: FlatRefusal) -> Result<Self, Mismatch> {
        let command = || wanted(command, "command");
        let state = || wanted(state, "state");
        Ok(match reason.as_str() {
            "wrong_state" => Self::WrongState { command: command()?, state: state()? },
            "switching" => Self::Switching { command: command()? },
            "not_archived" => Self::NotArchived { state: state()? },
            _ => return Err(Mismatch::Tag(reason)),
        })
    }
}

#[derive(Deserialize)]
pub(crate) struct FlatApiError {
    code: String,
    what: Option<String>,
    runtime: Option<RuntimeId>,
    version: Option<VersionName>,
    versions: Option<u32>,
    state: Option<VersionState>,
    refusal: Option<Refusal>,
    missing: Option<Vec<String>>,
    problems: Option<Vec<Problem>>,
    limit: Option<String>,
    reason: Option<String>,
    retry_after_secs: Option<u32>,
}

impl TryFrom<FlatApiError> for ApiError {
    type Error = Mismatch;

    fn try_from(flat: FlatApiError) -> Result<Self, Mismatch> {
        let FlatApiError { code, what, runtime, version, versions, state, .. } = flat;
        let FlatApiError { refusal, missing, problems, limit, reason, retry_after_secs, .. } = flat;
        let what = || wanted(what, "what");
        let version = || wanted(version, "version");
        let problems = || wanted(problems, "problems");
        Ok(match code.as_str() {
            "not_found" => Self::NotFound { what: what()? },
            "name_taken" => Self::NameTaken { what: what()? },
            "refused" => Self::Refused {
                version: version()?,
                state: wanted(state, "state")?,
                refusal: wanted(refusal, "refusal")?,
            },
            "runtime_not_empty" => {
                Self::RuntimeNotEmpty { runtime: wanted(runtime, "runtime")?, versions: wanted(versions, "versions")? }
            }
            "config_incomplete" => Self::ConfigIncomplete { version: version()?, missing: wanted(missing, "missing")? },
            "invalid_krt" => Self::InvalidKrt { problems: problems()? },
            "invalid_input" => Self::InvalidInput { problems: problems()? },
            "too_large" => Self::TooLarge { limit: wanted(limit, "limit")? },
            "forbidden" => Self::Forbidden { reason: wanted(reason, "reason")? },
            "unavailable" => Self::Unavailable { what: what()? },
            "busy" => Self::Busy {
                reason: wanted(reason, "reason")?,
                retry_after_secs: wanted(retry_after_secs, "retry_after_secs")?,
            },
            "internal" => Self::Internal,
            _ => return Err(Mismatch::Tag(code)),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use serde::{Serialize, de::DeserializeOwned};

    use super::*;

    fn expect_same<T: Serialize + DeserializeOwned + PartialEq + Debug>(all: impl IntoIterator<Item = T>) {
        for one in all {
            let written = serde_json::to_string(&one).unwrap();
            assert_eq!(serde_json::from_str::<T>(&written).unwrap(), one, "{written}");
        }
    }

    #[test]
    fn each_variant_is_read_as_it_was_written() {
        let text = || "some words".to_owned();
        let version = || "v1".parse::<VersionName>().unwrap();
        let wrong = Refusal::WrongState { command: Command::Stop, state: VersionState::Published };
        let problems = || vec![Problem::error("name", "it is too long")];
        let (degraded, unknown) = (Health::Degraded { reason: text() }, Health::Unknown { reason: text() });
        expect_same([Health::None, Health::Healthy, degraded, unknown]);
        let outcomes = [
            Outcome::Pending,
            Outcome::Reached,
            Outcome::Failed { reason: text() },
            Outcome::Cancelled,
            Outcome::Superseded,
        ];
        expect_same(outcomes.map(|outcome| ActivityEntry {
            runtime: "demo".parse().unwrap(),
            version: (outcome != Outcome::Cancelled).then(version),
            runtime_deleted: outcome == Outcome::Cancelled,
            version_deleted: outcome == Outcome::Reached,
            entry: HistoryEntry {
                id: 7,
                at: Timestamp::UNIX_EPOCH,
                who: Actor::local(),
                action: Action::Start,
                comment: Some(text()),
                finished_at: (outcome != Outcome::Pending).then_some(Timestamp::UNIX_EPOCH),
                outcome,
            },
        }));
        expect_same([
            Reachability::Connecting,
            Reachability::Reachable,
            Reachability::Unreachable { since: Timestamp::UNIX_EPOCH, reason: text() },
            Reachability::Forbidden { since: Timestamp::UNIX_EPOCH, reason: text() },
        ]);
        expect_same([
            wrong,
            Refusal::Switching { command: Command::Publish },
            Refusal::NotArchived { state: VersionState::Stopped },
        ]);
        expect_same([
            ApiError::NotFound { what: text() },
            ApiError::NameTaken { what: text() },
            ApiError::Refused { version: version(), state: VersionState::Published, refusal: wrong },
            ApiError::RuntimeNotEmpty { runtime: "demo".parse().unwrap(), versions: 3 },
            ApiError::ConfigIncomplete { version: version(), missing: vec![text()] },
            ApiError::InvalidKrt { problems: problems() },
            ApiError::InvalidInput { problems: problems() },
            ApiError::TooLarge { limit: text() },
            ApiError::Forbidden { reason: text() },
            ApiError::Unavailable { what: text() },
            ApiError::Busy { reason: text(), retry_after_secs: 30 },
            ApiError::Internal,
        ]);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let told = |json: &str| serde_json::from_str::<ApiError>(json).unwrap_err().to_string();
        assert!(told(r#"{"code":"on_fire"}"#).contains("no variant `on_fire`"));
        assert!(told(r#"{"code":"not_found"}"#).contains("`what` is missing"));
        assert!(told(r#"{"what":"it"}"#).contains("code"));
    }
}
