//! The generation of a version's runner images, where somebody chose one.

use domain::{Action, Caller, Generation, RuntimeId, Timestamp, VersionName, VersionState, access::Permission};

use super::{
    NewVersion, StoreError, VersionKey, VersionRecord, access,
    history::{self, Entry},
    runtimes,
    sql::{Tx, values},
    versions,
};

/// Answers whether anything differed from what is stored.
pub(super) async fn choose(
    tx: &mut Tx,
    (runtime, name): (&RuntimeId, &VersionName),
    chosen: Option<Generation>,
    caller: &Caller,
    at: Timestamp,
) -> Result<(VersionRecord, bool), StoreError> {
    access::authorize(tx, caller, Permission::Configure, Some(runtime)).await?;
    let claimed = runtimes::require(tx, runtime).await?;
    let version = versions::require(tx, runtime, name).await?;
    if version.state() != VersionState::Stopped {
        return Err(StoreError::NotStopped { state: version.state(), version: version.name });
    }
    if version.chosen_generation == chosen {
        return Ok((version, false));
    }
    set(tx, version.key, chosen).await?;
    versions::bump_revision(tx, &claimed, version.key).await?;
    let detail = match chosen {
        Some(chosen) => format!("runner generation {chosen}"),
        None => format!("runner generation as detected: {}", version.manifest.detected_generation()),
    };
    let by = caller.actor();
    let entry = Entry { detail: Some(&detail), ..Entry::reached(Action::Configure, &by, at) };
    history::append(tx, version.key, entry).await?;
    Ok((versions::require(tx, runtime, name).await?, true))
}

/// A new version takes over what was chosen for the one before it, if the same is detected of both: then both have images
/// of the same kind.
pub(super) async fn inherit(tx: &mut Tx, key: VersionKey, new: &NewVersion) -> Result<(), StoreError> {
    let others = versions::list(tx, &new.runtime).await?;
    let Some(before) = others.iter().find(|other| other.key != key) else { return Ok(()) };
    if before.chosen_generation.is_some() && before.manifest.detected_generation() == new.manifest.detected_generation()
    {
        set(tx, key, before.chosen_generation).await?;
    }
    Ok(())
}

async fn set(tx: &mut Tx, key: VersionKey, chosen: Option<Generation>) -> Result<(), StoreError> {
    let chosen = chosen.map(Generation::as_str);
    tx.execute("UPDATE versions SET chosen_generation = $2 WHERE key = $1", values![key, chosen]).await?;
    Ok(())
}
