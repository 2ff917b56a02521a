//! What the reconciler records: that the cluster has reached what was asked, or that it could not.
//!
//! Each answers whether it applied. Where the intent has moved on since the reconciler read it, nothing may be written,
//! and the caller rolls the transaction back.

use domain::{Action, Actor, Desired, Failure, Outcome, Publication, RuntimeId, Timestamp};

use super::{
    RuntimeRecord, StoreError, VersionKey, VersionRecord,
    history::{self, Entry},
    runtimes,
    sql::{Tx, to_json, values},
    versions::{self, NewIntent},
};

pub(super) async fn settle(tx: &mut Tx, key: VersionKey, generation: u64, at: Timestamp) -> Result<bool, StoreError> {
    let Some((runtime, version)) = unsettled(tx, key, generation).await? else {
        return Ok(false);
    };
    tx.execute(
        "UPDATE versions SET settled = $2, deadline = NULL, revision = $3 WHERE key = $1",
        values![key, true, runtime.revision],
    )
    .await?;
    let action = match version.desired {
        Desired::Started => Action::Start,
        Desired::Stopped => Action::Stop,
        Desired::Archived => Action::Archive,
    };
    history::finish(tx, key, action, &Outcome::Reached, at).await?;
    Ok(true)
}

pub(super) async fn fail_start(
    tx: &mut Tx,
    key: VersionKey,
    generation: u64,
    failure: &Failure,
    stop_by: Timestamp,
) -> Result<bool, StoreError> {
    let Some((runtime, version)) = unsettled(tx, key, generation).await? else {
        return Ok(false);
    };
    if version.desired != Desired::Started {
        return Ok(false);
    }
    let intent = NewIntent { desired: Desired::Stopped, deadline: Some(stop_by), failure: Some(failure) };
    versions::set_intent(tx, &runtime, key, intent).await?;
    history::finish(tx, key, Action::Start, &failed(failure), failure.at).await?;
    let by = Actor::Server;
    let detail = Some("because the start failed");
    let stop = Entry { detail, reached: false, ..Entry::reached(Action::Stop, &by, failure.at) };
    history::append(tx, key, stop).await?;
    Ok(true)
}

pub(super) async fn settle_publication(
    tx: &mut Tx,
    runtime: &RuntimeId,
    target: Option<VersionKey>,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let Some(runtime) = runtimes::claim(tx, runtime).await? else {
        return Ok(false);
    };
    let was = runtime.publication;
    if was.target != target || !was.switching() {
        return Ok(false);
    }
    runtimes::publish(tx, &runtime, Publication { target, serving: target }, None).await?;
    match (target, was.serving) {
        (Some(target), replaced) => {
            if let Some(replaced) = replaced {
                history::supersede(tx, replaced, target, at).await?;
            }
            tx.execute("UPDATE versions SET published_at = $2, failure = NULL WHERE key = $1", values![target, at])
                .await?;
            history::finish(tx, target, Action::Publish, &Outcome::Reached, at).await?;
        }
        (None, Some(unpublished)) => {
            history::finish(tx, unpublished, Action::Unpublish, &Outcome::Reached, at).await?;
        }
        (None, None) => {}
    }
    Ok(true)
}

pub(super) async fn fail_publish(
    tx: &mut Tx,
    runtime: &RuntimeId,
    target: VersionKey,
    failure: &Failure,
) -> Result<bool, StoreError> {
    let Some(runtime) = runtimes::claim(tx, runtime).await? else {
        return Ok(false);
    };
    let was = runtime.publication;
    if was.target != Some(target) || !was.switching() {
        return Ok(false);
    }
    let back = Publication { target: was.serving, serving: was.serving };
    runtimes::publish(tx, &runtime, back, None).await?;
    let kept = to_json(failure)?;
    tx.execute("UPDATE versions SET failure = $2 WHERE key = $1", values![target, &kept]).await?;
    history::finish(tx, target, Action::Publish, &failed(failure), failure.at).await?;
    Ok(true)
}

/// The version with its runtime claimed, as long as it is in this generation and not settled.
async fn unsettled(
    tx: &mut Tx,
    key: VersionKey,
    generation: u64,
) -> Result<Option<(RuntimeRecord, VersionRecord)>, StoreError> {
    let Some(runtime) = runtimes::claim_of(tx, key).await? else {
        return Ok(None);
    };
    let version = versions::by_key(tx, key).await?;
    Ok(version.filter(|v| v.generation == generation && !v.settled).map(|version| (runtime, version)))
}

fn failed(failure: &Failure) -> Outcome {
    let reason = match &failure.node {
        Some(node) => format!("{node}: {}", failure.reason),
        None => failure.reason.clone(),
    };
    Outcome::Failed { reason }
}
