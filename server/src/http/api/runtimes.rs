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
use utoipa::ToSchema;

use super::versions::ActionBody;
use crate::http::{
    Public,
    auth::SignedIn,
    error::Answer,
    extract::{JsonBody, RuntimePath},
};

/// A new runtime.
// A missing field is told like an empty one, together with all else that is wrong.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewRuntime)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    /// A resource name. It cannot be changed.
    #[serde(default)]
    #[schema(required)]
    id: String,
    /// One line.
    #[serde(default)]
    #[schema(required, max_length = 80)]
    name: String,
    #[serde(default)]
    #[schema(max_length = 2_000)]
    description: String,
}

/// Lists the runtimes, by name.
#[utoipa::path(
    get, path = "/runtimes", operation_id = "list_runtimes", tag = "Runtimes",
    responses((status = 200, body = Vec<RuntimeSummary>)),
)]
pub(super) async fn list(State(parts): State<Public>, SignedIn(caller): SignedIn) -> Answer<Json<Vec<RuntimeSummary>>> {
    Ok(Json(parts.service.runtimes(&caller).await?))
}

/// Creates a runtime.
#[utoipa::path(
    post, path = "/runtimes", operation_id = "create_runtime", tag = "Runtimes",
    request_body = Create,
    responses(
        (status = 201, body = RuntimeSummary, headers(("location" = String, description = "Where it is."))),
        (status = 409)
    ),
)]
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

/// Shows a runtime.
#[utoipa::path(
    get, path = "/runtimes/{id}", operation_id = "show_runtime", tag = "Runtimes",
    params(RuntimePath),
    responses((status = 200, body = RuntimeSummary)),
)]
pub(super) async fn show(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    RuntimePath(id): RuntimePath,
) -> Answer<Json<RuntimeSummary>> {
    Ok(Json(parts.service.runtime(&caller, &id).await?))
}

/// Deletes an empty runtime, for good.
///
/// Its namespace stays in the cluster.
#[utoipa::path(
    delete, path = "/runtimes/{id}", operation_id = "delete_runtime", tag = "Runtimes",
    params(RuntimePath),
    request_body = ActionBody,
    responses((status = 204), (status = 409)),
)]
pub(super) async fn delete(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    RuntimePath(id): RuntimePath,
    JsonBody(body): JsonBody<ActionBody>,
) -> Answer<StatusCode> {
    parts.service.delete_runtime(&caller, &id, body.comment).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the configuration values that a version added now inherits, and from which version.
#[utoipa::path(
    get, path = "/runtimes/{id}/carry-over", operation_id = "list_inheritable_config", tag = "Runtimes",
    params(RuntimePath),
    responses((status = 200, body = Vec<InheritedValue>)),
)]
pub(super) async fn inheritable_config(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    RuntimePath(id): RuntimePath,
) -> Answer<Json<Vec<InheritedValue>>> {
    Ok(Json(parts.service.inheritable_config(&caller, &id).await?))
}
