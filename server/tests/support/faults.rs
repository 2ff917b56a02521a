//! A layer in front of any Kubernetes client that makes things go wrong: refusals, lost answers, answers that never come,
//! delays, and watches that lag, break off, fall silent or have expired.
//!
//! What happens to a request follows from the seed, from what is asked, and from how often it was asked before.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::{Future, pending, ready},
    io,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
};
use futures::{StreamExt, TryStreamExt, stream};
use http::{Method, Request, Response, StatusCode};
use kube::Client;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt};

use super::test_rng::TestRng;

/// What the layer does, and what it has seen. Shared by all clients of one run.
pub(crate) struct Faults {
    seed: u64,
    /// How many of a thousand requests go wrong.
    per_mille: u64,
    on: AtomicBool,
    injected: AtomicU64,
    /// How often each thing was asked.
    asked: Mutex<BTreeMap<String, u64>>,
    /// By path, the version up to which a watch cannot begin any more.
    expired: Mutex<BTreeMap<String, u64>>,
    /// Writes that came before the time that an answer 429 had named.
    premature_writes: Mutex<BTreeSet<String>>,
}

/// What becomes of one request.
#[derive(Debug, Clone, Copy)]
enum FaultKind {
    Answered {
        after: Duration,
    },
    Refused(StatusCode),
    /// It never arrives.
    Disconnected,
    /// It never arrives, and that shows late.
    TimedOut {
        after: Duration,
    },
    /// What is asked is done, and nobody is told.
    AnswerLost,
    /// Its connection stays open and nothing ever comes, whether it arrived or not.
    NeverAnswered {
        arrives: bool,
    },
}

/// How a watch ends that has begun.
#[derive(Debug, Clone, Copy)]
enum Cut {
    Ended,
    Reset,
    InTheMidstOfALine,
    Expired,
    /// Its connection stays open, and nothing comes any more.
    Silent,
}

impl Faults {
    pub(crate) fn new(seed: u64, per_mille: u64) -> Arc<Self> {
        Arc::new(Self {
            seed,
            per_mille,
            on: AtomicBool::new(true),
            injected: AtomicU64::default(),
            asked: Mutex::default(),
            expired: Mutex::default(),
            premature_writes: Mutex::default(),
        })
    }

    /// From now on all goes well.
    pub(crate) fn end(&self) {
        self.on.store(false, Ordering::SeqCst);
    }

    /// How much went wrong so far.
    pub(crate) fn injected(&self) -> u64 {
        self.injected.load(Ordering::SeqCst)
    }

    /// Writes that did not wait as long as they were told to.
    pub(crate) fn premature_writes(&self) -> Vec<String> {
        self.premature_writes.lock().unwrap().iter().cloned().collect()
    }

    /// A client of a process of its own: nobody told it anything yet.
    pub(crate) fn client(self: &Arc<Self>, router: Router) -> Client {
        let service = ServiceBuilder::new()
            .layer(FaultLayer(self.clone()))
            .map_request(|request: Request<kube::client::Body>| request.map(Body::new))
            .service(router);
        Client::new(service, "default")
    }

    fn is_on(&self) -> bool {
        self.on.load(Ordering::SeqCst)
    }

    fn rng(&self, what: &str) -> TestRng {
        let mut asked = self.asked.lock().unwrap();
        let count = asked.entry(what.to_owned()).or_default();
        *count += 1;
        TestRng::of(self.seed, what, *count)
    }

    fn fault(&self, rng: &mut TestRng, asked: &RequestInfo) -> FaultKind {
        if !self.is_on() {
            return FaultKind::Answered { after: Duration::ZERO };
        }
        if rng.below(1000) >= self.per_mille {
            let after = if rng.one_in(5) { rng.millis(5..60) } else { Duration::ZERO };
            return FaultKind::Answered { after };
        }
        self.injected.fetch_add(1, Ordering::SeqCst);
        match rng.below(9) {
            0 => FaultKind::Refused(StatusCode::INTERNAL_SERVER_ERROR),
            1 => FaultKind::Refused(StatusCode::TOO_MANY_REQUESTS),
            2 if asked.is_write() => FaultKind::Refused(StatusCode::CONFLICT),
            2 => FaultKind::Refused(StatusCode::GONE),
            3 | 4 => FaultKind::Disconnected,
            5 => FaultKind::TimedOut { after: rng.millis(50..300) },
            6 => FaultKind::NeverAnswered { arrives: rng.one_in(2) },
            _ => FaultKind::AnswerLost,
        }
    }

