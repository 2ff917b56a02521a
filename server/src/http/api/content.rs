//! What versions' files hold, under `/runtimes/{id}/versions/{name}`: `manifest`, `documentation`, `docs/…`, `compare`.

use app::backend::Backend;
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{ApiError, Comparison, DocumentationPage, Problem, VersionName};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{
    documentation,
    http::{Public, auth::SignedIn, error::Answer, extract::VersionPath},
};

/// A document may be shown, but may neither run nor load anything: somebody else wrote it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; \
                      frame-ancestors 'none'; sandbox";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageParams {
    page: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CompareParams {
    with: String,
}

#[derive(Deserialize)]
pub(super) struct DocumentPath {
    path: String,
}

/// `krt.yml` as it was sent.
pub(super) async fn manifest(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
) -> Answer<impl IntoResponse> {
    let text = parts.service.manifest(&caller, &runtime, &version).await?;
    let name = format!("inline; filename=\"{runtime}-{version}-krt.yml\"");
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)], text))
}

/// A page as HTML with its table of contents; null when the version has no `docs/README.md`.
pub(super) async fn documentation(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
    query: Result<Query<PageParams>, QueryRejection>,
) -> Answer<Json<Option<DocumentationPage>>> {
    let Query(PageParams { page }) = query.map_err(|rejection| refused("page", &rejection))?;
    Ok(Json(parts.service.documentation(&caller, &runtime, &version, page).await?))
}

/// From the version `with` to this one.
pub(super) async fn compare(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
    query: Result<Query<CompareParams>, QueryRejection>,
) -> Answer<Json<Comparison>> {
    let Query(CompareParams { with }) = query.map_err(|rejection| refused("with", &rejection))?;
    let missing = |_| ApiError::NotFound { what: format!("version `{with}` in runtime `{runtime}`") };
    let from: VersionName = with.parse().map_err(missing)?;
    Ok(Json(parts.service.comparison(&caller, &runtime, &from, &version).await?))
}

/// A file of the documentation. Only what is stored as such is found, so no path leads to anything else of the archive.
pub(super) async fn document(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
    Path(DocumentPath { path }): Path<DocumentPath>,
    headers: HeaderMap,
) -> Answer<Response> {
    let content = parts.service.document(&caller, &runtime, &version, &path).await?;
    let tag = format!("\"{}\"", hex::encode(Sha256::digest(&content)));
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let known = known.is_some_and(|known| known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag));
    let (kind, disposition) = match documentation::content_type(&path) {
        Some(kind) => (kind, "inline"),
        None => ("application/octet-stream", "attachment"),
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::ETAG, tag.as_str()),
    ];
    // With the same headers: the policy of a 304 takes the place of the one that the browser has kept.
    Ok(match known {
        true => (StatusCode::NOT_MODIFIED, headers).into_response(),
        false => (headers, content).into_response(),
    })
}

fn refused(path: &str, rejection: &QueryRejection) -> ApiError {
    ApiError::InvalidInput { problems: vec![Problem::error(path, rejection.body_text())] }
}
