//! Which pod answers for a version's entrypoint just now.

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use super::{Reconciler, observed::belongs_to, readiness::pod_problem};
use crate::store::VersionRecord;

/// The port of gRPC of every entrypoint (docs/lifecycle.md §3.2).
pub const ENTRYPOINT_PORT: u16 = 9000;

/// Where an entrypoint listens, at [`ENTRYPOINT_PORT`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntrypointPod {
    pub namespace: String,
    pub pod: String,
}

/// Why there is none; for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoEntrypointPod {
    #[error("it is not known what the cluster holds now")]
    ClusterUnavailable,
    #[error("{0}")]
    ForeignNamespace(String),
    #[error("its entrypoint has no pod yet")]
    NoPod,
    #[error("its entrypoint is not ready: {0}")]
    NotReady(String),
}

impl Reconciler {
    /// A ready pod of this version's entrypoint, the newest if there are several. Never waits: read from the watch caches.
    ///
    /// # Errors
    /// Why there is none just now.
    pub fn entrypoint_pod(&self, version: &VersionRecord) -> Result<EntrypointPod, NoEntrypointPod> {
        if !self.is_observed() {
            return Err(NoEntrypointPod::ClusterUnavailable);
        }
        let namespace = self.0.settings.namespace(&version.runtime);
        if let Some(foreign) = self.foreign(&namespace) {
            return Err(NoEntrypointPod::ForeignNamespace(foreign));
        }
        let pods = self.0.watches.pods.in_namespace(&namespace);
        let pods = pods.values().filter(|pod| belongs_to(pod.as_ref(), &version.name) && is_entrypoint(pod));
        let newest = pods.max_by_key(|pod| (is_ready(pod), pod.creation_timestamp().map(|at| at.0)));
        match newest {
            None => Err(NoEntrypointPod::NoPod),
            Some(pod) if is_ready(pod) => Ok(EntrypointPod { namespace, pod: pod.name_any() }),
            Some(pod) => {
                let problem = pod_problem(pod).map(|problem| problem.message);
                Err(NoEntrypointPod::NotReady(problem.unwrap_or_else(|| "its pod is starting or ending".to_owned())))
            }
        }
    }
}

fn is_entrypoint(pod: &Pod) -> bool {
    pod.labels().get("type").is_some_and(|kind| kind == "entrypoint")
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let is_ready = conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True");
    is_ready && pod.metadata.deletion_timestamp.is_none()
}
