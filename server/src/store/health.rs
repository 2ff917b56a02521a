//! When a version that runs began to fail, and when it had recovered, in its history. That it is recorded as degraded is
//! its last such entry since it began to run, and stored nowhere else.

use domain::{Action, Actor, Desired, Timestamp};

use super::{
    HealthTransition, StoreError, VersionKey,
    history::{self, Entry},
    runtimes,
    sql::{Tx, values},
    versions,
};

/// Answers whether it still applied.
pub(super) async fn record(
    tx: &mut Tx,
    key: VersionKey,
    generation: u64,
    transition: &HealthTransition,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let Some(runtime) = runtimes::claim_of(tx, key).await? else {
        return Ok(false);
    };
    let Some(version) = versions::by_key(tx, key).await? else {
        return Ok(false);
    };
    let runs = version.generation == generation && version.desired == Desired::Started && version.settled;
    let (action, detail) = match transition {
        HealthTransition::Degraded { reason } if version.degraded_since.is_none() => (Action::Degraded, reason),
        HealthTransition::Healed { after } if version.degraded_since.is_some() => (Action::Healed, after),
        HealthTransition::Degraded { .. } | HealthTransition::Healed { .. } => return Ok(false),
    };
    if !runs {
        return Ok(false);
    }
    let by = Actor::Server;
    history::append(tx, key, Entry { detail: Some(detail), ..Entry::reached(action, &by, at) }).await?;
    versions::bump_revision(tx, &runtime, key).await?;
    Ok(true)
}

pub(super) async fn times_degraded(tx: &mut Tx, key: VersionKey, since: Timestamp) -> Result<u64, StoreError> {
    let row = tx
        .fetch_one(
            "SELECT count(*) AS times FROM history WHERE version_key = $1 AND action = 'degraded' AND at >= $2",
            values![key, since],
        )
        .await?;
    row.count("times")
}
