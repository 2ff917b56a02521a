//! Each type that crosses the wire with a tag, or with another type's fields among its own, is read as it was written.

use std::fmt::Debug;

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Action, ActivityEntry, Actor, ApiError, CallFailure, CallOutcome, ClusterInfo, ClusterKind, Command, Deleted,
    Health, HistoryEntry, Outcome, Problem, Reachability, Refusal, ServerEvent, VersionName, VersionState,
};

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
    expect_same([
        Health::None,
        Health::Healthy,
        Health::Degraded { reason: text() },
        Health::Unknown { reason: text() },
    ]);
    expect_same([
        CallOutcome::Answered { response: text() },
        CallOutcome::Status { status: 3, name: text(), message: text() },
        CallOutcome::Failed { failure: CallFailure::Deadline, reason: text() },
    ]);
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
            who: Actor::Local,
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
        ApiError::NameTaken { what: text(), field: "id".to_owned() },
        ApiError::Refused { version: version(), state: VersionState::Published, refusal: wrong },
        ApiError::CannotCall { version: version(), reason: text() },
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
fn an_event_is_read_as_it_was_written() {
    let cluster = ClusterInfo {
        kind: ClusterKind::Sandbox,
        name: "sandbox".to_owned(),
        reachability: Reachability::Unreachable { since: Timestamp::UNIX_EPOCH, reason: "it is off".to_owned() },
    };
    let deleted = Deleted { runtime: "demo".parse().unwrap(), version: Some("v1".parse().unwrap()) };
    expect_same([
        ServerEvent::Hello {
            cluster: cluster.clone(),
            now: Timestamp::UNIX_EPOCH,
            rights: Some(crate::access::Rights::admin()),
        },
        ServerEvent::SignedOut { reason: "the session has ended".to_owned() },
        ServerEvent::Cluster(cluster),
        ServerEvent::Deleted(deleted),
    ]);
}
