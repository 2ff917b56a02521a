//! What others change of our objects: what they add beside ours stays and is not fought over, and who changes ours back
//! each time is told, with growing pauses.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{Method, header::CONTENT_LENGTH},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use domain::{Caller, Command, Health, Timestamp, VersionState};
use futures::StreamExt;
use k8s_openapi::api::apps::v1::Deployment;
use kube::{
    Api,
    api::{Patch, PatchParams},
    runtime::{WatchStreamExt, watcher},
};
use sandbox::{Options, Sandbox};
use serde_json::{Value, json};
use server::{
    changes::Changes,
    cluster::Cluster,
    reconciler::{Reconciler, ReconcilerTimings},
    store::{self, CommandRecord},
};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    cluster_outage::{add_version, settings},
    support::{fixture::Fixture, krt::Krt, server::MAX_WAIT},
};

const RUNTIME: &str = "demo";
const NODE: &str = "one-entrypoint";

/// A version that runs, and its entrypoint's Deployments.
async fn started() -> (Fixture, Api<Deployment>) {
    let fixture = Fixture::sandbox().await;
    fixture.add(RUNTIME, vec![Fixture::krt("one").variable("API_KEY").bytes()]).await;
    fixture.reach(RUNTIME, "one", "start", "started").await;
    let deployments = fixture.api::<Deployment>(RUNTIME);
    (fixture, deployments)
}

async fn patch(deployments: &Api<Deployment>, manager: &str, patch: Value) -> Deployment {
    let params = PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
    deployments.patch(NODE, &params, &Patch::Strategic(patch)).await.unwrap()
}

