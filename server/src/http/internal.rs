//! The listener for pods: each downloads the KRT file of its version, with a credential that opens that one file while the
//! version is started, and writes what it measures, with another. It serves nothing else, and says nothing about what there
//! is: all else is answered as a wrong credential is.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Path, Request, State},
    http::{HeaderMap, Method, StatusCode, Uri, header, uri::Authority},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use domain::{ApiError, RuntimeId, VersionName};

use super::{download, guard, headers, measurements, serve::LocalAddr};
use crate::{files::Files, krt_url, measurements::Measurements, service::Service};

/// What the internal routes work with.
#[derive(Clone)]
pub struct Internal {
    pub service: Arc<Service>,
    pub files: Files,
    pub measurements: Arc<Measurements>,
    /// How long the body of a request may take.
    pub body_timeout: Duration,
    /// The URL at which pods reach this listener.
    pub advertised_url: String,
}

pub fn router(parts: Internal) -> Router {
    // Checked where it was set.
    let advertised = parts.advertised_url.parse::<Uri>().ok().and_then(|url| url.authority().cloned());
    Router::new()
        .route(krt_url::ROUTE, get(file))
        .route(krt_url::MEASUREMENTS_ROUTE, post(measurements::write))
        .fallback(|| async { denied() })
        .method_not_allowed_fallback(|| async { denied() })
        .with_state(parts)
        .layer(middleware::from_fn_with_state(advertised, host_guard))
        .layer(middleware::map_response_with_state(headers::Policy::default(), headers::secure))
}

/// One answer for what is not there and for a wrong credential: neither is anybody's business.
pub(super) fn denied() -> Response {
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")]).into_response()
}

/// A pod asks for the host of the advertised URL, whatever stands between it and this listener: a Service, a proxy, a
/// forwarded port. So the port does not count.
async fn host_guard(State(advertised): State<Option<Authority>>, request: Request, next: Next) -> Response {
    let host = match guard::host(request.uri(), request.headers()) {
        Ok(host) => host,
        Err(refusal) => return refusal.status().into_response(),
    };
    let here = request.extensions().get::<LocalAddr>().map(|local| local.0.ip().to_canonical());
    let is_address = |ip: IpAddr| here == Some(ip);
    let is_advertised = advertised.is_some_and(|url| url.host().eq_ignore_ascii_case(host.host()));
    if is_advertised || guard::is_loopback(&host) || guard::address(&host).is_some_and(is_address) {
        next.run(request).await
    } else {
        denied()
    }
}

async fn file(
    State(parts): State<Internal>,
    Path((runtime, version)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let (Ok(runtime), Ok(version)) = (runtime.parse::<RuntimeId>(), version.parse::<VersionName>()) else {
        return denied();
    };
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    let Some(token) = token else { return denied() };
    let file = match parts.service.file_for_pod(&runtime, &version, token).await {
        Ok(Some(file)) => file,
        Ok(None) => return denied(),
        Err(error) => return unavailable(&error),
    };
    match download::send(&parts.files, &file, None, (&method, &headers)).await {
        Ok(response) => response,
        Err(error) => unavailable(&error),
    }
}

fn unavailable(error: &ApiError) -> Response {
    StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}
