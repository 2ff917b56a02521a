//! What others change of our objects: what they add beside ours stays and is not fought over, and who changes ours back
//! each time is told, with growing pauses.

use std::{
    fmt::Debug,
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
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Secret, Service},
    networking::v1::Ingress,
};
use kube::{
    Api, Resource,
    api::{Patch, PatchParams},
    runtime::{WatchStreamExt, watcher},
};
use sandbox::{Options, Sandbox};
use serde::{Serialize, de::DeserializeOwned};
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
async fn what_keeps_a_node_from_its_new_configuration_by_being_set_is_put_back() {
    let (fixture, deployments) = started().await;
    for (field, value) in [("paused", json!(true)), ("minReadySeconds", json!(86_400)), ("replicas", json!(0))] {
        let before = serde_json::to_value(deployments.get(NODE).await.unwrap()).unwrap()["spec"][field].clone();
        patch(&deployments, "kubectl-rollout", json!({ "spec": { field: value } })).await;
        let is_set = async || {
            let now = serde_json::to_value(deployments.get(NODE).await.unwrap()).unwrap()["spec"][field].clone();
            now == value && now != before
        };
        fixture.until_cluster("it goes on", async || !is_set().await).await;
        let what = format!("Deployment one-entrypoint was edited: spec.{field}");
        let said = async || repairs(&fixture.history(RUNTIME, "one").await).contains(&what.as_str());
        fixture.until_cluster("it is in the history", said).await;
    }
    fixture.configure(RUNTIME, "one", json!({ "API_KEY": "y" })).await;
    fixture.reach(RUNTIME, "one", "publish", "published").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_that_somebody_restarts_is_left_to_them() {
    let (fixture, deployments) = started().await;
    let restarted = json!({ "kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z" });
    let template = json!({ "metadata": { "annotations": restarted } });
    patch(&deployments, "kubectl-rollout", json!({ "spec": { "template": template } })).await;
    // This makes the server look at all of the version again, and at this Deployment's own change before.
    fixture.configure(RUNTIME, "one", json!({ "API_KEY": "y" })).await;
    fixture.reach(RUNTIME, "one", "publish", "published").await;
    assert_eq!(repairs(&fixture.history(RUNTIME, "one").await), [""; 0]);
    let now = serde_json::to_value(deployments.get(NODE).await.unwrap()).unwrap();
    let annotations = &now["spec"]["template"]["metadata"]["annotations"];
    assert_eq!(annotations["kubectl.kubernetes.io/restartedAt"], "2026-01-01T00:00:00Z");
    fixture.until(RUNTIME, "one", "healthy", |view| view["health"]["status"] == "healthy").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_leads_requests_elsewhere_leads_to_pods_again_and_another_type_stays() {
    let (fixture, _) = started().await;
    fixture.reach(RUNTIME, "one", "publish", "published").await;
    let services = fixture.api::<Service>(RUNTIME);
    let of_type = async |kind: &str, more: Value| {
        let spec = json!({ "spec": { "type": kind, "externalName": more } });
        services.patch("active-entrypoint", &PatchParams::default(), &Patch::Merge(spec)).await.unwrap();
    };
    let type_now = async || services.get("active-entrypoint").await.unwrap().spec.unwrap().type_;
    of_type("ExternalName", json!("elsewhere.example")).await;
    let is_back = async || type_now().await.as_deref() == Some("ClusterIP");
    fixture.until_cluster("a Service of pods", is_back).await;
    of_type("NodePort", Value::Null).await;
    // Makes the server look at all of the version again.
    fixture.configure(RUNTIME, "one", json!({ "API_KEY": "y" })).await;
    fixture.until(RUNTIME, "one", "healthy", |view| view["health"]["status"] == "healthy").await;
    assert_eq!(type_now().await.as_deref(), Some("NodePort"));
}

#[tokio::test(flavor = "multi_thread")]
async fn different_edits_of_a_node_are_told_one_by_one() {
    let (fixture, deployments) = started().await;
    let image = json!({ "spec": { "template": { "spec": { "containers": [
        { "name": "entrypoint", "image": "evil/miner:1" },
    ]}}}});
    let replicas = json!({ "spec": { "replicas": 3 } });
    let fields = ["spec.template.spec.containers[entrypoint].image", "spec.replicas"];
    for (edit, field) in [image, replicas].into_iter().zip(fields) {
        patch(&deployments, "kubectl", edit).await;
        let what = format!("Deployment one-entrypoint was edited: {field}");
        let said = async || repairs(&fixture.history(RUNTIME, "one").await).contains(&what.as_str());
        fixture.until_cluster("it is in the history", said).await;
    }
    let history = fixture.history(RUNTIME, "one").await;
    let expected = fields.map(|field| format!("Deployment one-entrypoint was edited: {field}"));
    assert_eq!(repairs(&history), [expected[1].as_str(), &expected[0]], "the newest first");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_changes_an_object_of_any_kind_back_each_time_is_told() {
    let (fixture, _) = started().await;
    fixture.reach(RUNTIME, "one", "publish", "published").await;
    let told = async |object: &str, field: &str| {
        let (begins, ends) = (format!("{object}: `{field}"), "changed back by `rival`");
        let said = async || {
            let history = fixture.history(RUNTIME, "one").await;
            repairs(&history).iter().any(|said| said.starts_with(&begins) && said.ends_with(ends))
        };
        fixture.until_cluster(&format!("{object} is in the history"), said).await;
    };
    let astray = json!({ "spec": { "selector": { "version-name": "nobody" } } });
    let elsewhere = json!({ "spec": { "rules": [{ "host": "elsewhere.example.org" }] } });
    let secret = json!({ "data": { "API_KEY": "d3Jvbmc=" } });
    let subjects = json!({ "data": { "nats_subject.json": "{}" } });
    let counts: [Arc<AtomicUsize>; 4] = Default::default();
    let [services, secrets, config_maps, ingresses] = counts.clone();
    let rivals = [
        tokio::spawn(insist(fixture.api::<Secret>(RUNTIME), "one-config", secret, secrets)),
        tokio::spawn(insist(fixture.api::<ConfigMap>(RUNTIME), "one-subjects", subjects, config_maps)),
        tokio::spawn(insist(fixture.api::<Ingress>(RUNTIME), "entrypoint", elsewhere, ingresses)),
    ];
    told("Secret one-config", "data.API_KEY").await;
    told("ConfigMap one-subjects", "data.nats_subject.json").await;
    told("Ingress entrypoint", "spec.rules").await;
    rivals.iter().for_each(tokio::task::JoinHandle::abort);
    // By itself: the Ingress is seen to only where the Service is as it should be.
    let rival = tokio::spawn(insist(fixture.api::<Service>(RUNTIME), "active-entrypoint", astray, services));
    told("Service active-entrypoint", "spec.selector.version-name").await;
    rival.abort();
    // Of its writes only the first few follow each other at once.
    let writes = counts.map(|count| count.load(Ordering::SeqCst));
    assert!(writes.iter().all(|writes| *writes <= 16), "{writes:?} in this time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_somebody_undoes_each_time_fails_with_who_and_what() {
    let fixture = Fixture::sandbox_with(|settings| settings.start_timeout = Duration::from_secs(6)).await;
    fixture.add(RUNTIME, vec![Fixture::krt("one").bytes()]).await;
    // Each change of it makes other pods, so none of ours is ever there for long enough.
    let annotations = json!({ "kai-server/config-sha256": "theirs" });
    let theirs = json!({ "spec": { "template": { "metadata": { "annotations": annotations } } } });
    let rival = tokio::spawn(insist(fixture.api::<Deployment>(RUNTIME), NODE, theirs, Arc::default()));
    fixture.act(RUNTIME, "one", "start").await;
    let view = fixture.until(RUNTIME, "one", "failed", |view| view["failure"].is_object()).await;
    rival.abort();
    let field = "spec.template.metadata.annotations.kai-server/config-sha256";
    let expected = format!("the start timed out: Deployment {NODE}: `{field}` is changed back by `rival`");
    assert_eq!(view["failure"]["reason"], expected);
}

/// As somebody's own controller does, which wants a part of the object otherwise.
async fn insist<K>(api: Api<K>, name: &'static str, wanted: Value, writes: Arc<AtomicUsize>)
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Serialize + Debug + Send + 'static,
{
    let params = PatchParams { field_manager: Some("rival".to_owned()), ..PatchParams::default() };
    let watched = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let mut seen = watcher(api.clone(), watched).applied_objects().boxed();
    while let Some(Ok(seen)) = seen.next().await {
        if !has(&serde_json::to_value(&seen).unwrap(), &wanted) {
            writes.fetch_add(1, Ordering::SeqCst);
            // It may be on its way out just now.
            drop(api.patch(name, &params, &Patch::Merge(&wanted)).await);
        }
    }
}

fn has(live: &Value, wanted: &Value) -> bool {
    match wanted {
        Value::Object(fields) => fields.iter().all(|(name, wanted)| has(&live[name], wanted)),
        wanted => live == wanted,
    }
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
    let image = |container: &mut Value| {
        let image = container["image"].as_str().unwrap();
        container["image"] = format!("mirror.example.org/{image}").into();
    };
    let Health::Degraded { reason } = health_behind_a_webhook(image).await else { panic!("nothing is said") };
    assert!(reason.contains("changed back by an admission webhook"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_adds_to_pods_what_is_not_ours_is_left_alone() {
    let adds = |container: &mut Value| {
        let proxy = json!({ "name": "HTTPS_PROXY", "value": "http://proxy.example.org" });
        container["env"].as_array_mut().unwrap().push(proxy);
        container["resources"] = json!({ "limits": { "cpu": "1" } });
    };
    assert_eq!(health_behind_a_webhook(adds).await, Health::Healthy);
}

/// How a version is that is started where a mutating admission webhook does this with each container, and whose
/// objects are applied once, or ever less often.
async fn health_behind_a_webhook(rewrite: fn(&mut Value)) -> Health {
    let store = store::open("sqlite::memory:").await.unwrap();
    let (runtime, version) = add_version(&store, &Krt::new("one")).await;
    let sandbox = Sandbox::start(Options { ready_after: Duration::from_millis(20), ..Options::default() });
    let applies = Arc::new(AtomicUsize::new(0));
    let router = sandbox.router().layer(from_fn_with_state((applies.clone(), rewrite), rewrite_containers));
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
    let health = reconciler.status(&record().await).health;
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
    health
}

type Webhook = (Arc<AtomicUsize>, fn(&mut Value));

async fn rewrite_containers(State((applies, rewrite)): State<Webhook>, request: Request, next: Next) -> Response {
    if request.method() != Method::PATCH || !request.uri().path().contains("/deployments/") {
        return next.run(request).await;
    }
    applies.fetch_add(1, Ordering::SeqCst);
    let (mut parts, body) = request.into_parts();
    let mut body: Value = serde_json::from_slice(&to_bytes(body, usize::MAX).await.unwrap()).unwrap();
    let pod = &mut body["spec"]["template"]["spec"];
    for list in ["initContainers", "containers"] {
        pod[list].as_array_mut().unwrap().iter_mut().for_each(rewrite);
    }
    parts.headers.remove(CONTENT_LENGTH);
    next.run(Request::from_parts(parts, Body::from(body.to_string()))).await
}
