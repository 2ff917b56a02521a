//! Sessions of people of whom the provider says who they are.

use domain::{Actor, AuditAction, Caller, NewGrant, PersonId, Subject, Timestamp, access::Role};

use super::{Identified, Refusal};
use crate::{
    accounts::{Accounts, Authenticated, ClientInfo, SignInError},
    secret::Secret,
    service::from_store,
    store::{AuditRecord, ProviderIdentity, SecretDigest},
};

/// Of whom the provider says no name that anybody could have.
const NAMELESS: &str = "somebody";
/// No person has this id: theirs is what is written down of those who are not known.
const NOBODY: PersonId = PersonId(0);

impl Accounts {
    /// Opens a session for whom the provider has identified, and makes them known at their first sign-in.
    ///
    /// # Errors
    /// `Disabled` for who may not sign in any more.
    pub async fn sign_in_identified(&self, found: &Identified, client: &ClientInfo) -> Result<Secret, SignInError> {
        let identity = ProviderIdentity { issuer: found.issuer.clone(), subject: found.subject.clone() };
        let name = match &found.name {
            Some(name) => name.clone(),
            None => NAMELESS.parse().map_err(|_| domain::ApiError::Internal)?,
        };
        let known = self.0.store.person_of_provider(&identity, &name, &found.groups, Timestamp::now()).await;
        self.changed().await;
        let Some(person) = known.map_err(from_store)? else {
            // By what the provider calls them, they could look like somebody else.
            self.record_refused_sign_in(&format!("the account of subject {} is disabled", found.subject), client)
                .await?;
            return Err(SignInError::Disabled);
        };
        let session = self.open_session(person.id, client, "the provider").await?;
        self.0.store.keep_id_token(&SecretDigest::of(&session), &found.id_token).await.map_err(from_store)?;
        Ok(session)
    }

    /// Writes down that the provider's answer signed nobody in. Who it was is not known.
    ///
    /// # Errors
    /// `Unavailable` when the database fails.
    pub async fn record_refusal_of_provider(&self, refusal: &Refusal, client: &ClientInfo) -> Result<(), SignInError> {
        match refusal {
            // They say nothing about anybody.
            Refusal::OtherBrowser | Refusal::Over | Refusal::Outage(_) | Refusal::Database => Ok(()),
            Refusal::Declined(_) | Refusal::Untrusted(_) => {
                self.record_refused_sign_in(&refusal.to_string(), client).await
            }
        }
    }

    async fn record_refused_sign_in(&self, why: &str, client: &ClientInfo) -> Result<(), SignInError> {
        // Anybody can come with one, as often as they like.
        if !self.0.refusals.take(NOBODY) {
            return Ok(());
        }
        let record = AuditRecord {
            at: Timestamp::now(),
            who: Actor::Server,
            person: None,
            action: AuditAction::SignInFailed,
            subject: None,
            runtime: None,
            detail: Some(format!("by the provider: {why}")),
            address: Some(client.address.to_string()),
        };
        Ok(self.0.store.add_audit(record).await.map_err(from_store)?)
    }

    /// The ID token by which the session was opened, if the provider did that.
    ///
    /// # Errors
    /// `Unavailable` when the database fails.
    pub async fn id_token(&self, authenticated: &Authenticated) -> Result<Option<Secret>, domain::ApiError> {
        self.0.store.id_token(&authenticated.digest).await.map_err(from_store)
    }

    /// Gives the role admin on everything to this group of the provider, unless it has that.
    ///
    /// # Errors
    /// What the database says.
    pub async fn make_administrators(&self, group: &str) -> Result<(), domain::ApiError> {
        let grant = NewGrant { subject: Subject::Group(group.to_owned()), runtime: None, role: Role::Admin };
        let all = self.0.store.grants(None).await.map_err(from_store)?;
        if all.iter().any(|known| known.subject == grant.subject && known.runtime.is_none() && known.role == grant.role)
        {
            return Ok(());
        }
        self.set_grant(&Caller::server(), &grant).await
    }
}
