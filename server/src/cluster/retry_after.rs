//! Hands the header `Retry-After` on.
//!
//! An API server that has too much to do answers in plain text and says in the header when to ask again (Kubernetes: API
//! Priority and Fairness). Of such an answer the client keeps the text alone, so the time is put where it looks: into the
//! details of a Status.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http::{
    HeaderMap, HeaderValue, Response,
    header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER},
};
use serde_json::json;
use tower::BoxError;

/// As it is, unless the server asks for time in its header alone.
pub(super) fn copy_to_status<B>(response: Response<B>) -> Response<Body>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let (mut parts, body) = response.into_parts();
    let retry_after = seconds(&parts.headers).filter(|_| !parts.status.is_success() && !is_json(&parts.headers));
    let Some(secs) = retry_after else { return Response::from_parts(parts, Body::new(body)) };
    let reason = parts.status.canonical_reason().unwrap_or("busy");
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": format!("{reason}: the cluster asks to retry after {:?}", Duration::from_secs(u64::from(secs))),
        "reason": reason, "code": parts.status.as_u16(), "details": { "retryAfterSeconds": secs },
    });
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Response::from_parts(parts, Body::from(status.to_string()))
}

/// Only as a number of seconds: Kubernetes writes no dates there.
fn seconds(headers: &HeaderMap) -> Option<u32> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(|kind| kind.contains("json"))
}

#[cfg(test)]
mod tests {
    use axum::{Json, Router, response::IntoResponse, routing::get};
    use http::StatusCode;

    use crate::cluster::{Cluster, error_message, retry_after};

    async fn error_of(answer: impl Fn() -> axum::response::Response + Clone + Send + Sync + 'static) -> kube::Error {
        let client = Cluster::client_for(Router::new().route("/version", get(move || async move { answer() })));
        client.apiserver_version().await.unwrap_err()
    }

    #[tokio::test]
    async fn the_time_that_a_server_asks_for_in_its_header_is_known() {
        let plain = || (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "7")], "Too many requests").into_response();
        let error = error_of(plain).await;
        assert_eq!(retry_after(&error), Some(std::time::Duration::from_secs(7)));
        assert!(error_message(&error).starts_with("Too Many Requests"), "{error}");
    }

    #[tokio::test]
    async fn what_a_server_says_by_itself_is_handed_on_as_it_is() {
        let status = || {
            let body = serde_json::json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 429,
                "message": "own words", "reason": "TooManyRequests", "details": { "retryAfterSeconds": 3 },
            });
            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "9")], Json(body)).into_response()
        };
        let error = error_of(status).await;
        assert_eq!(
            (retry_after(&error).map(|d| d.as_secs()), error_message(&error)),
            (Some(3), "own words".to_owned())
        );
        let error = error_of(|| (StatusCode::BAD_GATEWAY, "nobody there").into_response()).await;
        assert_eq!((retry_after(&error), error_message(&error)), (None, "nobody there".to_owned()));
    }
}
