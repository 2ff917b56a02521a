//! Somebody who only watches, by a client of its own with which nothing goes wrong, and says afterwards whether the
//! published entrypoint was always what it has to be (docs/lifecycle.md §3.4).
//!
//! An Ingress stands for "requests come in": it is made last and goes first. From its making to its end there has to be
//! an `active-entrypoint`, and the version that it selects has to run. What was seen is put in the cluster's own order,
//! by resource version, so that nothing depends on who was told first.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::TryStreamExt;
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Service, networking::v1::Ingress};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{ListParams, WatchEvent, WatchParams},
};
use serde::de::DeserializeOwned;
use tokio::{task::JoinSet, time::Instant};

use super::reference_model::selected;

/// Of one change: where, what it is called, and how it is since; none when it is gone.
type Change = (String, String, Option<Seen>);
type Log = Arc<Mutex<BTreeMap<u64, Change>>>;

#[derive(Debug, Clone, PartialEq)]
enum Seen {
    Ingress,
    Service { selects: String },
    Deployment { of: String, runs: bool, ending: bool },
}

pub(crate) struct InvariantMonitor {
    log: Log,
    _watches: JoinSet<()>,
}

/// What was seen of the published entrypoints.
#[derive(Debug, Default)]
pub(crate) struct MonitorReport {
    /// How often requests were led from one version to another while they came in.
    pub(crate) switches: usize,
    pub(crate) violations: Vec<String>,
}

impl InvariantMonitor {
    /// Watches from before anything is made.
    pub(crate) async fn of(kube: &Client) -> Self {
        let log = Log::default();
        let mut watches = JoinSet::new();
        let list = Api::<Service>::all(kube.clone()).list(&ListParams::default()).await.unwrap();
        let from = list.metadata.resource_version.unwrap();
        watches.spawn(follow::<Ingress>(kube.clone(), from.clone(), log.clone(), |_| Seen::Ingress));
        watches.spawn(follow::<Service>(kube.clone(), from.clone(), log.clone(), |service| Seen::Service {
            selects: selected(service),
        }));
        watches.spawn(follow::<Deployment>(kube.clone(), from, log.clone(), |deployment| {
            let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
            let status = deployment.status.as_ref();
            let available = status.and_then(|status| status.available_replicas).unwrap_or(0);
            let current = status.and_then(|status| status.observed_generation) >= deployment.metadata.generation;
            Seen::Deployment {
                of: deployment.labels()["version-name"].clone(),
                runs: current && available >= wanted,
                ending: deployment.metadata.deletion_timestamp.is_some(),
            }
        }));
        Self { log, _watches: watches }
    }

    /// What happened up to now.
    pub(crate) async fn report(self, kube: &Client) -> MonitorReport {
        let list = Api::<Service>::all(kube.clone()).list(&ListParams::default()).await.unwrap();
        let end = Instant::now() + Duration::from_secs(10);
        let services = list.items.iter().filter(|service| service.labels().contains_key("version-name"));
        let newest = services.filter_map(version_of).max().unwrap_or(0);
        while self.log.lock().unwrap().last_key_value().is_none_or(|(version, _)| *version < newest) && newest > 0 {
            assert!(Instant::now() < end, "the monitor has not seen {newest}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let log = self.log.lock().unwrap();
        let mut report = MonitorReport::default();
        let mut world: BTreeMap<String, BTreeMap<String, Seen>> = BTreeMap::new();
        for (version, (namespace, name, seen)) in &*log {
            let held = world.entry(namespace.clone()).or_default();
            let before = leads_to(held);
            match seen {
                Some(seen) => held.insert(name.clone(), seen.clone()),
                None => held.remove(name),
            };
            let after = leads_to(held);
            let mut violate = |what: String| {
                report.violations.push(format!("{namespace} at {version}, when {name} changed: {what}"));
            };
            if held.contains_key("Ingress entrypoint") && after.is_none() {
                violate("requests come in and are led nowhere".to_owned());
            }
            let Some(to) = &after else { continue };
            let deployments: Vec<_> = deployments_of(held, to).collect();
            if deployments.len() != 2 || deployments.iter().any(|(_, ending)| *ending) {
                violate(format!("requests are led to {to}, which is not started: {held:?}"));
            }
            if before.as_ref() == Some(to) {
                continue;
            }
            if deployments.iter().any(|(runs, _)| !runs) {
                violate(format!("requests are led to {to} before it is ready: {held:?}"));
            }
            if let Some(from) = before {
                report.switches += 1;
                if !held.contains_key(&format!("Service {from}-entrypoint")) {
                    violate(format!("{from} has no Service of its own when requests are led away from it"));
                }
            }
        }
        report
    }
}

fn leads_to(held: &BTreeMap<String, Seen>) -> Option<String> {
    match held.get("Service active-entrypoint") {
        Some(Seen::Service { selects }) => Some(selects.clone()),
        _ => None,
    }
}

/// Of each Deployment of the version whether it runs, and whether it is on its way out.
fn deployments_of<'a>(held: &'a BTreeMap<String, Seen>, version: &'a str) -> impl Iterator<Item = (bool, bool)> + 'a {
    held.values().filter_map(move |seen| match seen {
        Seen::Deployment { of, runs, ending } if of == version => Some((*runs, *ending)),
        _ => None,
    })
}

fn version_of<K: Resource>(object: &K) -> Option<u64> {
    object.resource_version()?.parse().ok()
}

async fn follow<K>(kube: Client, mut from: String, log: Log, seen: impl Fn(&K) -> Seen)
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let ours = WatchParams::default().labels("app.kubernetes.io/managed-by=kai-server");
    let api = Api::<K>::all(kube);
    loop {
        let events = api.watch(&ours, &from).await.unwrap();
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.try_next().await.unwrap() {
            let (object, gone) = match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => (object, false),
                WatchEvent::Deleted(object) => (object, true),
                WatchEvent::Bookmark(_) => continue,
                WatchEvent::Error(status) => panic!("{status:?}"),
            };
            from = object.resource_version().unwrap();
            let name = format!("{} {}", K::kind(&()), object.name_any());
            let change = (object.namespace().unwrap(), name, (!gone).then(|| seen(&object)));
            log.lock().unwrap().insert(version_of(&object).unwrap(), change);
        }
    }
}
