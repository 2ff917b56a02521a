//! Whatever goes wrong between the server and its cluster or NATS, and whenever the server ends: once nothing goes wrong any
//! more, everything becomes as it was last asked.
//!
//! `KAI_FAULT_SEEDS` says how many runs there are on each store, and `KAI_FAULT_SEED` repeats one.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{Caller, Health, Reachability, RuntimeId, Timestamp, VersionName, VersionState};
use futures::{StreamExt, stream};
use krt::model::{ConfigSpec, Entrypoint, KrtVersion, Manifest, Node, Subscription, Workflow};
use sandbox::{Options, Sandbox};
use server::{
    changes::Changes,
    cluster::{Cluster, RequestTimeouts},
    config::{MessagingTimeouts, NatsSettings},
    messaging::Messaging,
    reconciler::{ObjectSettings, Reconciler, ReconcilerTimings, RunnerSettings},
    store::{self, CommandRecord, Content, InheritConfig, NewRuntimeRecord, NewVersion, Store, StoreError, StoredFile},
};
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::support::{
    faults::Faults,
    invariant_monitor::InvariantMonitor,
    nats_faults::FaultyNats,
    postgres,
    reference_model::{BROKEN, BROKEN_IMAGE, RUNTIMES, ReferenceModel, VERSIONS, a_command},
    test_rng::TestRng,
};

/// How many commands are given in a run. Many are refused, for the state they meet.
const ATTEMPTS: usize = 250;
const FAULTS_PER_MILLE: u64 = 80;
/// How long it may take to converge: what failed again and again is asked again only after half a minute.
const MAX_WAIT: Duration = Duration::from_secs(90);
const AT_ONCE: usize = 3;
/// Some requests are never answered, and some watches fall silent.
const TIMEOUTS: RequestTimeouts = RequestTimeouts {
    request: Duration::from_secs(1),
    watch_idle: Duration::from_secs(2),
    probe: Duration::from_millis(500),
    probe_interval: Duration::from_secs(1),
};

