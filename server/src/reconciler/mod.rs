//! Brings the cluster to what the store says, and reports how far it is.
//!
//! Level-triggered: a reconcile takes no input but the runtime's id. It reads the intent, observes, plans and applies; it
//! may be killed between any two steps, and the next one continues from what it finds. Nothing else changes the cluster.

mod addresses;
mod apply;
mod backoff;
mod crash_logs;
mod details;
mod diff;
mod entrypoint_pod;
mod failure;
#[cfg(test)]
pub(crate) mod fixture;
mod health;
mod logs;
mod objects;
mod observed;
mod outages;
mod ownership;
mod plan;
mod queues;
mod readiness;
mod reconcile;
mod repairs;
mod runners;
mod status;
mod work_queue;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use domain::{Health, NodeName, NodeStatus, Reachability, Role, RuntimeId, Timestamp, VersionName, WorkflowName};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use backoff::ApplyBackoff;
use crash_logs::CrashLogs;
use observed::{Observed, ObservedMessaging};
use plan::StepScope;
use queues::Queues;
use repairs::Previews;

use crate::{
    changes::Changes,
    cluster::{Cluster, Watches},
    messaging::{Mark, Messaging},
    store::{InstallationId, Store, VersionKey, VersionRecord},
};

pub use entrypoint_pod::{ENTRYPOINT_PORT, EntrypointPod, NoEntrypointPod};
pub use logs::{ClusterUnavailable, LogMode, LogRange, LogRequest, LogSource};
pub(crate) use queues::NodeQueue;
pub use runners::RunnerSettings;

/// How long the store may take to answer a query outside of a reconcile.
const STORE_TIMEOUT: Duration = Duration::from_secs(15);

/// What the objects in the cluster are made with.
#[derive(Debug, Clone)]
pub struct ObjectSettings {
    pub namespace_prefix: String,
    pub base_domain: String,
    pub ingress_class: Option<String>,
    pub ingress_annotations: BTreeMap<String, String>,
    pub ingress_tls_secret: Option<String>,
    /// Whether started versions get an Ingress of their own.
    pub ingress_preview: bool,
    /// Base URL at which pods reach the internal listener, without a slash at its end.
    pub advertised_url: String,
    pub init_image: String,
    /// How long a node's container has to have run before its pod counts as available. Nodes have no probe, so one that
    /// ends right after it began would otherwise have been ready for a moment, and its version started for good.
    pub node_min_ready: Duration,
    pub runners: RunnerSettings,
}

impl ObjectSettings {
    pub fn namespace(&self, runtime: &RuntimeId) -> String {
        format!("{}{runtime}", self.namespace_prefix)
    }

    pub fn host(&self, runtime: &RuntimeId) -> String {
        format!("{runtime}.{}", self.base_domain)
    }

    /// The host of a version's own Ingress, while it has one.
    pub fn preview_host(&self, runtime: &RuntimeId, version: &VersionName) -> String {
        format!("{version}.{}", self.host(runtime))
    }
}

/// The times that the reconciler goes by.
#[derive(Debug, Clone, Copy)]
pub struct ReconcilerTimings {
    /// How often the store is polled for runtimes that have changed.
    pub interval: Duration,
    /// How long a start has whose deadline passed before it could be tried, because no server ran.
    pub start_timeout: Duration,
    /// After which a stop that follows a failed start is overdue.
    pub stop_timeout: Duration,
    /// How long an outage of NATS may last that runners survive. After a longer one their pods are restarted.
    pub messaging_outage: Duration,
    /// After which a reconcile of one runtime is cancelled, wherever it is; the next one continues.
    pub reconcile_timeout: Duration,
}

impl Default for ReconcilerTimings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(30),
            start_timeout: Duration::from_secs(300),
            stop_timeout: Duration::from_secs(120),
            messaging_outage: Duration::from_secs(10),
            reconcile_timeout: Duration::from_secs(120),
        }
    }
}

