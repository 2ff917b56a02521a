//! Objects that the reconciler puts back, in the history of the version that they belong to.
//!
//! An entry is pending from before the object is written until it is seen to be as it should be, so a server that ends in
//! between neither loses it nor adds a second one. The same repair of the same object within [`EPISODE_WINDOW`] goes on in
//! its last entry, which counts: somebody who makes the same edit once a second makes one line, not thousands. Different
//! edits are different entries.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use domain::{Action, Actor, Desired, RuntimeId, Timestamp};

use super::{
    Repair, StoreError, VersionKey,
    history::{self, Entry},
    runtimes,
    sql::{Tx, values},
    versions,
};

const EPISODE_WINDOW: Duration = Duration::from_secs(60);

/// The pending repairs of each of the runtime's versions.
pub(super) async fn pending(
    tx: &mut Tx,
    runtime: &RuntimeId,
) -> Result<BTreeMap<VersionKey, BTreeSet<Repair>>, StoreError> {
    let rows = tx
        .fetch_all(
            "SELECT h.version_key, h.subject, h.detail FROM history h JOIN versions v ON v.key = h.version_key
             WHERE v.runtime = $1 AND h.outcome = 'pending' AND h.action = 'repair'",
            values![runtime.as_str()],
        )
        .await?;
    let mut pending: BTreeMap<VersionKey, BTreeSet<Repair>> = BTreeMap::new();
    for row in rows {
        let what = row.get::<Option<String>>("detail")?.unwrap_or_default();
        pending.entry(row.get("version_key")?).or_default().insert(Repair { object: row.get("subject")?, what });
    }
    Ok(pending)
}

/// Makes the pending repairs of a version exactly these. Answers whether anything was written.
pub(super) async fn set(
    tx: &mut Tx,
    key: VersionKey,
    generation: u64,
    repairs: &[Repair],
    at: Timestamp,
) -> Result<bool, StoreError> {
    let Some(runtime) = runtimes::claim_of(tx, key).await? else {
        return Ok(false);
    };
    let Some(version) = versions::by_key(tx, key).await? else {
        return Ok(false);
    };
    if version.generation != generation || version.desired != Desired::Started || !version.settled {
        return Ok(false);
    }
    let open = pending(tx, &runtime.id).await?.remove(&key).unwrap_or_default();
    let mut changed = false;
    // Before the new ones: an object has at most one pending repair.
    for ended in open.iter().filter(|ended| !repairs.contains(ended)) {
        tx.execute(
            "UPDATE history SET outcome = 'reached', finished_at = $3
             WHERE version_key = $1 AND subject = $2 AND action = 'repair' AND outcome = 'pending'",
            values![key, &ended.object, at],
        )
        .await?;
        changed = true;
    }
    for repair in repairs.iter().filter(|repair| !open.contains(*repair)) {
        if !resume(tx, key, repair, at).await? {
            let by = Actor::Server;
            let entry = Entry {
                subject: Some(&repair.object),
                detail: Some(&repair.what),
                reached: false,
                ..Entry::reached(Action::Repair, &by, at)
            };
            history::append(tx, key, entry).await?;
        }
        changed = true;
    }
    if changed {
        versions::bump_revision(tx, &runtime, key).await?;
    }
    Ok(changed)
}

/// Makes the last entry of the same repair pending again; answers whether there is one that has just ended.
async fn resume(tx: &mut Tx, key: VersionKey, repair: &Repair, at: Timestamp) -> Result<bool, StoreError> {
    let since = at.checked_sub(EPISODE_WINDOW).unwrap_or(Timestamp::MIN);
    let resumed = tx
        .execute(
            "UPDATE history SET outcome = 'pending', finished_at = NULL, times = times + 1
             WHERE outcome = 'reached' AND finished_at >= $3 AND id = (
                SELECT max(id) FROM history
                WHERE version_key = $1 AND action = 'repair' AND subject = $2 AND detail = $4
             )",
            values![key, &repair.object, since, &repair.what],
        )
        .await?;
    Ok(resumed > 0)
}
