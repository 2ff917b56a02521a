//! A sandbox behind an API that also forwards ports, as a cluster's does: to an entrypoint of the test's own.

use std::{
    convert::Infallible,
    fs,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{
        Path, Query, State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::{Buf, BufMut, Bytes};
use hyper_util::rt::{TokioExecutor, TokioIo};
use reqwest::Client;
use sandbox::{Options, Sandbox};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::Instant,
};
use tonic::{Status, server::UnaryService};

use crate::support::{
    program::{Started, program},
    server::MAX_WAIT,
};

/// The most that a message may have.
pub(super) const MAX_BYTES: usize = 4 << 20;

/// What becomes of a port that is asked for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Entrypoint {
    Answers,
    /// Nobody listens there.
    Refuses,
    /// The connection is ended without a word.
    HangsUp,
    /// Nothing is forwarded to this client.
    Forbidden,
    /// It is forwarded, and nothing comes out of it.
    Silent,
}

#[derive(Clone)]
struct Api {
    entrypoint: SocketAddr,
    now: Arc<Mutex<Entrypoint>>,
    forwarded: Arc<AtomicUsize>,
}

pub(super) struct ForwardingCluster {
    addr: SocketAddr,
    api: Api,
    _sandbox: Sandbox,
}

impl ForwardingCluster {
    pub(super) async fn start() -> Self {
        let sandbox = Sandbox::start(Options { ready_after: Duration::from_millis(100), ..Options::default() });
        let api = Api {
            entrypoint: entrypoint().await,
            now: Arc::new(Mutex::new(Entrypoint::Answers)),
            forwarded: Arc::default(),
        };
        let path = "/api/v1/namespaces/{namespace}/pods/{pod}/portforward";
        let router = Router::new().route(path, get(forward)).with_state(api.clone()).fallback_service(sandbox.router());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { addr, api, _sandbox: sandbox }
    }

    pub(super) fn set(&self, now: Entrypoint) {
        *self.api.now.lock().unwrap() = now;
    }

    pub(super) async fn expect_forwarded_port(&self) {
        self.expect(1).await;
    }

    /// None is left behind.
    pub(super) async fn expect_no_forwarded_port(&self) {
        self.expect(0).await;
    }

    async fn expect(&self, count: usize) {
        let end = Instant::now() + MAX_WAIT;
        while self.api.forwarded.load(Ordering::SeqCst) != count {
            assert!(Instant::now() < end, "{} forwarded ports", self.api.forwarded.load(Ordering::SeqCst));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The program on this cluster, with a runtime `demo`.
    pub(super) async fn server(&self, settings: &[(&str, &str)]) -> Server {
        let data = tempfile::tempdir().unwrap();
        let kubeconfig = data.path().join("kubeconfig");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{ "name": "test", "cluster": { "server": format!("http://{}", self.addr) } }],
            "users": [{ "name": "test", "user": {} }],
            "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test" } }],
        });
        fs::write(&kubeconfig, config.to_string()).unwrap();
        let mut program = program(data.path());
        program.env("KAI_CLUSTER", "kubeconfig").env("KUBECONFIG", kubeconfig).env("KAI_NODE_MIN_READY", "0s");
        program.envs(settings.iter().copied());
        let server = Server { program: Started::new(&mut program), client: Client::new(), _data: data };
        let url = format!("{}/api/v1/runtimes", server.program.url());
        let demo = json!({ "id": "demo", "name": "Demo" }).to_string();
        assert_eq!(server.client.post(url).body(demo).send().await.unwrap().status(), 201);
        server
    }
}

pub(super) struct Server {
    program: Started,
    client: Client,
    _data: TempDir,
}

impl Server {
    pub(super) async fn add(&self, version: &str, krt: Vec<u8>) {
        let url = format!("{}/api/v1/runtimes/demo/versions", self.program.url());
        let answer = self.client.post(url).body(krt).send().await.unwrap();
        assert_eq!(answer.status(), 201, "{version}: {}", answer.text().await.unwrap());
    }

    /// Adds and starts it.
    pub(super) async fn start(&self, version: &str, krt: Vec<u8>) {
        self.add(version, krt).await;
        self.reach(version, "start", "started").await;
    }

    pub(super) async fn reach(&self, version: &str, action: &str, state: &str) {
        let (status, answer) = self.post(version, action, json!({})).await;
        assert_eq!(status, 202, "{answer:#}");
        // What it is called by is observed a moment after it is recorded.
        self.until(version, "", |view| view["state"] == state && view["entrypoint"]["status"] == "ready").await;
    }

