//! A whole server in the test's process, with everything of its own, and what a program asks of it.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use reqwest::{Client, Method, RequestBuilder, Url, header::HeaderMap};
use serde_json::Value;
use server::{
    config::{Flags, Settings},
    run::{Running, start},
    store::{self, Store},
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::described;

/// How long a test waits for what has to come.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(20);

pub(crate) struct TestServer {
    running: Running,
    settings: Settings,
    client: Client,
    // Last, so that the server's files are let go of before the folder goes.
    _dir: Arc<TempDir>,
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, body: response.bytes().await.unwrap() }
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The answer's JSON, provided that its status is this one.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// The answer's `error`, provided that it has this status and code.
    #[track_caller]
    pub(crate) fn expect_error(&self, status: u16, code: &str) -> Value {
        let error = self.expect(status)["error"].clone();
        assert_eq!(error["code"], code, "{error}");
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{error}");
        assert!(error["problems"].is_array(), "{error}");
        error
    }
}

/// What a listener answers to exactly these bytes, until it ends the connection.
pub(crate) async fn raw(addr: SocketAddr, request: &str) -> String {
    let mut connection = tokio::net::TcpStream::connect(addr).await.unwrap();
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let mut settings = Settings::try_from(Flags::defaults(&dir.path().join("data")).unwrap()).unwrap();
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        (settings.addr, settings.internal_addr, settings.sandbox_addr) = (free, free, free);
        settings.sandbox_ready_after = Duration::from_millis(20);
        settings.node_min_ready = Duration::ZERO;
        change(&mut settings);
        Self::run(settings, dir).await
    }

    async fn run(settings: Settings, dir: Arc<TempDir>) -> Self {
        // Another test of this process may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let running = start(settings.clone()).await.unwrap();
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { running, settings, client, _dir: dir }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.running.addr
    }

    pub(crate) fn internal_addr(&self) -> SocketAddr {
        self.running.internal_addr
    }

    pub(crate) fn sandbox_addr(&self) -> Option<SocketAddr> {
        self.running.sandbox_addr()
    }

    /// Whom a link was made for, and the link.
    pub(crate) fn first_administrator(&self) -> Option<(domain::PersonName, String)> {
        self.running.first_administrator.clone()
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        format!("http://{}{path}", self.addr()).parse().unwrap()
    }

    /// A second look at the state, beside the server's own.
    pub(crate) async fn store(&self) -> Arc<Store> {
        store::open(self.settings.database_url.expose()).await.unwrap()
    }

    pub(crate) async fn shut_down(self) {
        self.running.shut_down().await;
    }

    /// Stops the server, changes the folder of its KRT files, and starts it again.
    pub(crate) async fn restart(self, meanwhile: impl FnOnce(&Path)) -> Self {
        let Self { running, settings, _dir, .. } = self;
        running.shut_down().await;
        meanwhile(Path::new(&settings.storage_url));
        Self::run(settings, _dir).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "").await
    }

    pub(crate) async fn post(&self, path: &str, json: Value) -> Answer {
        self.send(Method::POST, path, json.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, json: Value) -> Answer {
        self.send(Method::PUT, path, json.to_string()).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        self.answer_to(self.client.request(method, self.url(path)).body(body)).await
    }

    /// The answer to this request, which is held to the description of the API.
    pub(crate) async fn answer_to(&self, request: RequestBuilder) -> Answer {
        let request = request.build().unwrap();
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let answer = Answer::of(self.client.execute(request).await.unwrap()).await;
        described::check(&method, &path, &answer);
        answer
    }

    /// Adds the runtime, named as its id.
    pub(crate) async fn add_runtime(&self, id: &str) {
        self.post("/api/v1/runtimes", serde_json::json!({ "id": id, "name": id })).await.expect(201);
    }

    pub(crate) async fn upload(&self, runtime: &str, krt: Vec<u8>) -> Answer {
        self.send(Method::POST, &format!("/api/v1/runtimes/{runtime}/versions"), krt).await
    }

    /// Waits until the version is in this state.
    pub(crate) async fn wait_for(&self, path: &str, state: &str) -> Value {
        let until = tokio::time::Instant::now() + MAX_WAIT;
        loop {
            let version = self.get(path).await.expect(200);
            if version["state"] == state {
                return version;
            }
            assert!(tokio::time::Instant::now() < until, "not {state}: {version}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The KRT files in the file store, unfinished ones too, relative to its folder.
    pub(crate) fn stored_files(&self) -> Vec<PathBuf> {
        let root = PathBuf::from(&self.settings.storage_url);
        let mut files = Vec::new();
        let mut folders = vec![root.join("incoming"), root.join("krt")];
        while let Some(folder) = folders.pop() {
            // Not there before the first upload.
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else {
                    files.push(entry.path().strip_prefix(&root).unwrap().to_owned());
                }
            }
        }
        files.sort();
        files
    }

    /// Waits until exactly this many files are stored: what is refused is cleared away after it is answered.
    pub(crate) async fn expect_stored_files(&self, count: usize) {
        let until = tokio::time::Instant::now() + MAX_WAIT;
        loop {
            let files = self.stored_files();
            if files.len() == count {
                return;
            }
            assert!(tokio::time::Instant::now() < until, "{count} files expected, there are {files:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
