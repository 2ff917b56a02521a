//! Minutes of measurements: rows whose content others read, write and add up.

use super::{
    StoreError, VersionKey,
    sql::{Tx, values},
};

/// In order, from one minute to before another.
pub(super) async fn list(
    tx: &mut Tx,
    version: VersionKey,
    from: i64,
    until: i64,
) -> Result<Vec<(i64, String)>, StoreError> {
    const SELECT: &str = "
        SELECT minute, content FROM measurements
        WHERE version_key = $1 AND minute >= $2 AND minute < $3 ORDER BY minute";
    let rows = tx.fetch_all(SELECT, values![version, from, until]).await?;
    rows.iter().map(|row| Ok((row.get("minute")?, row.get("content")?))).collect()
}

/// Replaces each by what `add` makes of it, and removes those before `oldest`. Leaves out versions that are gone.
pub(super) async fn add(
    tx: &mut Tx,
    minutes: &[(VersionKey, i64)],
    mut add: impl FnMut(usize, Option<&str>) -> String + Send,
    oldest: i64,
) -> Result<(), StoreError> {
    for (index, (version, minute)) in minutes.iter().enumerate() {
        const SELECT: &str = "SELECT content FROM measurements WHERE version_key = $1 AND minute = $2";
        let row = tx.fetch_optional(SELECT, values![*version, *minute]).await?;
        let before: Option<String> = row.map(|row| row.get("content")).transpose()?;
        let content = add(index, before.as_deref());
        tx.execute(
            "INSERT INTO measurements (version_key, minute, content)
             SELECT key, $2, $3 FROM versions WHERE key = $1
             ON CONFLICT (version_key, minute) DO UPDATE SET content = excluded.content",
            values![*version, *minute, &content],
        )
        .await?;
    }
    tx.execute("DELETE FROM measurements WHERE minute < $1", values![oldest]).await?;
    Ok(())
}
