//! `/runtimes/{id}/versions/{name}` and a version's commands.

use std::collections::BTreeMap;

use app::backend::Backend;
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, Method, StatusCode},
    response::Response,
};
use domain::{Command, Generation, HistoryEntry, VersionSummary, VersionView};
use serde::Deserialize;
use utoipa::ToSchema;

use super::activity::{HistoryParams, history_page};
use crate::http::{
    Public,
    auth::SignedIn,
    download,
    error::Answer,
    extract::{JsonBody, RuntimePath, VersionPath},
};

/// What an action may carry.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ActionBody {
    /// The history keeps it.
    #[serde(default)]
    #[schema(max_length = 1_000)]
    pub(super) comment: Option<String>,
}

/// Values to set, or with null to remove; all others stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigBody {
    values: BTreeMap<String, Option<String>>,
    /// The history keeps it.
    #[serde(default)]
    #[schema(max_length = 1_000)]
    comment: Option<String>,
}

/// The generation of the images, or with null what is detected.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GenerationBody {
    generation: Option<Generation>,
}

/// Lists all versions of a runtime: published first, then newest, archived last.
#[utoipa::path(
    get, path = "/runtimes/{id}/versions", operation_id = "list_versions", tag = "Versions",
    params(RuntimePath),
    responses((status = 200, body = Vec<VersionSummary>)),
)]
pub(super) async fn list(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    RuntimePath(runtime): RuntimePath,
) -> Answer<Json<Vec<VersionSummary>>> {
    Ok(Json(parts.service.versions(&caller, &runtime).await?))
}

/// Shows a version in full.
#[utoipa::path(
    get, path = "/runtimes/{id}/versions/{name}", operation_id = "show_version", tag = "Versions",
    params(VersionPath),
    responses((status = 200, body = VersionView)),
)]
pub(super) async fn show(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
) -> Answer<Json<VersionView>> {
    Ok(Json(parts.service.version(&caller, &runtime, &version).await?))
}

type Accepted = Answer<(StatusCode, Json<VersionSummary>)>;

/// Starts a version.
///
/// 202: the request is stored, and the reconciler brings it about.
#[utoipa::path(
    post, path = "/runtimes/{id}/versions/{name}/start", operation_id = "start_version", tag = "Versions",
    params(VersionPath),
    request_body = ActionBody,
    responses((status = 202, body = VersionSummary), (status = 409)),
)]
pub(super) async fn start(
    state: State<Public>,
    caller: SignedIn,
    path: VersionPath,
    body: JsonBody<ActionBody>,
) -> Accepted {
    command(state, caller, path, body, Command::Start).await
}

/// Stops a version.
///
/// 202: the request is stored, and the reconciler brings it about.
#[utoipa::path(
    post, path = "/runtimes/{id}/versions/{name}/stop", operation_id = "stop_version", tag = "Versions",
    params(VersionPath),
    request_body = ActionBody,
    responses((status = 202, body = VersionSummary), (status = 409)),
)]
pub(super) async fn stop(
    state: State<Public>,
    caller: SignedIn,
    path: VersionPath,
    body: JsonBody<ActionBody>,
) -> Accepted {
    command(state, caller, path, body, Command::Stop).await
}

/// Publishes a version in place of the one that is published.
///
/// 202: the request is stored, and the reconciler brings it about.
#[utoipa::path(
    post, path = "/runtimes/{id}/versions/{name}/publish", operation_id = "publish_version", tag = "Versions",
    params(VersionPath),
    request_body = ActionBody,
    responses((status = 202, body = VersionSummary), (status = 409)),
)]
pub(super) async fn publish(
    state: State<Public>,
    caller: SignedIn,
    path: VersionPath,
    body: JsonBody<ActionBody>,
) -> Accepted {
    command(state, caller, path, body, Command::Publish).await
}

/// Unpublishes a version.
///
/// 202: the request is stored, and the reconciler brings it about.
#[utoipa::path(
    post, path = "/runtimes/{id}/versions/{name}/unpublish", operation_id = "unpublish_version", tag = "Versions",
    params(VersionPath),
    request_body = ActionBody,
    responses((status = 202, body = VersionSummary), (status = 409)),
)]
pub(super) async fn unpublish(
    state: State<Public>,
    caller: SignedIn,
    path: VersionPath,
    body: JsonBody<ActionBody>,
) -> Accepted {
    command(state, caller, path, body, Command::Unpublish).await
}

