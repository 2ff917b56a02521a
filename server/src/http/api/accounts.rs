//! `/me`, `/people` and `/grants`: who may use the server, and what they may do.

use axum::{
    Json,
    extract::{FromRequestParts, Path, Query, State, rejection::QueryRejection},
    http::{StatusCode, request::Parts},
    response::IntoResponse,
};
use domain::{
    ApiError, CreatedToken, Grant, Invitation, Me, NewGrant, NewToken, Person, PersonId, Problem, RuntimeId, Session,
    Subject, Token, TokenId, access::Role,
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::{
    Public,
    auth::{By, SignedIn},
    error::{Answer, ErrorAnswer},
    extract::JsonBody,
};

/// `{person}` of the path, a number or `me`; and `{id}`, if there is one.
pub(super) struct PersonPath {
    person: PersonId,
    id: i64,
}

#[derive(Deserialize)]
struct RawPath {
    person: String,
    id: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for PersonPath {
    type Rejection = ErrorAnswer;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ErrorAnswer> {
        let SignedIn(caller) = SignedIn::from_request_parts(parts, state).await?;
        let missing = |what: &str| ErrorAnswer::from(ApiError::NotFound { what: format!("such {what}") });
        let raw = Path::<RawPath>::from_request_parts(parts, state).await.map_err(|_| missing("person"))?;
        let person = match raw.person.as_str() {
            "me" => caller.person(),
            number => number.parse().ok().map(PersonId),
        };
        let id = raw.id.as_deref().unwrap_or("0").parse().map_err(|_| missing("session or token"))?;
        Ok(Self { person: person.ok_or_else(|| missing("person"))?, id })
    }
}

/// Tells who asks, and what they may do.
#[utoipa::path(
    get, path = "/me", operation_id = "me", tag = "People",
    responses((status = 200, body = Me)),
)]
pub(super) async fn me(SignedIn(caller): SignedIn) -> Json<Me> {
    Json(caller.me())
}

/// Lists all people, by name.
#[utoipa::path(
    get, path = "/people", operation_id = "list_people", tag = "People",
    responses((status = 200, body = Vec<Person>)),
)]
pub(super) async fn people(State(parts): State<Public>, SignedIn(caller): SignedIn) -> Answer<Json<Vec<Person>>> {
    Ok(Json(parts.logins.accounts().people(&caller).await?))
}

/// Somebody to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Invite {
    #[serde(default)]
    #[schema(required, max_length = 64)]
    name: String,
    /// On all runtimes.
    role: Option<Role>,
}

/// Adds a person, who chooses a password by the link of the answer.
#[utoipa::path(
    post, path = "/people", operation_id = "invite_person", tag = "People",
    request_body = Invite,
    responses((status = 201, body = Invitation), (status = 409)),
)]
pub(super) async fn invite(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    JsonBody(body): JsonBody<Invite>,
) -> Answer<(StatusCode, Json<Invitation>)> {
    let invited = parts.logins.accounts().invite(&caller, &body.name, body.role).await?;
    Ok((StatusCode::CREATED, Json(invited)))
}

/// Keeps a person out: they are signed out, and their tokens open nothing.
#[utoipa::path(
    post, path = "/people/{person}/disable", operation_id = "disable_person", tag = "People",
    params(("person" = String, Path, description = "A person's number, or `me`.")),
    responses((status = 204)),
)]
pub(super) async fn disable(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    path: PersonPath,
) -> Answer<StatusCode> {
    parts.logins.accounts().set_disabled(&caller, path.person, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets a person in again.
#[utoipa::path(
    post, path = "/people/{person}/enable", operation_id = "enable_person", tag = "People",
    params(("person" = String, Path, description = "A person's number, or `me`.")),
    responses((status = 204)),
)]
pub(super) async fn enable(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    path: PersonPath,
) -> Answer<StatusCode> {
    parts.logins.accounts().set_disabled(&caller, path.person, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a new link by which the person chooses a password.
#[utoipa::path(
    post, path = "/people/{person}/link", operation_id = "renew_link", tag = "People",
    params(("person" = String, Path, description = "A person's number, or `me`.")),
    responses((status = 201, body = Invitation)),
)]
pub(super) async fn renew_link(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    path: PersonPath,
) -> Answer<(StatusCode, Json<Invitation>)> {
    let invitation = parts.logins.accounts().renew_link(&caller, path.person).await?;
    Ok((StatusCode::CREATED, Json(invitation)))
}

/// Lists where the person is signed in, the place used last first.
#[utoipa::path(
    get, path = "/people/{person}/sessions", operation_id = "list_sessions", tag = "People",
    params(("person" = String, Path, description = "A person's number, or `me`.")),
    responses((status = 200, body = Vec<Session>)),
)]
pub(super) async fn sessions(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    By(by): By,
    path: PersonPath,
) -> Answer<Json<Vec<Session>>> {
    Ok(Json(parts.logins.accounts().sessions(&caller, path.person, by.and_then(|by| by.session)).await?))
}

