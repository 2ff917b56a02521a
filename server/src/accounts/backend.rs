//! The accounts as the pages' server functions call them: the methods of the same names of [`Accounts`] itself, which Rust
//! calls first.

use app::backend::AccountsBackend;
use async_trait::async_trait;
use domain::{
    ApiError, AuditEntry, AuditFilter, Caller, CreatedToken, Grant, Invitation, NewToken, Person, PersonId, RuntimeId,
    Session, Subject, SubjectKind, Token, TokenId, access::Role,
};

use super::Accounts;

#[async_trait]
impl AccountsBackend for Accounts {
    async fn people(&self, caller: &Caller) -> Result<Vec<Person>, ApiError> {
        self.people(caller).await
    }

    async fn invite(&self, caller: &Caller, name: &str, role: Option<Role>) -> Result<Invitation, ApiError> {
        self.invite(caller, name, role).await
    }

    async fn renew_link(&self, caller: &Caller, person: PersonId) -> Result<Invitation, ApiError> {
        self.renew_link(caller, person).await
    }

    async fn set_disabled(&self, caller: &Caller, person: PersonId, disabled: bool) -> Result<(), ApiError> {
        self.set_disabled(caller, person, disabled).await
    }

    async fn sessions(
        &self,
        caller: &Caller,
        person: PersonId,
        current: Option<i64>,
    ) -> Result<Vec<Session>, ApiError> {
        self.sessions(caller, person, current).await
    }

    async fn end_sessions(&self, caller: &Caller, person: PersonId, one: Option<i64>) -> Result<(), ApiError> {
        self.end_sessions(caller, person, one).await
    }

    async fn tokens(&self, caller: &Caller, person: PersonId) -> Result<Vec<Token>, ApiError> {
        self.tokens(caller, person).await
    }

    async fn create_token(&self, caller: &Caller, new: NewToken) -> Result<CreatedToken, ApiError> {
        self.create_token(caller, new).await
    }

    async fn revoke_token(&self, caller: &Caller, owner: PersonId, id: TokenId) -> Result<(), ApiError> {
        self.revoke_token(caller, owner, id).await
    }

    async fn grants(&self, caller: &Caller, runtime: Option<&RuntimeId>) -> Result<Vec<Grant>, ApiError> {
        self.grants(caller, runtime).await
    }

    async fn give_role(
        &self,
        caller: &Caller,
        kind: SubjectKind,
        name: &str,
        runtime: Option<RuntimeId>,
        role: Role,
    ) -> Result<(), ApiError> {
        self.give_role(caller, kind, name, runtime, role).await
    }

    async fn remove_grant(
        &self,
        caller: &Caller,
        subject: &Subject,
        runtime: Option<&RuntimeId>,
    ) -> Result<(), ApiError> {
        self.remove_grant(caller, subject, runtime).await
    }

    async fn audit(&self, caller: &Caller, filter: &AuditFilter) -> Result<Vec<AuditEntry>, ApiError> {
        self.audit(caller, filter).await
    }
}
