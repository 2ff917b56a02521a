//! The transactions of [`Store`] about people, their passwords and links. Each change is in the audit log.

use domain::{AuditAction, Caller, Identity, NewGrant, access::Permission};

use super::*;
use crate::store::access::authorize;

impl Store {
    /// Grows with every change of accounts and rights.
    pub async fn access_revision(&self) -> Result<u64, StoreError> {
        let mut tx = self.database.read().await?;
        tx.fetch_one("SELECT revision FROM access_revision", &[]).await?.count("revision")
    }

    /// All people, by name.
    pub async fn people(&self) -> Result<Vec<PersonRecord>, StoreError> {
        let mut tx = self.database.read().await?;
        people::list(&mut tx).await
    }

    pub async fn person(&self, id: PersonId) -> Result<Option<PersonRecord>, StoreError> {
        let mut tx = self.database.read().await?;
        people::get(&mut tx, id).await
    }

    pub async fn person_named(&self, name: &PersonName) -> Result<Option<PersonRecord>, StoreError> {
        let mut tx = self.database.read().await?;
        people::named(&mut tx, name).await
    }

    /// Adds a person, with a link by which they choose a password, and with `role` on all runtimes. `Taken` when somebody
    /// has the name.
    pub async fn invite(
        &self,
        caller: &Caller,
        new: NewPerson,
        role: Option<Role>,
        link: (SecretDigest, Timestamp),
    ) -> Result<PersonRecord, StoreError> {
        let mut tx = self.database.write().await?;
        bump(&mut tx).await?;
        authorize(&mut tx, caller, Permission::ManagePeople, None).await?;
        let person = people::create(&mut tx, &new).await?;
        people::add_link(&mut tx, person.id, &link.0, link.1).await?;
        let record = AuditRecord::by(caller, AuditAction::PersonInvited, new.at).about(person.name.as_str());
        audit::append(&mut tx, &record).await?;
        if let Some(role) = role {
            let grant = NewGrant { subject: Subject::Person(person.id), runtime: None, role };
            grants::set(&mut tx, &grant, &caller.actor(), new.at).await?;
            let record = AuditRecord::by(caller, AuditAction::GrantSet, new.at).about(person.name.as_str());
            audit::append(&mut tx, &record.saying(role.as_str())).await?;
        }
        tx.commit().await?;
        Ok(person)
    }

    /// A new link by which a person chooses a password, in place of the one before. `NotFound` for one who is disabled.
    pub async fn renew_link(
        &self,
        caller: &Caller,
        person: PersonId,
        (digest, expires_at): (SecretDigest, Timestamp),
        at: Timestamp,
    ) -> Result<PersonRecord, StoreError> {
        let mut tx = self.database.write().await?;
        authorize(&mut tx, caller, Permission::ManagePeople, None).await?;
        let person = people::require(&mut tx, person).await?;
        if person.disabled_at.is_some() {
            return Err(StoreError::NotFound(format!("person `{}` who may sign in", person.name)));
        }
        people::add_link(&mut tx, person.id, &digest, expires_at).await?;
        let record = AuditRecord::by(caller, AuditAction::LinkRenewed, at).about(person.name.as_str());
        audit::append(&mut tx, &record).await?;
        tx.commit().await?;
        Ok(person)
    }

    /// The person whom a provider knows, with the groups that it names now. Made at their first sign-in. None for one who is
    /// disabled.
    pub async fn person_of_provider(
        &self,
        identity: &ProviderIdentity,
        name: &PersonName,
        groups: &[String],
        at: Timestamp,
    ) -> Result<Option<PersonRecord>, StoreError> {
        let mut tx = self.database.write().await?;
        bump(&mut tx).await?;
        let person = people::of_provider(&mut tx, identity, name, groups, at).await?;
        tx.commit().await?;
        Ok(Some(person).filter(|person| person.disabled_at.is_none()))
    }

    /// Whether somebody who may sign in has the role admin on all runtimes and a way to sign in.
    pub async fn has_administrator(&self) -> Result<bool, StoreError> {
        let mut tx = self.database.read().await?;
        for person in people::list(&mut tx).await? {
            let can_sign_in = person.disabled_at.is_none() && (person.password.is_some() || person.provider.is_some());
            if can_sign_in && grants::rights(&mut tx, &person).await?.all == Some(Role::Admin) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whom a one-time link is for; none when it has expired or was used.
    pub async fn link(&self, digest: &SecretDigest, at: Timestamp) -> Result<Option<PersonRecord>, StoreError> {
        let mut tx = self.database.read().await?;
        people::of_link(&mut tx, digest, at).await
    }

    /// Sets the password of whom the link is for, which ends the link and all their sessions. None, and nothing done, when
    /// the link does not hold any more.
    pub async fn use_link(
        &self,
        digest: &SecretDigest,
        hash: &Secret,
        at: Timestamp,
        address: Option<String>,
    ) -> Result<Option<PersonRecord>, StoreError> {
        let mut tx = self.database.write().await?;
        bump(&mut tx).await?;
        let Some(person) = people::of_link(&mut tx, digest, at).await? else { return Ok(None) };
        people::remove_link(&mut tx, person.id).await?;
        sessions::end_all(&mut tx, person.id, None).await?;
        set_password(&mut tx, &person, hash, at, address).await?;
        tx.commit().await?;
        Ok(Some(person))
    }

    /// Changes a person's own password, which ends all their sessions but `keep`.
    pub async fn change_password(
        &self,
        person: PersonId,
        hash: &Secret,
        keep: i64,
        at: Timestamp,
        address: Option<String>,
    ) -> Result<(), StoreError> {
        let mut tx = self.database.write().await?;
        bump(&mut tx).await?;
        let person = people::require(&mut tx, person).await?;
        sessions::end_all(&mut tx, person.id, Some(keep)).await?;
        set_password(&mut tx, &person, hash, at, address).await?;
        tx.commit().await
    }

    /// Keeps somebody out from `at` on, or lets them in again. An administrator cannot do it to themselves.
    pub async fn set_disabled(
        &self,
        caller: &Caller,
        person: PersonId,
        disabled: bool,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.database.write().await?;
        bump(&mut tx).await?;
        authorize(&mut tx, caller, Permission::ManagePeople, None).await?;
        let person = people::require(&mut tx, person).await?;
        if matches!(caller.identity(), Identity::Person { id, .. } if *id == person.id) {
            return Err(StoreError::Oneself);
        }
        people::set_disabled(&mut tx, person.id, disabled.then_some(at)).await?;
        let action = if disabled { AuditAction::PersonDisabled } else { AuditAction::PersonEnabled };
        audit::append(&mut tx, &AuditRecord::by(caller, action, at).about(person.name.as_str())).await?;
        tx.commit().await
    }
}

/// Everybody may do it to themselves; an administrator to anybody.
pub(super) async fn authorize_for(tx: &mut Tx, caller: &Caller, person: PersonId) -> Result<(), StoreError> {
    match caller.identity() {
        Identity::Person { id, .. } if *id == person => Ok(()),
        _ => authorize(tx, caller, Permission::ManagePeople, None).await,
    }
}

async fn set_password(
    tx: &mut Tx,
    person: &PersonRecord,
    hash: &Secret,
    at: Timestamp,
    address: Option<String>,
) -> Result<(), StoreError> {
    people::set_password(tx, person.id, hash).await?;
    audit::append(tx, &AuditRecord::of_person(person, AuditAction::PasswordSet, at).from(address)).await
}
