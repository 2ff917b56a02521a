//! What a version and its publication are in Kubernetes (docs/lifecycle.md §3 and §4). Pure: settings and records in,
//! objects out; the same input gives the same objects, byte for byte.

mod config;
mod environment;
pub(crate) mod messages;
mod names;
mod network;
mod pods;

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        core::v1::{ConfigMap, Secret, Service},
        networking::v1::Ingress,
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};

pub(crate) use names::{ACTIVE_SERVICE, INGRESS};
pub(crate) use names::{VERSION_LABEL, entrypoint_deployment, node_deployment, own_service, preview_ingress};

use crate::{
    cluster::{MANAGED_BY, RUNTIME_LABEL},
    reconciler::ObjectSettings,
    store::VersionRecord,
};

/// Everything that a running version is, but for its Services and Ingresses.
pub(crate) struct VersionObjects {
    pub(crate) secret: Secret,
    pub(crate) config_map: ConfigMap,
    /// The nodes' in the manifest's order, then the entrypoint's.
    pub(crate) deployments: Vec<Deployment>,
}

pub(crate) fn version_objects(version: &VersionRecord, settings: &ObjectSettings) -> VersionObjects {
    let mut deployments = Vec::new();
    for workflow in &version.manifest.workflows {
        for node in &workflow.nodes {
            deployments.push(pods::node(version, workflow, node, settings));
        }
    }
    deployments.push(pods::entrypoint(version, settings));
    VersionObjects {
        secret: config::secret(version, settings),
        config_map: config::subjects(version, settings),
        deployments,
    }
}

/// The Service by which a version that is not published is reached inside the cluster.
pub(crate) fn own_service_object(version: &VersionRecord, settings: &ObjectSettings) -> Service {
    network::service(&own_service(&version.name), version, settings)
}

/// The Service of the published entrypoint, selecting this version.
pub(crate) fn active_service_object(version: &VersionRecord, settings: &ObjectSettings) -> Service {
    network::service(ACTIVE_SERVICE, version, settings)
}

/// The Ingress of what is published, carrying this version's label.
pub(crate) fn ingress_object(version: &VersionRecord, settings: &ObjectSettings) -> Ingress {
    network::ingress(INGRESS, settings.host(&version.runtime), ACTIVE_SERVICE, version, settings)
}

/// The Ingress by which this version is tried while it is started and not published.
pub(crate) fn preview_ingress_object(version: &VersionRecord, settings: &ObjectSettings) -> Ingress {
    let host = settings.preview_host(&version.runtime, &version.name);
    network::ingress(&preview_ingress(&version.name), host, &own_service(&version.name), version, settings)
}

fn metadata(name: &str, version: &VersionRecord, settings: &ObjectSettings) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(settings.namespace(&version.runtime)),
        labels: Some(labels(version)),
        ..ObjectMeta::default()
    }
}

fn labels(version: &VersionRecord) -> BTreeMap<String, String> {
    BTreeMap::from([
        (MANAGED_BY.0.to_owned(), MANAGED_BY.1.to_owned()),
        ("app.kubernetes.io/part-of".to_owned(), version.runtime.to_string()),
        (RUNTIME_LABEL.to_owned(), version.runtime.to_string()),
        (VERSION_LABEL.to_owned(), version.name.to_string()),
    ])
}

#[cfg(test)]
mod tests;
