//! Runtimes: their rows, and the claim that every write begins with.

use std::collections::BTreeMap;

use domain::{AuditAction, Publication, RuntimeId, Timestamp, access::Permission};

use super::{
    AuditRecord, NewRuntimeRecord, RuntimeRecord, StoreError, VersionKey, access, accounts,
    sql::{Row, Tx, values},
};

macro_rules! columns {
    () => {
        "id, name, description, created_at, revision, target, serving, publish_deadline"
    };
}

pub(super) async fn create(tx: &mut Tx, new: &NewRuntimeRecord) -> Result<RuntimeRecord, StoreError> {
    access::authorize(tx, &new.caller, Permission::CreateRuntime, None).await?;
    const INSERT: &str = concat!(
        "INSERT INTO runtimes (id, name, description, created_at, revision) VALUES ($1, $2, $3, $4, 1)
         ON CONFLICT DO NOTHING RETURNING ",
        columns!()
    );
    let values = values![new.id.as_str(), &new.name, &new.description, new.at];
    match tx.fetch_optional(INSERT, values).await? {
        Some(row) => {
            let entry = AuditRecord::by(&new.caller, AuditAction::RuntimeCreated, new.at).on(Some(&new.id));
            accounts::audit::append(tx, &entry).await?;
            record(&row)
        }
        None if get(tx, &new.id).await?.is_some() => {
            Err(StoreError::Taken { what: format!("a runtime with the id `{}`", new.id), field: "id" })
        }
        None => Err(StoreError::Taken { what: format!("a runtime named `{}`", new.name), field: "name" }),
    }
}

pub(super) async fn list(tx: &mut Tx) -> Result<Vec<RuntimeRecord>, StoreError> {
    let rows = tx.fetch_all(concat!("SELECT ", columns!(), " FROM runtimes"), &[]).await?;
    let mut records = rows.iter().map(record).collect::<Result<Vec<_>, _>>()?;
    // Not by the database: how it compares texts depends on which it is and how it was set up.
    records.sort_by_cached_key(|r| (r.name.to_lowercase(), r.id.clone()));
    Ok(records)
}

pub(super) async fn revisions(tx: &mut Tx) -> Result<BTreeMap<RuntimeId, u64>, StoreError> {
    let rows = tx.fetch_all("SELECT id, revision FROM runtimes", &[]).await?;
    rows.iter().map(|row| Ok((row.parsed("id")?, row.count("revision")?))).collect()
}

pub(super) async fn get(tx: &mut Tx, id: &RuntimeId) -> Result<Option<RuntimeRecord>, StoreError> {
    const SELECT: &str = concat!("SELECT ", columns!(), " FROM runtimes WHERE id = $1");
    tx.fetch_optional(SELECT, values![id.as_str()]).await?.as_ref().map(record).transpose()
}

/// Locks the runtime by taking its next revision, which is in the answer: other writers of the runtime and its versions wait
/// here until this transaction has ended. Rolled back with the transaction.
pub(super) async fn claim(tx: &mut Tx, id: &RuntimeId) -> Result<Option<RuntimeRecord>, StoreError> {
    const CLAIM: &str = concat!("UPDATE runtimes SET revision = revision + 1 WHERE id = $1 RETURNING ", columns!());
    tx.fetch_optional(CLAIM, values![id.as_str()]).await?.as_ref().map(record).transpose()
}

/// [`claim`], or `NotFound`.
pub(super) async fn require(tx: &mut Tx, id: &RuntimeId) -> Result<RuntimeRecord, StoreError> {
    claim(tx, id).await?.ok_or_else(|| StoreError::NotFound(format!("runtime `{id}`")))
}

/// [`claim`], of the runtime that has this version.
pub(super) async fn claim_of(tx: &mut Tx, version: VersionKey) -> Result<Option<RuntimeRecord>, StoreError> {
    const CLAIM: &str = concat!(
        "UPDATE runtimes SET revision = revision + 1
         WHERE id = (SELECT runtime FROM versions WHERE key = $1) RETURNING ",
        columns!()
    );
    tx.fetch_optional(CLAIM, values![version]).await?.as_ref().map(record).transpose()
}

/// Moves the publication of a claimed runtime. Whether it is being switched decides what each of the runtime's versions
/// allows, so all of them have changed.
pub(super) async fn publish(
    tx: &mut Tx,
    runtime: &RuntimeRecord,
    publication: Publication<VersionKey>,
    deadline: Option<Timestamp>,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE runtimes SET target = $2, serving = $3, publish_deadline = $4 WHERE id = $1",
        values![runtime.id.as_str(), publication.target, publication.serving, deadline],
    )
    .await?;
    tx.execute("UPDATE versions SET revision = $2 WHERE runtime = $1", values![runtime.id.as_str(), runtime.revision])
        .await?;
    Ok(())
}

fn record(row: &Row) -> Result<RuntimeRecord, StoreError> {
    Ok(RuntimeRecord {
        id: row.parsed("id")?,
        name: row.get("name")?,
        description: row.get("description")?,
        created_at: row.time("created_at")?,
        revision: row.count("revision")?,
        publication: Publication { target: row.get("target")?, serving: row.get("serving")? },
        publish_deadline: row.optional_time("publish_deadline")?,
    })
}
