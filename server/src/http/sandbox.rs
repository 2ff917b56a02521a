//! The listener through which kubectl looks into the sandbox. Whoever reaches the sandbox may do everything there, and
//! read every Secret, so it is guarded as the pages are.

use axum::{
    Json, Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    guard::{self, AllowedHosts, Refusal},
    headers::{self, Policy},
};

/// The sandbox's API for programs outside of this one.
pub fn sandbox(api: Router, allowed_hosts: AllowedHosts) -> Router {
    api.layer(middleware::from_fn_with_state(allowed_hosts, csrf_guard))
        .layer(middleware::map_response_with_state(Policy::default(), headers::secure))
}

/// Refuses as Kubernetes does, so that kubectl shows why.
async fn csrf_guard(State(allowed_hosts): State<AllowedHosts>, request: Request, next: Next) -> Response {
    let refusal = match guard::check(&allowed_hosts, request.method(), request.uri(), request.headers()) {
        Ok(()) => return next.run(request).await,
        Err(refusal) => refusal,
    };
    match refusal {
        Refusal::NoHost(message) => failure(StatusCode::BAD_REQUEST, "BadRequest", message),
        Refusal::Foreign(message) => failure(StatusCode::FORBIDDEN, "Forbidden", &message),
    }
}

fn failure(status: StatusCode, reason: &str, message: &str) -> Response {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": status.as_u16(),
    });
    (status, Json(body)).into_response()
}
