//! Tells every open browser what has changed (invariant 14).
//!
//! It derives what is shown of each changed runtime again, and sends only what differs from what it sent last: changes that
//! are not visible cost no browser anything.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use domain::{ApiError, Caller, RuntimeId, ServerEvent, Timestamp};
use futures::FutureExt;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::{
    changes::Changes,
    service::{Observed, Service},
    store::VersionKey,
};

/// A browser that is this many events behind starts over with a fresh `Hello`.
const BUFFERED_EVENTS: usize = 1024;
/// A change seldom comes alone: a Deployment that becomes ready is a handful of watch events.
const COALESCE: Duration = Duration::from_millis(50);

/// Where events are subscribed to. Cheap to clone.
#[derive(Clone)]
pub struct EventBroadcaster {
    service: Arc<Service>,
    sender: broadcast::Sender<Broadcast>,
}

/// One browser's place in the stream of events.
pub struct Subscription {
    broadcaster: EventBroadcaster,
    caller: Caller,
    receiver: broadcast::Receiver<Broadcast>,
    greet: bool,
}

/// An event as JSON already: a thousand browsers get it, and it is written once.
#[derive(Clone)]
struct Broadcast {
    /// The runtime that it is about: only those who may see it get it.
    runtime: Option<RuntimeId>,
    json: Arc<str>,
}

impl EventBroadcaster {
    pub fn new(service: Arc<Service>) -> Self {
        Self { service, sender: broadcast::Sender::new(BUFFERED_EVENTS) }
    }

    /// What the caller may see of what is broadcast from now on.
    pub fn subscribe(&self, caller: Caller) -> Subscription {
        Subscription { broadcaster: self.clone(), caller, receiver: self.sender.subscribe(), greet: true }
    }

    /// Broadcasts until told to stop. The only consumer of `changed`.
    pub async fn run(self, changed: Changes, stop: CancellationToken) {
        let mut sent = HashMap::new();
        let mut cluster = self.service.cluster_changed();
        let mut deletions = self.service.deletions();
        loop {
            let mut dirty = tokio::select! {
                () = stop.cancelled() => return,
                dirty = changed.take() => dirty,
                Ok(()) = cluster.changed() => {
                    let cluster = cluster.borrow_and_update().clone();
                    self.send(&ServerEvent::Cluster(cluster));
                    continue;
                }
                deleted = deletions.recv() => {
                    self.send(&match deleted {
                        Ok(deleted) => ServerEvent::Deleted(deleted),
                        // Too many at once: all browsers reload.
                        Err(_) => self.hello(None),
                    });
                    continue;
                }
            };
            tokio::time::sleep(COALESCE).await;
            dirty.extend(changed.take().now_or_never().unwrap_or_default());
            for runtime in dirty {
                self.broadcast_runtime(&runtime, &mut sent).await;
            }
        }
    }

    async fn broadcast_runtime(&self, id: &RuntimeId, sent: &mut HashMap<RuntimeId, SentRuntime>) {
        let (summary, versions) = match self.service.observe(&Caller::server(), id).await {
            Ok(observed) => observed,
            Err(ApiError::NotFound { .. }) => {
                sent.remove(id);
                return;
            }
            // The service has logged why; what changed is sent with the next change.
            Err(error) => {
                tracing::warn!("could not broadcast runtime `{id}`: {error}");
                return;
            }
        };
        let before = sent.remove(id).unwrap_or_default();
        let mut now = SentRuntime { summary: fingerprint(&[&summary]), versions: HashMap::new() };
        for observed in versions {
            let print = fingerprint_of_version(&observed);
            if before.versions.get(&observed.record.key) != Some(&print) {
                self.send(&ServerEvent::Version(Box::new(observed.summary)));
            }
            now.versions.insert(observed.record.key, print);
        }
        if before.summary != now.summary {
            self.send(&ServerEvent::Runtime(Box::new(summary)));
        }
        sent.insert(id.clone(), now);
    }

    fn hello(&self, caller: Option<&Caller>) -> ServerEvent {
        let rights = caller.map(|caller| caller.rights().clone());
        ServerEvent::Hello { cluster: self.service.cluster_info(), now: Timestamp::now(), rights }
    }

    fn send(&self, event: &ServerEvent) {
        // Without subscribers this fails, which is fine.
        let _ = self.sender.send(Broadcast { runtime: event.runtime().cloned(), json: json(event) });
    }
}

impl Subscription {
    /// From now on it is the caller with these rights, who reads again what is shown.
    pub fn go_on_as(&mut self, caller: Caller) {
        self.caller = caller;
        self.greet = true;
    }

    /// The last event, for who may not read on.
    pub fn farewell(&self, reason: &str) -> Arc<str> {
        json(&ServerEvent::SignedOut { reason: reason.to_owned() })
    }

    /// The next event as JSON: `Hello` first, and again whenever events were missed. None when the server ends.
    pub async fn next(&mut self) -> Option<Arc<str>> {
        while !std::mem::take(&mut self.greet) {
            match self.receiver.recv().await {
                Ok(event) if event.runtime.as_ref().is_none_or(|id| self.caller.rights().sees(id)) => {
                    return Some(event.json);
                }
                Ok(_) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    self.receiver = self.receiver.resubscribe();
                    break;
                }
            }
        }
        Some(json(&self.broadcaster.hello(Some(&self.caller))))
    }
}

