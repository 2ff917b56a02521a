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

use super::activity::{HistoryParams, history_page};
use crate::http::{
    Public,
    auth::SignedIn,
    download,
    error::Answer,
    extract::{JsonBody, RuntimePath, VersionPath},
};

/// What an action may carry.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ActionBody {
    #[serde(default)]
    pub(super) comment: Option<String>,
}

/// Values to set, or with null to remove; all others stay.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigBody {
    values: BTreeMap<String, Option<String>>,
    #[serde(default)]
    comment: Option<String>,
}

/// The generation of the images, or with null what is detected.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GenerationBody {
    generation: Option<Generation>,
}

pub(super) async fn list(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    RuntimePath(runtime): RuntimePath,
) -> Answer<Json<Vec<VersionSummary>>> {
    Ok(Json(parts.service.versions(&caller, &runtime).await?))
}

pub(super) async fn show(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
) -> Answer<Json<VersionView>> {
    Ok(Json(parts.service.version(&caller, &runtime, &version).await?))
}

type Accepted = Answer<(StatusCode, Json<VersionSummary>)>;

pub(super) async fn start(
    state: State<Public>,
    caller: SignedIn,
    path: VersionPath,
    body: JsonBody<ActionBody>,
) -> Accepted {
    command(state, caller, path, body, Command::Start).await
}

pub(super) async fn stop(
    state: State<Public>,
    caller: SignedIn,
    path: VersionPath,
    body: JsonBody<ActionBody>,
) -> Accepted {
    command(state, caller, path, body, Command::Stop).await
}

pub(super) async fn publish(
    state: State<Public>,
    caller: SignedIn,
    path: VersionPath,
    body: JsonBody<ActionBody>,
) -> Accepted {
    command(state, caller, path, body, Command::Publish).await
}

pub(super) async fn unpublish(
    state: State<Public>,
    caller: SignedIn,
    path: VersionPath,
    body: JsonBody<ActionBody>,
) -> Accepted {
    command(state, caller, path, body, Command::Unpublish).await
}

pub(super) async fn archive(
    state: State<Public>,
    caller: SignedIn,
    path: VersionPath,
    body: JsonBody<ActionBody>,
) -> Accepted {
    command(state, caller, path, body, Command::Archive).await
}

/// Of an archived version, for good.
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

pub(super) async fn configure(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
    JsonBody(body): JsonBody<ConfigBody>,
) -> Answer<Json<VersionView>> {
    let view = parts.service.set_config(&caller, &runtime, &version, body.values, body.comment).await?;
    Ok(Json(view))
}

pub(super) async fn choose_generation(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
    JsonBody(body): JsonBody<GenerationBody>,
) -> Answer<Json<VersionView>> {
    Ok(Json(parts.service.choose_generation(&caller, &runtime, &version, body.generation).await?))
}

/// A page of it, newest first. The next one is asked for with `before`, the last entry's id.
pub(super) async fn history(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
    page: Result<Query<HistoryParams>, QueryRejection>,
) -> Answer<Json<Vec<HistoryEntry>>> {
    Ok(Json(parts.service.history(&caller, &runtime, &version, &history_page(page)?).await?))
}

/// The file as it was sent, or the part of it that is asked for.
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
