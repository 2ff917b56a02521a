//! NATS that is away, or comes back with nothing.

use std::time::Duration;

use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::{ResourceExt, api::ListParams};
use serde_json::Value;

use super::scene::{RUNTIME, Scene};

/// More than runners survive in the test, and more than a busy machine makes a probe wait.
const LONG: Duration = Duration::from_secs(3);

fn is_healthy(view: &Value) -> bool {
    view["health"]["status"] == "healthy"
}

/// Why it is degraded.
fn reason(view: &Value) -> &str {
    view["health"]["reason"].as_str().unwrap_or_default()
}

fn is_away(view: &Value) -> bool {
    view["health"]["status"] == "degraded" && reason(view).starts_with("messaging unreachable since ")
}

impl Scene {
    /// When the pods of each Deployment were told to restart.
    async fn restarts(&self) -> Vec<Option<String>> {
        let all = self.fixture.api::<Deployment>(RUNTIME).list(&ListParams::default()).await.unwrap();
        let restarted = |deployment: Deployment| {
            let template = deployment.spec?.template.metadata?;
            template.annotations?.get("kai-server/restarted-at").cloned()
        };
        all.items.into_iter().map(restarted).collect()
    }

    /// Those that are not on their way out.
    async fn pods(&self) -> Vec<String> {
        let all = self.fixture.api::<Pod>(RUNTIME).list(&ListParams::default()).await.unwrap();
        let staying = all.items.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
        staying.map(ResourceExt::name_any).collect()
    }

    async fn until_away(&self) {
        self.until("one", "away", is_away).await;
    }

    async fn until_healthy(&self) {
        self.until("one", "healthy", is_healthy).await;
    }

    /// The entries about a restart of all pods.
    async fn told_restarts(&self) -> Vec<String> {
        self.repairs("one")
            .await
            .into_iter()
            .filter(|told| told.contains("because messaging was unreachable"))
            .collect()
    }
}

#[tokio::test]
async fn a_start_without_nats_waits_and_says_why_and_goes_on_when_it_is_there() {
    let mut scene = Scene::new().await;
    let _nodes = scene.nodes().await;
    scene.add("one", "c2").await;
    scene.nats.kill();
    scene.act("one", "start").await;
    let waits = |view: &Value| {
        let waiting = view["waiting"].as_str().unwrap_or_default();
        waiting.starts_with("messaging unreachable since ") && waiting.ends_with(" UTC: cannot connect")
    };
    scene.until("one", "waiting for NATS", waits).await;
    assert!(scene.pods().await.is_empty());
    scene.nats.start_again().await;
    scene.fixture.wait(RUNTIME, "one", "started").await;
}

#[tokio::test]
async fn a_start_without_nats_fails_with_that_reason() {
    let mut scene = Scene::with(|settings| settings.start_timeout = Duration::from_secs(2)).await;
    scene.add("one", "c2").await;
    scene.nats.kill();
    scene.act("one", "start").await;
    // Its stop waits for NATS: something may be left in it.
    let view = scene.until("one", "failed", |view| view["failure"].is_object()).await;
    let reason = view["failure"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("the start timed out: messaging unreachable since "), "{reason}");
    let waits = |view: &Value| view["waiting"].as_str().is_some_and(|said| said.contains("messaging unreachable"));
    scene.until("one", "waiting for NATS", waits).await;
    scene.nats.start_again().await;
    scene.fixture.wait(RUNTIME, "one", "stopped").await;
}

#[tokio::test]
async fn after_an_outage_that_runners_survive_a_version_is_healthy_again_with_the_same_pods() {
    let mut scene = Scene::with(|settings| settings.messaging.restart_after = Duration::from_secs(3600)).await;
    let _nodes = scene.nodes().await;
    scene.add("one", "c2").await;
    scene.reach("one", "start", "started").await;
    scene.reach("one", "publish", "published").await;
    let pods = scene.pods().await;
    scene.nats.kill();
    scene.until_away().await;
    scene.nats.start_again_empty().await;
    scene.until_healthy().await;
    assert_eq!((scene.pods().await, scene.told_restarts().await), (pods, vec![]));
    assert!(scene.stream_names().await.contains(&"demo_one_Greet".to_owned()), "what NATS lost is there again");
}

#[tokio::test]
async fn after_a_longer_outage_all_pods_restart_once_also_when_the_server_ended_meanwhile() {
    let mut scene = Scene::with(|settings| settings.messaging.restart_after = LONG).await;
    let _nodes = scene.nodes().await;
    scene.add("one", "b").await;
    scene.reach("one", "start", "started").await;
    scene.reach("one", "publish", "published").await;
    let before = scene.pods().await;
    scene.nats.kill();
    scene.until_away().await;
    let store = scene.fixture.server.store().await;
    // What a server that ends now leaves behind.
    let version =
        || async { store.version(&RUNTIME.parse().unwrap(), &"one".parse().unwrap()).await.unwrap().unwrap() };
    assert_eq!(version().await.pods_restarted_at, None);
    // An outage lasts for as long as it has to.
    tokio::time::sleep(LONG).await;
    scene.nats.start_again().await;
    scene.until_healthy().await;
    assert!(scene.restarts().await.iter().all(Option::is_some), "healthy no sooner than they restarted");
    let left: Vec<_> = scene.pods().await.into_iter().filter(|pod| before.contains(pod)).collect();
    assert!(left.is_empty(), "healthy, and these did not restart: {left:?}");
    let restarted_at = version().await.pods_restarted_at;
    assert!(restarted_at.is_some());
    let told = scene.told_restarts().await;
    assert_eq!(told.len(), 1, "{told:?}");
    scene.until_healthy().await;
    assert_eq!((version().await.pods_restarted_at, scene.told_restarts().await.len()), (restarted_at, 1));
    assert_eq!(scene.fixture.view(RUNTIME, "one").await["state"], "published");
}

#[tokio::test]
async fn an_outage_that_began_under_another_server_counts_from_then() {
    let mut scene = Scene::with(|settings| settings.messaging.restart_after = Duration::from_secs(60)).await;
    let _nodes = scene.nodes().await;
    scene.add("one", "c1").await;
    scene.reach("one", "start", "started").await;
    scene.nats.kill();
    scene.until_away().await;
    let store = scene.fixture.server.store().await;
    // As if the server that noticed it had noticed it a while ago, and this one had just begun.
    let now = domain::Timestamp::now();
    store.messaging_back(now, Duration::MAX).await.unwrap();
    store.messaging_lost(now - Duration::from_secs(90)).await.unwrap();
    store.messaging_lost(now).await.unwrap();
    scene.nats.start_again().await;
    scene.fixture.until_cluster("other pods", || async { scene.restarts().await.iter().all(Option::is_some) }).await;
    let told = scene.told_restarts().await;
    assert!(told.len() == 1 && told[0].contains("unreachable for 9"), "{told:?}");
    let again = store.messaging_back(domain::Timestamp::now(), Duration::ZERO).await.unwrap();
    assert!(again.is_empty(), "it is over");
    scene.until_healthy().await;
}
