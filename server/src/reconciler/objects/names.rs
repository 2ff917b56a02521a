//! What objects are called. No two versions of a runtime may ever claim one name (docs/lifecycle.md §3.2).

use domain::{NodeName, VersionName, WorkflowName};
use sha2::{Digest, Sha256};

/// The Service of the published entrypoint. No version can be named so that its own Service would be this one: the name
/// `active` is refused (docs/krt.md §2.2).
pub(crate) const ACTIVE_SERVICE: &str = "active-entrypoint";
/// The Ingress of what a runtime has published.
pub(crate) const INGRESS: &str = "entrypoint";
/// Where an entrypoint takes gRPC requests. It listens to no other port (docs/runners.md §3).
pub(crate) const GRPC_PORT: u16 = 9000;
/// The label that says which version an object belongs to.
pub(crate) const VERSION_LABEL: &str = "version-name";

/// Without the hash, version `x` with workflow `y-z` and version `x-y` with workflow `z` would claim one name.
pub(crate) fn node_deployment(version: &VersionName, workflow: &WorkflowName, node: &NodeName) -> String {
    let digest = Sha256::digest(format!("{version}/{workflow}/{node}"));
    // Letters only from a set in which no two look alike, and no vowels, so that no word appears by chance.
    let alphabet = b"bcdfghjklmnpqrstvwxz2456789";
    let hash: String =
        digest.iter().take(5).map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect();
    format!("{version}-{workflow}-{node}-{hash}")
}

pub(crate) fn entrypoint_deployment(version: &VersionName) -> String {
    format!("{version}-entrypoint")
}

/// The Service by which a version that is not published is reached inside the cluster.
pub(crate) fn own_service(version: &VersionName) -> String {
    format!("{version}-entrypoint")
}

/// The Ingress by which a started version is tried before it is published. Never [`INGRESS`], which has no `-`.
pub(crate) fn preview_ingress(version: &VersionName) -> String {
    format!("{version}-preview")
}

pub(crate) fn config_secret(version: &VersionName) -> String {
    format!("{version}-config")
}

pub(crate) fn subjects_config_map(version: &VersionName) -> String {
    format!("{version}-subjects")
}
