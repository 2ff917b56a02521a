//! `POST /runtimes/{id}/versions`: a KRT file becomes a version.

use axum::{
    Json,
    extract::{Request, State},
    http::{StatusCode, header},
    response::IntoResponse,
};
use domain::Actor;

use crate::http::{Public, error::Answer, extract::RuntimePath};

/// The file is the body, or the multipart field `file`.
pub(super) async fn add(
    State(parts): State<Public>,
    RuntimePath(runtime): RuntimePath,
    request: Request,
) -> Answer<impl IntoResponse> {
    let added = parts.intake.receive(Actor::local(), runtime, request).await?;
    let location = format!("/api/v1/runtimes/{}/versions/{}", added.summary.runtime, added.summary.name);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(added)))
}
