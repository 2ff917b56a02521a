//! The one shape of the answer to a request that was not done:
//! `{"error":{"code","message","problems":[{"line","column","path","message","severity"}]}}`.

use std::any::Any;

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{ApiError, Problem};
use serde::Serialize;
use utoipa::ToSchema;

/// An answer in that shape. All that the API refuses goes through here.
#[derive(Debug)]
pub(super) struct ErrorAnswer {
    status: StatusCode,
    code: &'static str,
    message: String,
    problems: Vec<Problem>,
    retry_after_secs: Option<u32>,
}

pub(super) type Answer<T> = Result<T, ErrorAnswer>;

impl From<ApiError> for ErrorAnswer {
    fn from(error: ApiError) -> Self {
        Self {
            status: StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: error.code(),
            message: error.to_string(),
            problems: error.problems().to_vec(),
            retry_after_secs: error.retry_after_secs(),
        }
    }
}

impl ErrorAnswer {
    /// What is wrong with the request as such, before it means anything to the product: an unknown route, a wrong
    /// method, a body that is no JSON.
    pub(super) fn request(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), problems: Vec::new(), retry_after_secs: None }
    }
}

/// Why a request was not done.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(super) struct ErrorBody<'a> {
    #[schema(inline)]
    error: ErrorFields<'a>,
}

#[derive(Serialize, ToSchema)]
struct ErrorFields<'a> {
    /// For programs.
    code: &'a str,
    /// For people.
    message: &'a str,
    /// Empty unless the code is `invalid_krt` or `invalid_input`.
    problems: &'a [Problem],
}

impl IntoResponse for ErrorAnswer {
    fn into_response(self) -> Response {
        let error = ErrorFields { code: self.code, message: &self.message, problems: &self.problems };
        let retry_after = self.retry_after_secs.map(|secs| [(header::RETRY_AFTER, secs.to_string())]);
        // RFC 9110 §11.6.1 and RFC 6750 §3. A browser asks for nothing by it.
        let how = (self.status == StatusCode::UNAUTHORIZED).then_some([(header::WWW_AUTHENTICATE, "Bearer")]);
        (self.status, retry_after, how, Json(ErrorBody { error })).into_response()
    }
}

/// The answer in place of a handler that panicked.
#[expect(clippy::needless_pass_by_value, reason = "the signature is CatchPanicLayer's")]
pub(super) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let message = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!("a request handler panicked: {}", message.unwrap_or("no message"));
    ErrorAnswer::from(ApiError::Internal).into_response()
}
