//! What the server does by itself is in the history, once for each time, also across its restarts.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{
    Action, Actor, Caller, Command, HistoryEntry, HistoryPage, Outcome, RuntimeId, Timestamp, VersionName, VersionState,
};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Pod, Secret, Service},
    networking::v1::Ingress,
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams},
};
use sandbox::{Options, Sandbox};
use serde_json::{Value, json};
use server::{
    changes::Changes,
    cluster::Cluster,
    reconciler::{ObjectSettings, Reconciler, ReconcilerTimings, Status},
    store::{self, CommandRecord, Store, VersionRecord},
};
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    cluster_outage::add_version,
    support::{krt::Krt, server::MAX_WAIT},
};

const NAMESPACE: &str = "kai-demo";

/// A server of which only the reconciler runs, and which can be ended at any time, with a version that is started.
struct Scene {
    store: Arc<Store>,
    sandbox: Sandbox,
    kube: Client,
    runtime: RuntimeId,
    version: VersionName,
    reconciler: Reconciler,
    task: JoinHandle<()>,
}

impl Scene {
    /// A pod takes long enough to be ready that it is missed.
    async fn started() -> Self {
        let store = store::open("sqlite::memory:").await.unwrap();
        let (runtime, version) = add_version(&store, &Krt::new("one").variable("API_KEY")).await;
        let sandbox = Sandbox::start(Options { ready_after: Duration::from_millis(2500), ..Options::default() });
        let kube = Cluster::client_for(sandbox.router());
        let (reconciler, task) = reconciler(&store, &sandbox);
        let scene = Self { store, sandbox, kube, runtime, version, reconciler, task };
        scene.configure("1").await;
        scene.command(Command::Start, Duration::from_secs(3600)).await;
        scene.reach(VersionState::Started).await;
        scene
    }

    /// Ends the process wherever it is, and begins another.
    async fn restart(&mut self) {
        self.task.abort();
        let (reconciler, task) = reconciler(&self.store, &self.sandbox);
        (self.reconciler, self.task) = (reconciler, task);
    }

    async fn configure(&self, value: &str) {
        let values = BTreeMap::from([("API_KEY".to_owned(), Some(value.into()))]);
        let (runtime, version) = (&self.runtime, &self.version);
        self.store.set_config(runtime, version, values, &Caller::local(), None, Timestamp::now()).await.unwrap();
        self.reconciler.wake(runtime);
    }

    async fn command(&self, command: Command, timeout: Duration) {
        let at = Timestamp::now();
        let record = CommandRecord { command, caller: Caller::local(), comment: None, at, deadline: at + timeout };
        self.store.command(&self.runtime, &self.version, record).await.unwrap();
        self.reconciler.wake(&self.runtime);
    }

    async fn record(&self) -> VersionRecord {
        self.store.version(&self.runtime, &self.version).await.unwrap().unwrap()
    }

    async fn status(&self) -> Status {
        self.reconciler.status(&self.record().await)
    }

    async fn reach(&self, state: VersionState) {
        until(&format!("it is {state}"), async || {
            let record = self.record().await;
            record.state() == state && !record.switching
        })
        .await;
    }

    async fn history(&self) -> Vec<HistoryEntry> {
        self.store.history(&self.runtime, &self.version, &HistoryPage::default()).await.unwrap()
    }

    /// What kai-server wrote, oldest first.
    async fn by_server(&self) -> Vec<HistoryEntry> {
        let mut entries = self.history().await;
        entries.reverse();
        entries.retain(|entry| entry.who == Actor::Server);
        entries
    }

    async fn actions_of_server(&self) -> Vec<Action> {
        self.by_server().await.into_iter().map(|entry| entry.action).collect()
    }

    async fn node_pods(&self) -> Vec<Pod> {
        let nodes = ListParams::default().labels("type=node");
        Api::namespaced(self.kube.clone(), NAMESPACE).list(&nodes).await.unwrap().items
    }

    async fn until_healthy(&self) {
        until("it is healthy", async || self.status().await.health == domain::Health::Healthy).await;
    }
}

