//! What the API's handlers take from a request, with refusals in the API's own shape.

use std::time::Duration;

use axum::{
    RequestPartsExt,
    body::{Body, Bytes, to_bytes},
    extract::{FromRequest, FromRequestParts, Path, Request, State, rejection::BytesRejection},
    http::{StatusCode, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{ApiError, Problem, RuntimeId, Severity, VersionName};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::time::timeout;

use super::error::ErrorAnswer;

/// The largest JSON body; the upload of a KRT file has its own limit. JSON may write a byte of a configuration value as
/// six.
pub(super) const MAX_BODY_BYTES: usize = 8 << 20;

/// `{id}` of the path.
#[derive(utoipa::IntoParams)]
#[into_params(names("id"), parameter_in = Path)]
pub(super) struct RuntimePath(pub(super) RuntimeId);

/// `{id}` and `{name}` of the path.
#[derive(utoipa::IntoParams)]
#[into_params(names("id", "name"), parameter_in = Path)]
pub(super) struct VersionPath(pub(super) RuntimeId, pub(super) VersionName);

#[derive(Deserialize)]
struct RawPath {
    id: String,
    name: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for RuntimePath {
    type Rejection = ErrorAnswer;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ErrorAnswer> {
        let raw = raw_path(parts).await?;
        Ok(Self(runtime_id(&raw)?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for VersionPath {
    type Rejection = ErrorAnswer;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ErrorAnswer> {
        let raw = raw_path(parts).await?;
        let runtime = runtime_id(&raw)?;
        let name = raw.name.unwrap_or_default();
        let missing = |_| ApiError::NotFound { what: format!("version `{name}` in runtime `{runtime}`") };
        let version = name.parse().map_err(missing)?;
        Ok(Self(runtime, version))
    }
}

async fn raw_path(parts: &mut Parts) -> Result<RawPath, ErrorAnswer> {
    let path = parts.extract::<Path<RawPath>>().await;
    path.map(|Path(raw)| raw).map_err(|rejection| {
        ErrorAnswer::request(StatusCode::BAD_REQUEST, "bad_request", format!("malformed path: {rejection}"))
    })
}

/// A text that can be no id names no runtime.
fn runtime_id(raw: &RawPath) -> Result<RuntimeId, ApiError> {
    raw.id.parse().map_err(|_| ApiError::NotFound { what: format!("runtime `{}`", raw.id) })
}

/// A JSON body, whatever its content type says. An empty one is `{}`.
pub(super) struct JsonBody<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = ErrorAnswer;

    async fn from_request(request: Request, state: &S) -> Result<Self, ErrorAnswer> {
        let bytes = Bytes::from_request(request, state).await.map_err(unreadable)?;
        let text: &[u8] = if bytes.trim_ascii().is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(text).map(Self).map_err(|error| not_understood(&error).into())
    }
}

/// Refuses a path or query with a NUL character: no text in the database has one, and PostgreSQL does not even compare
/// with one.
pub(super) async fn reject_nul(request: Request, next: Next) -> Response {
    let uri = request.uri();
    if uri.path().contains("%00") || uri.query().is_some_and(|query| query.contains("%00")) {
        let message = "the path or query contains a NUL character";
        return ErrorAnswer::request(StatusCode::BAD_REQUEST, "bad_request", message).into_response();
    }
    next.run(request).await
}

/// Reads a request's body before the request goes further, so that one that is too long, or comes too slowly, ends the
/// request here.
pub(super) async fn read_body(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match timeout(limit, to_bytes(body, MAX_BODY_BYTES)).await {
        Ok(Ok(bytes)) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        // The only other error is a connection that broke, whose answer nobody reads.
        Ok(Err(_)) => too_large().into_response(),
        Err(_) => {
            let message = format!("the request body did not arrive within {} seconds", limit.as_secs());
            ErrorAnswer::request(StatusCode::REQUEST_TIMEOUT, "timeout", message).into_response()
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn unreadable(rejection: BytesRejection) -> ErrorAnswer {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return too_large();
    }
    ErrorAnswer::request(StatusCode::BAD_REQUEST, "bad_request", "the request body was cut off")
}

fn too_large() -> ErrorAnswer {
    let limit = format!("a request body may have at most {MAX_BODY_BYTES} bytes");
    ApiError::TooLarge { limit }.into()
}

fn not_understood(error: &serde_json::Error) -> ApiError {
    let place = |number: usize| u32::try_from(number).ok().filter(|n| *n > 0);
    let text = error.to_string();
    // serde_json appends the place, which the problem has in fields of its own.
    let message = text.split(" at line ").next().unwrap_or(&text);
    let message = format!("invalid JSON body: {message}");
    let (line, column) = (place(error.line()), place(error.column()));
    ApiError::InvalidInput {
        problems: vec![Problem { severity: Severity::Error, line, column, path: String::new(), message }],
    }
}
