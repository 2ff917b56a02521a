//! Calls of an entrypoint by hand, in the history of their version.

use domain::{Action, Outcome};

use super::{
    CallRecord, StoreError, VersionKey, runtimes,
    sql::{Tx, values},
    versions,
};

/// Answers whether the version is still there.
pub(super) async fn add(tx: &mut Tx, version: VersionKey, call: &CallRecord) -> Result<bool, StoreError> {
    let Some(runtime) = runtimes::claim_of(tx, version).await? else { return Ok(false) };
    let reason = match &call.outcome {
        Outcome::Failed { reason } => Some(reason.as_str()),
        Outcome::Pending | Outcome::Reached | Outcome::Cancelled | Outcome::Superseded => None,
    };
    tx.execute(
        "INSERT INTO history (version_key, runtime, version, at, who, action, detail, outcome, reason, finished_at)
         SELECT key, runtime, name, $2, $3, $4, $5, $6, $7, $8 FROM versions WHERE key = $1",
        values![
            version,
            call.at,
            &call.by.to_string(),
            Action::Call.as_str(),
            call.rpc.as_str(),
            call.outcome.kind().as_str(),
            reason,
            call.finished_at,
        ],
    )
    .await?;
    versions::bump_revision(tx, &runtime, version).await?;
    Ok(true)
}