const MESSAGING_TIMEOUTS: MessagingTimeouts = MessagingTimeouts {
    connect: Duration::from_secs(1),
    reconnect: Duration::from_millis(100),
    read: Duration::from_secs(1),
    write: Duration::from_secs(1),
    probe: Duration::from_millis(500),
    probe_interval: Duration::from_millis(500),
    relist: Duration::from_secs(10),
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_with_faults_and_restarts_converges_on_sqlite() {
    let runs = |seed| async move {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("kai.db").display());
        run(seed, "SQLite", store::open(&url).await.unwrap()).await;
    };
    stream::iter(seeds()).map(runs).buffer_unordered(AT_ONCE).collect::<()>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_with_faults_and_restarts_converges_on_postgres() {
    let runs = |seed| async move {
        run(seed, "PostgreSQL", store::open(&postgres::new_database().await).await.unwrap()).await;
    };
    stream::iter(seeds()).map(runs).buffer_unordered(AT_ONCE).collect::<()>().await;
}

fn seeds() -> Vec<u64> {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    match (number("KAI_FAULT_SEED"), number("KAI_FAULT_SEEDS")) {
        (Some(seed), _) => vec![seed],
        (None, count) => (1..=count.unwrap_or(3)).collect(),
    }
}

/// One run. Panics with its seed.
async fn run(seed: u64, database: &str, store: Arc<Store>) {
    let began = Instant::now();
    let sandbox = Sandbox::start(Options {
        ready_after: Duration::from_millis(30),
        terminate_after: Duration::from_millis(20),
        bookmark_every: Duration::from_millis(500),
        history: 1 << 16,
        ..Options::default()
    });
    let kube = Cluster::client_for(sandbox.router());
    let monitor = InvariantMonitor::of(&kube).await;
    add_versions(&store, &RUNTIMES).await;

    let faults = Faults::new(seed, FAULTS_PER_MILLE);
    let nats = FaultyNats::new(seed).await;
    let url = nats.url();
    let mut rng = TestRng::new(seed);
    let mut model = ReferenceModel::default();
    let mut restarts = 0;
    let mut process = Process::start(&store, &sandbox, &faults, &url).await;
    for _ in 0..ATTEMPTS {
        if rng.one_in(80) {
            process.kill().await;
            process = Process::start(&store, &sandbox, &faults, &url).await;
            restarts += 1;
        }
        command(&store, &process.reconciler, &mut rng, &mut model).await;
        tokio::time::sleep(rng.millis(0..60)).await;
    }
    faults.end();
    let nats = nats.calm().await;

    let end = Instant::now() + MAX_WAIT;
    loop {
        let mut mismatches = model.mismatches(&store, &kube).await;
        mismatches.extend(process.mismatches(&store).await);
        mismatches.extend(nats.mismatches(&store).await);
        if mismatches.is_empty() {
            break;
        }
        assert!(Instant::now() < end, "seed {seed} on {database} does not converge: {mismatches:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let took = began.elapsed();
    let report = monitor.report(&kube).await;
    assert!(report.violations.is_empty(), "seed {seed} on {database}: {:#?}", report.violations);
    assert!(faults.premature_writes().is_empty(), "seed {seed} on {database}: {:#?}", faults.premature_writes());
    println!(
        "seed {seed} on {database}: {} of {ATTEMPTS} commands, {} faults, {restarts} restarts, {} switches, {took:.1?}",
        model.accepted(),
        faults.injected(),
        report.switches
    );
    // A run in which hardly anything happens shows nothing.
    assert!(model.accepted() >= 10 && faults.injected() >= 15, "seed {seed} on {database} does too little");
    process.kill().await;
}

/// What a server is of which only the reconciler runs.
struct Process {
    reconciler: Reconciler,
    cluster: Cluster,
    task: JoinHandle<()>,
}

impl Process {
    async fn start(store: &Arc<Store>, sandbox: &Sandbox, faults: &Arc<Faults>, nats: &str) -> Self {
        let nats = NatsSettings { url: nats.into(), credentials: None };
        let messaging = Messaging::connect(&nats, MESSAGING_TIMEOUTS).await.unwrap();
        let cluster = Cluster::in_process_within(faults.client(sandbox.router()), TIMEOUTS);
        let timings = ReconcilerTimings {
            interval: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(3600),
            ..ReconcilerTimings::default()
        };
        let reconciler = Reconciler::with_messaging(
            store.clone(),
            cluster.clone(),
            Some(messaging),
            object_settings(),
            timings,
            Changes::default(),
        );
        let task = tokio::spawn(reconciler.clone().run(CancellationToken::new()));
        Self { reconciler, cluster, task }
    }

    /// Ends it wherever it is.
    async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.is_err_and(|error| error.is_cancelled()), "the reconciler ended by itself");
    }

    /// What it shows to people that is not as it is.
    async fn mismatches(&self, store: &Store) -> Vec<String> {
        let mut mismatches = Vec::new();
        let reachability = self.cluster.info().reachability;
        if reachability != Reachability::Reachable {
            mismatches.push(format!("the cluster is shown as {reachability:?}"));
        }
        for runtime in RUNTIMES {
            for version in store.versions(&runtime.parse().unwrap()).await.unwrap() {
                let status = self.reconciler.status(&version);
                let health = match version.state() {
                    VersionState::Started | VersionState::Published => Health::Healthy,
                    _ => Health::None,
                };
                if status.health != health || status.waiting.is_some() {
                    mismatches.push(format!("{runtime}/{} is shown as {status:?}", version.name));
                }
            }
        }
        mismatches
    }
}

/// One command, as a service would give it.
async fn command(store: &Store, reconciler: &Reconciler, rng: &mut TestRng, model: &mut ReferenceModel) {
    let runtime: RuntimeId = rng.pick(&RUNTIMES).parse().unwrap();
    let version: VersionName = rng.pick(&VERSIONS).parse().unwrap();
    let now = store.version(&runtime, &version).await.unwrap().unwrap();
    let command = a_command(rng, now.state());
    let (number, comment) = model.next();
    let at = Timestamp::now();
    let deadline = at + Duration::from_secs(3600);
    let record = CommandRecord { command, caller: Caller::local(), comment: Some(comment), at, deadline };
    match store.command(&runtime, &version, record).await {
        Ok(_) => {
            model.accept(number);
            reconciler.wake(&runtime);
        }
        Err(StoreError::Refused { .. }) => {}
        Err(error) => panic!("{error:?}"),
    }
}

/// Adds these runtimes, each with all of [`VERSIONS`].
pub(crate) async fn add_versions(store: &Store, runtimes: &[&str]) {
    let at = Timestamp::now();
    for runtime in runtimes {
        let id: RuntimeId = runtime.parse().unwrap();
        let new = NewRuntimeRecord {
            id: id.clone(),
            name: (*runtime).to_owned(),
            description: String::new(),
            at,
            caller: Caller::local(),
        };
        store.create_runtime(new).await.unwrap();
        for version in VERSIONS {
            let file = StoredFile {
                object: format!("{runtime}/{version}.krt"),
                sha256: "0".repeat(64),
                size_bytes: 1,
                download_token: format!("{runtime}-{version}").into(),
            };
            let new = NewVersion {
                runtime: id.clone(),
                manifest: manifest(version),
                manifest_text: String::new(),
                warnings: Vec::new(),
                file,
                inherit_config: InheritConfig::All,
                content: Content::default(),
                documents: Vec::new(),
                at,
                caller: Caller::local(),
            };
            store.create_version(new).await.unwrap();
        }
    }
}

fn manifest(version: &str) -> Manifest {
    let node = Node {
        name: "greeter".parse().unwrap(),
        image: if version == BROKEN { BROKEN_IMAGE.to_owned() } else { "example/greeter:1".to_owned() },
        src: "src/greeter.py".to_owned(),
        gpu: false,
        replicas: 1,
        subscriptions: vec![Subscription::Entrypoint],
        object_store: None,
    };
    Manifest {
        version: version.parse().unwrap(),
        krt_version: KrtVersion::V2,
        description: String::new(),
        entrypoint: Entrypoint { proto: "p.proto".to_owned(), image: "example/entrypoint:1".to_owned() },
        config: ConfigSpec::default(),
        workflows: vec![Workflow {
            name: "greeting".parse().unwrap(),
            entrypoint: "Greet".to_owned(),
            exitpoint: node.name.clone(),
            nodes: vec![node],
        }],
    }
}

pub(crate) fn object_settings() -> ObjectSettings {
    ObjectSettings {
        namespace_prefix: "kai-".to_owned(),
        base_domain: "example.org".to_owned(),
        ingress_class: None,
        ingress_annotations: BTreeMap::new(),
        ingress_tls_secret: None,
        ingress_preview: false,
        advertised_url: "http://10.0.0.1:3001".to_owned(),
        init_image: "busybox:1.37".to_owned(),
        node_min_ready: Duration::ZERO,
        runners: RunnerSettings::default(),
    }
}
