//! Liveness and readiness.

use axum::{Json, extract::State, http::StatusCode};
use domain::Reachability;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Public, error::Answer};

pub(super) fn routes() -> OpenApiRouter<Public> {
    OpenApiRouter::new().routes(routes!(healthz)).routes(routes!(readyz))
}

#[derive(Serialize, ToSchema)]
struct Liveness {
    #[schema(pattern = "^ok$")]
    status: &'static str,
}

#[derive(Serialize, ToSchema)]
struct Readiness {
    #[schema(pattern = "^(not_)?ready$")]
    status: &'static str,
    cluster: Reachability,
}

/// Answers while the process does.
// Nothing else is asked: to restart it would mend nothing that it needs.
#[utoipa::path(
    get, path = "/healthz", operation_id = "healthz", tag = "Server",
    responses((status = 200, body = Liveness)),
    security(()),
)]
async fn healthz() -> Json<Liveness> {
    Json(Liveness { status: "ok" })
}

/// Answers whether the database can be written to and the cluster grants access.
///
/// A cluster that does not answer makes no difference, and is said.
// Pages and history are of use until it is back. Access that is denied stays so until somebody changes that.
#[utoipa::path(
    get, path = "/readyz", operation_id = "readyz", tag = "Server",
    responses(
        (status = 200, body = Readiness),
        (status = 503, body = Readiness, description = "The cluster denies access, or the database fails: then an error.")
    ),
    security(()),
)]
async fn readyz(State(parts): State<Public>) -> Answer<(StatusCode, Json<Readiness>)> {
    parts.service.ready().await?;
    let cluster = parts.service.cluster_info().reachability;
    let (code, status) = match cluster {
        Reachability::Forbidden { .. } => (StatusCode::SERVICE_UNAVAILABLE, "not_ready"),
        Reachability::Connecting | Reachability::Reachable | Reachability::Unreachable { .. } => {
            (StatusCode::OK, "ready")
        }
    };
    Ok((code, Json(Readiness { status, cluster })))
}
