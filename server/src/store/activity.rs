//! What happened on the whole server, newest first, a page at a time.

use domain::{Action, ActivityEntry, ActivityFilter, OutcomeKind, RuntimeId, Timestamp, VersionName};

use super::{
    StoreError, history,
    sql::{Row, Tx, values},
};

/// The list is in the order of an index on the time, and so are both ends of it that can be asked for; what else is
/// asked for is looked at along the way.
const PAGE: &str = "
    SELECT h.id, v.runtime, v.name, h.at, h.who, h.action, h.detail, h.times, h.comment, h.outcome, h.reason,
        h.finished_at
    FROM history h JOIN versions v ON v.key = h.version_key
    WHERE h.at >= $1 AND h.at < $2
        AND ($3 IS NULL OR (h.at, h.id) < (SELECT b.at, b.id FROM history b WHERE b.id = $3))
        AND ($4 IS NULL OR v.runtime = $4)
        AND ($5 IS NULL OR v.name = $5)
        AND ($6 IS NULL OR h.who = $6)
        AND ($7 IS NULL OR h.action = $7)
        AND ($8 IS NULL OR h.outcome = $8)
    ORDER BY h.at DESC, h.id DESC LIMIT $9";

pub(super) async fn page(tx: &mut Tx, filter: &ActivityFilter) -> Result<Vec<ActivityEntry>, StoreError> {
    let values = values![
        filter.from.map_or(i64::MIN, Timestamp::as_microsecond),
        filter.to.map_or(i64::MAX, Timestamp::as_microsecond),
        filter.before,
        filter.runtime.as_ref().map(RuntimeId::as_str),
        filter.version.as_ref().map(VersionName::as_str),
        filter.who.as_deref(),
        filter.action.map(Action::as_str),
        filter.outcome.map(OutcomeKind::as_str),
        i64::from(filter.limit()),
    ];
    tx.fetch_all(PAGE, values).await?.iter().map(entry).collect()
}

/// By the index of each version's history, so that a runtime where nothing happens costs no look at all others.
const LAST: &str = "
    SELECT h.id, v.runtime, v.name, h.at, h.who, h.action, h.detail, h.times, h.comment, h.outcome, h.reason,
        h.finished_at
    FROM history h JOIN versions v ON v.key = h.version_key
    WHERE h.id = (SELECT max(o.id) FROM history o JOIN versions w ON w.key = o.version_key WHERE w.runtime = $1)";

pub(super) async fn last(tx: &mut Tx, runtime: &RuntimeId) -> Result<Option<ActivityEntry>, StoreError> {
    tx.fetch_optional(LAST, values![runtime.as_str()]).await?.as_ref().map(entry).transpose()
}

fn entry(row: &Row) -> Result<ActivityEntry, StoreError> {
    Ok(ActivityEntry {
        id: row.get("id")?,
        runtime: row.parsed("runtime")?,
        version: row.parsed("name")?,
        entry: history::entry(row)?,
    })
}
