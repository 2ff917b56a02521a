//! Brings the cluster to what the store says, and says how far it is.
//!
//! Level-triggered: a pass takes no input but "look again at this runtime". It reads the intent, observes, plans and
//! applies; it may be killed between any two steps, and the next one goes on from what it finds. Nothing else ever
//! changes the cluster.

mod addresses;
mod apply;
mod backoff;
mod details;
mod diff;
mod failure;
#[cfg(test)]
mod fixture;
mod health;
mod logs;
mod objects;
mod observed;
mod ownership;
mod pass;
mod plan;
mod readiness;
mod repairs;
mod schedule;
mod status;
mod words;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use domain::{Health, NodeName, NodeStatus, Reachability, Role, RuntimeId, Timestamp, VersionName, WorkflowName};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use backoff::ApplyBackoff;
use observed::Observed;
use plan::Purpose;
use repairs::Previews;
use words::LastWords;

use crate::{
    changes::Changes,
    cluster::{Cluster, Watches},
    secret::Secret,
    store::{InstallationId, Store, VersionKey, VersionRecord},
};

pub use logs::{LogQuery, LogSource, NoCluster, Part, Window};

/// How long the store may take to answer what little is asked beside the passes.
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
    /// Further environment of every runner (docs/lifecycle.md §4.1): `KRT_NATS_SERVER`, and when configured
    /// `KRT_MONGO_URI` and the like.
    pub runner_env: BTreeMap<String, Secret>,
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
pub struct Pace {
    /// How often the store is asked which runtimes have changed, even if nothing seems to have happened.
    pub interval: Duration,
    /// How long a start has that could not be tried before its time ran out, because no server was there.
    pub start_timeout: Duration,
    /// After which a stop that follows a failed start is overdue.
    pub stop_timeout: Duration,
    /// After which one look at one runtime is given up, wherever it is; the next one goes on.
    pub pass_timeout: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(30),
            start_timeout: Duration::from_secs(300),
            stop_timeout: Duration::from_secs(120),
            pass_timeout: Duration::from_secs(120),
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
    pub last_words: Vec<String>,
    /// Its pods are being replaced by others, one after another.
    is_rolling: bool,
}

impl NodeState {
    /// What keeps it from being ready, and below that what its container logged last.
    pub fn told(&self) -> Option<String> {
        let message = self.message.as_deref()?;
        Some(std::iter::once(message).chain(self.last_words.iter().map(String::as_str)).collect::<Vec<_>>().join("\n"))
    }
}

/// A handle to the reconciler. Cheap to clone.
#[derive(Clone)]
pub struct Reconciler(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    cluster: Cluster,
    watches: Arc<Watches>,
    /// The store's; learned before anything is done.
    installation: OnceLock<InstallationId>,
    settings: ObjectSettings,
    pace: Pace,
    wake: Changes,
    changed: Changes,
    memory: Mutex<Memory>,
    /// How many logs are asked for at once, for [`words`].
    ears: Semaphore,
}

/// What the cluster was seen to hold of one runtime at one time.
pub struct Observation<'a> {
    inner: &'a Inner,
    reachability: Reachability,
    /// None while nobody knows.
    observed: Option<Observed>,
}

impl Observation<'_> {
    /// How this version of the runtime is doing.
    pub fn status(&self, version: &VersionRecord) -> Status {
        let Some(observed) = &self.observed else { return status::blind(version, &self.reachability) };
        let memory = self.inner.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let trouble = memory.trouble_of(version);
        status::derive(version, observed, trouble.as_deref(), &memory.words, Timestamp::now())
    }
}

