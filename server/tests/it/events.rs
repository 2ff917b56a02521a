//! Live events: what every open browser is told.

use std::time::Duration;

use domain::{ServerEvent, VersionName, VersionState};
use reqwest::Method;
use serde_json::json;
use tokio::time::timeout;

use crate::support::{
    described,
    krt::Krt,
    server::{MAX_WAIT, TestServer},
};

/// A browser's connection.
struct Stream {
    response: reqwest::Response,
    text: String,
}

impl Stream {
    async fn open(server: &TestServer) -> Self {
        let response = server.client().get(server.url("/api/v1/events")).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no", "nginx would keep events to itself");
        Self { response, text: String::new() }
    }

    /// The next event; none when the stream has ended.
    async fn next(&mut self) -> Option<ServerEvent> {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data: ")).map(str::to_owned);
                self.text = rest.to_owned();
                if let Some(data) = data {
                    described::expect_schema("ServerEvent", &serde_json::from_str(&data).unwrap());
                    return Some(serde_json::from_str(&data).unwrap());
                }
            }
            let chunk = timeout(MAX_WAIT, self.response.chunk()).await.expect("no event came").unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// Reads on until an event tells of the version, and the node is as expected when the page asks for it then.
    async fn node_until(&mut self, server: &TestServer, status: &str) {
        loop {
            if let ServerEvent::Version(_) = self.next().await.expect("the stream ended") {
                let version = server.get("/api/v1/runtimes/demo/versions/v1").await.expect(200);
                if version["workflows"][0]["nodes"][0]["status"] == status {
                    return;
                }
            }
        }
    }

    /// Reads on until the version is in this state, and returns all the states on the way.
    async fn states_until(&mut self, state: VersionState) -> Vec<VersionState> {
        let mut states = Vec::new();
        while states.last() != Some(&state) {
            if let ServerEvent::Version(version) = self.next().await.expect("the stream ended") {
                states.push(version.state);
            }
        }
        states.dedup();
        states
    }
}

#[tokio::test]
async fn every_connection_begins_with_hello() {
    let server = TestServer::start().await;
    for _ in 0..2 {
        let hello = Stream::open(&server).await.next().await;
        assert!(matches!(&hello, Some(ServerEvent::Hello { cluster, .. }) if cluster.name == "sandbox"), "{hello:?}");
    }
}

#[tokio::test]
async fn every_open_browser_hears_of_what_anyone_does() {
    let server = TestServer::start().await;
    let mut browsers = [Stream::open(&server).await, Stream::open(&server).await];
    server.add_runtime("demo").await;
    server.upload("demo", Krt::new("v1").bytes()).await.expect(201);
    server.post("/api/v1/runtimes/demo/versions/v1/start", json!({})).await.expect(202);

    for browser in &mut browsers {
        let states = browser.states_until(VersionState::Started).await;
        assert!(states.ends_with(&[VersionState::Starting, VersionState::Started]), "{states:?}");
    }
    server.post("/api/v1/runtimes/demo/versions/v1/publish", json!({})).await.expect(202);
    for browser in &mut browsers {
        browser.states_until(VersionState::Published).await;
        loop {
            if let ServerEvent::Runtime(runtime) = browser.next().await.unwrap()
                && let Some(published) = runtime.published
            {
                assert_eq!((published.as_str(), runtime.running), ("v1", 1));
                break;
            }
        }
    }
}

#[tokio::test]
async fn what_is_deleted_is_told() {
    let server = TestServer::start().await;
    server.add_runtime("demo").await;
    server.upload("demo", Krt::new("v1").bytes()).await.expect(201);
    server.post("/api/v1/runtimes/demo/versions/v1/archive", json!({})).await.expect(202);
    let mut browser = Stream::open(&server).await;
    for (path, version) in [("/api/v1/runtimes/demo/versions/v1", Some("v1")), ("/api/v1/runtimes/demo", None)] {
        assert_eq!(server.send(Method::DELETE, path, "").await.status, 204);
        let told = loop {
            if let ServerEvent::Deleted(deleted) = browser.next().await.expect("the stream ended") {
                break deleted;
            }
        };
        assert_eq!((told.runtime.as_str(), told.version.as_ref().map(VersionName::as_str)), ("demo", version));
    }
}

#[tokio::test]
async fn the_readiness_of_nodes_is_told_too() {
    // Long enough to see a node that is not ready.
    let server = TestServer::start_with(|settings| settings.sandbox_ready_after = Duration::from_secs(1)).await;
    server.add_runtime("demo").await;
    server.upload("demo", Krt::new("v1").bytes()).await.expect(201);
    let mut browser = Stream::open(&server).await;
    server.post("/api/v1/runtimes/demo/versions/v1/start", json!({})).await.expect(202);
    browser.node_until(&server, "ready").await;

    let pods = format!("http://{}/api/v1/namespaces/kai-demo/pods", server.sandbox_addr().unwrap());
    let list: serde_json::Value =
        serde_json::from_str(&reqwest::get(&pods).await.unwrap().text().await.unwrap()).unwrap();
    let names = list["items"].as_array().unwrap().iter().filter_map(|pod| pod["metadata"]["name"].as_str());
    let [node] = names.filter(|name| name.contains("greeter")).collect::<Vec<_>>().try_into().unwrap();
    let gone = server.client().delete(format!("{pods}/{node}")).send().await.unwrap();
    assert_eq!(gone.status(), 200);
    browser.node_until(&server, "starting").await;
    browser.node_until(&server, "ready").await;
}

#[tokio::test]
async fn an_open_stream_does_not_hold_up_the_end_of_the_server() {
    let server = TestServer::start().await;
    let mut browser = Stream::open(&server).await;
    browser.next().await;

    server.shut_down().await;

    // A stream that holds up the end is cut off in the middle, which is an error here and not the end.
    let ended = async {
        while browser.response.chunk().await?.is_some() {}
        Ok::<_, reqwest::Error>(())
    };
    timeout(MAX_WAIT, ended).await.expect("the stream stays open").expect("the stream ends orderly");
}
