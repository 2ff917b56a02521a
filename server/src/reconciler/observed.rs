//! What the cluster was last seen to hold of one runtime: the planner's only view of the world.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::{Reachability, RuntimeId, Timestamp, VersionName};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Namespace, Pod, Secret, Service},
    networking::v1::Ingress,
};
use kube::{Resource, ResourceExt};

use super::{
    objects::{ACTIVE_SERVICE, VERSION_LABEL},
    ownership::foreign,
};
use crate::{
    cluster::Watches,
    messaging::{Messaging, ObservedStream},
    store::InstallationId,
};

/// Objects of one namespace that carry our labels, by name.
#[derive(Debug, Default, Clone)]
pub(crate) struct Observed {
    pub(crate) deployments: BTreeMap<String, Arc<Deployment>>,
    pub(crate) pods: BTreeMap<String, Arc<Pod>>,
    pub(crate) services: BTreeMap<String, Arc<Service>>,
    pub(crate) secrets: BTreeMap<String, Arc<Secret>>,
    pub(crate) config_maps: BTreeMap<String, Arc<ConfigMap>>,
    pub(crate) ingresses: BTreeMap<String, Arc<Ingress>>,
    /// The names of the ready pods behind each Service.
    pub(crate) ready_pods: BTreeMap<String, BTreeSet<String>>,
    /// Nothing can be written in the namespace, because it is being deleted or another installation's: which of them, and
    /// what that means, for people. What is in another's is not observed at all.
    pub(crate) namespace_closed: Option<String>,
    pub(crate) messaging: ObservedMessaging,
}

/// What NATS was last seen to hold of one runtime.
#[derive(Debug, Default, Clone)]
pub(crate) enum ObservedMessaging {
    /// No setting says where NATS is.
    #[default]
    Off,
    /// Its streams have not been seen yet.
    Reading,
    Unreachable {
        since: Timestamp,
        reason: String,
    },
    Known {
        installation: InstallationId,
        /// Those that are marked as the runtime's, and those that are called as its own would be, by name.
        streams: BTreeMap<String, Arc<ObservedStream>>,
    },
}

impl ObservedMessaging {
    pub(crate) fn of(messaging: Option<&Messaging>, runtime: &RuntimeId, installation: InstallationId) -> Self {
        let Some(messaging) = messaging else { return Self::Off };
        if let Reachability::Unreachable { since, reason } = messaging.state().reachability {
            return Self::Unreachable { since, reason };
        }
        messaging.streams(runtime).map_or(Self::Reading, |streams| Self::Known { installation, streams })
    }

    /// Why nobody can exchange messages, or it is not known whether; for people.
    pub(crate) fn outage(&self) -> Option<String> {
        match self {
            Self::Off | Self::Known { .. } => None,
            Self::Reading => Some("reading the streams of NATS".to_owned()),
            Self::Unreachable { since, reason } => {
                Some(format!("messaging unreachable since {} UTC: {reason}", since.strftime("%H:%M:%S")))
            }
        }
    }
}

impl Observed {
    /// With what is known of the runtime's messages.
    pub(crate) fn and(self, messaging: ObservedMessaging) -> Self {
        Self { messaging, ..self }
    }

    /// Enough to say how versions are doing: of Deployments without the templates of their pods.
    pub(crate) fn of(watches: &Watches, namespace: &str, ours: InstallationId) -> Self {
        Self::with(watches, namespace, ours, watches.deployments.in_namespace(namespace))
    }

    /// With all that a plan compares.
    pub(crate) fn whole(watches: &Watches, namespace: &str, ours: InstallationId) -> Self {
        Self::with(watches, namespace, ours, watches.deployments.unpacked_in_namespace(namespace))
    }

    fn with(
        watches: &Watches,
        namespace: &str,
        ours: InstallationId,
        deployments: BTreeMap<String, Arc<Deployment>>,
    ) -> Self {
        let known = watches.namespaces.get("", namespace);
        if let Some(foreign) = known.as_ref().and_then(|known| foreign(known, ours)) {
            return Self { namespace_closed: Some(foreign), ..Self::default() };
        }
        Self {
            deployments,
            pods: watches.pods.in_namespace(namespace),
            services: watches.services.in_namespace(namespace),
            secrets: watches.secrets.in_namespace(namespace),
            config_maps: watches.config_maps.in_namespace(namespace),
            ingresses: watches.ingresses.in_namespace(namespace),
            ready_pods: watches.ready_pods(namespace),
            namespace_closed: known.and_then(|known| ending(&known)),
            messaging: ObservedMessaging::Off,
        }
    }

    /// The name of the version that requests to the published entrypoint go to, by the Service's selector.
    pub(crate) fn active_selects(&self) -> Option<&str> {
        let spec = self.services.get(ACTIVE_SERVICE)?.spec.as_ref()?;
        spec.selector.as_ref()?.get(VERSION_LABEL).map(String::as_str)
    }

    /// Whether every ready pod behind the published entrypoint is this version's, and there is one.
    pub(crate) fn active_serves(&self, version: &VersionName) -> bool {
        let Some(ready) = self.ready_pods.get(ACTIVE_SERVICE) else { return false };
        !ready.is_empty()
            && ready.iter().all(|name| self.pods.get(name).is_some_and(|pod| belongs_to(pod.as_ref(), version)))
    }

    pub(crate) fn pods_of(&self, version: &VersionName) -> impl Iterator<Item = &Pod> {
        self.pods.values().map(Arc::as_ref).filter(move |pod| belongs_to(*pod, version))
    }
}

fn ending(namespace: &Namespace) -> Option<String> {
    namespace.metadata.deletion_timestamp.as_ref()?;
    let conditions = namespace.status.as_ref().and_then(|status| status.conditions.as_ref());
    // What keeps it for longer than its content takes to go (Kubernetes API reference, NamespaceCondition).
    let held =
        conditions.into_iter().flatten().find(|c| c.type_ == "NamespaceFinalizersRemaining" && c.status == "True");
    let held = held.and_then(|held| held.message.as_ref()).map(|why| format!(" ({why})")).unwrap_or_default();
    let name = namespace.name_any();
    Some(format!("namespace {name} is being deleted; nothing can be created until it is gone{held}"))
}

pub(crate) fn belongs_to<K: Resource>(object: &K, version: &VersionName) -> bool {
    object.labels().get(VERSION_LABEL).is_some_and(|name| name == version.as_str())
}
