//! People: their rows, and how they sign in.

use super::*;
use crate::store::sql::{Row, to_json};

/// A person as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonRecord {
    pub id: PersonId,
    pub name: PersonName,
    /// An argon2id hash, as a PHC string.
    pub password: Option<Secret>,
    pub provider: Option<ProviderIdentity>,
    /// As the provider said at the last sign-in.
    pub groups: Vec<String>,
    pub created_at: Timestamp,
    pub disabled_at: Option<Timestamp>,
}

/// Who somebody is to an OpenID Connect provider: `iss` and `sub` of their ID token (OpenID Connect Core 1.0 §5.7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderIdentity {
    pub issuer: String,
    pub subject: String,
}

#[derive(Debug, Clone)]
pub struct NewPerson {
    pub name: PersonName,
    pub at: Timestamp,
}

macro_rules! select {
    ($which:literal) => {
        concat!("SELECT id, name, password, issuer, subject, member_of, created_at, disabled_at FROM people ", $which)
    };
}

pub(super) async fn create(tx: &mut Tx, new: &NewPerson) -> Result<PersonRecord, StoreError> {
    let row = tx
        .fetch_optional(
            "INSERT INTO people (name, name_key, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING id",
            values![new.name.as_str(), &key(&new.name), new.at],
        )
        .await?;
    let Some(row) = row else {
        return Err(StoreError::Taken { what: format!("a person named `{}`", new.name), field: "name" });
    };
    require(tx, PersonId(row.get("id")?)).await
}

pub(super) async fn list(tx: &mut Tx) -> Result<Vec<PersonRecord>, StoreError> {
    let rows = tx.fetch_all(select!("ORDER BY name_key"), &[]).await?;
    rows.iter().map(record).collect()
}

pub(super) async fn get(tx: &mut Tx, id: PersonId) -> Result<Option<PersonRecord>, StoreError> {
    tx.fetch_optional(select!("WHERE id = $1"), values![id.0]).await?.as_ref().map(record).transpose()
}

pub(super) async fn require(tx: &mut Tx, id: PersonId) -> Result<PersonRecord, StoreError> {
    get(tx, id).await?.ok_or_else(|| StoreError::NotFound("such person".to_owned()))
}

pub(super) async fn named(tx: &mut Tx, name: &PersonName) -> Result<Option<PersonRecord>, StoreError> {
    tx.fetch_optional(select!("WHERE name_key = $1"), values![&key(name)]).await?.as_ref().map(record).transpose()
}

/// The person whom a provider knows, with the groups that it names now. Made at their first sign-in; a name that is taken
/// gets a number.
pub(super) async fn of_provider(
    tx: &mut Tx,
    identity: &ProviderIdentity,
    name: &PersonName,
    groups: &[String],
    at: Timestamp,
) -> Result<PersonRecord, StoreError> {
    const SELECT: &str = select!("WHERE issuer = $1 AND subject = $2");
    let found = tx.fetch_optional(SELECT, values![&identity.issuer, &identity.subject]).await?;
    let groups = to_json(&groups)?;
    let id = match found.as_ref().map(record).transpose()? {
        Some(person) => person.id,
        None => {
            let new = NewPerson { name: free_name(tx, name).await?, at };
            let id = create(tx, &new).await?.id;
            let values = values![id.0, &identity.issuer, &identity.subject];
            tx.execute("UPDATE people SET issuer = $2, subject = $3 WHERE id = $1", values).await?;
            id
        }
    };
    tx.execute("UPDATE people SET member_of = $2 WHERE id = $1", values![id.0, &groups]).await?;
    require(tx, id).await
}

async fn free_name(tx: &mut Tx, name: &PersonName) -> Result<PersonName, StoreError> {
    let mut free = name.clone();
    let mut number = 2u32;
    while named(tx, &free).await?.is_some() {
        // A name at its longest gives way to the number.
        let short: String = name.as_str().chars().take(56).collect();
        free = format!("{short} {number}").parse().map_err(|e| crate::store::sql::corrupt("name", e))?;
        number += 1;
    }
    Ok(free)
}

pub(super) async fn set_password(tx: &mut Tx, id: PersonId, hash: &Secret) -> Result<(), StoreError> {
    tx.execute("UPDATE people SET password = $2 WHERE id = $1", values![id.0, hash.expose()]).await?;
    Ok(())
}

/// Sessions and links go at once; tokens open nothing while their owner is disabled.
pub(super) async fn set_disabled(tx: &mut Tx, id: PersonId, at: Option<Timestamp>) -> Result<(), StoreError> {
    tx.execute("UPDATE people SET disabled_at = $2 WHERE id = $1", values![id.0, at]).await?;
    if at.is_some() {
        sessions::end_all(tx, id, None).await?;
        tx.execute("DELETE FROM password_links WHERE person = $1", values![id.0]).await?;
    }
    Ok(())
}

/// In place of any link that there was.
pub(super) async fn add_link(
    tx: &mut Tx,
    id: PersonId,
    digest: &SecretDigest,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute("DELETE FROM password_links WHERE person = $1", values![id.0]).await?;
    let values = values![&digest.0, id.0, expires_at];
    tx.execute("INSERT INTO password_links (digest, person, expires_at) VALUES ($1, $2, $3)", values).await?;
    Ok(())
}

/// The person whom a link is for, unless it has expired or was used.
pub(super) async fn of_link(
    tx: &mut Tx,
    digest: &SecretDigest,
    at: Timestamp,
) -> Result<Option<PersonRecord>, StoreError> {
    const SELECT: &str = select!(
        "WHERE disabled_at IS NULL
            AND id = (SELECT person FROM password_links WHERE digest = $1 AND expires_at > $2)"
    );
    tx.fetch_optional(SELECT, values![&digest.0, at]).await?.as_ref().map(record).transpose()
}

pub(super) async fn remove_link(tx: &mut Tx, id: PersonId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM password_links WHERE person = $1", values![id.0]).await?;
    Ok(())
}

fn key(name: &PersonName) -> String {
    name.as_str().to_lowercase()
}

pub(super) fn record(row: &Row) -> Result<PersonRecord, StoreError> {
    let (issuer, subject): (Option<String>, Option<String>) = (row.get("issuer")?, row.get("subject")?);
    Ok(PersonRecord {
        id: PersonId(row.get("id")?),
        name: row.parsed("name")?,
        password: row.get::<Option<String>>("password")?.map(Secret::from),
        provider: issuer.zip(subject).map(|(issuer, subject)| ProviderIdentity { issuer, subject }),
        groups: row.json("member_of")?,
        created_at: row.time("created_at")?,
        disabled_at: row.optional_time("disabled_at")?,
    })
}