    /// Once a version has expired it stays so, as on a real server.
    fn expire(&self, asked: &RequestInfo) {
        if let Some(version) = asked.watch_from {
            let mut expired = self.expired.lock().unwrap();
            let newest = expired.entry(asked.path.clone()).or_default();
            *newest = version.max(*newest);
        }
    }

    fn has_expired(&self, asked: &RequestInfo) -> bool {
        asked.watch_from.is_some_and(|from| self.expired.lock().unwrap().get(&asked.path).is_some_and(|to| from <= *to))
    }
}

/// What a request asks for, as far as it matters here.
struct RequestInfo {
    method: Method,
    path: String,
    watch: bool,
    watch_from: Option<u64>,
}

impl RequestInfo {
    fn of<B>(request: &Request<B>) -> Self {
        let query = request.uri().query().unwrap_or_default();
        let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let watch = matches!(value("watch"), Some("true" | "1"));
        let watch_from = value("resourceVersion").filter(|_| watch).and_then(|version| version.parse().ok());
        Self { method: request.method().clone(), path: request.uri().path().to_owned(), watch, watch_from }
    }

    fn is_write(&self) -> bool {
        self.method != Method::GET
    }

    fn namespace(&self) -> Option<&str> {
        self.path.split_once("/namespaces/")?.1.split('/').next()
    }

    fn name(&self) -> String {
        format!("{}{} {}", self.method, if self.watch { " (watch)" } else { "" }, self.path)
    }
}

pub(crate) struct FaultLayer(Arc<Faults>);

impl<S> Layer<S> for FaultLayer {
    type Service = Faulty<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Faulty { inner, faults: self.0.clone(), not_before: Arc::default() }
    }
}

#[derive(Clone)]
pub(crate) struct Faulty<S> {
    inner: S,
    faults: Arc<Faults>,
    /// By namespace, until when this client was told not to write.
    not_before: Arc<Mutex<BTreeMap<String, Instant>>>,
}

type Answer = Result<Response<Body>, BoxError>;

impl<S, Q, A> Service<Request<Q>> for Faulty<S>
where
    S: Service<Request<Q>, Response = Response<A>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    Q: Send + 'static,
    A: HttpBody<Data = Bytes> + Send + 'static,
    A::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // Each call waits for the inner service itself.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        Box::pin(self.clone().answer(request))
    }
}

impl<S> Faulty<S> {
    async fn answer<Q, A>(self, request: Request<Q>) -> Answer
    where
        S: Service<Request<Q>, Response = Response<A>> + Send + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
        Q: Send + 'static,
        A: HttpBody<Data = Bytes> + Send + 'static,
        A::Error: Into<BoxError>,
    {
        let asked = RequestInfo::of(&request);
        let mut rng = self.faults.rng(&asked.name());
        self.note_premature_write(&asked);
        if self.faults.has_expired(&asked) {
            return Ok(refusal(StatusCode::GONE));
        }
        let fault = self.faults.fault(&mut rng, &asked);
        let Self { inner, faults, not_before } = self;
        let reach = async move {
            let answer = inner.oneshot(request).await.map_err(Into::into)?;
            Ok(answer.map(Body::new))
        };
        match fault {
            FaultKind::Answered { after } if asked.watch => {
                sleep(after).await;
                Ok(reach.await?.map(|body| watch_body(faults, &mut rng, body)))
            }
            // What is under way arrives even if nobody waits for the answer any more.
            FaultKind::Answered { after } => {
                let arrived = tokio::spawn(async move {
                    sleep(after).await;
                    reach.await
                });
                arrived.await?
            }
            FaultKind::AnswerLost if asked.watch => Err(broken(io::ErrorKind::ConnectionReset)),
            FaultKind::AnswerLost => {
                tokio::spawn(reach).await??;
                Err(broken(io::ErrorKind::UnexpectedEof))
            }
            FaultKind::Refused(status) => {
                if status == StatusCode::GONE {
                    faults.expire(&asked);
                }
                if status == StatusCode::TOO_MANY_REQUESTS
                    && asked.is_write()
                    && let Some(namespace) = asked.namespace()
                {
                    not_before.lock().unwrap().insert(namespace.to_owned(), Instant::now() + RETRY_AFTER);
                }
                Ok(refusal(status))
            }
            FaultKind::NeverAnswered { arrives } => {
                if arrives && !asked.watch {
                    tokio::spawn(reach);
                }
                pending().await
            }
            FaultKind::Disconnected => Err(broken(io::ErrorKind::ConnectionRefused)),
            FaultKind::TimedOut { after } => {
                sleep(after).await;
                Err(broken(io::ErrorKind::TimedOut))
            }
        }
    }

