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
    http::{Public, auth::SignedIn, error::Answer, extract::VersionPath, headers::is_known},
};

/// A document may be shown, but may neither run nor load anything: somebody else wrote it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; \
                      frame-ancestors 'none'; sandbox";

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct PageParams {
    /// The path of a Markdown file, `docs/…`; `docs/README.md` by default.
    page: Option<String>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct CompareParams {
    /// The name of the other version.
    with: String,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct DocumentPath {
    /// Below `docs/`; may have slashes in it.
    path: String,
}

/// Shows `krt.yml` as it was sent.
#[utoipa::path(
    get, path = "/runtimes/{id}/versions/{name}/manifest", operation_id = "show_manifest", tag = "Files",
    params(VersionPath),
    responses((status = 200, body = String, content_type = "text/plain")),
)]
pub(super) async fn manifest(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
) -> Answer<impl IntoResponse> {
    let text = parts.service.manifest(&caller, &runtime, &version).await?;
    let name = format!("inline; filename=\"{runtime}-{version}-krt.yml\"");
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)], text))
}

/// Shows a page of the documentation as HTML, with its table of contents.
///
/// Null when the version has no `docs/README.md`.
#[utoipa::path(
    get, path = "/runtimes/{id}/versions/{name}/documentation", operation_id = "show_documentation", tag = "Files",
    params(VersionPath, PageParams),
    responses((status = 200, body = Option<DocumentationPage>)),
)]
pub(super) async fn documentation(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
    query: Result<Query<PageParams>, QueryRejection>,
) -> Answer<Json<Option<DocumentationPage>>> {
    let Query(PageParams { page }) = query.map_err(|rejection| refused("page", &rejection))?;
    Ok(Json(parts.service.documentation(&caller, &runtime, &version, page).await?))
}

/// Shows what changes from another version to this one.
#[utoipa::path(
    get, path = "/runtimes/{id}/versions/{name}/compare", operation_id = "compare_versions", tag = "Versions",
    params(VersionPath, CompareParams),
    responses((status = 200, body = Comparison)),
)]
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

/// Sends a file of the documentation.
///
/// Its policy lets it run and load nothing.
// Only what is stored as such is found, so no path leads to anything else of the archive.
#[utoipa::path(
    get, path = "/runtimes/{id}/versions/{name}/docs/{*path}", operation_id = "show_document", tag = "Files",
    params(VersionPath, DocumentPath),
    responses((status = 200, content(("*/*"))), (status = 304)),
)]
pub(super) async fn document(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    VersionPath(runtime, version): VersionPath,
    Path(DocumentPath { path }): Path<DocumentPath>,
    headers: HeaderMap,
) -> Answer<Response> {
    let content = parts.service.document(&caller, &runtime, &version, &path).await?;
    let tag = format!("\"{}\"", hex::encode(Sha256::digest(&content)));
    let known = is_known(&headers, &tag);
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
