//! What was done to a version, by whom, and what became of it. Entries are added; only a pending one is ever changed,
//! once, when its outcome is known (but for repairs, see [`super::repairs`]).

use domain::{Action, Actor, HistoryEntry, HistoryPage, Outcome, RuntimeId, Timestamp};

use super::{
    StoreError, VersionKey,
    sql::{Row, Tx, corrupt, values},
};

/// A line to add.
pub(super) struct Entry<'a> {
    pub(super) action: Action,
    pub(super) by: &'a Actor,
    pub(super) at: Timestamp,
    /// The object that a repair is about.
    pub(super) subject: Option<&'a str>,
    /// What was done, where the action alone does not say it; for people.
    pub(super) detail: Option<&'a str>,
    pub(super) comment: Option<&'a str>,
    /// Done at once; otherwise pending.
    pub(super) reached: bool,
}

impl<'a> Entry<'a> {
    pub(super) fn reached(action: Action, by: &'a Actor, at: Timestamp) -> Self {
        Self { action, by, at, subject: None, detail: None, comment: None, reached: true }
    }
}

pub(super) async fn append(tx: &mut Tx, version: VersionKey, entry: Entry<'_>) -> Result<(), StoreError> {
    let outcome = if entry.reached { Outcome::Reached } else { Outcome::Pending };
    tx.execute(
        "INSERT INTO history (version_key, runtime, version, at, who, action, subject, detail, comment, outcome,
            finished_at)
         SELECT key, runtime, name, $2, $3, $4, $5, $6, $7, $8, $9 FROM versions WHERE key = $1",
        values![
            version,
            entry.at,
            &entry.by.to_string(),
            entry.action.as_str(),
            entry.subject,
            entry.detail,
            entry.comment,
            outcome.kind().as_str(),
            entry.reached.then_some(entry.at),
        ],
    )
    .await?;
    Ok(())
}

/// Adds a line about the runtime itself, reached at once.
pub(super) async fn append_to_runtime(tx: &mut Tx, runtime: &RuntimeId, entry: Entry<'_>) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO history (runtime, at, who, action, detail, comment, outcome, finished_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'reached', $2)",
        values![runtime.as_str(), entry.at, &entry.by.to_string(), entry.action.as_str(), entry.detail, entry.comment],
    )
    .await?;
    Ok(())
}

/// Gives the version's pending entry of this action its outcome; does nothing where there is none.
pub(super) async fn finish(
    tx: &mut Tx,
    version: VersionKey,
    action: Action,
    outcome: &Outcome,
    at: Timestamp,
) -> Result<(), StoreError> {
    let reason = match outcome {
        Outcome::Failed { reason } => Some(reason.as_str()),
        Outcome::Pending | Outcome::Reached | Outcome::Cancelled | Outcome::Superseded => None,
    };
    tx.execute(
        "UPDATE history SET outcome = $3, reason = $4, finished_at = $5
         WHERE version_key = $1 AND action = $2 AND outcome = 'pending'",
        values![version, action.as_str(), outcome.kind().as_str(), reason, at],
    )
    .await?;
    Ok(())
}

/// A new command cuts short whatever the version was about to reach.
pub(super) async fn cancel_pending(tx: &mut Tx, version: VersionKey, at: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE history SET outcome = 'cancelled', finished_at = $2
         WHERE version_key = $1 AND outcome = 'pending' AND action <> 'repair'",
        values![version, at],
    )
    .await?;
    Ok(())
}

/// What is to go need not be put back.
pub(super) async fn cancel_repairs(tx: &mut Tx, version: VersionKey, at: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE history SET outcome = 'cancelled', finished_at = $2
         WHERE version_key = $1 AND outcome = 'pending' AND action = 'repair'",
        values![version, at],
    )
    .await?;
    Ok(())
}

/// Records that another version replaced this one as the published one, by the actor of the other's publish. To be called
/// while that publish is pending.
pub(super) async fn supersede(
    tx: &mut Tx,
    replaced: VersionKey,
    by: VersionKey,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO history (version_key, runtime, version, at, who, action, detail, outcome, finished_at)
         SELECT v.key, v.runtime, v.name, h.at, h.who, 'unpublish',
            'replaced by `' || h.version || '`', 'superseded', $3
         FROM history h JOIN versions v ON v.key = $1
         WHERE h.version_key = $2 AND h.action = 'publish' AND h.outcome = 'pending'",
        values![replaced, by, at],
    )
    .await?;
    Ok(())
}

/// Newest first.
pub(super) async fn list(
    tx: &mut Tx,
    version: VersionKey,
    page: &HistoryPage,
) -> Result<Vec<HistoryEntry>, StoreError> {
    let rows = tx
        .fetch_all(
            "SELECT id, at, who, action, detail, times, comment, outcome, reason, finished_at
             FROM history WHERE version_key = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
            values![version, page.before.unwrap_or(i64::MAX), i64::from(page.limit())],
        )
        .await?;
    rows.iter().map(entry).collect()
}

/// From a row that has all the columns of the history that people see.
pub(super) fn entry(row: &Row) -> Result<HistoryEntry, StoreError> {
    Ok(HistoryEntry {
        id: row.get("id")?,
        at: row.time("at")?,
        who: row.parsed("who")?,
        action: row.variant("action")?,
        comment: with_detail(row.get("comment")?, detail(row)?),
        outcome: outcome(row)?,
        finished_at: row.optional_time("finished_at")?,
    })
}

/// What was done, and how often if more than once.
fn detail(row: &Row) -> Result<Option<String>, StoreError> {
    let detail: Option<String> = row.get("detail")?;
    let times = row.count("times")?;
    Ok(if times > 1 { detail.map(|detail| format!("{detail}, {times} times")) } else { detail })
}

/// The person's comment, and after it in parentheses what was done; either alone where the other is missing.
fn with_detail(comment: Option<String>, detail: Option<String>) -> Option<String> {
    match (comment, detail) {
        (Some(comment), Some(detail)) => Some(format!("{comment} ({detail})")),
        (comment, detail) => comment.or(detail),
    }
}

fn outcome(row: &Row) -> Result<Outcome, StoreError> {
    let reason: Option<String> = row.get("reason")?;
    match row.get::<String>("outcome")?.as_str() {
        "pending" => Ok(Outcome::Pending),
        "reached" => Ok(Outcome::Reached),
        "failed" => Ok(Outcome::Failed { reason: reason.unwrap_or_default() }),
        "cancelled" => Ok(Outcome::Cancelled),
        "superseded" => Ok(Outcome::Superseded),
        other => Err(corrupt("outcome", format_args!("`{other}` is not an outcome"))),
    }
}