    fn note_premature_write(&self, asked: &RequestInfo) {
        let Some(namespace) = asked.namespace().filter(|_| asked.is_write()) else { return };
        let not_before = self.not_before.lock().unwrap().get(namespace).copied();
        let left = not_before.map(|at| at.saturating_duration_since(Instant::now())).unwrap_or_default();
        // Timers are precise to a millisecond.
        if left > Duration::from_millis(5) {
            self.faults.premature_writes.lock().unwrap().insert(format!("{}, {left:?} too early", asked.name()));
        }
    }
}

const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A watch that lags and does not last, as long as things go wrong.
fn watch_body(faults: Arc<Faults>, rng: &mut TestRng, body: Body) -> Body {
    let lag = if rng.one_in(3) { rng.millis(5..60) } else { Duration::ZERO };
    let lasts = rng.millis(200..4000);
    let cut = match rng.below(7) {
        0 | 1 => Cut::Ended,
        2 => Cut::Reset,
        3 => Cut::InTheMidstOfALine,
        4 => Cut::Silent,
        _ => Cut::Expired,
    };
    let lags = faults.clone();
    let told = body.into_data_stream().map_err(io::Error::other).then(move |chunk| {
        let lag = if lags.is_on() { lag } else { Duration::ZERO };
        async move {
            sleep(lag).await;
            chunk
        }
    });
    let end = {
        let faults = faults.clone();
        async move {
            sleep(lasts).await;
            if !faults.is_on() {
                pending::<()>().await;
            }
            faults.injected.fetch_add(1, Ordering::SeqCst);
        }
    };
    let ending = stream::once(async move {
        match cut {
            _ if !faults.is_on() => None,
            Cut::Ended => None,
            Cut::Silent => pending().await,
            Cut::Reset => Some(Err(io::ErrorKind::ConnectionReset.into())),
            Cut::InTheMidstOfALine => Some(Ok(Bytes::from_static(b"{\"type\":\"MODIF"))),
            Cut::Expired => {
                let event = json!({ "type": "ERROR", "object": status(StatusCode::GONE) });
                Some(Ok(Bytes::from(format!("{event}\n"))))
            }
        }
    });
    Body::from_stream(told.take_until(end).chain(ending.filter_map(ready)))
}

fn broken(kind: io::ErrorKind) -> BoxError {
    Box::new(io::Error::from(kind))
}

fn refusal(code: StatusCode) -> Response<Body> {
    let mut answer = Response::builder().status(code).header("content-type", "application/json");
    if code == StatusCode::TOO_MANY_REQUESTS {
        answer = answer.header("retry-after", RETRY_AFTER.as_secs());
    }
    answer.body(Body::from(status(code).to_string())).unwrap()
}

/// What Kubernetes says (API reference, Status).
fn status(code: StatusCode) -> Value {
    let reason = match code {
        StatusCode::CONFLICT => "Conflict",
        StatusCode::GONE => "Expired",
        StatusCode::TOO_MANY_REQUESTS => "TooManyRequests",
        _ => "InternalError",
    };
    let mut status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": format!("a fault of the test: {reason}"), "reason": reason, "code": code.as_u16(),
    });
    if code == StatusCode::TOO_MANY_REQUESTS {
        status["details"] = json!({ "retryAfterSeconds": RETRY_AFTER.as_secs() });
    }
    status
}