/// How a version is doing in the cluster, as last observed.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    pub health: Health,
    /// What a change in progress waits for.
    pub waiting: Option<String>,
    pub entrypoint: NodeState,
    pub nodes: BTreeMap<(WorkflowName, NodeName), NodeState>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NodeState {
    pub status: NodeStatus,
    pub ready_replicas: u32,
    /// What keeps it from being ready, in one line.
    pub message: Option<String>,
    /// The end of the log of its container that crashed.
    pub crash_log: Vec<String>,
    /// Its pods are being replaced by others, one after another.
    is_rolling: bool,
}

impl NodeState {
    /// What keeps it from being ready, and below that what its container logged last.
    pub fn message_with_log(&self) -> Option<String> {
        let message = self.message.as_deref()?;
        Some(std::iter::once(message).chain(self.crash_log.iter().map(String::as_str)).collect::<Vec<_>>().join("\n"))
    }
}

/// A handle to the reconciler. Cheap to clone.
#[derive(Clone)]
pub struct Reconciler(Arc<Inner>);

struct Inner {
    store: Arc<Store>,
    cluster: Cluster,
    /// None when messaging is off.
    messaging: Option<Messaging>,
    watches: Arc<Watches>,
    /// The store's; learned before anything is done.
    installation: OnceLock<InstallationId>,
    settings: ObjectSettings,
    timings: ReconcilerTimings,
    wake: Changes,
    changed: Changes,
    memory: Mutex<Memory>,
    /// How many crash logs are fetched at once ([`crash_logs`]).
    crash_log_permits: Semaphore,
    queues: Queues,
}

/// What the cluster was seen to hold of one runtime at one time.
pub struct Observation<'a> {
    inner: &'a Inner,
    reachability: Reachability,
    /// None while the cluster cannot be observed.
    observed: Option<Observed>,
}

impl Observation<'_> {
    /// How this version of the runtime is doing.
    pub fn status(&self, version: &VersionRecord) -> Status {
        let Some(observed) = &self.observed else { return status::unknown_status(version, &self.reachability) };
        let memory = self.inner.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let last_error = memory.last_error_of(version);
        status::derive(version, observed, last_error.as_deref(), &memory.crash_logs, Timestamp::now())
    }
}

/// What is remembered between reconciles (invariant 6). It decides when something is done and what people are told, never
/// what is done; a restart loses it.
#[derive(Default)]
struct Memory {
    /// What the cluster or NATS answered when it last refused a step; for people.
    last_errors: BTreeMap<RuntimeId, BTreeMap<StepScope, String>>,
    /// Recent applies, to delay those that do not last.
    backoff: ApplyBackoff,
    /// Who reverts which fields of the objects whose apply is delayed.
    delayed: BTreeMap<RuntimeId, BTreeMap<StepScope, String>>,
    /// Since when a version's health is otherwise than recorded.
    pending_health: BTreeMap<VersionKey, Timestamp>,
    crash_logs: CrashLogs,
    previews: Previews,
    was_unreachable: bool,
    /// Since when the cluster answers again.
    reachable_since: Option<Timestamp>,
    /// Since when this process knows what a cluster that answers holds, for the first time.
    up_since: Option<Timestamp>,
}

impl Memory {
    /// What keeps something that this version needs from being as it should be: what the cluster last refused, or who
    /// changes it back.
    fn last_error_of(&self, version: &VersionRecord) -> Option<String> {
        let of_publication = (version.role != Role::None).then_some(StepScope::Publication);
        let scopes = [Some(StepScope::Version(version.key)), of_publication];
        scopes.into_iter().flatten().find_map(|scope| self.last_error_in(&version.runtime, scope))
    }

    fn last_error_in(&self, runtime: &RuntimeId, scope: StepScope) -> Option<String> {
        let of = |all: &BTreeMap<RuntimeId, BTreeMap<StepScope, String>>| all.get(runtime)?.get(&scope).cloned();
        of(&self.last_errors).or_else(|| of(&self.delayed))
    }
}

impl Reconciler {
    /// One without messaging.
    pub fn new(
        store: Arc<Store>,
        cluster: Cluster,
        settings: ObjectSettings,
        timings: ReconcilerTimings,
        changed: Changes,
    ) -> Self {
        Self::with_messaging(store, cluster, None, settings, timings, changed)
    }

