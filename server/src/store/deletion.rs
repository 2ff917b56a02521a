//! Deleting versions and runtimes. Their history stays, and names them by itself.

use domain::{Action, Actor, RuntimeId, Timestamp, VersionName, access::Permission};

use super::{
    Deletion, StoreError, StoredFile, access, accounts, content,
    history::{self, Entry},
    runtimes,
    sql::{Tx, values},
    versions,
};

pub(super) async fn version(
    tx: &mut Tx,
    runtime: &RuntimeId,
    name: &VersionName,
    deletion: &Deletion,
) -> Result<StoredFile, StoreError> {
    access::authorize(tx, &deletion.caller, Permission::DeleteVersion, Some(runtime)).await?;
    let runtime = runtimes::require(tx, runtime).await?;
    let version = versions::require(tx, &runtime.id, name).await?;
    let state = version.state();
    domain::may_delete(state).map_err(|refusal| StoreError::Refused {
        runtime: runtime.id.clone(),
        version: name.clone(),
        state,
        refusal,
    })?;
    history::append(tx, version.key, entry(deletion, &deletion.caller.actor())).await?;
    tx.execute("DELETE FROM config_values WHERE version_key = $1", values![version.key]).await?;
    // The entries of its history lose their reference by this.
    tx.execute("DELETE FROM versions WHERE key = $1", values![version.key]).await?;
    content::remove_unused(tx, &version.file).await?;
    Ok(version.file)
}

pub(super) async fn runtime(tx: &mut Tx, id: &RuntimeId, deletion: &Deletion) -> Result<(), StoreError> {
    access::authorize(tx, &deletion.caller, Permission::DeleteRuntime, Some(id)).await?;
    let runtime = runtimes::require(tx, id).await?;
    let row = tx.fetch_one("SELECT count(*) AS count FROM versions WHERE runtime = $1", values![id.as_str()]).await?;
    let versions = u32::try_from(row.count("count")?).unwrap_or(u32::MAX);
    domain::may_delete_runtime(versions)
        .map_err(|refusal| StoreError::NotEmpty { runtime: runtime.id.clone(), refusal })?;
    history::append_to_runtime(tx, id, entry(deletion, &deletion.caller.actor())).await?;
    accounts::remove_grants_of(tx, id).await?;
    tx.execute("DELETE FROM runtimes WHERE id = $1", values![id.as_str()]).await?;
    Ok(())
}

/// When a version was archived is in its history.
pub(super) async fn archived_before(
    tx: &mut Tx,
    before: Timestamp,
) -> Result<Vec<(RuntimeId, VersionName)>, StoreError> {
    const SELECT: &str = "
        SELECT v.runtime, v.name FROM versions v
        WHERE v.desired = 'archived'
            AND (SELECT max(h.at) FROM history h WHERE h.version_key = v.key AND h.action = 'archive') < $1
        ORDER BY v.key";
    let rows = tx.fetch_all(SELECT, values![before]).await?;
    rows.iter().map(|row| Ok((row.parsed("runtime")?, row.parsed("name")?))).collect()
}

fn entry<'a>(deletion: &'a Deletion, by: &'a Actor) -> Entry<'a> {
    Entry {
        detail: deletion.detail.as_deref(),
        comment: deletion.comment.as_deref(),
        ..Entry::reached(Action::Delete, by, deletion.at)
    }
}
