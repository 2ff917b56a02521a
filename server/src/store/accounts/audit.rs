//! The audit log. Rows are added, and never changed.

use domain::{AuditAction, AuditEntry, AuditFilter, Caller};

use super::*;
use crate::store::sql::{Row, corrupt};

/// A line to add.
#[derive(Debug, Clone)]
pub struct AuditRecord {
    pub at: Timestamp,
    pub who: Actor,
    pub person: Option<PersonId>,
    pub action: AuditAction,
    pub subject: Option<String>,
    pub runtime: Option<RuntimeId>,
    pub detail: Option<String>,
    pub address: Option<String>,
}

impl AuditRecord {
    /// What the caller did.
    pub fn by(caller: &Caller, action: AuditAction, at: Timestamp) -> Self {
        let (who, person) = (caller.actor(), caller.person());
        Self { at, who, person, action, subject: None, runtime: None, detail: None, address: None }
    }

    /// What somebody did who signs in just now.
    pub(super) fn of_person(person: &PersonRecord, action: AuditAction, at: Timestamp) -> Self {
        let (who, person) = (Actor::Person(person.name.clone()), Some(person.id));
        Self { at, who, person, action, subject: None, runtime: None, detail: None, address: None }
    }

    #[must_use]
    pub fn about(self, subject: impl Into<String>) -> Self {
        Self { subject: Some(subject.into()), ..self }
    }

    #[must_use]
    pub fn on(self, runtime: Option<&RuntimeId>) -> Self {
        Self { runtime: runtime.cloned(), ..self }
    }

    #[must_use]
    pub fn saying(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    #[must_use]
    pub fn from(self, address: Option<String>) -> Self {
        Self { address, ..self }
    }
}

impl Store {
    /// Adds what is no part of another change: a refusal, or a sign-in that failed.
    pub async fn add_audit(&self, record: AuditRecord) -> Result<(), StoreError> {
        let mut tx = self.database.write().await?;
        append(&mut tx, &record).await?;
        tx.commit().await
    }

    /// A page of the audit log, newest first.
    pub async fn audit(&self, filter: &AuditFilter) -> Result<Vec<AuditEntry>, StoreError> {
        let mut tx = self.database.read().await?;
        page(&mut tx, filter).await
    }
}

pub(in crate::store) async fn append(tx: &mut Tx, record: &AuditRecord) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO audit (at, who, person, action, subject, runtime, detail, address)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        values![
            record.at,
            &record.who.to_string(),
            record.person.map(|person| person.0),
            record.action.as_str(),
            record.subject.as_deref(),
            record.runtime.as_ref().map(RuntimeId::as_str),
            record.detail.as_deref(),
            record.address.as_deref(),
        ],
    )
    .await?;
    Ok(())
}

/// Ids grow with time, but for a moment of two at once; the list is in their order.
async fn page(tx: &mut Tx, filter: &AuditFilter) -> Result<Vec<AuditEntry>, StoreError> {
    const SELECT: &str = "SELECT id, at, who, action, subject, runtime, detail, address FROM audit
         WHERE id < $1
            AND ($2 IS NULL OR who = $2 OR who LIKE $2 || ' (token %')
            AND ($3 IS NULL OR action = $3)
            AND ($4 IS NULL OR runtime = $4)
            AND at >= $5 AND at < $6
         ORDER BY id DESC LIMIT $7";
    let values = values![
        filter.before.unwrap_or(i64::MAX),
        filter.who.as_deref(),
        filter.action.map(AuditAction::as_str),
        filter.runtime.as_ref().map(RuntimeId::as_str),
        filter.from.map_or(i64::MIN, Timestamp::as_microsecond),
        filter.to.map_or(i64::MAX, Timestamp::as_microsecond),
        i64::from(filter.limit()),
    ];
    tx.fetch_all(SELECT, values).await?.iter().map(entry).collect()
}

fn entry(row: &Row) -> Result<AuditEntry, StoreError> {
    let runtime: Option<String> = row.get("runtime")?;
    Ok(AuditEntry {
        id: row.get("id")?,
        at: row.time("at")?,
        who: row.parsed("who")?,
        action: row.variant("action")?,
        subject: row.get("subject")?,
        runtime: runtime.map(|id| id.parse()).transpose().map_err(|e| corrupt("runtime", e))?,
        detail: row.get("detail")?,
        address: row.get("address")?,
    })
}
