//! The server functions about people and rights.

use domain::{
    AuditEntry, AuditFilter, CreatedToken, Grant, Invitation, NewToken, Person, PersonId, RuntimeId, Session, Subject,
    Token, TokenId, access::Role,
};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::context;
use crate::{AppError, json::Json};

/// All people, by name.
#[server(prefix = "/api/fn", endpoint = "people", input = Json, output = Json)]
pub async fn people() -> Result<Vec<Person>, AppError> {
    context::accounts()?.people(&context::caller()?).await.map_err(context::fail)
}

/// Adds a person, with a role on all runtimes if one is given.
#[server(prefix = "/api/fn", endpoint = "invite", input = Json, output = Json)]
pub async fn invite(name: String, role: Option<Role>) -> Result<Invitation, AppError> {
    context::accounts()?.invite(&context::caller()?, &name, role).await.map_err(context::fail)
}

/// A new link by which somebody chooses a password.
#[server(prefix = "/api/fn", endpoint = "renew_link", input = Json, output = Json)]
pub async fn renew_link(person: PersonId) -> Result<Invitation, AppError> {
    context::accounts()?.renew_link(&context::caller()?, person).await.map_err(context::fail)
}

/// Keeps somebody out, or lets them in again.
#[server(prefix = "/api/fn", endpoint = "set_disabled", input = Json, output = Json)]
pub async fn set_disabled(person: PersonId, disabled: bool) -> Result<(), AppError> {
    context::accounts()?.set_disabled(&context::caller()?, person, disabled).await.map_err(context::fail)
}

/// One's own.
#[server(prefix = "/api/fn", endpoint = "sessions", input = Json, output = Json)]
pub async fn sessions() -> Result<Vec<Session>, AppError> {
    let (caller, person) = context::oneself()?;
    let current = use_context::<crate::backend::CurrentSession>().map(|session| session.0);
    context::accounts()?.sessions(&caller, person, current).await.map_err(context::fail)
}

/// Ends one of one's own, or all.
#[server(prefix = "/api/fn", endpoint = "end_sessions", input = Json, output = Json)]
pub async fn end_sessions(one: Option<i64>) -> Result<(), AppError> {
    let (caller, person) = context::oneself()?;
    context::accounts()?.end_sessions(&caller, person, one).await.map_err(context::fail)
}

/// One's own.
#[server(prefix = "/api/fn", endpoint = "tokens", input = Json, output = Json)]
pub async fn tokens() -> Result<Vec<Token>, AppError> {
    let (caller, person) = context::oneself()?;
    context::accounts()?.tokens(&caller, person).await.map_err(context::fail)
}

#[server(prefix = "/api/fn", endpoint = "create_token", input = Json, output = Json)]
pub async fn create_token(new: NewToken) -> Result<CreatedToken, AppError> {
    context::accounts()?.create_token(&context::caller()?, new).await.map_err(context::fail)
}

/// One of one's own.
#[server(prefix = "/api/fn", endpoint = "revoke_token", input = Json, output = Json)]
pub async fn revoke_token(id: TokenId) -> Result<(), AppError> {
    let (caller, person) = context::oneself()?;
    context::accounts()?.revoke_token(&caller, person, id).await.map_err(context::fail)
}

/// All, or what applies to this runtime.
#[server(prefix = "/api/fn", endpoint = "grants", input = Json, output = Json)]
pub async fn grants(runtime: Option<RuntimeId>) -> Result<Vec<Grant>, AppError> {
    context::accounts()?.grants(&context::caller()?, runtime.as_ref()).await.map_err(context::fail)
}

/// Gives a role to everyone, to a group or to a person, by their names.
#[server(prefix = "/api/fn", endpoint = "give_role", input = Json, output = Json)]
pub async fn give_role(
    kind: domain::SubjectKind,
    name: String,
    runtime: Option<RuntimeId>,
    role: Role,
) -> Result<(), AppError> {
    let (accounts, caller) = (context::accounts()?, context::caller()?);
    accounts.give_role(&caller, kind, &name, runtime, role).await.map_err(context::fail)
}

#[server(prefix = "/api/fn", endpoint = "remove_grant", input = Json, output = Json)]
pub async fn remove_grant(subject: Subject, runtime: Option<RuntimeId>) -> Result<(), AppError> {
    let (accounts, caller) = (context::accounts()?, context::caller()?);
    accounts.remove_grant(&caller, &subject, runtime.as_ref()).await.map_err(context::fail)
}

/// The audit log, newest first.
#[server(prefix = "/api/fn", endpoint = "audit", input = Json, output = Json)]
pub async fn audit(filter: AuditFilter) -> Result<Vec<AuditEntry>, AppError> {
    context::accounts()?.audit(&context::caller()?, &filter).await.map_err(context::fail)
}
