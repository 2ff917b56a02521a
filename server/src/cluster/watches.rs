//! One watch per kind over our label: the work of an idle server does not grow with the number of versions.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    future::Future,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use domain::{RuntimeId, Timestamp};
use futures::{StreamExt, TryStreamExt, future::join_all};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Endpoints, Namespace, Pod, Secret, Service},
    discovery::v1::EndpointSlice,
    networking::v1::Ingress,
};
use kube::{
    Api, ResourceExt,
    api::{ListParams, WatchParams},
    runtime::{utils::Backoff, watcher},
};
use serde::de::DeserializeOwned;
use tokio::time::sleep;

use super::{Cache, CachedKind, Cluster};

/// Objects in one answer: all of it is in memory at once, whole.
const PAGE: u32 = 100;
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// The label that all our objects carry, and its value (docs/lifecycle.md §3.1).
pub(crate) const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "kai-server");
/// The label that says which runtime an object belongs to.
pub(crate) const RUNTIME_LABEL: &str = "runtime-id";
/// The annotation of pods that were restarted because NATS was away: when that was decided.
pub(crate) const RESTARTED_AT: &str = "kai-server/restarted-at";

/// Our objects in the cluster, kept up to date.
#[derive(Default)]
pub(crate) struct Watches {
    pub(crate) deployments: Cache<Deployment>,
    pub(crate) pods: Cache<Pod>,
    pub(crate) services: Cache<Service>,
    pub(crate) secrets: Cache<Secret>,
    pub(crate) config_maps: Cache<ConfigMap>,
    pub(crate) ingresses: Cache<Ingress>,
    /// All that there are: one that somebody else made has no label of ours.
    pub(crate) namespaces: Cache<Namespace>,
    slices: Cache<EndpointSlice>,
    endpoints: Cache<Endpoints>,
}

impl Watches {
    /// Whether everything has been seen at least once. Until then what is there is unknown.
    pub(crate) fn synced(&self) -> bool {
        self.deployments.synced()
            && self.pods.synced()
            && self.services.synced()
            && self.secrets.synced()
            && self.config_maps.synced()
            && self.ingresses.synced()
            && self.namespaces.synced()
            && (self.slices.synced() || self.endpoints.synced())
    }

    /// The names of the ready pods behind each Service that has any endpoint.
    pub(crate) fn ready_pods(&self, namespace: &str) -> BTreeMap<String, BTreeSet<String>> {
        let mut ready: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for slice in self.slices.in_namespace(namespace).into_values() {
            let Some(service) = slice.labels().get("kubernetes.io/service-name").cloned() else { continue };
            let pods = ready.entry(service).or_default();
            for endpoint in &slice.endpoints {
                // Absent means ready (Kubernetes API reference, EndpointConditions).
                if endpoint.conditions.as_ref().and_then(|c| c.ready).unwrap_or(true) {
                    pods.extend(endpoint.target_ref.as_ref().and_then(|target| target.name.clone()));
                }
            }
        }
        for (service, endpoints) in self.endpoints.in_namespace(namespace) {
            let pods = ready.entry(service).or_default();
            for address in endpoints.subsets.iter().flatten().flat_map(|subset| subset.addresses.iter().flatten()) {
                pods.extend(address.target_ref.as_ref().and_then(|target| target.name.clone()));
            }
        }
        ready
    }

    /// Keeps everything up to date until dropped. `on_change` gets each runtime of which something changed; its namespace is
    /// called `namespace_prefix`, then its id.
    pub(crate) async fn run(
        self: Arc<Self>,
        cluster: Cluster,
        namespace_prefix: &str,
        on_change: impl Fn(&RuntimeId) + Sync,
    ) {
        let on_change = &|id: &str| drop(id.parse().map(|id| on_change(&id)));
        let (this, cluster) = (&*self, &cluster);
        let in_namespace = |namespace: &Namespace| {
            let name = namespace.name_any();
            name.strip_prefix(namespace_prefix).into_iter().for_each(on_change);
        };
        let endpoints = async {
            // Servers before Kubernetes 1.21 have no discovery.k8s.io/v1; on all others Endpoints are deprecated.
            if serves_endpoint_slices(cluster).await {
                watch_ours("endpoint slices", cluster, &this.slices, on_change).await;
            } else {
                watch_ours("endpoints", cluster, &this.endpoints, on_change).await;
            }
        };
        let others: [Pin<Box<dyn Future<Output = ()> + Send + '_>>; 7] = [
            Box::pin(watch_ours("deployments", cluster, &this.deployments, on_change)),
            Box::pin(watch_ours("pods", cluster, &this.pods, on_change)),
            Box::pin(watch_ours("services", cluster, &this.services, on_change)),
            Box::pin(watch_ours("secrets", cluster, &this.secrets, on_change)),
            Box::pin(watch_ours("config maps", cluster, &this.config_maps, on_change)),
            Box::pin(watch_ours("ingresses", cluster, &this.ingresses, on_change)),
            Box::pin(watch_kind("namespaces", cluster, watcher::Config::default(), &this.namespaces, in_namespace)),
        ];
        futures::join!(endpoints, join_all(others));
    }
}

