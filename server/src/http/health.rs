//! Liveness and readiness.

use std::sync::Arc;

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use domain::Reachability;
use serde_json::{Value, json};

use super::error::Answer;
use crate::service::Service;

pub(super) fn router(service: Arc<Service>) -> Router {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz)).with_state(service)
}

/// The process answers. Nothing else is asked: to restart it would mend nothing that it needs.
async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// The database answers and can be written to, and the cluster grants access. One that does not answer makes no
/// difference, and is said: pages and history are of use until it is back. Access that is denied stays so until somebody
/// changes that.
async fn readyz(State(service): State<Arc<Service>>) -> Answer<(StatusCode, Json<Value>)> {
    service.ready().await?;
    let cluster = service.cluster_info().reachability;
    let (status, word) = match cluster {
        Reachability::Forbidden { .. } => (StatusCode::SERVICE_UNAVAILABLE, "not_ready"),
        Reachability::Connecting | Reachability::Reachable | Reachability::Unreachable { .. } => {
            (StatusCode::OK, "ready")
        }
    };
    Ok((status, Json(json!({ "status": word, "cluster": cluster }))))
}
