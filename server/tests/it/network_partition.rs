//! A network that falls silent without a word, between the program itself and its cluster.

use std::{fs, path::Path, time::Duration};

use sandbox::{Options, Sandbox};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::Instant};

use crate::support::{
    krt::Krt,
    program::{Started, program},
    proxy::Proxy,
    server::MAX_WAIT,
};

/// Within which silence is noticed.
const NOTICED: Duration = Duration::from_secs(15);
/// Within which what was asked meanwhile is done once the network is back.
const DONE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_network_partition_is_noticed_and_what_was_asked_meanwhile_is_done_after_it() {
    let cluster = Cluster::start().await;
    let data = tempfile::tempdir().unwrap();
    let server = cluster.server(data.path());
    post(&server, "/api/v1/runtimes", json!({ "id": "demo", "name": "Demo" }).to_string(), 201).await;
    for version in ["one", "two"] {
        post(&server, "/api/v1/runtimes/demo/versions", Krt::new(version).bytes(), 201).await;
    }
    start(&server, "one").await;
    let is_started = |view: &Value| view["state"] == "started" && view["health"]["status"] == "healthy";
    until(&server, &version("one"), MAX_WAIT, is_started).await;
    let ready = get(&server, "/readyz").await;
    assert_eq!((&ready["status"], &ready["cluster"]["status"]), (&json!("ready"), &json!("reachable")));

    cluster.proxy.fall_silent();
    let away = until(&server, "/readyz", NOTICED, |ready| ready["cluster"]["status"] == "unreachable").await;
    assert_eq!(away["status"], "ready", "pages and history are of use meanwhile");
    assert!(away["cluster"]["since"].is_string() && away["cluster"]["reason"].is_string(), "{away}");
    start(&server, "two").await;
    let waiting = get(&server, &version("two")).await;
    assert!(waiting["waiting"].as_str().unwrap().starts_with("cluster unreachable since "), "{waiting:#}");
    assert_eq!(get(&server, &version("one")).await["health"]["status"], "unknown");
    let page = reqwest::get(format!("{}/", server.url())).await.unwrap().text().await.unwrap();
    assert!(page.contains("has been unreachable since"), "{page}");

    cluster.proxy.speak_again();
    until(&server, &version("two"), DONE, is_started).await;
    let ready = until(&server, "/readyz", MAX_WAIT, |ready| ready["cluster"]["status"] == "reachable").await;
    assert_eq!(ready["status"], "ready");
    until(&server, &version("one"), MAX_WAIT, is_started).await;
}

/// A sandbox that another process than the server's has, behind the proxy.
struct Cluster {
    proxy: Proxy,
    _sandbox: Sandbox,
}

impl Cluster {
    async fn start() -> Self {
        let sandbox = Sandbox::start(Options { ready_after: Duration::from_millis(200), ..Options::default() });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, sandbox.router()).into_future());
        Self { proxy: Proxy::to(addr).await, _sandbox: sandbox }
    }

    fn server(&self, data: &Path) -> Started {
        let kubeconfig = data.join("kubeconfig");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{ "name": "test", "cluster": { "server": format!("http://{}", self.proxy.addr()) } }],
            "users": [{ "name": "test", "user": {} }],
            "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test" } }],
        });
        fs::write(&kubeconfig, config.to_string()).unwrap();
        let mut program = program(data);
        program.env("KAI_CLUSTER", "kubeconfig").env("KUBECONFIG", kubeconfig).env("KAI_NODE_MIN_READY", "0s");
        Started::new(&mut program)
    }
}

fn version(name: &str) -> String {
    format!("/api/v1/runtimes/demo/versions/{name}")
}

async fn start(server: &Started, name: &str) {
    post(server, &format!("{}/start", version(name)), String::new(), 202).await;
}

async fn until(server: &Started, path: &str, max_wait: Duration, holds: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + max_wait;
    loop {
        let found = get(server, path).await;
        if holds(&found) {
            return found;
        }
        assert!(Instant::now() < end, "not within {max_wait:?}: {found:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn get(server: &Started, path: &str) -> Value {
    let answer = reqwest::get(format!("{}{path}", server.url())).await.unwrap();
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

async fn post(server: &Started, path: &str, body: impl Into<reqwest::Body>, status: u16) {
    let request = reqwest::Client::new().post(format!("{}{path}", server.url())).body(body);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status().as_u16(), status, "{}", answer.text().await.unwrap());
}
