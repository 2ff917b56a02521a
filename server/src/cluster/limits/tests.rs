//! What becomes of requests and streams to which nobody answers.

use std::{
    convert::Infallible,
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Json, Router, extract::RawQuery, response::IntoResponse, routing::get};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api,
    api::{ListParams, LogParams, Patch, PatchParams, WatchParams},
    runtime::watcher,
};
use serde_json::json;
use tokio::time::timeout;

use super::*;
use crate::cluster::{Cluster, LogReader};

/// Much longer than any limit of these tests.
const MAX_WAIT: Duration = Duration::from_secs(20);

fn cluster(router: Router) -> Cluster {
    let timeouts = RequestTimeouts {
        request: Duration::from_millis(50),
        watch_idle: Duration::from_millis(50),
        probe: Duration::from_millis(50),
        probe_interval: Duration::from_millis(10),
    };
    Cluster::in_process_within(Cluster::client_for(router), timeouts)
}

/// A body that begins and then brings nothing more.
fn silent_after(first: &'static str) -> Body {
    let first = stream::iter([Ok::<_, Infallible>(Bytes::from_static(first.as_bytes()))]);
    Body::from_stream(first.chain(stream::pending()))
}

#[tokio::test]
async fn a_request_of_any_kind_that_is_not_answered_times_out() {
    let never = Router::new().fallback(pending::<Body>);
    let silent = Router::new().fallback(async || silent_after("{"));
    for router in [never, silent] {
        let client = cluster(router).client();
        let pods = Api::<Pod>::default_namespaced(client.clone());
        let patch = PatchParams::apply("x");
        let (list, log) = (ListParams::default(), LogParams::default());
        let answers = async {
            assert!(client.apiserver_version().await.is_err());
            assert!(pods.list(&list).await.is_err());
            assert!(pods.get("a").await.is_err());
            assert!(pods.patch("a", &patch, &Patch::Apply(json!({}))).await.is_err());
            assert!(pods.logs("a", &log).await.is_err());
        };
        timeout(MAX_WAIT, answers).await.expect("somebody still waits");
    }
}

#[tokio::test]
async fn a_stream_that_does_not_begin_times_out() {
    let client = cluster(Router::new().fallback(pending::<Body>)).client();
    let pods = Api::<Pod>::default_namespaced(client.clone());
    let answers = async {
        assert!(pods.watch(&WatchParams::default(), "1").await.is_err());
        assert!(LogReader::open(client, "default", "a", LogParams::default()).await.is_err());
    };
    timeout(MAX_WAIT, answers).await.expect("somebody still waits");
}

#[tokio::test]
async fn a_log_that_stops_in_the_middle_is_an_error_and_a_followed_one_goes_on() {
    let cluster = cluster(Router::new().fallback(async || silent_after("2026-01-02T03:04:05Z one\n")));
    let open = async |follow| {
        let params = LogParams { follow, ..LogParams::default() };
        let mut log = LogReader::open(cluster.client(), "default", "a", params).await.unwrap();
        assert_eq!(log.next().await.unwrap().unwrap().text, "one");
        log
    };
    let mut log = open(false).await;
    assert!(timeout(MAX_WAIT, log.next()).await.expect("it still waits").is_err());
    let mut followed = open(true).await;
    assert!(timeout(Duration::from_millis(500), followed.next()).await.is_err(), "its container may write again");
}

#[tokio::test]
async fn a_watch_without_events_is_reopened_where_it_was() {
    let begun = Arc::new(Mutex::new(Vec::new()));
    let seen = begun.clone();
    let router = Router::new().fallback(move |RawQuery(query): RawQuery| {
        let query = query.unwrap_or_default();
        let is_watch = query.contains("watch=true");
        if is_watch {
            let from = query.split('&').find_map(|pair| pair.strip_prefix("resourceVersion=")).unwrap().to_owned();
            seen.lock().unwrap().push(from);
        }
        async move {
            let metadata = json!({ "resourceVersion": "5" });
            let list = json!({ "kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": [] });
            if is_watch { silent_after("").into_response() } else { Json(list).into_response() }
        }
    });
    let pods = Api::<Pod>::default_namespaced(cluster(router).client());
    let watch = watcher(pods, watcher::Config::default()).for_each(|_| async {});
    let anew = async {
        while begun.lock().unwrap().len() < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = watch => panic!("a watch never ends"),
        anew = timeout(MAX_WAIT, anew) => anew.expect("it was not opened anew"),
    }
    assert!(begun.lock().unwrap().iter().all(|from| from == "5"), "{begun:?}");
}

#[tokio::test]
async fn all_requests_are_cancelled_when_the_cluster_becomes_unreachable() {
    let is_silent = Arc::new(AtomicBool::new(false));
    let away = is_silent.clone();
    let router = Router::new().route(
        "/version",
        get(move || {
            let is_silent = away.load(Ordering::SeqCst);
            async move {
                if is_silent {
                    pending::<()>().await;
                }
                http::StatusCode::FORBIDDEN
            }
        }),
    );
    let router = router.fallback(async || silent_after("2026-01-02T03:04:05Z one\n"));
    let cluster = cluster(router);
    let following = async {
        let params = LogParams { follow: true, ..LogParams::default() };
        let mut log = LogReader::open(cluster.client(), "default", "a", params).await.unwrap();
        assert_eq!(log.next().await.unwrap().unwrap().text, "one");
        is_silent.store(true, Ordering::SeqCst);
        assert_eq!(log.next().await.unwrap(), None);
    };
    tokio::select! {
        () = cluster.run_probe() => panic!("it never ends"),
        ended = timeout(MAX_WAIT, following) => ended.expect("it is still followed"),
    }
    let reachability = cluster.info().reachability;
    assert!(matches!(reachability, domain::Reachability::Unreachable { .. }), "{reachability:?}");
}
