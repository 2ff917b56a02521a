//! Sign-ins that are on their way to the OpenID Connect provider and back. A row is what several servers share, and what
//! makes a sign-in end once: whoever takes it out has it.

use super::*;
use crate::store::sql::Row;

/// So many are kept; the oldest give way. Whoever begins them need not have signed in.
const MAX_KEPT: i64 = 100_000;

/// A sign-in that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcFlow {
    pub nonce: Secret,
    /// The code verifier of PKCE.
    pub verifier: Secret,
    /// The path to go to in the end.
    pub return_to: String,
}

/// What the database has of a sign-in that comes back.
#[derive(Debug, PartialEq, Eq)]
pub enum TakenFlow {
    /// It is this caller's alone: nobody gets it again.
    Taken(OidcFlow),
    /// Another browser began it, for which it stays.
    OfAnotherBrowser,
    /// It has expired, was taken before, or never began.
    Gone,
}

impl Store {
    /// Keeps a sign-in until it is taken or `expired` is later than `at`, and removes what has expired.
    pub async fn begin_oidc_flow(
        &self,
        state: &Secret,
        browser: &Secret,
        flow: &OidcFlow,
        at: Timestamp,
        expired: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.database.write().await?;
        tx.execute("DELETE FROM oidc_flows WHERE created_at <= $1", values![expired]).await?;
        let (SecretDigest(state), SecretDigest(browser)) = (SecretDigest::of(state), SecretDigest::of(browser));
        let (nonce, verifier) = (flow.nonce.expose(), flow.verifier.expose());
        let added = tx
            .fetch_one(
                "INSERT INTO oidc_flows (state, browser, nonce, verifier, return_to, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
                values![&state, &browser, nonce, verifier, &flow.return_to, at],
            )
            .await?;
        let id: i64 = added.get("id")?;
        tx.execute("DELETE FROM oidc_flows WHERE id <= $1", values![id - MAX_KEPT]).await?;
        tx.commit().await
    }

    /// Takes a sign-in that began after `expired` out of the database.
    pub async fn take_oidc_flow(
        &self,
        state: &Secret,
        browser: &Secret,
        expired: Timestamp,
    ) -> Result<TakenFlow, StoreError> {
        let mut tx = self.database.write().await?;
        let (SecretDigest(state), SecretDigest(browser)) = (SecretDigest::of(state), SecretDigest::of(browser));
        let taken = tx
            .fetch_optional(
                "DELETE FROM oidc_flows WHERE state = $1 AND browser = $2 AND created_at > $3
                 RETURNING nonce, verifier, return_to",
                values![&state, &browser, expired],
            )
            .await?;
        let taken = match taken {
            Some(row) => TakenFlow::Taken(flow(&row)?),
            None if is_of_another(&mut tx, &state, &browser, expired).await? => TakenFlow::OfAnotherBrowser,
            None => TakenFlow::Gone,
        };
        tx.commit().await?;
        Ok(taken)
    }

    /// Keeps the ID token by which a session was opened, until it ends: to sign out at the provider, too.
    pub async fn keep_id_token(&self, session: &SecretDigest, id_token: &Secret) -> Result<(), StoreError> {
        let mut tx = self.database.write().await?;
        let values = values![&session.0, id_token.expose()];
        tx.execute("UPDATE sessions SET id_token = $2 WHERE digest = $1", values).await?;
        tx.commit().await
    }

    /// None of a session that was opened otherwise, or has ended.
    pub async fn id_token(&self, session: &SecretDigest) -> Result<Option<Secret>, StoreError> {
        let mut tx = self.database.read().await?;
        let row = tx.fetch_optional("SELECT id_token FROM sessions WHERE digest = $1", values![&session.0]).await?;
        Ok(row.map(|row| row.get::<Option<String>>("id_token")).transpose()?.flatten().map(Secret::from))
    }
}

async fn is_of_another(tx: &mut Tx, state: &str, browser: &str, expired: Timestamp) -> Result<bool, StoreError> {
    let sql = "SELECT id FROM oidc_flows WHERE state = $1 AND browser <> $2 AND created_at > $3";
    Ok(tx.fetch_optional(sql, values![state, browser, expired]).await?.is_some())
}

fn flow(row: &Row) -> Result<OidcFlow, StoreError> {
    let secret = |column| row.get::<String>(column).map(Secret::from);
    Ok(OidcFlow { nonce: secret("nonce")?, verifier: secret("verifier")?, return_to: row.get("return_to")? })
}