fn reconciler(store: &Arc<Store>, sandbox: &Sandbox) -> (Reconciler, JoinHandle<()>) {
    let cluster = Cluster::in_process(Cluster::client_for(sandbox.router()));
    let timings = ReconcilerTimings {
        interval: Duration::from_secs(3600),
        stop_timeout: Duration::from_secs(3600),
        ..ReconcilerTimings::default()
    };
    let settings = ObjectSettings { ingress_preview: true, ..crate::cluster_outage::settings() };
    let reconciler = Reconciler::new(store.clone(), cluster, settings, timings, Changes::default());
    let task = tokio::spawn(reconciler.clone().run(CancellationToken::new()));
    (reconciler, task)
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let end = Instant::now() + MAX_WAIT;
    while !holds().await {
        assert!(Instant::now() < end, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_dies_is_one_degradation_and_one_recovery_across_a_restart() {
    let mut scene = Scene::started().await;
    assert_eq!(scene.actions_of_server().await, [], "a start is nothing that the server does by itself");
    let pod = scene.node_pods().await.remove(0).name_any();
    Api::<Pod>::namespaced(scene.kube.clone(), NAMESPACE).delete(&pod, &DeleteParams::default()).await.unwrap();
    until("it is recorded as degraded", async || scene.record().await.degraded_since.is_some()).await;
    scene.restart().await;
    until("it is recorded as healed", async || scene.record().await.degraded_since.is_none()).await;
    scene.restart().await;
    scene.until_healthy().await;

    let told = scene.by_server().await;
    assert_eq!(told.iter().map(|entry| entry.action).collect::<Vec<_>>(), [Action::Degraded, Action::Healed]);
    let said = |entry: &HistoryEntry| entry.comment.clone().unwrap_or_default();
    assert!(said(&told[0]).starts_with("greeting/greeter: "), "{told:?}");
    assert!(said(&told[1]).starts_with("after "), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_deletes_or_edits_is_a_repair() {
    let scene = Scene::started().await;
    let secrets = Api::<Secret>::namespaced(scene.kube.clone(), NAMESPACE);
    let services = Api::<Service>::namespaced(scene.kube.clone(), NAMESPACE);
    secrets.delete("one-config", &DeleteParams::default()).await.unwrap();
    let edited = json!({ "spec": { "selector": { "version-name": "another" } } });
    services.patch("one-entrypoint", &PatchParams::default(), &Patch::Merge(edited)).await.unwrap();
    let is_told =
        |entries: &[HistoryEntry]| entries.len() == 2 && entries.iter().all(|entry| entry.outcome == Outcome::Reached);
    until("both are put back", async || is_told(&scene.by_server().await)).await;
    let mut said: Vec<_> = scene.by_server().await.into_iter().filter_map(|entry| entry.comment).collect();
    said.sort();
    assert_eq!(
        said,
        ["Secret one-config was missing", "Service one-entrypoint was edited: spec.selector.version-name"]
    );

    secrets.delete("one-config", &DeleteParams::default()).await.unwrap();
    until("it is put back again", async || {
        scene.by_server().await.iter().any(|entry| {
            entry.comment.as_deref() == Some("Secret one-config was missing, 2 times")
                && entry.outcome == Outcome::Reached
        })
    })
    .await;
    assert_eq!(scene.actions_of_server().await, [Action::Repair, Action::Repair]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_that_somebody_deletes_is_a_repair() {
    let scene = Scene::started().await;
    let ingresses = Api::<Ingress>::namespaced(scene.kube.clone(), NAMESPACE);
    until("its return is told", async || {
        // Again, in case that it went before the server had seen it.
        let _ = ingresses.delete("one-preview", &DeleteParams::default()).await;
        let told = scene.by_server().await.into_iter().filter_map(|entry| entry.comment);
        told.into_iter().any(|comment| comment.starts_with("Ingress one-preview was missing"))
    })
    .await;
    until("it is back", async || {
        let told = scene.by_server().await;
        ingresses.get_opt("one-preview").await.unwrap().is_some()
            && told.iter().all(|entry| entry.action == Action::Repair && entry.outcome == Outcome::Reached)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_ask_is_no_repair_and_no_degradation() {
    let mut scene = Scene::started().await;
    scene.command(Command::Publish, Duration::from_secs(3600)).await;
    scene.reach(VersionState::Published).await;
    let before: Vec<_> = scene.node_pods().await.iter().map(ResourceExt::name_any).collect();
    scene.configure("2").await;
    scene.restart().await;
    let rolled = async || {
        let pods = scene.node_pods().await;
        let deployments = Api::<Deployment>::namespaced(scene.kube.clone(), NAMESPACE);
        let all = deployments.list(&ListParams::default()).await.unwrap().items;
        let done = |d: &Deployment| {
            d.status.as_ref().is_some_and(|s| s.available_replicas == Some(1) && s.replicas == Some(1))
        };
        all.iter().all(done) && !pods.is_empty() && pods.iter().all(|pod| !before.contains(&pod.name_any()))
    };
    until("all pods are others", rolled).await;
    scene.command(Command::Unpublish, Duration::from_secs(3600)).await;
    scene.reach(VersionState::Started).await;
    scene.until_healthy().await;
    assert_eq!(scene.by_server().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_is_held_says_so_when_it_is_overdue_and_ends_when_it_is_let_go() {
    let mut scene = Scene::started().await;
    let pods = Api::<Pod>::namespaced(scene.kube.clone(), NAMESPACE);
    let pod = scene.node_pods().await.remove(0).name_any();
    let hold = |finalizers: Value| Patch::Merge(json!({ "metadata": { "finalizers": finalizers } }));
    pods.patch(&pod, &PatchParams::default(), &hold(json!(["example.org/hold"]))).await.unwrap();
    scene.command(Command::Stop, Duration::from_millis(1500)).await;
    let held = format!("pod {pod} is blocked by the finalizer example.org/hold");
    let says = async |text: &str| scene.status().await.waiting.is_some_and(|w| w.contains(text) && w.contains(&held));
    until("it says who holds on", async || says("1 pod").await).await;
    until("it is overdue", async || says("overdue since ").await).await;
    scene.restart().await;
    until("it still is", async || {
        let waiting = scene.status().await.waiting;
        waiting.is_some_and(|waiting| waiting.contains("overdue since ") && waiting.contains(&held))
    })
    .await;
    assert_eq!(scene.record().await.state(), VersionState::Stopping);
    let stop = scene.history().await.swap_remove(0);
    assert_eq!((stop.action, stop.outcome), (Action::Stop, Outcome::Pending));

    pods.patch(&pod, &PatchParams::default(), &hold(Value::Null)).await.unwrap();
    scene.reach(VersionState::Stopped).await;
    let stop = scene.history().await.swap_remove(0);
    assert_eq!((stop.action, stop.outcome), (Action::Stop, Outcome::Reached));
    assert_eq!(scene.by_server().await, []);
}