    pub(super) async fn until(&self, version: &str, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + MAX_WAIT;
        loop {
            let found = self.get(version, path).await;
            if holds(&found) {
                return found;
            }
            assert!(Instant::now() < end, "{found:#}");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    pub(super) async fn get(&self, version: &str, path: &str) -> Value {
        let answer = self.client.get(self.url(version, path)).send().await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    pub(super) async fn post(&self, version: &str, path: &str, body: Value) -> (u16, Value) {
        self.post_text(version, path, &body.to_string()).await
    }

    pub(super) async fn post_text(&self, version: &str, path: &str, body: &str) -> (u16, Value) {
        let answer = self.request(version, path, body.to_owned()).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
    }

    pub(super) fn request(&self, version: &str, path: &str, body: String) -> reqwest::RequestBuilder {
        self.client.post(self.url(version, path)).body(body)
    }

    fn url(&self, version: &str, path: &str) -> String {
        let url = format!("{}/api/v1/runtimes/demo/versions/{version}/{path}", self.program.url());
        url.trim_end_matches('/').to_owned()
    }
}

#[derive(Deserialize)]
struct Ports {
    ports: u16,
}

async fn forward(
    State(api): State<Api>,
    Path((_, pod)): Path<(String, String)>,
    Query(Ports { ports }): Query<Ports>,
    upgrade: WebSocketUpgrade,
) -> Response {
    assert!(pod.contains("entrypoint") && ports == 9000, "{pod}: {ports}");
    let now = *api.now.lock().unwrap();
    if now == Entrypoint::Forbidden {
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403,
            "message": "pods is forbidden: no port-forward for you",
        });
        return (StatusCode::FORBIDDEN, Json(status)).into_response();
    }
    let upgrade = upgrade.protocols(["v4.channel.k8s.io"]);
    upgrade.on_upgrade(move |socket| async move {
        api.forwarded.fetch_add(1, Ordering::SeqCst);
        // Ends when either side does.
        let _ = pass_on(socket, now, api.entrypoint).await;
        api.forwarded.fetch_sub(1, Ordering::SeqCst);
    })
}

/// Kubernetes' protocol: each message begins with its channel, 0 for the port's bytes and 1 for its errors, and the first
/// of each channel is the port's number.
async fn pass_on(mut socket: WebSocket, now: Entrypoint, entrypoint: SocketAddr) -> Result<(), axum::Error> {
    for channel in [0, 1] {
        socket.send(frame(channel, &9000_u16.to_le_bytes())).await?;
    }
    match now {
        Entrypoint::HangsUp => return Ok(()),
        Entrypoint::Refuses => {
            // Ended at once, as Kubernetes does: what the client has written meanwhile resets the connection.
            socket.send(frame(1, b"connection refused\n")).await?;
            return socket.send(Message::Close(None)).await;
        }
        Entrypoint::Silent => {
            while let Some(Ok(_)) = socket.recv().await {}
            return Ok(());
        }
        Entrypoint::Answers | Entrypoint::Forbidden => {}
    }
    let mut pod = TcpStream::connect(entrypoint).await.unwrap();
    let mut chunk = vec![0; 16 << 10];
    loop {
        tokio::select! {
            sent = socket.recv() => match sent {
                Some(Ok(Message::Binary(bytes))) if bytes.first() == Some(&0) => {
                    if pod.write_all(&bytes[1..]).await.is_err() {
                        return Ok(());
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
                Some(Ok(_)) => {}
            },
            read = pod.read(&mut chunk) => match read {
                Ok(0) | Err(_) => return Ok(()),
                Ok(count) => socket.send(frame(0, &chunk[..count])).await?,
            },
        }
    }
}

fn frame(channel: u8, bytes: &[u8]) -> Message {
    Message::Binary([&[channel], bytes].concat().into())
}

/// A gRPC server that knows `demo.Entrypoint/Greet`.
async fn entrypoint() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = hyper::service::service_fn(|request: http::Request<hyper::body::Incoming>| async move {
                if request.uri().path() != "/demo.Entrypoint/Greet" {
                    return Ok::<_, Infallible>(Status::unimplemented("no such rpc").into_http());
                }
                Ok(tonic::server::Grpc::new(Raw).unary(Greeter, request).await)
            });
            let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
        }
    });
    addr
}

/// Answers what it is sent, but for a few words.
struct Greeter;

impl UnaryService<Bytes> for Greeter {
    type Response = Bytes;
    type Future = futures::future::BoxFuture<'static, Result<tonic::Response<Bytes>, Status>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let message = request.into_inner();
        // A string is its field's tag, its length and its bytes.
        let words = message.get(2..).unwrap_or_default().to_vec();
        Box::pin(async move {
            match words.as_slice() {
                b"fail" => Err(Status::invalid_argument("no: fail")),
                b"slow" => std::future::pending().await,
                b"wrong" => Ok(tonic::Response::new(Bytes::from_static(b"\x0a\xff"))),
                b"large" => Ok(tonic::Response::new(Bytes::from(vec![0; MAX_BYTES + 1]))),
                _ => Ok(tonic::Response::new(message)),
            }
        })
    }
}

/// Messages as they are on the wire.
struct Raw;

impl tonic::codec::Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl tonic::codec::Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, to: &mut tonic::codec::EncodeBuf<'_>) -> Result<(), Status> {
        to.put(message);
        Ok(())
    }
}

impl tonic::codec::Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut tonic::codec::DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
