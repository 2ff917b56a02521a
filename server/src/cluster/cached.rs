//! The cached part of each watched object: the fields that this program reads, and no more.
//!
//! With a thousand versions started, most of what a server holds would otherwise be what Kubernetes notes about who set
//! which field, and fields of pods that this program never reads. To read a further field, keep it here first.

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec, DeploymentStatus},
        core::v1::{
            ConfigMap, ContainerStatus, EndpointAddress, EndpointSubset, Endpoints, Namespace, ObjectReference, Pod,
            PodCondition, PodSpec, PodStatus, Secret, Service,
        },
        discovery::v1::{Endpoint, EndpointConditions, EndpointSlice},
        networking::v1::Ingress,
    },
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};
use kube::Resource;

use super::{RESTARTED_AT, RUNTIME_LABEL};

/// What `kubectl apply` leaves behind: the whole object once more.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// By these a pod is told to be of a version's node.
const LABELS_OF_PODS: [&str; 5] = [RUNTIME_LABEL, "version-name", "type", "workflow-name", "node-name"];

/// A kind that is watched.
pub(crate) trait CachedKind: Resource<DynamicType = ()> + Clone {
    /// Removes the fields that are never read.
    fn trim(&mut self);

    /// What is read only to compare it with what is wanted, packed; [`CachedKind::trim`] leaves it out.
    fn pack(&self) -> Option<Box<[u8]>> {
        None
    }

    /// Restores the packed fields.
    fn unpack(&mut self, _packed: &[u8]) {}
}

/// As it is kept: packed, trimmed, and copied, which leaves behind the room that parsing took and did not need.
pub(super) fn to_cached<K: CachedKind>(mut object: K) -> (K, Option<Box<[u8]>>) {
    let packed = object.pack();
    object.trim();
    trim_metadata(object.meta_mut());
    (object.clone(), packed)
}

fn trim_metadata(metadata: &mut ObjectMeta) {
    metadata.managed_fields = None;
    metadata.generate_name = None;
    metadata.self_link = None;
    if let Some(annotations) = &mut metadata.annotations {
        annotations.remove(LAST_APPLIED);
        if annotations.is_empty() {
            metadata.annotations = None;
        }
    }
}

impl CachedKind for Deployment {
    /// Its template is most of it.
    fn pack(&self) -> Option<Box<[u8]>> {
        // Plain structs with string keys always serialize; if one did not, it would be applied again.
        serde_json::to_vec(self.spec.as_ref()?).ok().map(Vec::into_boxed_slice)
    }

    fn unpack(&mut self, packed: &[u8]) {
        self.spec = serde_json::from_slice(packed).ok();
    }

    fn trim(&mut self) {
        self.metadata.owner_references = None;
        self.spec = self.spec.take().map(|spec| DeploymentSpec {
            replicas: spec.replicas,
            strategy: spec.strategy,
            ..DeploymentSpec::default()
        });
        self.status = self.status.take().map(|status| DeploymentStatus {
            available_replicas: status.available_replicas,
            updated_replicas: status.updated_replicas,
            replicas: status.replicas,
            observed_generation: status.observed_generation,
            conditions: status.conditions.map(|conditions| {
                conditions.into_iter().filter(|condition| condition.type_ == "ReplicaFailure").collect()
            }),
            ..DeploymentStatus::default()
        });
    }
}

impl CachedKind for Pod {
    fn trim(&mut self) {
        if let Some(annotations) = &mut self.metadata.annotations {
            annotations.retain(|name, _| name == RESTARTED_AT);
        }
        if let Some(labels) = &mut self.metadata.labels {
            labels.retain(|name, _| LABELS_OF_PODS.contains(&name.as_str()));
        }
        for owner in self.metadata.owner_references.iter_mut().flatten() {
            *owner = OwnerReference { name: std::mem::take(&mut owner.name), ..OwnerReference::default() };
        }
        self.spec = self.spec.take().map(|spec| PodSpec { node_name: spec.node_name, ..PodSpec::default() });
        self.status = self.status.take().map(|status| PodStatus {
            phase: status.phase,
            message: status.message,
            conditions: status.conditions.map(|conditions| conditions.into_iter().filter_map(pod_condition).collect()),
            container_statuses: status.container_statuses.map(container_statuses),
            init_container_statuses: status.init_container_statuses.map(container_statuses),
            ..PodStatus::default()
        });
    }
}

fn pod_condition(condition: PodCondition) -> Option<PodCondition> {
    let is_read = ["PodScheduled", "Ready", "PodReadyToStartContainers"].contains(&condition.type_.as_str());
    is_read.then(|| PodCondition {
        type_: condition.type_,
        status: condition.status,
        message: condition.message,
        ..PodCondition::default()
    })
}

fn container_statuses(statuses: Vec<ContainerStatus>) -> Vec<ContainerStatus> {
    let to_cached = |status: ContainerStatus| ContainerStatus {
        name: status.name,
        image: status.image,
        ready: status.ready,
        restart_count: status.restart_count,
        state: status.state,
        last_state: status.last_state,
        container_id: status.container_id,
        ..ContainerStatus::default()
    };
    statuses.into_iter().map(to_cached).collect()
}

impl CachedKind for Service {
    fn trim(&mut self) {
        self.status = None;
    }
}

impl CachedKind for Ingress {
    fn trim(&mut self) {
        self.status = None;
    }
}

impl CachedKind for Secret {
    fn trim(&mut self) {}
}

impl CachedKind for ConfigMap {
    fn trim(&mut self) {}
}

impl CachedKind for Namespace {
    fn trim(&mut self) {
        self.spec = None;
    }
}

impl CachedKind for EndpointSlice {
    fn trim(&mut self) {
        self.metadata.annotations = None;
        self.metadata.owner_references = None;
        self.ports = None;
        for endpoint in &mut self.endpoints {
            *endpoint = Endpoint {
                conditions: endpoint
                    .conditions
                    .take()
                    .map(|conditions| EndpointConditions { ready: conditions.ready, ..EndpointConditions::default() }),
                target_ref: endpoint.target_ref.take().map(named),
                ..Endpoint::default()
            };
        }
    }
}

impl CachedKind for Endpoints {
    fn trim(&mut self) {
        self.metadata.annotations = None;
        for subset in self.subsets.iter_mut().flatten() {
            let addresses = subset.addresses.take().into_iter().flatten();
            let to_cached = |address: EndpointAddress| EndpointAddress {
                target_ref: address.target_ref.map(named),
                ..EndpointAddress::default()
            };
            *subset =
                EndpointSubset { addresses: Some(addresses.map(to_cached).collect()), ..EndpointSubset::default() };
        }
    }
}

fn named(reference: ObjectReference) -> ObjectReference {
    ObjectReference { name: reference.name, ..ObjectReference::default() }
}

#[cfg(test)]
mod tests;
