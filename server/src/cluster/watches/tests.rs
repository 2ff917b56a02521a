//! The backoff of a watch that always fails.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::{
    Json, Router,
    extract::RawQuery,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use super::*;

/// As an API server does whose watches have all expired before they begin.
fn answer(is_watch: bool) -> Response {
    if !is_watch {
        let metadata = json!({ "resourceVersion": "1" });
        return Json(json!({ "kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": [] }))
            .into_response();
    }
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "too old", "reason": "Expired", "code": 410,
    });
    (StatusCode::GONE, Json(status)).into_response()
}

#[tokio::test]
async fn a_watch_that_has_expired_before_it_begins_is_not_begun_again_at_once() {
    let lists = Arc::new(AtomicUsize::new(0));
    let counted = lists.clone();
    let router = Router::new().fallback(move |RawQuery(query): RawQuery| {
        let is_watch = query.is_some_and(|query| query.contains("watch=true"));
        counted.fetch_add(usize::from(!is_watch), Ordering::SeqCst);
        async move { answer(is_watch) }
    });
    let cluster = Cluster::in_process(Cluster::client_for(router));
    let cache = Cache::<Pod>::default();
    // Turns enough for hundreds of lists, if nothing kept them apart.
    let turns = async {
        for _ in 0..20_000 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = watch_ours("pods", &cluster, &cache, |_: &str| {}) => panic!("a watch never ends"),
        () = turns => {}
    }
    let lists = lists.load(Ordering::SeqCst);
    assert!((1..10).contains(&lists), "{lists}");
}
