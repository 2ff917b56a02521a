//! What happened on the whole server, newest first, a page at a time.

use domain::{Action, ActivityEntry, ActivityFilter, OutcomeKind, Timestamp, VersionName, access::Visible};

use super::{
    RuntimeRecord, StoreError, history,
    sql::{Row, Tx, corrupt, values},
};

/// What is before (in time: after, in the list: behind) the entry that the last page ended with is a range of the index
/// that the list is in the order of, so that the last page costs what the first does. What else is asked for is looked at
/// along the way.
macro_rules! page {
    ($of:literal) => {
        concat!(
            "SELECT h.id, h.runtime, h.version, r.id IS NULL AS runtime_deleted,
                h.version IS NOT NULL AND h.version_key IS NULL AS version_deleted,
                h.at, h.who, h.action, h.detail, h.times, h.comment, h.outcome, h.reason, h.finished_at
             FROM history h LEFT JOIN runtimes r ON r.id = h.runtime AND r.created_at <= h.at
             WHERE ",
            $of,
            "h.at >= $1 AND (h.at, h.id) < ($2, $3)
                AND ($4 IS NULL OR h.version = $4)
                AND ($5 IS NULL OR h.who = $5 OR h.who LIKE $5 || ' (token %')
                AND ($6 IS NULL OR h.action = $6)
                AND ($7 IS NULL OR h.outcome = $7)
             ORDER BY h.at DESC, h.id DESC LIMIT $8"
        )
    };
}

/// As [`page`], of the runtimes that may be seen.
pub(super) async fn visible_page(
    tx: &mut Tx,
    filter: &ActivityFilter,
    visible: Visible<'_>,
) -> Result<Vec<ActivityEntry>, StoreError> {
    let runtimes = match (visible, &filter.runtime) {
        (Visible::All, _) => return page(tx, filter).await,
        (Visible::Only(roles), Some(runtime)) if roles.contains_key(runtime) => return page(tx, filter).await,
        (Visible::Only(_), Some(_)) => return Ok(Vec::new()),
        (Visible::Only(roles), None) => roles.keys(),
    };
    // A page of each is a range of the index, however much happened in the others.
    let mut entries = Vec::new();
    for runtime in runtimes {
        let of_runtime = ActivityFilter { runtime: Some(runtime.clone()), ..filter.clone() };
        entries.extend(page(tx, &of_runtime).await?);
    }
    entries.sort_by_key(|activity| std::cmp::Reverse((activity.entry.at, activity.entry.id)));
    entries.truncate(usize::try_from(filter.limit()).unwrap_or(usize::MAX));
    Ok(entries)
}

async fn page(tx: &mut Tx, filter: &ActivityFilter) -> Result<Vec<ActivityEntry>, StoreError> {
    // Ids begin at 1: before any of that time.
    let to = filter.to.map_or((i64::MAX, i64::MAX), |to| (to.as_microsecond(), 0));
    let (at, id) = match filter.before {
        None => to,
        Some(before) => match time_of(tx, before).await? {
            Some(at) => to.min((at, before)),
            None => return Ok(Vec::new()),
        },
    };
    let from = filter.from.map_or(i64::MIN, Timestamp::as_microsecond);
    let version = filter.version.as_ref().map(VersionName::as_str);
    let (who, action) = (filter.who.as_deref(), filter.action.map(Action::as_str));
    let (outcome, limit) = (filter.outcome.map(OutcomeKind::as_str), i64::from(filter.limit()));
    let rows = match &filter.runtime {
        None => tx.fetch_all(page!(""), values![from, at, id, version, who, action, outcome, limit]).await?,
        Some(runtime) => {
            let values = values![from, at, id, version, who, action, outcome, limit, runtime.as_str()];
            tx.fetch_all(page!("h.runtime = $9 AND "), values).await?
        }
    };
    rows.iter().map(entry).collect()
}

async fn time_of(tx: &mut Tx, id: i64) -> Result<Option<i64>, StoreError> {
    let row = tx.fetch_optional("SELECT at FROM history WHERE id = $1", values![id]).await?;
    row.map(|row| row.get("at")).transpose()
}