fn repairs(history: &[Value]) -> Vec<&str> {
    let repairs = history.iter().filter(|entry| entry["action"] == "repair");
    repairs.map(|entry| entry["comment"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_add_beside_ours_stays_and_is_not_put_back() {
    let (fixture, deployments) = started().await;
    let added = json!({ "spec": { "template": { "spec": {
        "containers": [
            { "name": "entrypoint", "env": [{ "name": "X", "value": "1" }] },
            { "name": "sidecar", "image": "proxy:1" },
        ],
        "volumes": [{ "name": "theirs", "emptyDir": {} }],
        "tolerations": [{ "key": "theirs", "operator": "Exists" }],
    }}}});
    let edited = patch(&deployments, "kubectl-set", added).await;
    // Both make the server look at all of the version again, and at this Deployment's own change before.
    fixture.configure(RUNTIME, "one", json!({ "API_KEY": "y" })).await;
    fixture.reach(RUNTIME, "one", "publish", "published").await;
    let history = fixture.history(RUNTIME, "one").await;
    assert_eq!(repairs(&history), [""; 0]);
    let now = deployments.get(NODE).await.unwrap().spec.unwrap().template.spec.unwrap();
    let before = edited.spec.unwrap().template.spec.unwrap();
    assert_eq!((now.containers.len(), &now.volumes, &now.tolerations), (2, &before.volumes, &before.tolerations));
    assert!(now.containers.iter().flat_map(|c| c.env.iter().flatten()).any(|variable| variable.name == "X"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_somebody_paused_goes_on_and_gets_its_new_configuration() {
    let (fixture, deployments) = started().await;
    patch(&deployments, "kubectl-rollout", json!({ "spec": { "paused": true } })).await;
    let is_paused = async || deployments.get(NODE).await.unwrap().spec.unwrap().paused == Some(true);
    fixture.until_cluster("it goes on", async || !is_paused().await).await;
    let said = async || {
        let history = fixture.history(RUNTIME, "one").await;
        repairs(&history) == ["Deployment one-entrypoint was edited: spec.paused"]
    };
    fixture.until_cluster("it is in the history", said).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_changes_a_field_back_each_time_is_told_and_not_raced() {
    let (fixture, deployments) = started().await;
    let generation = async || deployments.get(NODE).await.unwrap().metadata.generation.unwrap();
    let before = generation().await;
    let rival = tokio::spawn(scale_up_again_and_again(deployments.clone()));
    let reason = "Deployment one-entrypoint: `spec.replicas` is changed back by `rival`";
    let view = fixture.until(RUNTIME, "one", "told", |view| view["health"]["reason"] == reason).await;
    assert_eq!(view["health"]["status"], "degraded");
    let said = async || repairs(&fixture.history(RUNTIME, "one").await).contains(&reason);
    fixture.until_cluster("it is in the history", said).await;
    // Two for each apply of ours, of which only the first few follow each other at once.
    let writes = generation().await - before;
    assert!(writes <= 16, "{writes} in this time");
    rival.abort();
    let replicas = async || deployments.get(NODE).await.unwrap().spec.unwrap().replicas;
    fixture.until_cluster("it is put back when its time has come", async || replicas().await == Some(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_deletes_and_makes_again_itself_is_not_slowed_down() {
    let fixture = Fixture::sandbox().await;
    fixture.add(RUNTIME, vec![Fixture::krt("one").bytes(), Fixture::krt("two").bytes()]).await;
    for version in ["one", "two"] {
        fixture.reach(RUNTIME, version, "start", "started").await;
    }
    // Each publication makes a Service for the version that it replaces and deletes the new one's own.
    // The last ones would wait for minutes.
    for version in ["one", "two"].into_iter().cycle().take(20) {
        fixture.reach(RUNTIME, version, "publish", "published").await;
    }
}

async fn scale_up_again_and_again(deployments: Api<Deployment>) {
    let watched = watcher::Config::default().fields(&format!("metadata.name={NODE}"));
    let mut seen = watcher(deployments.clone(), watched).applied_objects().boxed();
    while let Some(Ok(seen)) = seen.next().await {
        if seen.spec.unwrap().replicas == Some(1) {
            patch(&deployments, "rival", json!({ "spec": { "replicas": 3 } })).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_rewrites_images_does_not_keep_a_version_from_starting_and_is_told() {
    let store = store::open("sqlite::memory:").await.unwrap();
    let (runtime, version) = add_version(&store, &Krt::new("one")).await;
    let sandbox = Sandbox::start(Options { ready_after: Duration::from_millis(20), ..Options::default() });
    let applies = Arc::new(AtomicUsize::new(0));
    let router = sandbox.router().layer(from_fn_with_state(applies.clone(), rewrite_images));
    let looks = Changes::default();
    let timings = ReconcilerTimings {
        interval: Duration::from_millis(25),
        stop_timeout: Duration::from_secs(300),
        ..ReconcilerTimings::default()
    };
    let cluster = Cluster::in_process(Cluster::client_for(router));
    let reconciler = Reconciler::new(store.clone(), cluster, settings(), timings, looks.clone());
    let stop = CancellationToken::new();
    let running = tokio::spawn(reconciler.clone().run(stop.clone()));

    let at = Timestamp::now();
    let deadline = at + Duration::from_secs(3600);
    let command = CommandRecord { command: Command::Start, caller: Caller::local(), comment: None, at, deadline };
    store.command(&runtime, &version, command).await.unwrap();
    reconciler.wake(&runtime);
    let end = Instant::now() + MAX_WAIT;
    let record = async || store.version(&runtime, &version).await.unwrap().unwrap();
    while record().await.state() != VersionState::Started {
        assert!(Instant::now() < end, "{:?}", reconciler.status(&record().await));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let Health::Degraded { reason } = reconciler.status(&record().await).health else { panic!("nothing is said") };
    assert!(reason.contains("changed back by an admission webhook"), "{reason}");
    let before = applies.load(Ordering::SeqCst);
    for _ in 0..20 {
        reconciler.wake(&runtime);
        // A look takes much less, and tells of nothing when there is nothing to tell.
        let _ = timeout(Duration::from_millis(50), looks.take()).await;
    }
    // Two Deployments, each tried again after at least a second.
    assert!(applies.load(Ordering::SeqCst) - before <= 4, "{before} before, {} now", applies.load(Ordering::SeqCst));
    stop.cancel();
    running.await.unwrap();
}

/// As a mutating admission webhook does that has images taken from a mirror.
async fn rewrite_images(State(applies): State<Arc<AtomicUsize>>, request: Request, next: Next) -> Response {
    if request.method() != Method::PATCH || !request.uri().path().contains("/deployments/") {
        return next.run(request).await;
    }
    applies.fetch_add(1, Ordering::SeqCst);
    let (mut parts, body) = request.into_parts();
    let body = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
    let body = body.replace("\"image\":\"", "\"image\":\"mirror.example.org/");
    parts.headers.remove(CONTENT_LENGTH);
    next.run(Request::from_parts(parts, Body::from(body))).await
}
