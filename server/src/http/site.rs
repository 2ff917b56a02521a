//! The pages' files over HTTP.

use std::borrow::Cow;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use super::headers::WORKER_POLICY;
use crate::site::Site;

/// The script of the worker that checks files.
pub(super) const WORKER: &str = "checker.js";

pub(super) fn router(site: Site) -> Router {
    Router::new().route("/pkg/{*path}", get(file)).with_state(site)
}

async fn file(State(site): State<Site>, Path(path): Path<String>, headers: HeaderMap) -> Response {
    let Some(name) = site.name_at(&path) else { return StatusCode::NOT_FOUND.into_response() };
    let Some((encoding, content)) = best(&site, &name, &headers).await else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let content = match content {
        Cow::Borrowed(content) => Bytes::from_static(content),
        Cow::Owned(content) => content.into(),
    };
    let mut response = Body::from(content).into_response();
    let headers = response.headers_mut();
    let kind = mime_guess::from_path(&name).first_or_octet_stream();
    if let Ok(kind) = HeaderValue::from_str(kind.as_ref()) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    if site.is_release() {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    }
    if name.ends_with(WORKER) {
        // Unlike other files a worker's script has a policy that counts.
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(WORKER_POLICY));
    }
    response
}

/// The smallest copy of the file that the client takes, with its encoding.
async fn best(site: &Site, name: &str, headers: &HeaderMap) -> Option<(Option<&'static str>, Cow<'static, [u8]>)> {
    for (encoding, ending) in [("br", "br"), ("gzip", "gz")] {
        if takes(headers, encoding)
            && let Some(copy) = site.read(&format!("{name}.{ending}")).await
        {
            return Some((Some(encoding), copy));
        }
    }
    Some((None, site.read(name).await?))
}

/// Whether the client takes this encoding (RFC 9110 §12.5.3). One that only says `*` gets the file as it is.
fn takes(headers: &HeaderMap, encoding: &str) -> bool {
    let lists = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
        is_named && quality != Some(0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_is_taken_when_it_is_named_and_not_refused() {
        let is_taken = |said: &'static str, encoding| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(said));
            takes(&headers, encoding)
        };
        assert!(is_taken("gzip, deflate, br", "br"));
        assert!(is_taken("BR;q=0.5", "br"));
        assert!(!is_taken("br;q=0, gzip", "br"));
        assert!(!is_taken("identity", "gzip"));
        assert!(!is_taken("", "gzip"));
    }
}