/// Archives a version.
///
/// 202: the request is stored, and the reconciler brings it about.
#[utoipa::path(
    post, path = "/runtimes/{id}/versions/{name}/archive", operation_id = "archive_version", tag = "Versions",
    params(VersionPath),
    request_body = ActionBody,
    responses((status = 202, body = VersionSummary), (status = 409)),
)]
pub(super) async fn archive(
    state: State<Public>,
    caller: SignedIn,
    path: VersionPath,
    body: JsonBody<ActionBody>,
) -> Accepted {
    command(state, caller, path, body, Command::Archive).await
}

/// Deletes an archived version, for good.
///
/// Its configuration goes, and its file unless another version has the same. What was done to it stays in the activity.
#[utoipa::path(
    delete, path = "/runtimes/{id}/versions/{name}", operation_id = "delete_version", tag = "Versions",
    params(VersionPath),
    request_body = ActionBody,
    responses((status = 204), (status = 409)),
)]
pub(super) async fn delete(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
    JsonBody(body): JsonBody<ActionBody>,
) -> Answer<StatusCode> {
    parts.service.delete_version(&caller, &runtime, &version, body.comment).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// 202: the intent is stored; the reconciler brings it about.
async fn command(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
    JsonBody(body): JsonBody<ActionBody>,
    command: Command,
) -> Accepted {
    let summary = parts.service.command(&caller, &runtime, &version, command, body.comment).await?;
    Ok((StatusCode::ACCEPTED, Json(summary)))
}

/// Sets and removes configuration values.
///
/// No answer contains a value.
#[utoipa::path(
    put, path = "/runtimes/{id}/versions/{name}/config", operation_id = "configure_version", tag = "Versions",
    params(VersionPath),
    request_body = ConfigBody,
    responses((status = 200, body = VersionView), (status = 409)),
)]
pub(super) async fn configure(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
    JsonBody(body): JsonBody<ConfigBody>,
) -> Answer<Json<VersionView>> {
    let view = parts.service.set_config(&caller, &runtime, &version, body.values, body.comment).await?;
    Ok(Json(view))
}

/// Says what the images of a stopped version expect of the server.
#[utoipa::path(
    put, path = "/runtimes/{id}/versions/{name}/generation", operation_id = "choose_generation", tag = "Versions",
    params(VersionPath),
    request_body = GenerationBody,
    responses((status = 200, body = VersionView)),
)]
pub(super) async fn choose_generation(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
    JsonBody(body): JsonBody<GenerationBody>,
) -> Answer<Json<VersionView>> {
    Ok(Json(parts.service.choose_generation(&caller, &runtime, &version, body.generation).await?))
}

/// Lists what was done to a version, a page at a time, newest first.
///
/// The next page is asked for with `before`, the last entry's id.
#[utoipa::path(
    get, path = "/runtimes/{id}/versions/{name}/history", operation_id = "list_history", tag = "Activity",
    params(VersionPath, HistoryParams),
    responses((status = 200, body = Vec<HistoryEntry>)),
)]
pub(super) async fn history(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
    page: Result<Query<HistoryParams>, QueryRejection>,
) -> Answer<Json<Vec<HistoryEntry>>> {
    Ok(Json(parts.service.history(&caller, &runtime, &version, &history_page(page)?).await?))
}

/// Downloads the KRT file as it was sent, or the one range of it that is asked for.
#[utoipa::path(
    get, path = "/runtimes/{id}/versions/{name}/krt", operation_id = "download_version", tag = "Files",
    params(VersionPath),
    responses(
        (status = 200, content(("application/gzip")), description = "The whole file; `ETag` is its SHA-256."),
        (status = 206, content(("application/gzip")), description = "The range."),
        (status = 304), (status = 412), (status = 416),
    ),
)]
pub(super) async fn download(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
    method: Method,
    headers: HeaderMap,
) -> Answer<Response> {
    let file = parts.service.krt_file(&caller, &runtime, &version).await?;
    let name = format!("{runtime}-{version}.krt");
    Ok(download::send(&parts.files, &file, Some(&name), (&method, &headers)).await?)
}
