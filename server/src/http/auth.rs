//! Who sends a request.

use std::convert::Infallible;

use axum::{extract::FromRequestParts, http::request::Parts};
use domain::Caller;

/// Whoever sends the request, and what they may do. Until there are logins, whoever reaches the server.
pub(super) struct SignedIn(pub(super) Caller);

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Infallible;

    async fn from_request_parts(_parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(Caller::local()))
    }
}
