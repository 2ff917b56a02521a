//! `/runtimes/{id}/versions/{name}/nodes/{workflow}/{node}` and `…/entrypoint`: one node in full.

use axum::{
    Json,
    extract::{Path, State},
};
use domain::{ApiError, NodeDetail};
use serde::Deserialize;

use crate::http::{Public, auth::SignedIn, error::Answer, extract::VersionPath};

#[derive(Deserialize)]
pub(super) struct NodePath {
    workflow: String,
    node: String,
}

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

pub(super) async fn entrypoint(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
) -> Answer<Json<NodeDetail>> {
    Ok(Json(parts.service.node_detail(&caller, &runtime, &version, None, "entrypoint").await?))
}
