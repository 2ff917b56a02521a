//! What people and administrators do with accounts: invite and disable people, give roles, make and revoke tokens, end
//! sessions, read the audit log. The store's transactions decide who may; what is only read is asked for here.

use std::time::Duration;

use domain::{
    ApiError, AuditEntry, AuditFilter, Caller, CreatedToken, Grant, Identity, Invitation, NewGrant, NewToken, Person,
    PersonId, PersonName, Problem, RuntimeId, Session, Subject, SubjectKind, Timestamp, Token, TokenId, TokenName,
    access::{Permission, Role},
};

use super::{Accounts, api_token};
use crate::{
    secret::Secret,
    service::{denied_error, from_store},
    store::{NewPerson, NewTokenRecord, PersonRecord, SecretDigest, TokenRecord, WhichSessions, random_secret},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Accounts {
    /// All people, by name.
    ///
    /// # Errors
    /// `Forbidden` for who may not manage people.
    pub async fn people(&self, caller: &Caller) -> Result<Vec<Person>, ApiError> {
        allow(caller, Permission::ManagePeople, None)?;
        Ok(self.0.store.people().await.map_err(from_store)?.into_iter().map(shown).collect())
    }

    /// Adds a person, with a role on all runtimes if one is given.
    ///
    /// # Errors
    /// `InvalidInput` or `NameTaken` for the name, `Forbidden` for who may not manage people.
    pub async fn invite(&self, caller: &Caller, name: &str, role: Option<Role>) -> Result<Invitation, ApiError> {
        allow(caller, Permission::ManagePeople, None)?;
        let name = name.parse::<PersonName>().map_err(|error| invalid("name", &error))?;
        let (secret, link) = self.new_link();
        let expires_at = link.1;
        let new = NewPerson { name, at: Timestamp::now() };
        let invited = self.0.store.invite(caller, new, role, link).await;
        self.changed().await;
        Ok(self.invitation(invited.map_err(from_store)?, &secret, expires_at))
    }

    /// A new link for somebody who has lost their password or their first link.
    ///
    /// # Errors
    /// `NotFound` for nobody, and for who is disabled; `Forbidden` for who may not manage people.
    pub async fn renew_link(&self, caller: &Caller, person: PersonId) -> Result<Invitation, ApiError> {
        let (secret, link) = self.new_link();
        let expires_at = link.1;
        let person = self.0.store.renew_link(caller, person, link, Timestamp::now()).await.map_err(from_store)?;
        Ok(self.invitation(person, &secret, expires_at))
    }

    fn new_link(&self) -> (Secret, (SecretDigest, Timestamp)) {
        let secret = random_secret();
        let expires_at = Timestamp::now().checked_add(self.0.limits.link).unwrap_or(Timestamp::MAX);
        let digest = SecretDigest::of(&secret);
        (secret, (digest, expires_at))
    }

    fn invitation(&self, person: PersonRecord, secret: &Secret, expires_at: Timestamp) -> Invitation {
        let link = format!("{}/link/{}", self.0.base_url, secret.expose());
        Invitation { person: shown(person), link, expires_at }
    }

    /// Keeps somebody out, or lets them in again.
    ///
    /// # Errors
    /// `NotFound` for nobody, `Forbidden` for oneself and for who may not manage people.
    pub async fn set_disabled(&self, caller: &Caller, person: PersonId, disabled: bool) -> Result<(), ApiError> {
        let done = self.0.store.set_disabled(caller, person, disabled, Timestamp::now()).await;
        self.changed().await;
        done.map_err(from_store)
    }

    /// Where a person is signed in, the place used last first. `current` is the one that asks.
    ///
    /// # Errors
    /// `Forbidden` for another's, unless the caller may manage people.
    pub async fn sessions(
        &self,
        caller: &Caller,
        person: PersonId,
        current: Option<i64>,
    ) -> Result<Vec<Session>, ApiError> {
        allow_for(caller, person)?;
        let shown = |session: crate::store::SessionRecord| Session {
            id: session.id,
            created_at: session.created_at,
            seen_at: session.seen_at,
            agent: session.agent,
            address: session.address,
            is_current: Some(session.id) == current,
        };
        Ok(self.0.store.sessions(person).await.map_err(from_store)?.into_iter().map(shown).collect())
    }

    /// Ends one session of a person, or with none all of them.
    ///
    /// # Errors
    /// `NotFound` for one that there is not; `Forbidden` for another's, unless the caller may manage people.
    pub async fn end_sessions(&self, caller: &Caller, person: PersonId, one: Option<i64>) -> Result<(), ApiError> {
        let which = one.map_or(WhichSessions::AllBut(None), WhichSessions::One);
        let done = self.0.store.end_sessions(caller, person, which, Timestamp::now()).await;
        self.changed().await;
        done.map_err(from_store)
    }

    /// A person's tokens, by name.
    ///
    /// # Errors
    /// `Forbidden` for another's, unless the caller may manage people.
    pub async fn tokens(&self, caller: &Caller, person: PersonId) -> Result<Vec<Token>, ApiError> {
        allow_for(caller, person)?;
        Ok(self.0.store.tokens(person).await.map_err(from_store)?.into_iter().map(token).collect())
    }

    /// A token of the caller's own, which is shown once.
    ///
    /// # Errors
    /// `Forbidden` for a role that the caller does not have there, and for who is no person; `InvalidInput` for its name and
    /// how long it is to last; `NameTaken`.
    pub async fn create_token(&self, caller: &Caller, new: NewToken) -> Result<CreatedToken, ApiError> {
        let Identity::Person { id: owner, .. } = caller.identity() else {
            return Err(ApiError::Forbidden { reason: "only somebody who has signed in can create tokens".to_owned() });
        };
        let NewToken { name, runtime, role, days } = new;
        let name = name.parse::<TokenName>().map_err(|error| invalid("name", &error))?;
        if !(1..=NewToken::MAX_DAYS).contains(&days) {
            return Err(invalid("days", &format!("a token lasts from 1 to {} days", NewToken::MAX_DAYS)));
        }
        if let Some(runtime) = &runtime {
            allow(caller, Permission::View, Some(runtime))?;
        }
        let has = runtime.as_ref().map_or_else(|| caller.rights().highest(), |runtime| caller.rights().role(runtime));
        if has < Some(role) {
            let reason = format!("a token cannot have the role {role}, which you do not have there yourself");
            return Err(ApiError::Forbidden { reason });
        }
        let secret = api_token::new();
        let digest = SecretDigest::of(&api_token::secret(secret.expose()).ok_or(ApiError::Internal)?);
        let at = Timestamp::now();
        let expires_at = at.checked_add(DAY * days).unwrap_or(Timestamp::MAX);
        let new = NewTokenRecord { digest, owner: *owner, name, runtime, role, at, expires_at };
        let created = self.0.store.create_token(caller, new).await;
        self.changed().await;
        Ok(CreatedToken { token: token(created.map_err(from_store)?), secret: secret.expose().to_owned() })
    }

    /// # Errors
    /// `NotFound` for one that there is not; `Forbidden` for another's, unless the caller may manage people.
    pub async fn revoke_token(&self, caller: &Caller, owner: PersonId, id: TokenId) -> Result<(), ApiError> {
        let done = self.0.store.revoke_token(caller, owner, id, Timestamp::now()).await;
        self.changed().await;
        done.map_err(from_store)
    }

    /// Who has which role, everywhere or with `runtime` there.
    ///
    /// # Errors
    /// `Forbidden` for who may not manage it.
    pub async fn grants(&self, caller: &Caller, runtime: Option<&RuntimeId>) -> Result<Vec<Grant>, ApiError> {
        let permission = if runtime.is_some() { Permission::ManageGrants } else { Permission::ManagePeople };
        allow(caller, permission, runtime)?;
        self.0.store.grants(runtime).await.map_err(from_store)
    }

    /// Gives a role, in place of the one that the subject has there.
    ///
    /// # Errors
    /// `NotFound` for nobody and for no runtime, `Forbidden` for who may not manage it.
    pub async fn set_grant(&self, caller: &Caller, grant: &NewGrant) -> Result<(), ApiError> {
        let done = self.0.store.set_grant(caller, grant, Timestamp::now()).await;
        self.changed().await;
        done.map_err(from_store)
    }

    /// As [`Accounts::set_grant`], to a person or a group of this name.
    ///
    /// # Errors
    /// The same, and `InvalidInput` for a name that is none.
    pub async fn give_role(
        &self,
        caller: &Caller,
        kind: SubjectKind,
        name: &str,
        runtime: Option<RuntimeId>,
        role: Role,
    ) -> Result<(), ApiError> {
        let permission = if runtime.is_some() { Permission::ManageGrants } else { Permission::ManagePeople };
        // Who may not give roles does not learn who there is.
        allow(caller, permission, runtime.as_ref())?;
        let subject = match kind {
            SubjectKind::Everyone => Subject::Everyone,
            SubjectKind::Group => {
                format!("group:{}", name.trim()).parse().map_err(|_| invalid("name", &"enter the group's name"))?
            }
            SubjectKind::Person => {
                let name = name.parse::<PersonName>().map_err(|error| invalid("name", &error))?;
                let person = self.0.store.person_named(&name).await.map_err(from_store)?;
                let missing = || ApiError::NotFound { what: format!("person named `{name}`") };
                Subject::Person(person.ok_or_else(missing)?.id)
            }
        };
        self.set_grant(caller, &NewGrant { subject, runtime, role }).await
    }

    /// Takes a role away.
    ///
    /// # Errors
    /// `NotFound` for one that there is not, `Forbidden` for who may not manage it.
    pub async fn remove_grant(
        &self,
        caller: &Caller,
        subject: &Subject,
        runtime: Option<&RuntimeId>,
    ) -> Result<(), ApiError> {
        let done = self.0.store.remove_grant(caller, subject, runtime, Timestamp::now()).await;
        self.changed().await;
        done.map_err(from_store)
    }

    /// A page of the audit log, newest first.
    ///
    /// # Errors
    /// `Forbidden` for who may not see it.
    pub async fn audit(&self, caller: &Caller, filter: &AuditFilter) -> Result<Vec<AuditEntry>, ApiError> {
        allow(caller, Permission::ViewAudit, None)?;
        self.0.store.audit(filter).await.map_err(from_store)
    }
}

fn allow(caller: &Caller, permission: Permission, runtime: Option<&RuntimeId>) -> Result<(), ApiError> {
    caller.check(permission, runtime).map_err(|denied| denied_error(denied, runtime))
}

/// Everybody may do it to themselves, in person; an administrator to anybody.
fn allow_for(caller: &Caller, person: PersonId) -> Result<(), ApiError> {
    match caller.identity() {
        Identity::Person { id, .. } if *id == person => Ok(()),
        _ => allow(caller, Permission::ManagePeople, None),
    }
}

fn shown(person: PersonRecord) -> Person {
    Person {
        id: person.id,
        name: person.name,
        has_password: person.password.is_some(),
        issuer: person.provider.map(|provider| provider.issuer),
        groups: person.groups,
        created_at: person.created_at,
        disabled_at: person.disabled_at,
    }
}

fn token(record: TokenRecord) -> Token {
    let TokenRecord { id, name, runtime, role, created_at, expires_at, used_at, .. } = record;
    Token { id, name, runtime, role, created_at, expires_at, used_at }
}

fn invalid(path: &str, error: &impl ToString) -> ApiError {
    ApiError::InvalidInput { problems: vec![Problem::error(path, error.to_string())] }
}
