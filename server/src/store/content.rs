//! What is kept of a file's content for the screens of its versions: digests, the proto's text, and the documentation.

use domain::{RuntimeId, VersionName};

use super::{
    Content, NewVersionRecord, StoreError, VersionKey,
    sql::{Row, Tx, to_json, values},
};

/// Adds the content of a version that was just added.
pub(super) async fn add(tx: &mut Tx, key: VersionKey, new: &NewVersionRecord) -> Result<(), StoreError> {
    let content = to_json(&new.content)?;
    tx.execute("UPDATE versions SET content = $2 WHERE key = $1", values![key, &content]).await?;
    for document in &new.documents {
        // An identical file may have been added before.
        tx.execute(
            "INSERT INTO documents (sha256, path, content) VALUES ($1, $2, $3) ON CONFLICT (sha256, path) DO NOTHING",
            values![&new.file.sha256, &document.path, &document.content[..]],
        )
        .await?;
    }
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
