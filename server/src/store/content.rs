//! What is kept of a file's content for the screens of its versions: digests, the proto's text, and the documentation.

use domain::{RuntimeId, VersionName};
use sqlx::AssertSqlSafe;

use super::{
    Content, NewVersion, StoreError, StoredFile, VersionKey,
    sql::{Row, Tx, Value, to_json, values},
};

/// Adds the content of a version that was just added.
pub(super) async fn add(tx: &mut Tx, key: VersionKey, new: &NewVersion) -> Result<(), StoreError> {
    let content = to_json(&new.content)?;
    tx.execute("UPDATE versions SET content = $2 WHERE key = $1", values![key, &content]).await?;
    if new.documents.is_empty() {
        return Ok(());
    }
    tx.lock(&new.file.sha256).await?;
    for batch in new.documents.chunks(BATCH) {
        let mut values = vec![Value::from(&new.file.sha256)];
        for document in batch {
            values.extend([Value::from(&document.path), Value::from(&document.content[..])]);
        }
        // Made of placeholders, never of values.
        tx.execute(AssertSqlSafe(insert_documents(batch.len())), &values).await?;
    }
    Ok(())
}

/// A row has two placeholders of its own, and a statement of PostgreSQL may have 65,535, of SQLite 32,766.
const BATCH: usize = 1_000;

/// An identical file may have been added before.
fn insert_documents(rows: usize) -> String {
    let rows: Vec<String> = (1..=rows).map(|row| format!("($1, ${}, ${})", 2 * row, 2 * row + 1)).collect();
    format!("INSERT INTO documents (sha256, path, content) VALUES {} ON CONFLICT DO NOTHING", rows.join(", "))
}

/// Removes the documents of a file that no version has any more.
pub(super) async fn remove_unused(tx: &mut Tx, file: &StoredFile) -> Result<(), StoreError> {
    // It would not see the version that another transaction is about to add with them.
    tx.lock(&file.sha256).await?;
    tx.execute(
        "DELETE FROM documents
         WHERE sha256 = $1 AND NOT EXISTS (SELECT 1 FROM versions WHERE object = $2 AND sha256 = $1)",
        values![&file.sha256, &file.object],
    )
    .await?;
    Ok(())
}

pub(super) async fn get(
    tx: &mut Tx,
    runtime: &RuntimeId,
    version: &VersionName,
) -> Result<Option<Content>, StoreError> {
    const SELECT: &str = "SELECT content FROM versions WHERE runtime = $1 AND name = $2";
    let row = tx.fetch_optional(SELECT, values![runtime.as_str(), version.as_str()]).await?;
    row.map_or(Ok(None), |row| row.optional_json("content"))
}

pub(super) async fn documents(tx: &mut Tx, sha256: &str) -> Result<Vec<String>, StoreError> {
    let rows = tx.fetch_all("SELECT path FROM documents WHERE sha256 = $1", values![sha256]).await?;
    let mut paths = rows.iter().map(|row| row.get("path")).collect::<Result<Vec<String>, _>>()?;
    paths.sort_unstable();
    Ok(paths)
}

pub(super) async fn document(tx: &mut Tx, sha256: &str, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
    const SELECT: &str = "SELECT content FROM documents WHERE sha256 = $1 AND path = $2";
    let row: Option<Row> = tx.fetch_optional(SELECT, values![sha256, path]).await?;
    row.map(|row| row.get("content")).transpose()
}
