//! Killed again and again, at any moment, while people go on asking; the cluster lives on, as it does in real life.
//!
//! `KAI_KILLS` says how often, and `KAI_KILL_SEED` when.

use std::{path::Path, process::Command, time::Duration};

use domain::VersionState;
use kube::Client;
use sandbox::{Options, Sandbox};
use serde_json::{Value, json};
use server::{
    cluster::Cluster,
    store::{self, Store},
};
use tokio::{
    net::TcpListener,
    time::{Instant, sleep, sleep_until},
};

use crate::support::{
    invariant_monitor::InvariantMonitor,
    krt::Krt,
    nats_faults::FaultyNats,
    program::{Started, program},
    reference_model::{BROKEN, BROKEN_IMAGE, RUNTIMES, ReferenceModel, VERSIONS, a_command},
    test_rng::TestRng,
};

const MAX_WAIT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whenever_a_server_is_killed_the_next_one_goes_on() {
    let number = |name, otherwise| std::env::var(name).map_or(otherwise, |text| text.parse::<u64>().unwrap());
    let (kills, seed) = (number("KAI_KILLS", 12), number("KAI_KILL_SEED", 1));
    let sandbox = Sandbox::start(Options {
        ready_after: Duration::from_millis(50),
        terminate_after: Duration::from_millis(50),
        history: 1 << 16,
        ..Options::default()
    });
    let kube = Cluster::client_for(sandbox.router());
    let monitor = InvariantMonitor::of(&kube).await;
    let dir = tempfile::tempdir().unwrap();
    let mut program = on_cluster(dir.path(), &sandbox).await;
    let nats = FaultyNats::new(seed).await;
    program.env("KAI_NATS_URL", nats.url());

    let mut rng = TestRng::new(seed);
    let mut model = ReferenceModel::default();
    let mut server = Started::new(&mut program);
    add_versions(&server).await;
    for kill in 1..=kills {
        live(&server, &mut rng, &mut model, kill).await;
        drop(server);
        if rng.one_in(4) {
            // One that does not even come to answer.
            let mut process = program.spawn().unwrap();
            sleep(rng.millis(0..300)).await;
            process.kill().unwrap();
            process.wait().unwrap();
        }
        server = Started::new(&mut program);
        if kill.is_multiple_of(10) {
            println!("{kill} of {kills} kills, {} commands", model.accepted());
        }
    }

    let nats = nats.calm().await;
    let store = store::open(&format!("sqlite:{}", dir.path().join("data/kai.db").display())).await.unwrap();
    let end = Instant::now() + MAX_WAIT;
    loop {
        let mut mismatches = mismatches(&server, &store, &model, &kube).await;
        mismatches.extend(nats.mismatches(&store).await);
        if mismatches.is_empty() {
            break;
        }
        assert!(Instant::now() < end, "seed {seed} does not converge: {mismatches:#?}");
        sleep(Duration::from_millis(100)).await;
    }
    let report = monitor.report(&kube).await;
    assert!(report.violations.is_empty(), "seed {seed}: {:#?}", report.violations);
    println!("{kills} kills, {} commands, {} switches", model.accepted(), report.switches);
}

/// The program, on a cluster that outlives it.
async fn on_cluster(dir: &Path, sandbox: &Sandbox) -> Command {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = sandbox.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let kubeconfig = dir.join("kubeconfig");
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{ "name": "test", "cluster": { "server": format!("http://{address}") } }],
        "users": [{ "name": "test", "user": {} }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test" } }],
    });
    std::fs::write(&kubeconfig, config.to_string()).unwrap();
    let mut program = program(&dir.join("data"));
    program.env("KAI_CLUSTER", "kubeconfig").env("KUBECONFIG", kubeconfig).env("KAI_NODE_MIN_READY", "0s");
    // The same in each life, or else each would have to replace all pods.
    program.env("KAI_ADVERTISED_URL", "http://10.0.0.1:3001");
    program
}

async fn add_versions(server: &Started) {
    for runtime in RUNTIMES {
        let body = json!({ "id": runtime, "name": runtime }).to_string();
        assert_eq!(post(server, "/api/v1/runtimes", body).await, 201);
        for version in VERSIONS {
            let node = if version == BROKEN { BROKEN_IMAGE } else { "example/greeter:1" };
            let krt = Krt::new(version).images(node, "example/entrypoint:1").bytes();
            assert_eq!(post(server, &format!("/api/v1/runtimes/{runtime}/versions"), krt).await, 201);
        }
    }
}

/// One server's life: commands, one after another, until its time has come; which may be in the midst of one. Lives in
/// which nothing is done show nothing, so none is over before `enough` has been accepted in all of them so far, however
/// long a busy machine takes for that.
async fn live(server: &Started, rng: &mut TestRng, model: &mut ReferenceModel, enough: u64) {
    let born = Instant::now();
    let mut end = born + rng.millis(0..1500);
    loop {
        let now = Instant::now();
        if now >= end {
            if model.accepted() as u64 >= enough {
                return;
            }
            assert!(now < born + MAX_WAIT, "{} of {enough} commands are accepted", model.accepted());
            end = now + rng.millis(100..1500);
        }
        let (runtime, version) = (rng.pick(&RUNTIMES), rng.pick(&VERSIONS));
        let (number, comment) = model.next();
        let path = format!("/api/v1/runtimes/{runtime}/versions/{version}");
        let asks = async {
            let state = serde_json::from_value(get(server, &path).await["state"].clone()).unwrap();
            let path = format!("{path}/{}", a_command(rng, state));
            post(server, &path, json!({ "comment": comment }).to_string()).await
        };
        tokio::select! {
            status = asks => match status {
                202 => model.accept(number),
                409 => {}
                other => panic!("{path}: {other}"),
            },
            () = sleep_until(end) => model.unanswered(number),
        }
        sleep_until(end.min(Instant::now() + rng.millis(0..60))).await;
    }
}

async fn mismatches(server: &Started, store: &Store, model: &ReferenceModel, kube: &Client) -> Vec<String> {
    let mut mismatches = model.mismatches(store, kube).await;
    for runtime in RUNTIMES {
        for version in store.versions(&runtime.parse().unwrap()).await.unwrap() {
            let view = get(server, &format!("/api/v1/runtimes/{runtime}/versions/{}", version.name)).await;
            let health = match version.state() {
                VersionState::Started | VersionState::Published => "healthy",
                _ => "none",
            };
            if view["health"]["status"] != health || !view["waiting"].is_null() {
                mismatches.push(format!("{runtime}/{} is shown as {view:#}", version.name));
            }
        }
    }
    mismatches
}

async fn get(server: &Started, path: &str) -> Value {
    let answer = reqwest::get(format!("{}{path}", server.url())).await.unwrap();
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

async fn post(server: &Started, path: &str, body: impl Into<reqwest::Body>) -> u16 {
    let request = reqwest::Client::new().post(format!("{}{path}", server.url())).body(body);
    request.send().await.unwrap().status().as_u16()
}
