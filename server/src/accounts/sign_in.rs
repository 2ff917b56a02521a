//! How people get a session: by their password, or by a link with which they choose one.

use std::time::Duration;

use domain::{Actor, ApiError, AuditAction, Identity, PersonId, PersonName, Timestamp, access::Role};

use super::{Accounts, Authenticated, ClientInfo, PasswordError, oidc::Refusal, password};
use crate::{
    secret::Secret,
    service::from_store,
    store::{AuditRecord, NewSession, PersonRecord, SecretDigest, random_secret},
};

/// Of what a browser calls itself, that much is kept.
const AGENT_CHARS: usize = 200;
/// What the first administrator is called, unless one is made otherwise.
const FIRST_ADMINISTRATOR: &str = "admin";

/// Why somebody is not signed in. `Display` says it to them.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Which of the two is wrong is not said.
    #[error("the name or the password is wrong")]
    Wrong,
    #[error("this is not your present password")]
    WrongPresent,
    #[error("the two passwords differ")]
    Differ,
    #[error("too many failed attempts; try again in {} seconds", .0.as_secs().max(1))]
    Paused(Duration),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error("this link has expired or was used; ask an administrator for a new one")]
    Link,
    #[error("this account is disabled; ask an administrator")]
    Disabled,
    #[error(transparent)]
    Provider(#[from] Refusal),
    #[error(transparent)]
    Failed(#[from] ApiError),
}

impl Accounts {
    /// Opens a session, whose secret is the cookie's value.
    ///
    /// # Errors
    /// Why not; a wrong name takes as long as a wrong password.
    pub async fn sign_in(&self, name: &str, password: Secret, client: &ClientInfo) -> Result<Secret, SignInError> {
        let account = name.trim().to_lowercase();
        let attempt = self.0.attempts.begin(&account, client.address).map_err(SignInError::Paused)?;
        let person = match name.parse::<PersonName>() {
            Ok(name) => self.0.store.person_named(&name).await.map_err(from_store)?,
            Err(_) => None,
        };
        let expected = person.as_ref().filter(|person| person.disabled_at.is_none());
        let expected = expected.and_then(|person| person.password.clone());
        let verified = self.0.hasher.verify(password, expected).await?;
        let Some(person) = person.as_ref().filter(|_| verified) else {
            self.record_failure(person.as_ref(), client).await?;
            return Err(SignInError::Wrong);
        };
        attempt.succeeded();
        Ok(self.open_session(person.id, client, "password").await?)
    }

    /// Opens a session for somebody who is known by now; `by` says how, for the audit log.
    pub(crate) async fn open_session(
        &self,
        person: PersonId,
        client: &ClientInfo,
        by: &'static str,
    ) -> Result<Secret, ApiError> {
        let secret = random_secret();
        let new = NewSession {
            digest: SecretDigest::of(&secret),
            person,
            at: Timestamp::now(),
            agent: client.agent.chars().take(AGENT_CHARS).collect(),
            address: client.address.to_string(),
        };
        self.0.store.open_session(&new, by).await.map_err(from_store)?;
        Ok(secret)
    }

    /// What was entered as a name that is nobody's is not kept: it may be a password.
    async fn record_failure(&self, person: Option<&PersonRecord>, client: &ClientInfo) -> Result<(), ApiError> {
        let record = AuditRecord {
            at: Timestamp::now(),
            who: person.map_or(Actor::Server, |person| Actor::Person(person.name.clone())),
            person: person.map(|person| person.id),
            action: AuditAction::SignInFailed,
            subject: None,
            runtime: None,
            detail: person.is_none().then(|| "an unknown name".to_owned()),
            address: Some(client.address.to_string()),
        };
        self.0.store.add_audit(record).await.map_err(from_store)
    }

    /// Ends the session.
    ///
    /// # Errors
    /// `Unavailable` when the database fails.
    pub async fn sign_out(&self, authenticated: &Authenticated) -> Result<(), ApiError> {
        let ended = self.0.store.end_session(&authenticated.caller, &authenticated.digest, Timestamp::now()).await;
        self.changed().await;
        ended.map_err(from_store)
    }

    /// Whom a link is for; none when it has expired or was used.
    ///
    /// # Errors
    /// `Unavailable` when the database fails.
    pub async fn link_owner(&self, secret: &Secret) -> Result<Option<PersonName>, ApiError> {
        let owner = self.0.store.link(&SecretDigest::of(secret), Timestamp::now()).await.map_err(from_store)?;
        Ok(owner.map(|person| person.name))
    }

    /// Sets the password of whom the link is for, and signs them in.
    ///
    /// # Errors
    /// When the link does not hold, or the password cannot be one.
    pub async fn use_link(&self, secret: &Secret, chosen: Secret, client: &ClientInfo) -> Result<Secret, SignInError> {
        let digest = SecretDigest::of(secret);
        // Whoever has no link has no password hashed.
        if self.0.store.link(&digest, Timestamp::now()).await.map_err(from_store)?.is_none() {
            return Err(SignInError::Link);
        }
        password::check(&chosen)?;
        let hash = self.0.hasher.hash(chosen).await?;
        let address = Some(client.address.to_string());
        let person = self.0.store.use_link(&digest, &hash, Timestamp::now(), address).await.map_err(from_store)?;
        self.changed().await;
        let person = person.ok_or(SignInError::Link)?;
        Ok(self.open_session(person.id, client, "link").await?)
    }

    /// Changes the password of whoever asks, and ends their other sessions.
    ///
    /// # Errors
    /// When the present password is another, or the new one cannot be one.
    pub async fn change_password(
        &self,
        authenticated: &Authenticated,
        present: Secret,
        chosen: Secret,
        client: &ClientInfo,
    ) -> Result<(), SignInError> {
        let (Identity::Person { id, name }, Some(session)) = (authenticated.caller.identity(), authenticated.session)
        else {
            return Err(SignInError::Failed(ApiError::Unauthenticated));
        };
        let account = name.as_str().to_lowercase();
        let attempt = self.0.attempts.begin(&account, client.address).map_err(SignInError::Paused)?;
        let person = self.0.store.person(*id).await.map_err(from_store)?.ok_or(ApiError::Unauthenticated)?;
        if !self.0.hasher.verify(present, person.password.clone()).await? {
            self.record_failure(Some(&person), client).await?;
            return Err(SignInError::WrongPresent);
        }
        attempt.succeeded();
        password::check(&chosen)?;
        let hash = self.0.hasher.hash(chosen).await?;
        let (at, address) = (Timestamp::now(), Some(client.address.to_string()));
        let changed = self.0.store.change_password(*id, &hash, session, at, address).await;
        self.changed().await;
        Ok(changed.map_err(from_store)?)
    }

    /// A link for the first administrator, as long as nobody could be one.
    ///
    /// # Errors
    /// What the database says.
    pub async fn first_administrator(&self) -> Result<Option<(PersonName, String)>, ApiError> {
        if self.0.store.has_administrator().await.map_err(from_store)? {
            return Ok(None);
        }
        let name = FIRST_ADMINISTRATOR.parse().map_err(|_| ApiError::Internal)?;
        let link = self.administrator(&name, true).await?;
        Ok(Some((name, link)))
    }

    /// Makes an administrator of all runtimes, or, with `again`, of somebody whom there is already; and a link with which
    /// they choose a password.
    ///
    /// # Errors
    /// `NameTaken` and `NotFound` when they are there, or not.
    pub async fn administrator(&self, name: &PersonName, again: bool) -> Result<String, ApiError> {
        let caller = domain::Caller::server();
        let known = self.0.store.person_named(name).await.map_err(from_store)?;
        let invitation = match known {
            Some(person) if again => {
                if person.disabled_at.is_some() {
                    self.set_disabled(&caller, person.id, false).await?;
                }
                let subject = domain::Subject::Person(person.id);
                self.set_grant(&caller, &domain::NewGrant { subject, runtime: None, role: Role::Admin }).await?;
                self.renew_link(&caller, person.id).await?
            }
            _ => self.invite(&caller, name.as_str(), Some(Role::Admin)).await?,
        };
        Ok(invitation.link)
    }
}