/// What was sent last, as fingerprints.
#[derive(Default)]
struct SentRuntime {
    summary: u64,
    versions: HashMap<VersionKey, u64>,
}

/// Of everything that a version's screen shows and that changes without its revision.
fn fingerprint_of_version(observed: &Observed) -> u64 {
    let mut print = fingerprint(&[&observed.summary]);
    let status = &observed.status;
    for state in std::iter::once(&status.entrypoint).chain(status.nodes.values()) {
        let mut hasher = DefaultHasher::new();
        (print, state.status, state.ready_replicas, &state.message, &state.crash_log).hash(&mut hasher);
        print = hasher.finish();
    }
    print
}

fn fingerprint<T: serde::Serialize>(shown: &[T]) -> u64 {
    let mut hasher = DefaultHasher::new();
    json(&shown).hash(&mut hasher);
    hasher.finish()
}

fn json(value: &impl serde::Serialize) -> Arc<str> {
    serde_json::to_string(value)
        .unwrap_or_else(|error| {
            // The wire's types are plain structs with string keys, which always serialize.
            tracing::error!("could not serialize an event: {error}");
            String::new()
        })
        .into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::{
        Deleted, Identity, PersonId,
        access::{Rights, Role},
    };

    use super::*;
    use crate::{
        cluster::Cluster,
        config::{FileTimeouts, MeasurementLimits},
        files::Files,
        measurements::Measurements,
        reconciler::{ObjectSettings, Reconciler, ReconcilerTimings, RunnerSettings},
        service::{ServiceParts, Timeouts},
        store,
    };

    async fn broadcaster() -> EventBroadcaster {
        let store = store::open("sqlite::memory:").await.unwrap();
        let cluster = Cluster::in_process(Cluster::client_for(axum::Router::new()));
        let objects = ObjectSettings {
            namespace_prefix: "kai-".to_owned(),
            base_domain: "localhost".to_owned(),
            ingress_class: None,
            ingress_annotations: BTreeMap::new(),
            ingress_tls_secret: None,
            ingress_preview: false,
            advertised_url: "http://127.0.0.1:3001".to_owned(),
            init_image: "busybox".to_owned(),
            node_min_ready: Duration::ZERO,
            runners: RunnerSettings::default(),
        };
        let minute = Duration::from_secs(60);
        let changed = Changes::default();
        let timings = ReconcilerTimings { interval: minute, stop_timeout: minute, ..ReconcilerTimings::default() };
        let reconciler = Reconciler::new(store.clone(), cluster.clone(), objects.clone(), timings, changed.clone());
        let dir = tempfile::tempdir().unwrap();
        let files = Files::open(dir.path().to_str().unwrap(), FileTimeouts::DEFAULT).await.unwrap();
        let measurements = Arc::new(Measurements::new(store.clone(), MeasurementLimits::default()));
        EventBroadcaster::new(Arc::new(Service::new(ServiceParts {
            store,
            files,
            reconciler,
            cluster,
            objects,
            changed,
            timeouts: Timeouts { start: minute, stop: minute, calls: crate::config::CallLimits::default() },
            measurements,
        })))
    }

    async fn next(subscription: &mut Subscription) -> ServerEvent {
        serde_json::from_str(&subscription.next().await.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_browser_that_missed_events_gets_hello_again_and_goes_on() {
        let broadcaster = broadcaster().await;
        let mut slow = broadcaster.subscribe(Caller::local());
        assert!(matches!(next(&mut slow).await, ServerEvent::Hello { .. }));
        let event = ServerEvent::Cluster(broadcaster.service.cluster_info());

        broadcaster.send(&event);
        assert_eq!(next(&mut slow).await, event);
        for _ in 0..=BUFFERED_EVENTS {
            broadcaster.send(&event);
        }
        assert!(matches!(next(&mut slow).await, ServerEvent::Hello { .. }), "it missed one");
        broadcaster.send(&event);
        assert_eq!(next(&mut slow).await, event);
    }

    #[tokio::test]
    async fn an_event_about_a_runtime_reaches_only_those_who_may_see_it() {
        let broadcaster = broadcaster().await;
        let demo: RuntimeId = "demo".parse().unwrap();
        let of_demo = Rights::of([(Some(&demo), Role::Viewer)]);
        let identity = Identity::Person { id: PersonId(1), name: "ana".parse().unwrap() };
        let mut ana = broadcaster.subscribe(Caller::known(identity, of_demo));
        assert!(matches!(next(&mut ana).await, ServerEvent::Hello { .. }));
        let deleted =
            |runtime: &str| ServerEvent::Deleted(Deleted { runtime: runtime.parse().unwrap(), version: None });
        for runtime in ["hidden", "demo"] {
            broadcaster.send(&deleted(runtime));
        }
        assert_eq!(next(&mut ana).await, deleted("demo"));
    }
}
