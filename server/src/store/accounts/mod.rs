//! People, their sessions and tokens, who may do what, and the audit of all that.
//!
//! Whatever signs somebody in is a secret of 256 bits; the database has only its digest. Every change takes the next access
//! revision, so that whoever keeps rights in memory knows when to ask again.

pub(super) mod audit;
mod grants;
mod oidc;
mod people;
mod sessions;
mod tokens;
mod transactions;

use domain::{
    Actor, PersonId, PersonName, RuntimeId, Subject, Timestamp, TokenId, TokenName,
    access::{Rights, Role},
};
use rand::RngCore as _;
use sha2::{Digest as _, Sha256};

use super::{
    Store, StoreError, runtimes,
    sql::{Tx, values},
};
use crate::secret::Secret;

pub use audit::AuditRecord;
pub use oidc::{OidcFlow, TakenFlow};
pub use people::{NewPerson, PersonRecord, ProviderIdentity};
pub use sessions::{NewSession, SessionRecord, SignedIn, WhichSessions};
pub use tokens::{NewTokenRecord, TokenCaller, TokenRecord};

/// The digest under which a session, a token or a link is stored: base 16 of SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SecretDigest(String);

impl SecretDigest {
    pub fn of(secret: &Secret) -> Self {
        Self(hex::encode(Sha256::digest(secret.expose())))
    }
}

/// 256 bits that nobody can guess, as 64 characters of base 16.
pub fn random_secret() -> Secret {
    let mut bytes = [0u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    hex::encode(bytes).into()
}

/// The next access revision. Locks the row, so that changes of accounts and rights wait for one another.
async fn bump(tx: &mut Tx) -> Result<(), StoreError> {
    tx.execute("UPDATE access_revision SET revision = revision + 1", &[]).await?;
    Ok(())
}

/// `NotFound` when there is none. Not a claim: nothing of the runtime changes.
async fn require_runtime(tx: &mut Tx, id: &RuntimeId) -> Result<(), StoreError> {
    let found = runtimes::get(tx, id).await?;
    found.map(drop).ok_or_else(|| StoreError::NotFound(format!("runtime `{id}`")))
}

/// The rights of a person who may sign in, or `None`.
pub(super) async fn rights_of(tx: &mut Tx, person: PersonId) -> Result<Option<Rights>, StoreError> {
    match people::get(tx, person).await? {
        Some(person) if person.disabled_at.is_none() => Ok(Some(grants::rights(tx, &person).await?)),
        _ => Ok(None),
    }
}

/// The present rights of a token, or `None` when it was revoked or its owner disabled.
pub(super) async fn rights_of_token(tx: &mut Tx, token: TokenId) -> Result<Option<Rights>, StoreError> {
    tokens::rights(tx, token).await
}

/// A runtime made anew under the same id begins without the grants and tokens of the one that was deleted.
pub(super) async fn remove_grants_of(tx: &mut Tx, runtime: &RuntimeId) -> Result<(), StoreError> {
    bump(tx).await?;
    for delete in ["DELETE FROM grants WHERE runtime = $1", "DELETE FROM tokens WHERE runtime = $1"] {
        tx.execute(delete, values![runtime.as_str()]).await?;
    }
    Ok(())
}
