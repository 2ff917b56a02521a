//! What the server asks of its cluster: no more than it needs, no sooner than it may, and of each runtime by itself.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    extract::{Request, State},
    http::{Method, StatusCode},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use domain::{Caller, Command, Health, RuntimeId, Timestamp, VersionState};
use futures::FutureExt;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::{
    Api, Client,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use sandbox::{Options, Sandbox};
use serde_json::json;
use server::{
    changes::Changes,
    cluster::{Cluster, RequestTimeouts},
    reconciler::{Reconciler, ReconcilerTimings, Status},
    store::{self, CommandRecord, Store, VersionRecord},
};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    faults::{add_versions, object_settings},
    support::server::MAX_WAIT,
};

/// How many looks at everything count as "for a while".
const LOOKS: usize = 20;
/// How often the reconciler asks the store what has changed, and the cluster whether it is there.
const INTERVAL: Duration = Duration::from_millis(25);
/// How many runtimes the reconciler works on at once.
const AT_ONCE: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_server_writes_nothing_lists_nothing_and_holds_one_watch_of_each_kind() {
    let server = Server::start(&["a", "b"], RequestGate::default()).await;
    for runtime in ["a", "b"] {
        for version in ["one", "two"] {
            server.reach(runtime, version, Command::Start, VersionState::Started).await;
        }
        server.reach(runtime, "one", Command::Publish, VersionState::Published).await;
    }
    server
        .until("the published version's own Service is gone", async || {
            let seen = server.request_gate.seen();
            ["a", "b"].iter().all(|runtime| {
                let own = format!("DELETE /api/v1/namespaces/kai-{runtime}/services/one-entrypoint");
                seen.asked.contains_key(&own)
            })
        })
        .await;
    server.look_around().await;
    let before = server.request_gate.seen();
    server.look_around().await;
    let after = server.request_gate.seen();
    assert_eq!(before.asked, after.asked, "something was asked though nothing had happened");
    assert_eq!(after.watches.len(), 8, "{:?}", after.watches);
    assert!(after.watches.values().all(|count| *count == 1), "{:?}", after.watches);
    let lists = after.asked.iter().filter(|(what, _)| after.watches.contains_key(what.trim_start_matches("GET ")));
    assert_eq!(lists.map(|(_, count)| count).max(), Some(&1), "each kind is listed once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_that_does_not_change_is_not_reconciled_and_one_that_the_store_changed_is() {
    let server = Server::start(&["a", "b"], RequestGate::default()).await;
    server.reach("a", "one", Command::Start, VersionState::Started).await;
    let end = Instant::now() + MAX_WAIT;
    loop {
        server.looks.take().now_or_never();
        server.rest().await;
        let Some(touched) = server.looks.take().now_or_never() else { break };
        assert!(Instant::now() < end, "looked at again and again: {touched:?}");
    }
    // By somebody who tells nobody.
    server.record_command("a", "two", Command::Start).await;
    server.until_state("a", "two", VersionState::Started).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_than_a_few_runtimes_are_reconciled_at_once() {
    let runtimes = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    let server =
        Server::start(&runtimes, RequestGate { gate: watch::channel(false).0, ..RequestGate::default() }).await;
    for runtime in runtimes {
        server.command(runtime, "one", Command::Start).await;
    }
    let waiting = || server.request_gate.seen().waiting;
    server.until("as many writes as may be wait at the gate", async || waiting() == AT_ONCE).await;
    server.look_around().await;
    assert_eq!(server.request_gate.seen().waiting, AT_ONCE);
    server.request_gate.gate.send_replace(true);
    for runtime in runtimes {
        server.until_state(runtime, "one", VersionState::Started).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reconcile_that_does_not_end_is_cancelled_and_the_next_one_continues() {
    let request_gate = RequestGate { gate: watch::channel(false).0, ..RequestGate::default() };
    let timings = ReconcilerTimings { reconcile_timeout: Duration::from_millis(100), ..timings() };
    let server = Server::start_at(&["a"], request_gate, timings).await;
    server.command("a", "one", Command::Start).await;
    server.until("it is tried again", async || server.request_gate.seen().waiting > 1).await;
    server.request_gate.gate.send_replace(true);
    server.until_state("a", "one", VersionState::Started).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_whose_writes_are_rejected_delays_no_other_and_is_retried_after_the_time_asked_for() {
    let server = Server::start(&["bad", "good"], RequestGate { busy: Some("kai-bad"), ..RequestGate::default() }).await;
    server.command("bad", "one", Command::Start).await;
    server.command("bad", "two", Command::Start).await;
    server.reach("good", "one", Command::Start, VersionState::Started).await;
    server.reach("good", "one", Command::Publish, VersionState::Published).await;
    server
        .until("it says why it waits", async || {
            let waiting = [server.status("bad", "one").await.waiting, server.status("bad", "two").await.waiting];
            waiting.iter().flatten().any(|why| why.contains("asks to retry after"))
        })
        .await;
    server.look_around().await;
    let asked = server.request_gate.seen().asked;
    let writes: usize =
        asked.iter().filter(|(what, _)| what.contains("kai-bad") && !what.starts_with("GET")).map(|(_, n)| n).sum();
    // An hour was asked for, so there was one, whoever is woken how often.
    assert_eq!(writes, 1, "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_while_a_namespace_is_being_deleted_and_that_is_said() {
    let server = Server::start(&["demo"], RequestGate::default()).await;
    server.reach("demo", "one", Command::Start, VersionState::Started).await;
    server.reach("demo", "one", Command::Publish, VersionState::Published).await;
    let held = json!({ "metadata": { "name": "held", "finalizers": ["example.org/hold"] } });
    let configs = Api::<ConfigMap>::namespaced(server.kube.clone(), "kai-demo");
    configs.create(&PostParams::default(), &serde_json::from_value(held).unwrap()).await.unwrap();
    let namespaces = Api::<Namespace>::all(server.kube.clone());
    let first = namespaces.get("kai-demo").await.unwrap();
    namespaces.delete("kai-demo", &DeleteParams::default()).await.unwrap();
    let said = "namespace kai-demo is being deleted; nothing can be created until it is gone";
    server.until("it is said of the one that runs", async || {
        matches!(server.status("demo", "one").await.health, Health::Degraded { reason } if reason.starts_with(said))
    })
    .await;
    let before = server.request_gate.writes();
    server.command("demo", "two", Command::Start).await;
    server
        .until("it is said of the one that starts", async || {
            server.status("demo", "two").await.waiting.is_some_and(|why| why.starts_with(said))
        })
        .await;
    server.look_around().await;
    assert_eq!(server.request_gate.writes(), before);

    let patch = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    configs.patch("held", &PatchParams::default(), &patch).await.unwrap();
    server.until_state("demo", "two", VersionState::Started).await;
    server
        .until("the one that ran runs again", async || server.status("demo", "one").await.health == Health::Healthy)
        .await;
    assert_eq!(server.record("demo", "one").await.state(), VersionState::Published);
    assert_ne!(namespaces.get("kai-demo").await.unwrap().metadata.uid, first.metadata.uid);
}

/// A reconciler on a sandbox, with somebody between them who counts and may hold up or refuse.
struct Server {
    store: Arc<Store>,
    reconciler: Reconciler,
    request_gate: Arc<RequestGate>,
    runtimes: Vec<RuntimeId>,
    /// Touched for each runtime of which something may have changed.
    looks: Changes,
    /// Not by way of the gatekeeper.
    kube: Client,
    stop: CancellationToken,
    _sandbox: Sandbox,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Server {
    async fn start(runtimes: &[&str], request_gate: RequestGate) -> Self {
        Self::start_at(runtimes, request_gate, timings()).await
    }

    async fn start_at(runtimes: &[&str], request_gate: RequestGate, timings: ReconcilerTimings) -> Self {
        let store = store::open("sqlite::memory:").await.unwrap();
        add_versions(&store, runtimes).await;
        let times = Options {
            ready_after: Duration::from_millis(20),
            terminate_after: Duration::from_millis(5),
            ..Options::default()
        };
        let sandbox = Sandbox::start(times);
        let request_gate = Arc::new(request_gate);
        let router = sandbox.router().layer(from_fn_with_state(request_gate.clone(), gate_requests));
        let timeouts = RequestTimeouts { probe_interval: INTERVAL, ..RequestTimeouts::default() };
        let cluster = Cluster::in_process_within(Cluster::client_for(router), timeouts);
        let looks = Changes::default();
        let reconciler = Reconciler::new(store.clone(), cluster, object_settings(), timings, looks.clone());
        let stop = CancellationToken::new();
        tokio::spawn(reconciler.clone().run(stop.clone()));
        let kube = Cluster::client_for(sandbox.router());
        let runtimes = runtimes.iter().map(|runtime| runtime.parse().unwrap()).collect();
        Self { store, reconciler, request_gate, runtimes, looks, kube, stop, _sandbox: sandbox }
    }

    async fn command(&self, runtime: &str, version: &str, command: Command) {
        self.record_command(runtime, version, command).await;
        self.reconciler.wake(&runtime.parse().unwrap());
    }

    async fn record_command(&self, runtime: &str, version: &str, command: Command) {
        let (runtime, version) = (runtime.parse().unwrap(), version.parse().unwrap());
        let at = Timestamp::now();
        let deadline = at + Duration::from_secs(3600);
        let record = CommandRecord { command, caller: Caller::local(), comment: None, at, deadline };
        self.store.command(&runtime, &version, record).await.unwrap();
    }

    async fn reach(&self, runtime: &str, version: &str, command: Command, state: VersionState) {
        self.command(runtime, version, command).await;
        self.until_state(runtime, version, state).await;
    }

    async fn record(&self, runtime: &str, version: &str) -> VersionRecord {
        self.store.version(&runtime.parse().unwrap(), &version.parse().unwrap()).await.unwrap().unwrap()
    }

    async fn status(&self, runtime: &str, version: &str) -> Status {
        self.reconciler.status(&self.record(runtime, version).await)
    }

    async fn until_state(&self, runtime: &str, version: &str, state: VersionState) {
        let what = format!("{runtime}/{version} is {state}");
        self.until(&what, async || {
            let record = self.record(runtime, version).await;
            record.state() == state && !record.switching
        })
        .await;
    }

    async fn until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        let end = Instant::now() + MAX_WAIT;
        while !holds().await {
            assert!(Instant::now() < end, "never: {what}; {:#?}", self.request_gate.seen());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Has every runtime looked at again and again.
    async fn look_around(&self) {
        for _ in 0..LOOKS {
            self.runtimes.iter().for_each(|runtime| self.reconciler.wake(runtime));
            self.until_probed(1).await;
        }
    }

    /// Waits for as long as many looks would take.
    async fn rest(&self) {
        self.until_probed(LOOKS).await;
    }

    async fn until_probed(&self, times: usize) {
        let enough = self.request_gate.seen().probes + times;
        self.until("it asks whether the cluster is there", async || self.request_gate.seen().probes >= enough).await;
    }
}

fn timings() -> ReconcilerTimings {
    ReconcilerTimings { interval: INTERVAL, stop_timeout: Duration::from_secs(300), ..ReconcilerTimings::default() }
}

struct RequestGate {
    seen: Mutex<Seen>,
    /// Writes wait until it is open.
    gate: watch::Sender<bool>,
    /// The namespace in which whoever writes is told to come back in an hour.
    busy: Option<&'static str>,
}

#[derive(Debug, Clone, Default)]
struct Seen {
    /// How often it was asked whether the cluster is there, which is neither a list nor a write.
    probes: usize,
    /// All else but watches, by method and path.
    asked: BTreeMap<String, usize>,
    watches: BTreeMap<String, usize>,
    /// Writes that came to a closed gate.
    waiting: usize,
}

impl Default for RequestGate {
    fn default() -> Self {
        Self { seen: Mutex::default(), gate: watch::channel(true).0, busy: None }
    }
}

impl RequestGate {
    fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    fn writes(&self) -> BTreeMap<String, usize> {
        self.seen().asked.into_iter().filter(|(what, _)| !what.starts_with("GET")).collect()
    }
}

async fn gate_requests(State(request_gate): State<Arc<RequestGate>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
    let is_write = request.method() != Method::GET;
    if path == "/version" {
        request_gate.seen.lock().unwrap().probes += 1;
        return next.run(request).await;
    }
    {
        let mut seen = request_gate.seen.lock().unwrap();
        let what = if is_watch { path.clone() } else { format!("{} {path}", request.method()) };
        *(if is_watch { &mut seen.watches } else { &mut seen.asked }).entry(what).or_default() += 1;
    }
    if !is_write {
        return next.run(request).await;
    }
    let namespace = path.split('/').skip_while(|part| *part != "namespaces").nth(1).unwrap_or_default();
    if request_gate.busy == Some(namespace) {
        // As API servers say it that have too much to do.
        return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "3600")], "Too many requests").into_response();
    }
    let mut gate = request_gate.gate.subscribe();
    if !*gate.borrow() {
        request_gate.seen.lock().unwrap().waiting += 1;
        gate.wait_for(|open| *open).await.unwrap();
    }
    next.run(request).await
}
