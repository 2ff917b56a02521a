//! `/runtimes`.

use app::backend::Backend;
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use domain::{InheritedValue, NewRuntime, RuntimeSummary};
use serde::Deserialize;

use super::versions::ActionBody;
use crate::http::{
    Public,
    auth::SignedIn,
    error::Answer,
    extract::{JsonBody, RuntimePath},
};

/// As [`NewRuntime`], but a missing field is told like an empty one, together with all else that is wrong.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
}

pub(super) async fn list(State(parts): State<Public>, SignedIn(caller): SignedIn) -> Answer<Json<Vec<RuntimeSummary>>> {
    Ok(Json(parts.service.runtimes(&caller).await?))
}

pub(super) async fn create(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    JsonBody(body): JsonBody<Create>,
) -> Answer<impl IntoResponse> {
    let new = NewRuntime { id: body.id, name: body.name, description: body.description };
    let created = parts.service.create_runtime(&caller, new).await?;
    let location = format!("/api/v1/runtimes/{}", created.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(created)))
}

pub(super) async fn show(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    RuntimePath(id): RuntimePath,
) -> Answer<Json<RuntimeSummary>> {
    Ok(Json(parts.service.runtime(&caller, &id).await?))
}

/// Of an empty runtime, for good.
pub(super) async fn delete(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    RuntimePath(id): RuntimePath,
    JsonBody(body): JsonBody<ActionBody>,
) -> Answer<StatusCode> {
    parts.service.delete_runtime(&caller, &id, body.comment).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The configuration values that a version added now inherits.
pub(super) async fn inheritable_config(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    RuntimePath(id): RuntimePath,
) -> Answer<Json<Vec<InheritedValue>>> {
    Ok(Json(parts.service.inheritable_config(&caller, &id).await?))
}
