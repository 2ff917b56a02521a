//! `/runtimes/{id}/versions/{name}/metrics` and `…/live`: what a version's nodes measure.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use domain::{ApiError, LiveNumbers, Metrics, MetricsRange, Problem};
use serde::Deserialize;

use crate::http::{Public, auth::SignedIn, error::Answer, extract::VersionPath};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MetricsParams {
    #[serde(default)]
    range: MetricsRange,
}

pub(super) async fn metrics(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
    query: Result<Query<MetricsParams>, QueryRejection>,
) -> Answer<Json<Metrics>> {
    let Query(MetricsParams { range }) = query.map_err(|rejection| ApiError::InvalidInput {
        problems: vec![Problem::error("range", rejection.body_text())],
    })?;
    Ok(Json(parts.service.metrics(&caller, &runtime, &version, range).await?))
}

pub(super) async fn live(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
) -> Answer<Json<LiveNumbers>> {
    Ok(Json(parts.service.live_numbers(&caller, &runtime, &version).await?))
}