/// What is remembered between passes. All of it is for people's eyes or for pace; no step relies on it.
#[derive(Default)]
struct Memory {
    /// What the cluster answered when it last refused a step.
    trouble: BTreeMap<RuntimeId, BTreeMap<Purpose, String>>,
    /// What was applied of late, for applies that do not last.
    backoff: ApplyBackoff,
    /// Who changes what back of the objects that are not applied before their time.
    delayed: BTreeMap<RuntimeId, BTreeMap<Purpose, String>>,
    /// Since when a version's health is otherwise than recorded.
    turning: BTreeMap<VersionKey, Timestamp>,
    words: LastWords,
    previews: Previews,
    was_away: bool,
    /// Since when the cluster answers again.
    reachable_since: Option<Timestamp>,
    /// Since when this process knows what a cluster that answers holds, for the first time.
    up_since: Option<Timestamp>,
}

impl Memory {
    /// What keeps something that this version needs from being as it should be: what the cluster last refused, or who
    /// changes it back.
    fn trouble_of(&self, version: &VersionRecord) -> Option<String> {
        let of_publication = (version.role != Role::None).then_some(Purpose::Publication);
        let purposes = [Some(Purpose::Version(version.key)), of_publication];
        purposes.into_iter().flatten().find_map(|purpose| self.trouble_with(&version.runtime, purpose))
    }

    fn trouble_with(&self, runtime: &RuntimeId, purpose: Purpose) -> Option<String> {
        let of = |all: &BTreeMap<RuntimeId, BTreeMap<Purpose, String>>| all.get(runtime)?.get(&purpose).cloned();
        of(&self.trouble).map(|refused| format!("the cluster refuses: {refused}")).or_else(|| of(&self.delayed))
    }
}

impl Reconciler {
    /// `changed` is touched whenever what [`Reconciler::status`] or the store says of a runtime may have changed.
    pub fn new(
        store: Arc<dyn Store>,
        cluster: Cluster,
        settings: ObjectSettings,
        pace: Pace,
        changed: Changes,
    ) -> Self {
        Self(Arc::new(Inner {
            store,
            cluster,
            watches: Arc::default(),
            installation: OnceLock::new(),
            settings,
            pace,
            wake: Changes::default(),
            changed,
            memory: Mutex::default(),
            ears: Semaphore::new(4),
        }))
    }

    /// Looks at this runtime soon.
    pub fn wake(&self, runtime: &RuntimeId) {
        self.0.wake.touch(runtime);
    }

    /// [`Observation::status`] of one version alone.
    pub fn status(&self, version: &VersionRecord) -> Status {
        self.observe(&version.runtime).status(version)
    }

    /// What the cluster holds of a runtime now. Never waits: read from the watch caches, once for all its versions.
    pub fn observe(&self, runtime: &RuntimeId) -> Observation<'_> {
        let reachability = self.0.cluster.info().reachability;
        let is_seen = reachability == Reachability::Reachable && self.0.watches.synced();
        let installation = self.0.installation.get().filter(|_| is_seen);
        let namespace = self.0.settings.namespace(runtime);
        let observed = installation.map(|ours| Observed::of(&self.0.watches, &namespace, *ours));
        Observation { inner: &self.0, reachability, observed }
    }

    /// What there is to say if the namespace is another installation's.
    fn foreign(&self, namespace: &str) -> Option<String> {
        let known = self.0.watches.namespaces.get("", namespace)?;
        ownership::foreign(&known, *self.0.installation.get()?)
    }

    /// Runs until told to stop; never ends by an error.
    pub async fn run(self, stop: CancellationToken) {
        let touched = |runtime: &RuntimeId| {
            self.0.wake.touch(runtime);
            self.0.changed.touch(runtime);
        };
        let watches = self.0.watches.clone().run(self.0.cluster.clone(), &self.0.settings.namespace_prefix, touched);
        tokio::select! {
            () = stop.cancelled() => return,
            () = learn_installation(&self.0) => {}
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = watches => {}
            () = self.0.cluster.keep_probing() => {}
            () = schedule::run(&self.0) => {}
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
                tracing::error!(error = &error as &dyn std::error::Error, "the store does not say whose it is")
            }
            Err(_) => tracing::error!("the store does not say whose it is within {STORE_TIMEOUT:?}"),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
