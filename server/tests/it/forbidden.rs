//! A cluster that answers, and denies what the server needs to see.

use std::{fs, path::Path, time::Duration};

use axum::{
    Json, Router,
    body::Body,
    extract::{Request, State},
    http::{Method, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use domain::Reachability;
use futures::StreamExt;
use sandbox::{Options, Sandbox};
use serde_json::{Value, json};
use server::{
    changes::Changes,
    cluster::Cluster,
    reconciler::{Reconciler, ReconcilerTimings},
    store,
};
use tokio::{
    net::TcpListener,
    sync::watch,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    cluster_outage,
    support::{
        krt::Krt,
        program::{Started, program},
        server::MAX_WAIT,
    },
};

/// How long a start may take.
const START_TIMEOUT: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn a_start_fails_with_the_missing_permission_and_the_server_is_not_ready_until_it_is_granted() {
    let cluster = RestrictedCluster::start();
    let data = tempfile::tempdir().unwrap();
    let server = cluster.server(data.path()).await;
    post(&server, "/api/v1/runtimes", json!({ "id": "demo", "name": "Demo" }).to_string(), 201).await;
    for version in ["one", "two"] {
        post(&server, "/api/v1/runtimes/demo/versions", Krt::new(version).bytes(), 201).await;
    }
    start(&server, "one").await;
    let is_healthy = |view: &Value| view["state"] == "started" && view["health"]["status"] == "healthy";
    until(&server, &version("one"), is_healthy).await;
    assert_eq!(get(&server, "/readyz").await.0, StatusCode::OK);

    cluster.denied.send_replace(Denied::ListAndWatch);
    let ready = until(&server, "/readyz", |ready| ready["status"] == "not_ready").await;
    assert_eq!(get(&server, "/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready["cluster"]["status"], "forbidden");
    let reason = ready["cluster"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("missing permission to list and watch secrets: secrets is forbidden"), "{reason}");
    let (_, one) = get(&server, &version("one")).await;
    assert_eq!(one["health"]["status"], "unknown");
    assert!(one["health"]["reason"].as_str().unwrap().contains(reason), "{one:#}");

    let page = reqwest::get(format!("{}/", server.url())).await.unwrap().text().await.unwrap();
    assert!(page.contains("missing permission to list and watch secrets"), "{page}");

    start(&server, "two").await;
    let waiting = until(&server, &version("two"), |two| two["waiting"].is_string()).await;
    assert!(waiting["waiting"].as_str().unwrap().starts_with("cluster access denied since "), "{waiting:#}");
    let failed = until(&server, &version("two"), |two| two["failure"].is_object()).await;
    assert_eq!(failed["failure"]["reason"], format!("the start timed out: {reason}"));
    let (_, history) = get(&server, &format!("{}/history", version("two"))).await;
    assert!(history.to_string().contains("the start timed out: missing permission"), "{history:#}");

    cluster.denied.send_replace(Denied::Nothing);
    until(&server, "/readyz", |ready| ready["status"] == "ready").await;
    until(&server, &version("one"), is_healthy).await;
    until(&server, &version("two"), |two| two["state"] == "stopped").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_may_be_listed_and_not_watched_is_forbidden_until_it_may_be_watched() {
    let restricted = RestrictedCluster::start();
    let cluster = Cluster::in_process(Cluster::client_for(restricted.router.clone()));
    let store = store::open("sqlite::memory:").await.unwrap();
    let timings = ReconcilerTimings::default();
    let reconciler = Reconciler::new(store, cluster.clone(), cluster_outage::settings(), timings, Changes::default());
    let stop = CancellationToken::new();
    let running = tokio::spawn(reconciler.run(stop.clone()));
    let mut changes = cluster.changed();
    let mut until = async |what: &str, holds: fn(&Reachability) -> bool| {
        let found = timeout(MAX_WAIT, changes.wait_for(|info| holds(&info.reachability))).await;
        assert!(found.is_ok(), "never {what}");
    };
    let is_forbidden = |found: &Reachability| matches!(found, Reachability::Forbidden { .. });
    until("reachable", |found| *found == Reachability::Reachable).await;
    restricted.denied.send_replace(Denied::Watch);
    until("forbidden", is_forbidden).await;
    let for_some_time = timeout(Duration::from_secs(3), async {
        until("otherwise", |found| !matches!(found, Reachability::Forbidden { .. })).await;
    });
    assert!(for_some_time.await.is_err(), "it may be listed, which is not enough");
    restricted.denied.send_replace(Denied::Nothing);
    until("reachable again", |found| *found == Reachability::Reachable).await;
    stop.cancel();
    running.await.unwrap();
}

/// What is denied of the Secrets of all namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Denied {
    Nothing,
    Watch,
    ListAndWatch,
}

struct RestrictedCluster {
    router: Router,
    denied: watch::Sender<Denied>,
    _sandbox: Sandbox,
}

impl RestrictedCluster {
    fn start() -> Self {
        let sandbox = Sandbox::start(Options { ready_after: Duration::from_millis(50), ..Options::default() });
        let (denied, state) = watch::channel(Denied::Nothing);
        let router = sandbox.router().layer(middleware::from_fn_with_state(state, deny_secrets));
        Self { router, denied, _sandbox: sandbox }
    }

    async fn server(&self, data: &Path) -> Started {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, self.router.clone()).into_future());
        let kubeconfig = data.join("kubeconfig");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{ "name": "test", "cluster": { "server": format!("http://{addr}") } }],
            "users": [{ "name": "test", "user": {} }],
            "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test" } }],
        });
        fs::write(&kubeconfig, config.to_string()).unwrap();
        let mut program = program(data);
        program.env("KAI_CLUSTER", "kubeconfig").env("KUBECONFIG", kubeconfig).env("KAI_NODE_MIN_READY", "0s");
        program.env("KAI_START_TIMEOUT", format!("{}s", START_TIMEOUT.as_secs()));
        Started::new(&mut program)
    }
}

