//! Whose a namespace is, of several installations on one cluster.
//!
//! Two servers with databases of their own and the same namespace prefix would take each other's objects for their own
//! and delete them. So each namespace that a server makes or uses carries the id of its installation, and nothing is
//! written in one that carries another's.

use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
    core::Status,
};
use serde_json::json;

use super::apply::Writer;
use crate::store::InstallationId;

/// The annotation of every namespace that is used.
pub(super) const OWNER: &str = "kai-server/installation";

/// Says whose the namespace is if it is another installation's, and what that means; for people.
pub(super) fn foreign(namespace: &Namespace, ours: InstallationId) -> Option<String> {
    let owner = namespace.annotations().get(OWNER)?;
    (*owner != ours.to_string()).then(|| {
        let name = namespace.name_any();
        format!(
            "namespace {name} belongs to another KAI Server (installation {owner}); set a different KAI_NAMESPACE_PREFIX for \
             this server"
        )
    })
}

pub(super) fn is_marked(namespace: &Namespace) -> bool {
    namespace.annotations().contains_key(OWNER)
}

impl Writer<'_> {
    /// Ensures that no other installation owns the namespace, and marks it as ours if it has no mark. A namespace that
    /// somebody else, or an earlier version of this program, created is used as it is.
    pub(super) async fn claim(&self, namespace: &Namespace) -> Result<(), kube::Error> {
        if let Some(refusal) = foreign(namespace, self.installation) {
            return Err(kube::Error::Api(Status::failure(&refusal, "AlreadyExists").with_code(409).boxed()));
        }
        if is_marked(namespace) {
            return Ok(());
        }
        // Guarded by its version: of two that claim it at once, the second gets a conflict and reconciles again.
        let mark = json!({ "metadata": {
            "resourceVersion": namespace.meta().resource_version,
            "annotations": { OWNER: self.installation.to_string() },
        }});
        tracing::info!(namespace = self.namespace, "marking the namespace as owned by this installation");
        let api = Api::<Namespace>::all(self.cluster.client());
        let marked = api.patch(self.namespace, &PatchParams::default(), &Patch::Merge(mark)).await?;
        self.watches.namespaces.written(marked);
        Ok(())
    }

    /// Marks the namespace of what runs already, from before there were marks, so that no other installation
    /// claims it.
    pub(super) async fn adopt(&self) {
        let Some(namespace) = self.watches.namespaces.get("", self.namespace) else { return };
        if !is_marked(&namespace)
            && let Err(error) = self.claim(&namespace).await
        {
            // Before the next write it has to succeed, and that is told to people.
            tracing::warn!(
                namespace = self.namespace,
                error = crate::cluster::error_message(&error),
                "cannot mark the namespace"
            );
        }
    }
}