/// Asks until there is an answer, with the backoff of a watch.
async fn serves_endpoint_slices(cluster: &Cluster) -> bool {
    let mut backoff = watcher::DefaultBackoff::default();
    let mut resets = cluster.resets();
    loop {
        match cluster.client().list_api_group_resources("discovery.k8s.io/v1").await {
            Ok(_) => {
                cluster.report_success("endpoints");
                return true;
            }
            Err(kube::Error::Api(status)) if status.code == 404 => {
                cluster.report_success("endpoints");
                return false;
            }
            Err(error) => cluster.report_failure("endpoints", &error, Timestamp::now()),
        }
        Cluster::pause(&mut resets, backoff.next().unwrap_or(MAX_PAUSE)).await;
    }
}

/// A kind that can be watched.
trait WatchedKind: CachedKind + DeserializeOwned + Debug + Send + Sync + 'static {}

impl<K: CachedKind + DeserializeOwned + Debug + Send + Sync + 'static> WatchedKind for K {}

/// Follows what carries our label.
async fn watch_ours<K: WatchedKind>(part: &'static str, cluster: &Cluster, cache: &Cache<K>, on_change: impl Fn(&str)) {
    let ours = watcher::Config::default().labels(&format!("{}={}", MANAGED_BY.0, MANAGED_BY.1));
    let of_runtime = |object: &K| object.labels().get(RUNTIME_LABEL).into_iter().for_each(|id| on_change(id));
    watch_kind(part, cluster, ours, cache, of_runtime).await;
}

async fn watch_kind<K: WatchedKind>(
    part: &'static str,
    cluster: &Cluster,
    which: watcher::Config,
    cache: &Cache<K>,
    on_change: impl Fn(&K),
) {
    let api = Api::<K>::all(cluster.client());
    let which = which.page_size(PAGE);
    let watch = || watcher(api.clone(), which.clone()).boxed();
    let mut events = watch();
    let mut is_failing = false;
    // Not the watch's own backoff: that one cannot be told that the cluster is back.
    let mut backoff = watcher::DefaultBackoff::default();
    // A backoff of its own for watches that start again, since the list succeeds each time.
    let mut restart_backoff = watcher::DefaultBackoff::default();
    let mut resets = cluster.resets();
    loop {
        let event = tokio::select! {
            event = events.try_next() => event,
            // A watch that works again sends nothing until something changes, which may be never.
            () = until_watchable(cluster, &api), if is_failing => {
                is_failing = false;
                cluster.report_success(part);
                continue;
            }
        };
        match event {
            Ok(Some(event)) => {
                if !matches!(event, watcher::Event::Init) {
                    is_failing = false;
                    backoff.reset();
                    cluster.report_success(part);
                }
                cache.take(event).iter().for_each(|object| on_change(object));
                continue;
            }
            Ok(None) => return,
            // Watches expire in normal operation: the list is read again.
            Err(watcher::Error::WatchError(status)) => tracing::debug!(part, ?status, "restarting a watch"),
            // A watch that has expired before it begins would get this each time: only a new one reads the list again.
            Err(watcher::Error::WatchStartFailed(kube::Error::Api(status))) if status.code == 410 => {
                sleep(restart_backoff.next().unwrap_or(MAX_PAUSE)).await;
                events = watch();
                continue;
            }
            Err(watcher::Error::NoResourceVersion) => tracing::warn!(part, "the cluster does not support this watch"),
            Err(
                watcher::Error::InitialListFailed(error)
                | watcher::Error::WatchStartFailed(error)
                | watcher::Error::WatchFailed(error),
            ) => {
                tracing::warn!(part, error = super::error_message(&error), "a watch failed");
                cluster.report_failure(part, &error, Timestamp::now());
                is_failing = true;
                // Beside the backoff's own pause, which may be shorter.
                sleep(super::retry_after(&error).unwrap_or_default()).await;
            }
        }
        Cluster::pause(&mut resets, backoff.next().unwrap_or(MAX_PAUSE)).await;
    }
}

/// Waits until the cluster lets this kind be listed and watched.
async fn until_watchable<K: WatchedKind>(cluster: &Cluster, api: &Api<K>) {
    let one = ListParams::default().limit(1);
    let mut resets = cluster.resets();
    for pause in watcher::DefaultBackoff::default() {
        Cluster::pause(&mut resets, pause).await;
        match list_and_watch(api, &one).await {
            Ok(()) => return,
            Err(error) => sleep(super::retry_after(&error).unwrap_or_default()).await,
        }
    }
}

/// Begins a watch, which may be forbidden where a list is not.
async fn list_and_watch<K: WatchedKind>(api: &Api<K>, which: &ListParams) -> Result<(), kube::Error> {
    let list = api.list_metadata(which).await?;
    let version = list.metadata.resource_version.unwrap_or_default();
    let _events = api.watch_metadata(&WatchParams::default().timeout(1), &version).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