/// As a cluster does to whom a role lacks the verbs, but at once: also to those who watch already.
async fn deny_secrets(State(mut denied): State<watch::Receiver<Denied>>, request: Request, next: Next) -> Response {
    let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
    if *request.method() != Method::GET || request.uri().path() != "/api/v1/secrets" {
        return next.run(request).await;
    }
    let is_denied = move |denied: &Denied| match denied {
        Denied::Nothing => false,
        Denied::Watch => is_watch,
        Denied::ListAndWatch => true,
    };
    if is_denied(&denied.borrow()) {
        let verb = if is_watch { "watch" } else { "list" };
        let message = format!(r#"secrets is forbidden: User "kai" cannot {verb} resource "secrets" in API group """#);
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403,
            "message": message,
        });
        return (StatusCode::FORBIDDEN, Json(status)).into_response();
    }
    next.run(request).await.map(|body| {
        let end = async move { drop(denied.wait_for(is_denied).await) };
        Body::from_stream(body.into_data_stream().take_until(Box::pin(end)))
    })
}

fn version(name: &str) -> String {
    format!("/api/v1/runtimes/demo/versions/{name}")
}

async fn start(server: &Started, name: &str) {
    post(server, &format!("{}/start", version(name)), String::new(), 202).await;
}

async fn until(server: &Started, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + MAX_WAIT;
    loop {
        let (_, found) = get(server, path).await;
        if holds(&found) {
            return found;
        }
        assert!(Instant::now() < end, "never: {found:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn get(server: &Started, path: &str) -> (StatusCode, Value) {
    let answer = reqwest::get(format!("{}{path}", server.url())).await.unwrap();
    (answer.status(), serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
}

async fn post(server: &Started, path: &str, body: impl Into<reqwest::Body>, status: u16) {
    let request = reqwest::Client::new().post(format!("{}{path}", server.url())).body(body);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status().as_u16(), status, "{}", answer.text().await.unwrap());
}
