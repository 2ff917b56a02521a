//! Versions: their rows, read together with their runtime's publication and their configuration.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Action, Desired, Failure, Publication, RuntimeId, Timestamp, VersionName, access::Permission};

use super::{
    NewVersion, RuntimeIntent, RuntimeRecord, StoreError, StoredFile, VersionKey, VersionRecord, access, config,
    content, generation,
    history::{self, Entry},
    inherit, repairs, runtimes,
    sql::{Row, Tx, to_json, values},
};

macro_rules! select {
    ($which:literal) => {
        concat!(
            "SELECT v.key, v.runtime, v.name, v.manifest, v.manifest_text, v.warnings, v.object, v.sha256,
                v.size_bytes, v.download_token, v.created_at, v.created_by, v.published_at, v.revision, v.desired,
                v.generation, v.settled, v.deadline, v.failure, v.chosen_generation, v.pods_restarted_at, r.target, r.serving,
                (SELECT CASE h.action WHEN 'degraded' THEN h.at END FROM history h
                 WHERE h.version_key = v.key AND h.action IN ('start', 'stop', 'degraded', 'healed')
                 ORDER BY h.id DESC LIMIT 1) AS degraded_since
             FROM versions v JOIN runtimes r ON r.id = v.runtime ",
            $which
        )
    };
}

pub(super) async fn create(tx: &mut Tx, new: &NewVersion) -> Result<VersionRecord, StoreError> {
    access::authorize(tx, &new.caller, Permission::Upload, Some(&new.runtime)).await?;
    let runtime = runtimes::require(tx, &new.runtime).await?;
    let by = new.caller.actor();
    let name = &new.manifest.version;
    if get(tx, &new.runtime, name).await?.is_some() {
        return Err(StoreError::Taken {
            what: format!("a version named `{name}` in runtime `{}`", new.runtime),
            field: "version",
        });
    }
    let (manifest, warnings) = (to_json(&new.manifest)?, to_json(&new.warnings)?);
    let row = tx
        .fetch_one(
            "INSERT INTO versions (runtime, name, manifest, manifest_text, warnings, object, sha256, size_bytes,
                download_token, created_at, created_by, revision, desired, generation, settled)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'stopped', 1, $13) RETURNING key",
            values![
                new.runtime.as_str(),
                name.as_str(),
                &manifest,
                &new.manifest_text,
                &warnings,
                &new.file.object,
                &new.file.sha256,
                new.file.size_bytes,
                new.file.download_token.expose(),
                new.at,
                &by.to_string(),
                runtime.revision,
                true,
            ],
        )
        .await?;
    let key = row.get("key")?;
    content::add(tx, key, new).await?;
    generation::inherit(tx, key, new).await?;
    let inherited = inherit::inherit_values(tx, key, new).await?;
    if !inherited.warnings.is_empty() {
        let warnings = [&new.warnings[..], &inherited.warnings].concat();
        tx.execute("UPDATE versions SET warnings = $2 WHERE key = $1", values![key, &to_json(&warnings)?]).await?;
    }
    let entry = Entry { detail: inherited.detail.as_deref(), ..Entry::reached(Action::Create, &by, new.at) };
    history::append(tx, key, entry).await?;
    by_key(tx, key).await?.ok_or(StoreError::Database(sqlx::Error::RowNotFound))
}

/// Newest first.
pub(super) async fn list(tx: &mut Tx, runtime: &RuntimeId) -> Result<Vec<VersionRecord>, StoreError> {
    const SELECT: &str = select!("WHERE v.runtime = $1 ORDER BY v.created_at DESC, v.key DESC");
    let rows = tx.fetch_all(SELECT, values![runtime.as_str()]).await?;
    records(tx, &rows).await
}

pub(super) async fn get(
    tx: &mut Tx,
    runtime: &RuntimeId,
    name: &VersionName,
) -> Result<Option<VersionRecord>, StoreError> {
    const SELECT: &str = select!("WHERE v.runtime = $1 AND v.name = $2");
    let row = tx.fetch_optional(SELECT, values![runtime.as_str(), name.as_str()]).await?;
    Ok(records(tx, row.as_slice()).await?.pop())
}

/// The version, or `NotFound`.
pub(super) async fn require(tx: &mut Tx, runtime: &RuntimeId, name: &VersionName) -> Result<VersionRecord, StoreError> {
    match get(tx, runtime, name).await? {
        Some(version) => Ok(version),
        None => Err(StoreError::NotFound(format!("version `{name}` in runtime `{runtime}`"))),
    }
}

