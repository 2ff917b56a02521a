//! The backoff of a watch that always fails, and which endpoints are ready.

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

#[test]
fn an_endpoint_without_conditions_is_ready() {
    let endpoint = |pod: &str, conditions: Option<serde_json::Value>| {
        let mut endpoint = json!({ "addresses": ["10.0.0.1"], "targetRef": { "kind": "Pod", "name": pod } });
        conditions.into_iter().for_each(|conditions| endpoint["conditions"] = conditions);
        endpoint
    };
    let slice = json!({
        "metadata": {
            "name": "slice", "namespace": "kai-demo", "labels": { "kubernetes.io/service-name": "active-entrypoint" },
        },
        "addressType": "IPv4",
        "endpoints": [
            endpoint("none", None),
            endpoint("empty", Some(json!({}))),
            endpoint("null", Some(json!({ "ready": null, "serving": true }))),
            endpoint("ready", Some(json!({ "ready": true }))),
            endpoint("unready", Some(json!({ "ready": false }))),
        ],
    });
    let mut slice: EndpointSlice = serde_json::from_value(slice).unwrap();
    slice.trim();
    let watches = Watches::default();
    watches.slices.written(slice);
    let ready = watches.ready_pods("kai-demo");
    assert_eq!(
        ready["active-entrypoint"].iter().map(String::as_str).collect::<Vec<_>>(),
        ["empty", "none", "null", "ready"]
    );
}
