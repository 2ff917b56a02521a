//! `/runtimes/{id}/versions/{name}/nodes/{workflow}/{node}` and `…/entrypoint`: one node in full.

use axum::{
    Json,
    extract::{Path, State},
};
use domain::{ApiError, NodeDetail};
use serde::Deserialize;

use crate::http::{Public, auth::SignedIn, error::Answer, extract::VersionPath};

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct NodePath {
    /// The workflow's name.
    workflow: String,
    /// The node's name.
    node: String,
}

/// Shows a node with its pods and events.
#[utoipa::path(
    get, path = "/runtimes/{id}/versions/{name}/nodes/{workflow}/{node}", operation_id = "show_node", tag = "Versions",
    params(VersionPath, NodePath),
    responses((status = 200, body = NodeDetail)),
)]
pub(super) async fn node(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
    Path(NodePath { workflow, node }): Path<NodePath>,
) -> Answer<Json<NodeDetail>> {
    let missing = |_| ApiError::NotFound { what: format!("workflow `{workflow}` in version `{version}`") };
    let workflow = workflow.parse().map_err(missing)?;
    Ok(Json(parts.service.node_detail(&caller, &runtime, &version, Some(&workflow), &node).await?))
}

/// Shows the entrypoint with its pods and events.
#[utoipa::path(
    get, path = "/runtimes/{id}/versions/{name}/entrypoint", operation_id = "show_entrypoint", tag = "Versions",
    params(VersionPath),
    responses((status = 200, body = NodeDetail)),
)]
pub(super) async fn entrypoint(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
) -> Answer<Json<NodeDetail>> {
    Ok(Json(parts.service.node_detail(&caller, &runtime, &version, None, "entrypoint").await?))
}