pub(super) async fn by_key(tx: &mut Tx, key: VersionKey) -> Result<Option<VersionRecord>, StoreError> {
    let row = tx.fetch_optional(select!("WHERE v.key = $1"), values![key]).await?;
    Ok(records(tx, row.as_slice()).await?.pop())
}

pub(super) async fn object_in_use(tx: &mut Tx, object: &str) -> Result<bool, StoreError> {
    let row = tx.fetch_one("SELECT count(*) AS uses FROM versions WHERE object = $1", values![object]).await?;
    Ok(row.count("uses")? > 0)
}

pub(super) async fn objects(tx: &mut Tx) -> Result<BTreeSet<String>, StoreError> {
    let rows = tx.fetch_all("SELECT DISTINCT object FROM versions", &[]).await?;
    rows.iter().map(|row| row.get("object")).collect()
}

pub(super) async fn intent(tx: &mut Tx, runtime: &RuntimeId) -> Result<Option<RuntimeIntent>, StoreError> {
    const SELECT: &str = select!("WHERE v.runtime = $1 AND v.desired <> 'archived' ORDER BY v.key");
    let Some(runtime) = runtimes::get(tx, runtime).await? else {
        return Ok(None);
    };
    let rows = tx.fetch_all(SELECT, values![runtime.id.as_str()]).await?;
    let versions = records(tx, &rows).await?;
    let repairs = repairs::pending(tx, &runtime.id).await?;
    Ok(Some(RuntimeIntent { runtime, versions, repairs }))
}

/// Gives a version of a claimed runtime the runtime's revision, so that pages that show it read it again.
pub(super) async fn bump_revision(tx: &mut Tx, runtime: &RuntimeRecord, key: VersionKey) -> Result<(), StoreError> {
    tx.execute("UPDATE versions SET revision = $2 WHERE key = $1", values![key, runtime.revision]).await?;
    Ok(())
}

/// A version's new desired state.
pub(super) struct NewIntent<'a> {
    pub(super) desired: Desired,
    pub(super) deadline: Option<Timestamp>,
    pub(super) failure: Option<&'a Failure>,
}

/// Begins a new generation of a version of a claimed runtime. It is unsettled, but for `archived`, which asks nothing
/// of the cluster.
pub(super) async fn set_intent(
    tx: &mut Tx,
    runtime: &RuntimeRecord,
    key: VersionKey,
    intent: NewIntent<'_>,
) -> Result<(), StoreError> {
    let desired = match intent.desired {
        Desired::Stopped => "stopped",
        Desired::Started => "started",
        Desired::Archived => "archived",
    };
    let settled = intent.desired == Desired::Archived;
    let failure = intent.failure.map(to_json).transpose()?;
    tx.execute(
        "UPDATE versions SET desired = $2, generation = generation + 1, settled = $3, deadline = $4, failure = $5,
            revision = $6
         WHERE key = $1",
        values![key, desired, settled, intent.deadline, failure.as_deref(), runtime.revision],
    )
    .await?;
    Ok(())
}

async fn records(tx: &mut Tx, rows: &[Row]) -> Result<Vec<VersionRecord>, StoreError> {
    let mut versions = rows.iter().map(record).collect::<Result<Vec<_>, _>>()?;
    config::fill(tx, &mut versions).await?;
    Ok(versions)
}

fn record(row: &Row) -> Result<VersionRecord, StoreError> {
    let key = row.get("key")?;
    let publication: Publication<VersionKey> = Publication { target: row.get("target")?, serving: row.get("serving")? };
    Ok(VersionRecord {
        key,
        runtime: row.parsed("runtime")?,
        name: row.parsed("name")?,
        manifest: row.json("manifest")?,
        manifest_text: row.get("manifest_text")?,
        warnings: row.json("warnings")?,
        file: StoredFile {
            object: row.get("object")?,
            sha256: row.get("sha256")?,
            size_bytes: row.count("size_bytes")?,
            download_token: row.get::<String>("download_token")?.into(),
        },
        created_at: row.time("created_at")?,
        created_by: row.parsed("created_by")?,
        published_at: row.optional_time("published_at")?,
        revision: row.count("revision")?,
        desired: row.variant("desired")?,
        generation: row.count("generation")?,
        settled: row.get("settled")?,
        deadline: row.optional_time("deadline")?,
        failure: row.optional_json("failure")?,
        degraded_since: row.optional_time("degraded_since")?,
        chosen_generation: row.optional_variant("chosen_generation")?,
        pods_restarted_at: row.optional_time("pods_restarted_at")?,
        config: BTreeMap::new(),
        role: publication.role_of(&key),
        switching: publication.switching(),
    })
}
