//! What whoever runs the server asks: is it alive, and can it do its work.

use std::sync::Arc;

use axum::{Json, Router, extract::State, routing::get};
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

/// The database answers and can be written to. A cluster that does not answer makes no difference, and is said: pages and
/// history are of use while it is away.
async fn readyz(State(service): State<Arc<Service>>) -> Answer<Json<Value>> {
    service.ready().await?;
    Ok(Json(json!({ "status": "ready", "cluster": service.cluster_info().reachability })))
}