    /// `changed` is marked whenever what [`Reconciler::status`] or the store says of a runtime may have changed.
    pub fn with_messaging(
        store: Arc<Store>,
        cluster: Cluster,
        messaging: Option<Messaging>,
        settings: ObjectSettings,
        timings: ReconcilerTimings,
        changed: Changes,
    ) -> Self {
        Self(Arc::new(Inner {
            store,
            cluster,
            messaging,
            watches: Arc::default(),
            installation: OnceLock::new(),
            settings,
            timings,
            wake: Changes::default(),
            changed,
            memory: Mutex::default(),
            crash_log_permits: Semaphore::new(4),
            queues: Queues::default(),
        }))
    }

    /// Queues a reconcile of this runtime.
    pub fn wake(&self, runtime: &RuntimeId) {
        self.0.wake.mark_dirty(runtime);
    }

    /// [`Observation::status`] of one version alone.
    pub fn status(&self, version: &VersionRecord) -> Status {
        self.observe(&version.runtime).status(version)
    }

    /// What the cluster holds of a runtime now. Never waits: read from the watch caches, once for all its versions.
    pub fn observe(&self, runtime: &RuntimeId) -> Observation<'_> {
        let reachability = self.0.cluster.info().reachability;
        let installation = self.0.installation.get().filter(|_| self.is_observed());
        let namespace = self.0.settings.namespace(runtime);
        let messaging = |ours| ObservedMessaging::of(self.0.messaging.as_ref(), runtime, ours);
        let observed = installation.map(|ours| Observed::of(&self.0.watches, &namespace, *ours).and(messaging(*ours)));
        Observation { inner: &self.0, reachability, observed }
    }

    /// What NATS holds of versions that a runtime had, or why that is not known; for people. None when there is nothing, or
    /// messaging is off.
    pub(crate) fn messages_left(&self, runtime: &RuntimeId) -> Option<String> {
        let ours = *self.0.installation.get()?;
        let observed = ObservedMessaging::of(self.0.messaging.as_ref(), runtime, ours);
        let ObservedMessaging::Known { streams, .. } = &observed else { return observed.outage() };
        let is_ours = |mark: &Mark| mark.installation == ours && mark.runtime == *runtime;
        let count = streams.values().filter(|stream| stream.mark.as_ref().is_some_and(is_ours)).count();
        (count > 0).then(|| format!("{count} of its streams and buckets are still being deleted in NATS"))
    }

    /// Whether it is known what the cluster holds now.
    fn is_observed(&self) -> bool {
        self.0.cluster.info().reachability == Reachability::Reachable && self.0.watches.synced()
    }

    /// What there is to say if the namespace is another installation's.
    fn foreign(&self, namespace: &str) -> Option<String> {
        let known = self.0.watches.namespaces.get("", namespace)?;
        ownership::foreign(&known, *self.0.installation.get()?)
    }

    /// Runs until told to stop; never ends by an error.
    pub async fn run(self, stop: CancellationToken) {
        let changed_runtimes = |runtime: &RuntimeId| {
            self.0.wake.mark_dirty(runtime);
            self.0.changed.mark_dirty(runtime);
        };
        let watches =
            self.0.watches.clone().run(self.0.cluster.clone(), &self.0.settings.namespace_prefix, changed_runtimes);
        let messaging = async {
            match &self.0.messaging {
                Some(messaging) => messaging.run(changed_runtimes).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = learn_installation(&self.0) => {}
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = watches => {}
            () = self.0.cluster.run_probe() => {}
            () = messaging => {}
            () = work_queue::run(&self.0) => {}
            () = outages::run(&self.0) => {}
        }
    }
}

async fn learn_installation(inner: &Inner) {
    loop {
        match tokio::time::timeout(STORE_TIMEOUT, inner.store.installation_id()).await {
            Ok(Ok(id)) => {
                inner.installation.get_or_init(|| id);
                return;
            }
            Ok(Err(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "cannot read the installation id")
            }
            Err(_) => {
                tracing::error!("cannot read the installation id: the database did not answer within {STORE_TIMEOUT:?}")
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
