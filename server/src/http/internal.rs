//! The listener for pods: each downloads the KRT file of its version, with a credential that opens that one file.
//! It serves nothing else, and says nothing about what there is.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use domain::{ApiError, RuntimeId, VersionName};
use sha2::{Digest, Sha256};

use super::download;
use crate::{files::Files, service::Service, store::VersionRecord};

/// What the internal routes work with.
#[derive(Clone)]
pub struct Internal {
    pub service: Arc<Service>,
    pub files: Files,
}

/// The URL path at which this listener serves the version's file, to a request with the header
/// `Authorization: Bearer <the file's download token>`.
pub fn download_path(record: &VersionRecord) -> String {
    format!("/krt/{}/{}", record.runtime, record.name)
}

pub fn router(parts: Internal) -> Router {
    Router::new().route("/krt/{runtime}/{version}", get(file)).with_state(parts)
}

async fn file(
    State(parts): State<Internal>,
    Path((runtime, version)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    // One answer for a file that is not there and for a wrong credential: neither is anybody's business.
    let denied = || (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")]).into_response();
    let (Ok(runtime), Ok(version)) = (runtime.parse::<RuntimeId>(), version.parse::<VersionName>()) else {
        return denied();
    };
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    let Some(token) = token else { return denied() };
    let record = match parts.service.record(&runtime, &version).await {
        Ok(record) => record,
        Err(ApiError::NotFound { .. }) => return denied(),
        Err(error) => return unavailable(&error),
    };
    // Digests are compared, so how long that takes says nothing about the token.
    if Sha256::digest(token) != Sha256::digest(&record.file.download_token) {
        return denied();
    }
    match download::send(&parts.files, &record.file, None, (&method, &headers)).await {
        Ok(response) => response,
        Err(error) => unavailable(&error),
    }
}

fn unavailable(error: &ApiError) -> Response {
    StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}
