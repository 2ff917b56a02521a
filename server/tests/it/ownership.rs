//! Two installations, each with a database of its own, on one cluster with the same namespace prefix.

use std::{sync::Arc, time::Duration};

use domain::{Caller, Command, RuntimeId, Timestamp, VersionName, VersionState};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::{
    Api, Client,
    api::{DeleteParams, PostParams},
};
use sandbox::{Options, Sandbox};
use serde_json::json;
use server::{
    changes::Changes,
    cluster::Cluster,
    reconciler::{LogMode, LogRange, LogRequest, LogSource, Reconciler, ReconcilerTimings, Status},
    store::{self, CommandRecord, Store, VersionRecord},
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    cluster_outage::{add_version, settings},
    support::{krt::Krt, server::MAX_WAIT},
};

const OWNER: &str = "kai-server/installation";
const NAMESPACE: &str = "kai-demo";

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_of_another_installation_is_left_alone_and_said_whose_it_is() {
    let sandbox = sandbox();
    let kube = Cluster::client_for(sandbox.router());
    let secrets = Api::<Secret>::namespaced(kube.clone(), NAMESPACE);
    let first = Installation::start(&sandbox).await;
    first.command(Command::Start, Duration::from_secs(3600)).await;
    first.until_state(VersionState::Started).await;
    let owner = first.store.installation_id().await.unwrap().to_string();
    assert_eq!(owner_of(&kube).await, Some(owner.clone()));
    let before = secrets.get("one-config").await.unwrap();

    let second = Installation::start(&sandbox).await;
    second.command(Command::Start, Duration::from_secs(2)).await;
    let said = format!("namespace {NAMESPACE} belongs to another KAI Server (installation {owner})");
    second
        .until("it says why it waits", async || second.status().await.waiting.is_some_and(|why| why.starts_with(&said)))
        .await;
    let source = LogSource { workflow: None, node: "entrypoint".to_owned() };
    let details = second.reconciler.details(&second.record().await, &source).await.unwrap();
    assert!(details.pods.is_empty() && details.events_error.unwrap().starts_with(&said));
    assert_eq!(second.log_lines(source).await, 0, "what the other's pods log is the other's");
    second.until_state(VersionState::Stopped).await;
    let reason = second.record().await.failure.unwrap().reason;
    assert!(reason.contains(&said), "{reason}");

    assert_eq!(secrets.get("one-config").await.unwrap().metadata, before.metadata);
    assert_eq!(owner_of(&kube).await, Some(owner));
    assert_eq!(first.status().await.health, domain::Health::Healthy);
    assert_eq!(first.record().await.state(), VersionState::Started);

    // Once there is no such namespace any more, it is the next one's.
    first.command(Command::Stop, Duration::from_secs(3600)).await;
    first.until_state(VersionState::Stopped).await;
    Api::<Namespace>::all(kube.clone()).delete(NAMESPACE, &DeleteParams::default()).await.unwrap();
    second.until("it is gone", async || owner_of(&kube).await.is_none()).await;
    second.command(Command::Start, Duration::from_secs(3600)).await;
    second.until_state(VersionState::Started).await;
    assert_eq!(owner_of(&kube).await, Some(second.store.installation_id().await.unwrap().to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_nobody_has_marked_is_used_and_marked() {
    let sandbox = sandbox();
    let kube = Cluster::client_for(sandbox.router());
    let labels = json!({ "app.kubernetes.io/managed-by": "kai-server", "runtime-id": "demo" });
    let namespace = json!({ "metadata": { "name": NAMESPACE, "labels": labels, "annotations": { "a": "b" } } });
    let namespace = serde_json::from_value(namespace).unwrap();
    Api::<Namespace>::all(kube.clone()).create(&PostParams::default(), &namespace).await.unwrap();
    let server = Installation::start(&sandbox).await;
    server.command(Command::Start, Duration::from_secs(3600)).await;
    server.until_state(VersionState::Started).await;
    assert_eq!(owner_of(&kube).await, Some(server.store.installation_id().await.unwrap().to_string()));
    let marked = Api::<Namespace>::all(kube).get(NAMESPACE).await.unwrap();
    assert_eq!(marked.metadata.annotations.unwrap()["a"], "b");
}

fn sandbox() -> Sandbox {
    Sandbox::start(Options { ready_after: Duration::from_millis(20), ..Options::default() })
}

async fn owner_of(kube: &Client) -> Option<String> {
    let namespace = Api::<Namespace>::all(kube.clone()).get_opt(NAMESPACE).await.unwrap()?;
    namespace.metadata.annotations?.get(OWNER).cloned()
}

/// A server of which only the reconciler runs, with one version in one runtime, which all of them call the same.
struct Installation {
    store: Arc<Store>,
    reconciler: Reconciler,
    runtime: RuntimeId,
    version: VersionName,
    stop: CancellationToken,
}

impl Drop for Installation {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Installation {
    async fn start(sandbox: &Sandbox) -> Self {
        let store = store::open("sqlite::memory:").await.unwrap();
        let (runtime, version) = add_version(&store, &Krt::new("one")).await;
        let cluster = Cluster::in_process(Cluster::client_for(sandbox.router()));
        // The cluster takes nothing of one of them, so its time is counted from when that server is up.
        let timings = ReconcilerTimings { start_timeout: Duration::from_secs(2), ..ReconcilerTimings::default() };
        let reconciler = Reconciler::new(store.clone(), cluster, settings(), timings, Changes::default());
        let stop = CancellationToken::new();
        tokio::spawn(reconciler.clone().run(stop.clone()));
        Self { store, reconciler, runtime, version, stop }
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

    async fn log_lines(&self, source: LogSource) -> usize {
        let range = LogRange { mode: LogMode::Last, tail: None, since: None, until: None };
        let query = LogRequest { sources: [source].into(), range };
        let lines = self.reconciler.logs(&self.record().await, query).unwrap();
        futures::StreamExt::count(lines).await
    }

    async fn until_state(&self, state: VersionState) {
        self.until(&format!("it is {state}"), async || {
            let record = self.record().await;
            record.state() == state && !record.switching
        })
        .await;
    }

    async fn until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        let end = Instant::now() + MAX_WAIT;
        while !holds().await {
            assert!(Instant::now() < end, "never: {what}; {:#?}", self.status().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
