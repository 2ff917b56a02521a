//! A cluster that goes away and comes back.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::{Caller, Command, Reachability, RuntimeId, Timestamp, VersionName, VersionState};
use kube::Client;
use sandbox::{Options, Sandbox};
use server::{
    changes::Changes,
    cluster::Cluster,
    reconciler::{ObjectSettings, Reconciler, ReconcilerTimings, RunnerSettings},
    store::{self, CommandRecord, Content, InheritConfig, NewRuntimeRecord, NewVersion, Store, StoredFile},
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::support::{krt::Krt, server::MAX_WAIT};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_during_an_outage_waits_with_the_reason_and_is_done_after_it() {
    let store = store::open("sqlite::memory:").await.unwrap();
    let (runtime, version) = add_version(&store, &Krt::new("one")).await;
    let sandbox = Sandbox::start(Options { ready_after: Duration::from_millis(20), ..Options::default() });
    let away = Arc::new(AtomicBool::new(false));
    let cluster = Cluster::in_process(client_that_may_be_away(&sandbox, away.clone()));
    let timings = ReconcilerTimings {
        interval: Duration::from_secs(3600),
        stop_timeout: Duration::from_secs(3600),
        ..ReconcilerTimings::default()
    };
    let reconciler = Reconciler::new(store.clone(), cluster.clone(), settings(), timings, Changes::default());
    let stop = CancellationToken::new();
    let running = tokio::spawn(reconciler.clone().run(stop.clone()));
    until("the cluster is there", async || cluster.info().reachability == Reachability::Reachable).await;

    away.store(true, Ordering::SeqCst);
    // Its time runs out while the cluster is away, which is no reason to fail it.
    let deadline = Timestamp::now() + Duration::from_millis(50);
    let command = CommandRecord {
        command: Command::Start,
        caller: Caller::local(),
        comment: None,
        at: Timestamp::now(),
        deadline,
    };
    store.command(&runtime, &version, command).await.unwrap();
    reconciler.wake(&runtime);
    until("it says what it waits for", async || {
        let record = store.version(&runtime, &version).await.unwrap().unwrap();
        assert_eq!(record.state(), VersionState::Starting);
        reconciler.status(&record).waiting.is_some_and(|why| why.starts_with("cluster unreachable since "))
    })
    .await;
    let Reachability::Unreachable { reason, .. } = cluster.info().reachability else { panic!("it is away") };
    assert!(reason.contains("gone fishing"), "{reason}");
    until("its time has run out", async || Timestamp::now() > deadline).await;

    away.store(false, Ordering::SeqCst);
    until("it is started", async || {
        let record = store.version(&runtime, &version).await.unwrap().unwrap();
        assert_eq!(record.failure, None);
        record.state() == VersionState::Started
    })
    .await;
    assert_eq!(cluster.info().reachability, Reachability::Reachable);
    stop.cancel();
    running.await.unwrap();
}

/// Watches that have begun go on; whatever else is asked finds nobody.
fn client_that_may_be_away(sandbox: &Sandbox, away: Arc<AtomicBool>) -> Client {
    let service = tower::ServiceBuilder::new()
        .filter(
            move |request: http::Request<kube::client::Body>| {
                if away.load(Ordering::SeqCst) { Err(std::io::Error::other("gone fishing")) } else { Ok(request) }
            },
        )
        .map_request(|request: http::Request<kube::client::Body>| request.map(axum::body::Body::new))
        .service(sandbox.router());
    Client::new(service, "default")
}

pub(crate) async fn add_version(store: &Store, krt: &Krt) -> (RuntimeId, VersionName) {
    let runtime: RuntimeId = "demo".parse().unwrap();
    let at = Timestamp::now();
    let new = NewRuntimeRecord {
        id: runtime.clone(),
        name: "Demo".to_owned(),
        description: String::new(),
        at,
        caller: Caller::local(),
    };
    store.create_runtime(new).await.unwrap();
    let checked = krt::check(krt.bytes().as_slice(), &krt::Limits::default()).unwrap();
    let file =
        StoredFile { object: "one".to_owned(), sha256: "00".to_owned(), size_bytes: 1, download_token: "token".into() };
    let new = NewVersion {
        runtime: runtime.clone(),
        manifest: checked.manifest,
        manifest_text: checked.manifest_text,
        warnings: checked.warnings,
        file,
        inherit_config: InheritConfig::All,
        content: Content::default(),
        documents: Vec::new(),
        at,
        caller: Caller::local(),
    };
    let version = store.create_version(new).await.unwrap();
    (runtime, version.name)
}

pub(crate) fn settings() -> ObjectSettings {
    ObjectSettings {
        namespace_prefix: "kai-".to_owned(),
        base_domain: "kai.localhost".to_owned(),
        ingress_class: None,
        ingress_annotations: BTreeMap::new(),
        ingress_tls_secret: None,
        ingress_preview: false,
        advertised_url: "http://127.0.0.1:1".to_owned(),
        init_image: "busybox:1.37".to_owned(),
        node_min_ready: Duration::ZERO,
        runners: RunnerSettings::default(),
    }
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let end = Instant::now() + MAX_WAIT;
    while !holds().await {
        assert!(Instant::now() < end, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
