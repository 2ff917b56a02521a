//! Sessions: who is signed in, where, and since when.

use std::time::Duration;

use domain::{AuditAction, Caller};

use super::{people::PersonRecord, transactions::authorize_for, *};

#[derive(Debug, Clone)]
pub struct NewSession {
    pub digest: SecretDigest,
    pub person: PersonId,
    pub at: Timestamp,
    /// What the browser calls itself.
    pub agent: String,
    pub address: String,
}

/// A session, for its owner to recognise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    pub id: i64,
    pub created_at: Timestamp,
    pub seen_at: Timestamp,
    pub agent: String,
    pub address: String,
}

/// Which of a person's sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhichSessions {
    One(i64),
    AllBut(Option<i64>),
}

/// Whom a session belongs to, and what they may do now.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub session: SessionRecord,
    pub person: PersonRecord,
    pub rights: Rights,
}

impl Store {
    /// Opens a session of somebody who may sign in; `by` says how they did. `NotFound` when they may not.
    pub async fn open_session(&self, new: &NewSession, by: &'static str) -> Result<(), StoreError> {
        let mut tx = self.database.write().await?;
        let person = people::require(&mut tx, new.person).await?;
        if person.disabled_at.is_some() {
            return Err(StoreError::NotFound("such person".to_owned()));
        }
        create(&mut tx, new).await?;
        let record = AuditRecord::of_person(&person, AuditAction::SignedIn, new.at).saying(by);
        audit::append(&mut tx, &record.from(Some(new.address.clone()))).await?;
        tx.commit().await
    }

    /// Whose session this is. None when it has ended: `lifetime` is how long one may lie unused, and how long it may last.
    pub async fn session(
        &self,
        digest: &SecretDigest,
        lifetime: (Duration, Duration),
        at: Timestamp,
    ) -> Result<Option<SignedIn>, StoreError> {
        let mut tx = self.database.read().await?;
        get(&mut tx, digest, lifetime, at).await
    }

    /// Records that a session was used.
    pub async fn touch_session(&self, digest: &SecretDigest, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.database.write().await?;
        tx.execute("UPDATE sessions SET seen_at = $2 WHERE digest = $1", values![&digest.0, at]).await?;
        tx.commit().await
    }

    /// A person's, the one used last first.
    pub async fn sessions(&self, person: PersonId) -> Result<Vec<SessionRecord>, StoreError> {
        let mut tx = self.database.read().await?;
        list(&mut tx, person).await
    }

    /// Signs out: the session opens nothing any more.
    pub async fn end_session(&self, caller: &Caller, digest: &SecretDigest, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.database.write().await?;
        bump(&mut tx).await?;
        if tx.execute("DELETE FROM sessions WHERE digest = $1", values![&digest.0]).await? > 0 {
            audit::append(&mut tx, &AuditRecord::by(caller, AuditAction::SignedOut, at)).await?;
        }
        tx.commit().await
    }

    /// Ends this session of a person, or all but `keep`, as that person or as an administrator.
    pub async fn end_sessions(
        &self,
        caller: &Caller,
        person: PersonId,
        which: WhichSessions,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.database.write().await?;
        bump(&mut tx).await?;
        authorize_for(&mut tx, caller, person).await?;
        let person = people::require(&mut tx, person).await?;
        let detail = match which {
            WhichSessions::One(id) => {
                let values = values![person.id.0, id];
                if tx.execute("DELETE FROM sessions WHERE person = $1 AND id = $2", values).await? == 0 {
                    return Err(StoreError::NotFound("such session".to_owned()));
                }
                "one"
            }
            WhichSessions::AllBut(keep) => {
                end_all(&mut tx, person.id, keep).await?;
                if keep.is_some() { "all others" } else { "all" }
            }
        };
        let record = AuditRecord::by(caller, AuditAction::SessionsEnded, at).about(person.name.as_str()).saying(detail);
        audit::append(&mut tx, &record).await?;
        tx.commit().await
    }

    /// Removes sessions that nobody can use any more, and links that have expired.
    pub async fn sweep_sessions(
        &self,
        (idle_since, created_before): (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.database.write().await?;
        let values = values![idle_since, created_before];
        tx.execute("DELETE FROM sessions WHERE seen_at <= $1 OR created_at <= $2", values).await?;
        tx.execute("DELETE FROM password_links WHERE expires_at <= $1", values![now]).await?;
        tx.commit().await
    }
}

async fn create(tx: &mut Tx, new: &NewSession) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO sessions (digest, person, created_at, seen_at, agent, address) VALUES ($1, $2, $3, $3, $4, $5)",
        values![&new.digest.0, new.person.0, new.at, &new.agent, &new.address],
    )
    .await?;
    Ok(())
}

/// None for one that there is not, that was not used for `idle`, or that is older than `absolute`.
async fn get(
    tx: &mut Tx,
    digest: &SecretDigest,
    (idle, absolute): (Duration, Duration),
    at: Timestamp,
) -> Result<Option<SignedIn>, StoreError> {
    let before = |age: Duration| at.checked_sub(age).unwrap_or(Timestamp::MIN);
    let row = tx
        .fetch_optional(
            "SELECT id, person, created_at, seen_at, agent, address FROM sessions
             WHERE digest = $1 AND seen_at > $2 AND created_at > $3",
            values![&digest.0, before(idle), before(absolute)],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let person = PersonId(row.get("person")?);
    let Some(rights) = rights_of(tx, person).await? else { return Ok(None) };
    Ok(Some(SignedIn { session: record(&row)?, person: people::require(tx, person).await?, rights }))
}

async fn list(tx: &mut Tx, person: PersonId) -> Result<Vec<SessionRecord>, StoreError> {
    const SELECT: &str = "SELECT id, created_at, seen_at, agent, address FROM sessions
         WHERE person = $1 ORDER BY seen_at DESC";
    tx.fetch_all(SELECT, values![person.0]).await?.iter().map(record).collect()
}

/// All of a person's, but for `keep`.
pub(super) async fn end_all(tx: &mut Tx, person: PersonId, keep: Option<i64>) -> Result<(), StoreError> {
    let values = values![person.0, keep.unwrap_or(0)];
    tx.execute("DELETE FROM sessions WHERE person = $1 AND id <> $2", values).await?;
    Ok(())
}

fn record(row: &crate::store::sql::Row) -> Result<SessionRecord, StoreError> {
    Ok(SessionRecord {
        id: row.get("id")?,
        created_at: row.time("created_at")?,
        seen_at: row.time("seen_at")?,
        agent: row.get("agent")?,
        address: row.get("address")?,
    })
}