/// The newest entry of this runtime or of one of its versions. One that had its id before has entries, too.
pub(super) async fn last(tx: &mut Tx, runtime: &RuntimeRecord) -> Result<Option<ActivityEntry>, StoreError> {
    let filter = ActivityFilter {
        runtime: Some(runtime.id.clone()),
        from: Some(runtime.created_at),
        limit: Some(1),
        ..ActivityFilter::default()
    };
    Ok(page(tx, &filter).await?.pop())
}

fn entry(row: &Row) -> Result<ActivityEntry, StoreError> {
    let version: Option<String> = row.get("version")?;
    Ok(ActivityEntry {
        runtime: row.parsed("runtime")?,
        version: version.map(|version| version.parse()).transpose().map_err(|e| corrupt("version", e))?,
        runtime_deleted: row.get("runtime_deleted")?,
        version_deleted: row.get("version_deleted")?,
        entry: history::entry(row)?,
    })
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU64, Ordering::Relaxed},
        },
        time::Duration,
    };

    use sqlx::sqlite::SqlitePoolOptions;

    use super::*;
    use crate::store::{runtimes, sql::Database};

    const ENTRIES: i64 = 20_000;

    /// Two runtimes with a version each, to which entries were added in turn; and what counts SQLite's own steps.
    async fn many_entries() -> (Database, Arc<AtomicU64>) {
        let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
        sqlx::migrate!("../migrations/sqlite").run(&pool).await.unwrap();
        for runtime in ["demo", "other"] {
            let sql = "INSERT INTO runtimes (id, name, description, created_at, revision) VALUES ($1, $1, '', 0, 1)";
            sqlx::query(sql).bind(runtime).execute(&pool).await.unwrap();
            let sql =
                "INSERT INTO versions (runtime, name, manifest, manifest_text, warnings, object, sha256, size_bytes,
                    download_token, created_at, created_by, revision, desired, generation, settled)
                VALUES ($1, 'v1', '', '', '', '', '', 0, $1, 0, '', 1, 'stopped', 1, 1)";
            sqlx::query(sql).bind(runtime).execute(&pool).await.unwrap();
        }
        let sql = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < $1)
            INSERT INTO history (version_key, runtime, version, at, who, action, outcome, finished_at)
            SELECT v.key, v.runtime, v.name, n, 'mira', 'configure', 'reached', n
            FROM n JOIN versions v ON v.key = 1 + n % 2";
        sqlx::query(sql).bind(ENTRIES).execute(&pool).await.unwrap();
        let steps = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&steps);
        let mut connection = pool.acquire().await.unwrap();
        connection.lock_handle().await.unwrap().set_progress_handler(1, move || {
            counted.fetch_add(1, Relaxed);
            true
        });
        drop(connection);
        (Database::Sqlite { writer: pool.clone(), readers: pool, answer: Duration::from_secs(30) }, steps)
    }

    #[tokio::test]
    async fn the_last_page_costs_what_the_first_does() {
        let (database, steps) = many_entries().await;
        for runtime in [None, Some("demo".parse().unwrap())] {
            let mut cost = Vec::new();
            for before in [None, Some(ENTRIES / 2), Some(60)] {
                let filter = ActivityFilter { runtime: runtime.clone(), before, limit: Some(20), ..Default::default() };
                let begun = steps.load(Relaxed);
                let read = page(&mut database.read().await.unwrap(), &filter).await.unwrap();
                assert_eq!(read.len(), 20);
                cost.push(steps.load(Relaxed) - begun);
            }
            assert!(cost[1..].iter().all(|cost_of_later| *cost_of_later < 2 * cost[0]), "{runtime:?}: {cost:?}");
        }
    }

    #[tokio::test]
    async fn what_happened_last_costs_the_same_however_much_happened() {
        let (database, steps) = many_entries().await;
        let mut tx = database.read().await.unwrap();
        let demo = runtimes::get(&mut tx, &"demo".parse().unwrap()).await.unwrap().unwrap();
        let begun = steps.load(Relaxed);
        assert_eq!(last(&mut tx, &demo).await.unwrap().unwrap().entry.id, ENTRIES);
        let cost = steps.load(Relaxed) - begun;
        assert!(cost < 500, "{cost} steps");
    }
}
