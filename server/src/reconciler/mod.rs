//! Brings the cluster to what the store says, and says how far it is.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{Health, NodeName, NodeStatus, RuntimeId, WorkflowName};
use tokio_util::sync::CancellationToken;

use crate::{
    changes::Changes,
    cluster::Cluster,
    store::{Store, VersionRecord},
};

/// What the objects in the cluster are made with.
#[derive(Debug, Clone)]
pub struct ObjectSettings {
    pub namespace_prefix: String,
    pub base_domain: String,
    pub ingress_class: Option<String>,
    pub ingress_annotations: BTreeMap<String, String>,
    pub ingress_tls_secret: Option<String>,
    /// Base URL at which pods reach the internal listener, without a slash at its end.
    pub advertised_url: String,
    pub init_image: String,
    /// Further environment of every runner (lifecycle.md §4): `KRT_NATS_SERVER`, and when configured `KRT_MONGO_URI` and the like.
    pub runner_env: BTreeMap<String, String>,
}

impl ObjectSettings {
    pub fn namespace(&self, runtime: &RuntimeId) -> String {
        format!("{}{runtime}", self.namespace_prefix)
    }

    pub fn host(&self, runtime: &RuntimeId) -> String {
        format!("{runtime}.{}", self.base_domain)
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
    pub message: Option<String>,
}

/// A handle to the reconciler. Cheap to clone.
#[derive(Clone)]
pub struct Reconciler {
    wake: Changes,
    _changed: Changes,
}

impl Reconciler {
    /// `changed` is touched whenever what [`Reconciler::status`] or the store says of a runtime may have changed.
    pub fn new(
        _store: Arc<dyn Store>,
        _cluster: Cluster,
        _settings: ObjectSettings,
        _interval: Duration,
        changed: Changes,
    ) -> Self {
        Self { wake: Changes::default(), _changed: changed }
    }

    /// Looks at this runtime soon.
    pub fn wake(&self, runtime: &RuntimeId) {
        self.wake.touch(runtime);
    }

    /// Never waits: derived from the store's record and the watch caches.
    pub fn status(&self, version: &VersionRecord) -> Status {
        let idle = NodeState { status: NodeStatus::Stopped, ready_replicas: 0, message: None };
        let nodes = version
            .manifest
            .workflows
            .iter()
            .flat_map(|w| w.nodes.iter().map(|n| ((w.name.clone(), n.name.clone()), idle.clone())))
            .collect();
        Status { health: Health::None, waiting: None, entrypoint: idle.clone(), nodes }
    }

    /// Runs until told to stop; never ends by an error.
    pub async fn run(self, stop: CancellationToken) {
        stop.cancelled().await;
    }
}
