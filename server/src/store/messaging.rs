//! Outages of messaging, after which pods have to be restarted.

use std::{collections::BTreeSet, time::Duration};

use domain::{Action, Actor, RuntimeId, Timestamp};

use super::{
    StoreError,
    history::{self, Entry},
    runtimes,
    sql::{Tx, values},
};

/// The object that a restart of all pods is about, in the history.
const PODS: &str = "Pods";

/// Answers whether anything was written: an outage that is known already began when it did.
pub(super) async fn lost(tx: &mut Tx, at: Timestamp) -> Result<bool, StoreError> {
    let written = tx
        .execute("UPDATE installation SET messaging_lost_at = $1 WHERE messaging_lost_at IS NULL", values![at])
        .await?;
    Ok(written > 0)
}

/// The runtimes of the versions whose pods have to be restarted; none when nothing was written.
pub(super) async fn back(
    tx: &mut Tx,
    at: Timestamp,
    survived: Duration,
) -> Result<Option<BTreeSet<RuntimeId>>, StoreError> {
    let Some(lost_at) =
        tx.fetch_one("SELECT messaging_lost_at FROM installation", &[]).await?.optional_time("messaging_lost_at")?
    else {
        return Ok(None);
    };
    let lasted = at.duration_since(lost_at).unsigned_abs();
    let mut restarted = BTreeSet::new();
    if lasted > survived {
        let rows = tx
            .fetch_all("SELECT DISTINCT runtime FROM versions WHERE desired = 'started' ORDER BY runtime", &[])
            .await?;
        for row in rows {
            let runtime = row.parsed("runtime")?;
            restart(tx, &runtime, at, lasted).await?;
            restarted.insert(runtime);
        }
    }
    tx.execute("UPDATE installation SET messaging_lost_at = NULL", &[]).await?;
    Ok(Some(restarted))
}

async fn restart(tx: &mut Tx, runtime: &RuntimeId, at: Timestamp, lasted: Duration) -> Result<(), StoreError> {
    let Some(claimed) = runtimes::claim(tx, runtime).await? else { return Ok(()) };
    let rows = tx
        .fetch_all(
            "UPDATE versions SET pods_restarted_at = $2, revision = $3
             WHERE runtime = $1 AND desired = 'started' RETURNING key",
            values![runtime.as_str(), at, claimed.revision],
        )
        .await?;
    let by = Actor::Server;
    let detail =
        format!("pods were restarted one after another, because messaging was unreachable for {} s", lasted.as_secs());
    for row in rows {
        let entry = Entry { subject: Some(PODS), detail: Some(&detail), ..Entry::reached(Action::Repair, &by, at) };
        history::append(tx, row.get("key")?, entry).await?;
    }
    Ok(())
}
