//! Configuration values, which are apart from the version for being the only thing in it that changes.

use std::collections::BTreeMap;

use domain::{Action, AuditAction, Caller, Desired, RuntimeId, Timestamp, VersionName, access::Permission};

use super::{
    AuditRecord, CONFIG_MAX_BYTES, StoreError, VersionRecord, access, accounts,
    history::{self, Entry},
    runtimes,
    sql::{Tx, values},
    versions,
};
use crate::secret::Secret;

/// Puts each version's values in. The versions are of one runtime.
pub(super) async fn fill(tx: &mut Tx, versions: &mut [VersionRecord]) -> Result<(), StoreError> {
    let rows = match versions {
        [] => return Ok(()),
        [one] => {
            tx.fetch_all("SELECT version_key, name, value FROM config_values WHERE version_key = $1", values![one.key])
                .await?
        }
        [first, ..] => {
            tx.fetch_all(
                "SELECT c.version_key, c.name, c.value
                 FROM config_values c JOIN versions v ON v.key = c.version_key WHERE v.runtime = $1",
                values![first.runtime.as_str()],
            )
            .await?
        }
    };
    let mut by_version: BTreeMap<i64, BTreeMap<String, Secret>> = BTreeMap::new();
    for row in rows {
        by_version
            .entry(row.get("version_key")?)
            .or_default()
            .insert(row.get("name")?, row.get::<String>("value")?.into());
    }
    for version in versions {
        version.config = by_version.remove(&version.key).unwrap_or_default();
    }
    Ok(())
}

/// The names that the manifest wants and that have no value, in the manifest's order.
pub(super) fn missing(version: &VersionRecord, config: &BTreeMap<String, Secret>) -> Vec<String> {
    let wanted = &version.manifest.config;
    wanted.variables.iter().chain(&wanted.files).filter(|name| !config.contains_key(*name)).cloned().collect()
}

/// Answers whether anything differed from what is stored.
pub(super) async fn set(
    tx: &mut Tx,
    (runtime, name): (&RuntimeId, &VersionName),
    values: &BTreeMap<String, Option<Secret>>,
    caller: &Caller,
    comment: Option<&str>,
    at: Timestamp,
) -> Result<(VersionRecord, bool), StoreError> {
    access::authorize(tx, caller, Permission::Configure, Some(runtime)).await?;
    let claimed = runtimes::require(tx, runtime).await?;
    let version = versions::require(tx, runtime, name).await?;
    if version.desired == Desired::Archived {
        return Err(StoreError::Archived(version.name));
    }
    let mut config = version.config.clone();
    let (mut set, mut removed) = (Vec::new(), Vec::new());
    for (name, value) in values {
        match value {
            Some(value) if config.get(name) != Some(value) => {
                config.insert(name.clone(), value.clone());
                set.push(name.as_str());
            }
            None if config.remove(name).is_some() => removed.push(name.as_str()),
            Some(_) | None => {}
        }
    }
    if set.is_empty() && removed.is_empty() {
        return Ok((version, false));
    }
    let bytes = config.iter().map(|(name, value)| name.len() + value.expose().len()).sum();
    if bytes > CONFIG_MAX_BYTES {
        return Err(StoreError::ConfigTooLarge(bytes));
    }
    // What runs keeps a complete configuration; its pods could not be made again without.
    let missing = missing(&version, &config);
    if version.desired == Desired::Started && !removed.is_empty() && !missing.is_empty() {
        return Err(StoreError::ConfigIncomplete { runtime: runtime.clone(), version: version.name, missing });
    }
    for name in &set {
        tx.execute(
            "INSERT INTO config_values (version_key, name, value) VALUES ($1, $2, $3)
             ON CONFLICT (version_key, name) DO UPDATE SET value = excluded.value",
            values![version.key, *name, config.get(*name).map(Secret::expose)],
        )
        .await?;
    }
    for name in &removed {
        tx.execute("DELETE FROM config_values WHERE version_key = $1 AND name = $2", values![version.key, *name])
            .await?;
    }
    tx.execute("UPDATE versions SET revision = $2 WHERE key = $1", values![version.key, claimed.revision]).await?;
    let (detail, by) = (detail(&set, &removed), caller.actor());
    let entry = Entry { detail: Some(&detail), comment, ..Entry::reached(Action::Configure, &by, at) };
    history::append(tx, version.key, entry).await?;
    Ok((versions::require(tx, runtime, name).await?, true))
}

/// The value, if it is set, as long as that is in the history.
pub(super) async fn reveal(
    tx: &mut Tx,
    (runtime, version): (&RuntimeId, &VersionName),
    name: &str,
    caller: &Caller,
    at: Timestamp,
) -> Result<Option<Secret>, StoreError> {
    access::authorize(tx, caller, Permission::Reveal, Some(runtime)).await?;
    let claimed = runtimes::require(tx, runtime).await?;
    let mut version = versions::require(tx, runtime, version).await?;
    let Some(value) = version.config.remove(name) else { return Ok(None) };
    let by = caller.actor();
    let entry = Entry { detail: Some(name), ..Entry::reached(Action::Reveal, &by, at) };
    history::append(tx, version.key, entry).await?;
    let entry = AuditRecord::by(caller, AuditAction::ValueRead, at).about(name).on(Some(runtime));
    accounts::audit::append(tx, &entry.saying(format!("version {}", version.name))).await?;
    versions::bump_revision(tx, &claimed, version.key).await?;
    Ok(Some(value))
}

/// `set A, B; removed C`.
fn detail(set: &[&str], removed: &[&str]) -> String {
    [("set", set), ("removed", removed)]
        .iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(verb, names)| format!("{verb} {}", names.join(", ")))
        .collect::<Vec<_>>()
        .join("; ")
}
