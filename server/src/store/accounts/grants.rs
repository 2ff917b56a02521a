//! Who has which role.

use domain::{AuditAction, Caller, Grant, NewGrant, Subject, access::Permission};

use super::{people::PersonRecord, *};
use crate::store::{
    access::authorize,
    sql::{Row, corrupt},
};

impl Store {
    /// Who has which role: on all runtimes and on single ones, or what applies to this one.
    pub async fn grants(&self, runtime: Option<&RuntimeId>) -> Result<Vec<Grant>, StoreError> {
        let mut tx = self.database.read().await?;
        list(&mut tx, runtime).await
    }

    /// Gives a role, in place of the one that the subject has there.
    pub async fn set_grant(&self, caller: &Caller, grant: &NewGrant, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.database.write().await?;
        bump(&mut tx).await?;
        let runtime = grant.runtime.as_ref();
        authorize_grants(&mut tx, caller, runtime).await?;
        if let Some(runtime) = runtime {
            require_runtime(&mut tx, runtime).await?;
        }
        let shown = shown(&mut tx, &grant.subject).await?;
        set(&mut tx, grant, &caller.actor(), at).await?;
        let record = AuditRecord::by(caller, AuditAction::GrantSet, at);
        audit::append(&mut tx, &record.about(shown).on(runtime).saying(grant.role.as_str())).await?;
        tx.commit().await
    }

    /// Takes a role away. `NotFound` when the subject has none there.
    pub async fn remove_grant(
        &self,
        caller: &Caller,
        subject: &Subject,
        runtime: Option<&RuntimeId>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.database.write().await?;
        bump(&mut tx).await?;
        authorize_grants(&mut tx, caller, runtime).await?;
        let key = subject.to_string();
        let values = values![&key, runtime.map_or("", RuntimeId::as_str)];
        if tx.execute("DELETE FROM grants WHERE subject = $1 AND runtime = $2", values).await? == 0 {
            return Err(StoreError::NotFound("such grant".to_owned()));
        }
        let shown = shown(&mut tx, subject).await?;
        let record = AuditRecord::by(caller, AuditAction::GrantRemoved, at).about(shown).on(runtime);
        audit::append(&mut tx, &record).await?;
        tx.commit().await
    }
}

/// Roles on one runtime are given by its administrators, those on all by administrators of all.
async fn authorize_grants(tx: &mut Tx, caller: &Caller, runtime: Option<&RuntimeId>) -> Result<(), StoreError> {
    let permission = if runtime.is_some() { Permission::ManageGrants } else { Permission::ManagePeople };
    authorize(tx, caller, permission, runtime).await
}

/// As people read it: a person by their name.
async fn shown(tx: &mut Tx, subject: &Subject) -> Result<String, StoreError> {
    Ok(match subject {
        Subject::Person(id) => people::require(tx, *id).await?.name.to_string(),
        Subject::Everyone | Subject::Group(_) => subject.to_string(),
    })
}

/// Those for all runtimes and those for single ones; with `runtime` only what applies to that one.
async fn list(tx: &mut Tx, runtime: Option<&RuntimeId>) -> Result<Vec<Grant>, StoreError> {
    const SELECT: &str = "SELECT g.subject, p.name, g.runtime, g.role, g.created_at, g.created_by
         FROM grants g LEFT JOIN people p ON g.subject = 'person:' || p.id
         WHERE $1 = '' OR g.runtime IN ('', $1) ORDER BY g.runtime, p.name_key, g.subject";
    let rows = tx.fetch_all(SELECT, values![runtime.map_or("", RuntimeId::as_str)]).await?;
    rows.iter().map(record).collect()
}

/// All that a person's grants add up to.
pub(super) async fn rights(tx: &mut Tx, person: &PersonRecord) -> Result<Rights, StoreError> {
    let rows = tx
        .fetch_all(
            "SELECT subject, runtime, role FROM grants WHERE subject IN ('everyone', $1) OR subject LIKE 'group:%'",
            values![&Subject::Person(person.id).to_string()],
        )
        .await?;
    let mut grants = Vec::new();
    for row in &rows {
        let applies = match row.parsed("subject")? {
            Subject::Everyone | Subject::Person(_) => true,
            Subject::Group(name) => person.groups.contains(&name),
        };
        if applies {
            grants.push((runtime(row)?, row.variant("role")?));
        }
    }
    Ok(Rights::of(grants.iter().map(|(runtime, role)| (runtime.as_ref(), *role))))
}

pub(super) async fn set(tx: &mut Tx, grant: &NewGrant, by: &Actor, at: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO grants (subject, runtime, role, created_at, created_by) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (subject, runtime)
         DO UPDATE SET role = excluded.role, created_at = excluded.created_at, created_by = excluded.created_by",
        values![
            &grant.subject.to_string(),
            grant.runtime.as_ref().map_or("", RuntimeId::as_str),
            grant.role.as_str(),
            at,
            &by.to_string(),
        ],
    )
    .await?;
    Ok(())
}

fn record(row: &Row) -> Result<Grant, StoreError> {
    let name: Option<String> = row.get("name")?;
    Ok(Grant {
        subject: row.parsed("subject")?,
        name: name.map(|name| name.parse()).transpose().map_err(|e| corrupt("name", e))?,
        runtime: runtime(row)?,
        role: row.variant("role")?,
        created_at: row.time("created_at")?,
        created_by: row.parsed("created_by")?,
    })
}

fn runtime(row: &Row) -> Result<Option<RuntimeId>, StoreError> {
    let runtime: String = row.get("runtime")?;
    if runtime.is_empty() { Ok(None) } else { runtime.parse().map(Some).map_err(|e| corrupt("runtime", e)) }
}
