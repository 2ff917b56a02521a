//! API tokens: what a program signs in with, with a part of its owner's rights.

use domain::{AuditAction, Caller, access::Permission};

use super::{transactions::authorize_for, *};
use crate::store::{
    access::authorize,
    sql::{Row, corrupt},
};

#[derive(Debug, Clone)]
pub struct NewTokenRecord {
    pub digest: SecretDigest,
    pub owner: PersonId,
    pub name: TokenName,
    /// None for all runtimes.
    pub runtime: Option<RuntimeId>,
    pub role: Role,
    pub at: Timestamp,
    pub expires_at: Timestamp,
}

/// A token without what opens the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    pub id: TokenId,
    pub owner: PersonId,
    pub name: TokenName,
    pub runtime: Option<RuntimeId>,
    pub role: Role,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub used_at: Option<Timestamp>,
}

/// A token that opens the server now, its owner's name, and what it may do: no more than its owner at present.
#[derive(Debug, Clone)]
pub struct TokenCaller {
    pub token: TokenRecord,
    pub owner_name: PersonName,
    pub rights: Rights,
}

macro_rules! select {
    ($which:literal) => {
        concat!("SELECT id, person, name, runtime, role, created_at, expires_at, used_at FROM tokens ", $which)
    };
}

impl Store {
    /// Makes a token of the caller's own. `Taken` when the caller has one of the name.
    pub async fn create_token(&self, caller: &Caller, new: NewTokenRecord) -> Result<TokenRecord, StoreError> {
        let mut tx = self.database.write().await?;
        bump(&mut tx).await?;
        // A token for a runtime that the caller may not see, or that there is not, would say which.
        if let Some(runtime) = &new.runtime {
            authorize(&mut tx, caller, Permission::View, Some(runtime)).await?;
            require_runtime(&mut tx, runtime).await?;
        }
        let token = create(&mut tx, &new).await?;
        let record = AuditRecord::by(caller, AuditAction::TokenCreated, new.at).about(new.name.as_str());
        audit::append(&mut tx, &record.on(new.runtime.as_ref()).saying(new.role.as_str())).await?;
        tx.commit().await?;
        Ok(token)
    }

    /// Who asks by this token; none when it has expired or was revoked, or its owner is disabled.
    pub async fn token(&self, digest: &SecretDigest, at: Timestamp) -> Result<Option<TokenCaller>, StoreError> {
        let mut tx = self.database.read().await?;
        get(&mut tx, digest, at).await
    }

    /// Records that a token was used.
    pub async fn touch_token(&self, id: TokenId, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.database.write().await?;
        tx.execute("UPDATE tokens SET used_at = $2 WHERE id = $1", values![id.0, at]).await?;
        tx.commit().await
    }

    /// A person's, by name.
    pub async fn tokens(&self, owner: PersonId) -> Result<Vec<TokenRecord>, StoreError> {
        let mut tx = self.database.read().await?;
        tx.fetch_all(select!("WHERE person = $1 ORDER BY name, id"), values![owner.0])
            .await?
            .iter()
            .map(record)
            .collect()
    }

    /// Revokes a person's token, as its owner or as an administrator.
    pub async fn revoke_token(
        &self,
        caller: &Caller,
        owner: PersonId,
        id: TokenId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.database.write().await?;
        bump(&mut tx).await?;
        authorize_for(&mut tx, caller, owner).await?;
        let row = tx.fetch_optional(select!("WHERE id = $1 AND person = $2"), values![id.0, owner.0]).await?;
        let missing = || StoreError::NotFound("such token".to_owned());
        let token = row.as_ref().map(record).transpose()?.ok_or_else(missing)?;
        tx.execute("DELETE FROM tokens WHERE id = $1", values![id.0]).await?;
        let record = AuditRecord::by(caller, AuditAction::TokenRevoked, at).about(token.name.as_str());
        audit::append(&mut tx, &record.on(token.runtime.as_ref())).await?;
        tx.commit().await
    }
}

async fn create(tx: &mut Tx, new: &NewTokenRecord) -> Result<TokenRecord, StoreError> {
    let row = tx
        .fetch_optional(
            "INSERT INTO tokens (digest, person, name, runtime, role, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING id",
            values![
                &new.digest.0,
                new.owner.0,
                new.name.as_str(),
                new.runtime.as_ref().map(RuntimeId::as_str),
                new.role.as_str(),
                new.at,
                new.expires_at,
            ],
        )
        .await?;
    let taken = || StoreError::Taken { what: format!("a token named `{}`", new.name), field: "name" };
    let id: i64 = row.ok_or_else(taken)?.get("id")?;
    record(&tx.fetch_one(select!("WHERE id = $1"), values![id]).await?)
}

async fn get(tx: &mut Tx, digest: &SecretDigest, at: Timestamp) -> Result<Option<TokenCaller>, StoreError> {
    const SELECT: &str = select!("WHERE digest = $1 AND expires_at > $2");
    let row = tx.fetch_optional(SELECT, values![&digest.0, at]).await?;
    let Some(token) = row.as_ref().map(record).transpose()? else { return Ok(None) };
    let Some(rights) = limited(tx, &token).await? else { return Ok(None) };
    let owner_name = people::require(tx, token.owner).await?.name;
    Ok(Some(TokenCaller { token, owner_name, rights }))
}

pub(super) async fn rights(tx: &mut Tx, id: TokenId) -> Result<Option<Rights>, StoreError> {
    let row = tx.fetch_optional(select!("WHERE id = $1"), values![id.0]).await?;
    match row.as_ref().map(record).transpose()? {
        Some(token) => limited(tx, &token).await,
        None => Ok(None),
    }
}

async fn limited(tx: &mut Tx, token: &TokenRecord) -> Result<Option<Rights>, StoreError> {
    let rights = rights_of(tx, token.owner).await?;
    Ok(rights.map(|rights| rights.limited_to(token.role, token.runtime.as_ref())))
}

fn record(row: &Row) -> Result<TokenRecord, StoreError> {
    let runtime: Option<String> = row.get("runtime")?;
    Ok(TokenRecord {
        id: TokenId(row.get("id")?),
        owner: PersonId(row.get("person")?),
        name: row.parsed("name")?,
        runtime: runtime.map(|id| id.parse()).transpose().map_err(|e| corrupt("runtime", e))?,
        role: row.variant("role")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        used_at: row.optional_time("used_at")?,
    })
}
