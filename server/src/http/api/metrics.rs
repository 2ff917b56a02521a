//! `/runtimes/{id}/versions/{name}/metrics` and `…/live`: what a version's nodes measure.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use domain::{ApiError, LiveNumbers, Metrics, MetricsRange, Problem};
use serde::Deserialize;

use crate::http::{Public, auth::SignedIn, error::Answer, extract::VersionPath};

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct MetricsParams {
    /// How far back it goes.
    #[serde(default)]
    #[param(inline, required = false)]
    range: MetricsRange,
}

/// Shows what a version's nodes measured.
#[utoipa::path(
    get, path = "/runtimes/{id}/versions/{name}/metrics", operation_id = "show_metrics", tag = "Measurements",
    params(VersionPath, MetricsParams),
    responses((status = 200, body = Metrics)),
)]
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

/// Shows what a version does just now.
///
/// Over the last full minute and the one under way.
#[utoipa::path(
    get, path = "/runtimes/{id}/versions/{name}/live", operation_id = "show_live_numbers", tag = "Measurements",
    params(VersionPath),
    responses((status = 200, body = LiveNumbers)),
)]
pub(super) async fn live(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
) -> Answer<Json<LiveNumbers>> {
    Ok(Json(parts.service.live_numbers(&caller, &runtime, &version).await?))
}