/// Ends all sessions of the person.
#[utoipa::path(
    delete, path = "/people/{person}/sessions", operation_id = "end_sessions", tag = "People",
    params(("person" = String, Path, description = "A person's number, or `me`.")),
    responses((status = 204)),
)]
pub(super) async fn end_sessions(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    path: PersonPath,
) -> Answer<StatusCode> {
    parts.logins.accounts().end_sessions(&caller, path.person, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends one session.
#[utoipa::path(
    delete, path = "/people/{person}/sessions/{id}", operation_id = "end_session", tag = "People",
    params(("person" = String, Path, description = "A person's number, or `me`."), ("id" = i64, Path)),
    responses((status = 204)),
)]
pub(super) async fn end_session(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    path: PersonPath,
) -> Answer<StatusCode> {
    parts.logins.accounts().end_sessions(&caller, path.person, Some(path.id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the API tokens of the person, by name.
#[utoipa::path(
    get, path = "/people/{person}/tokens", operation_id = "list_tokens", tag = "People",
    params(("person" = String, Path, description = "A person's number, or `me`.")),
    responses((status = 200, body = Vec<Token>)),
)]
pub(super) async fn tokens(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    path: PersonPath,
) -> Answer<Json<Vec<Token>>> {
    Ok(Json(parts.logins.accounts().tokens(&caller, path.person).await?))
}

/// Makes an API token of one's own. Its secret is not shown again.
#[utoipa::path(
    post, path = "/people/{person}/tokens", operation_id = "create_token", tag = "People",
    params(("person" = String, Path, description = "A person's number, or `me`.")),
    request_body = NewToken,
    responses((status = 201, body = CreatedToken), (status = 409)),
)]
pub(super) async fn create_token(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    path: PersonPath,
    JsonBody(body): JsonBody<NewToken>,
) -> Answer<(StatusCode, Json<CreatedToken>)> {
    if caller.person() != Some(path.person) {
        return Err(ApiError::Forbidden { reason: "nobody can create tokens for somebody else".to_owned() }.into());
    }
    let created = parts.logins.accounts().create_token(&caller, body).await?;
    Ok((StatusCode::CREATED, Json(created)))
}

/// Revokes a token.
#[utoipa::path(
    delete, path = "/people/{person}/tokens/{id}", operation_id = "revoke_token", tag = "People",
    params(("person" = String, Path, description = "A person's number, or `me`."), ("id" = i64, Path)),
    responses((status = 204)),
)]
pub(super) async fn revoke_token(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    path: PersonPath,
) -> Answer<StatusCode> {
    parts.logins.accounts().revoke_token(&caller, path.person, TokenId(path.id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct GrantsOf {
    /// What applies to this runtime.
    #[param(value_type = Option<String>)]
    runtime: Option<RuntimeId>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct GrantParams {
    /// Whose role is taken away.
    #[param(value_type = String)]
    subject: Option<Subject>,
    /// Where; none for the role on all runtimes.
    #[param(value_type = Option<String>)]
    runtime: Option<RuntimeId>,
}

/// Lists who has which role, everywhere or on one runtime.
#[utoipa::path(
    get, path = "/grants", operation_id = "list_grants", tag = "People",
    params(GrantsOf),
    responses((status = 200, body = Vec<Grant>), (status = 404)),
)]
pub(super) async fn grants(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    params: Result<Query<GrantsOf>, QueryRejection>,
) -> Answer<Json<Vec<Grant>>> {
    let Query(params) = params.map_err(|rejection| invalid("", rejection.body_text()))?;
    Ok(Json(parts.logins.accounts().grants(&caller, params.runtime.as_ref()).await?))
}

/// Gives a role, in place of the one that the subject has there.
#[utoipa::path(
    put, path = "/grants", operation_id = "set_grant", tag = "People",
    request_body = NewGrant,
    responses((status = 204), (status = 404)),
)]
pub(super) async fn set_grant(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    JsonBody(grant): JsonBody<NewGrant>,
) -> Answer<impl IntoResponse> {
    parts.logins.accounts().set_grant(&caller, &grant).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a role away.
#[utoipa::path(
    delete, path = "/grants", operation_id = "remove_grant", tag = "People",
    params(GrantParams),
    responses((status = 204), (status = 404)),
)]
pub(super) async fn remove_grant(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    params: Result<Query<GrantParams>, QueryRejection>,
) -> Answer<StatusCode> {
    let Query(params) = params.map_err(|rejection| invalid("", rejection.body_text()))?;
    let subject = params.subject.ok_or_else(|| invalid("subject", "say whose role is taken away".to_owned()))?;
    parts.logins.accounts().remove_grant(&caller, &subject, params.runtime.as_ref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn invalid(path: &str, message: String) -> ApiError {
    ApiError::InvalidInput { problems: vec![Problem::error(path, message)] }
}
