//! A version's workflows as pictures, and one of its nodes in full.

use domain::{
    ApiError, Caller, GraphLayout, NodeDetail, NodeView, RuntimeId, VersionName, VersionView, WorkflowName,
    access::Permission,
};

use super::Service;
use crate::reconciler::{ClusterUnavailable, LogSource};

impl Service {
    /// One for each workflow that is not too large to be read as a picture.
    pub(crate) async fn graphs(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
    ) -> Result<Vec<GraphLayout>, ApiError> {
        self.allow(caller, Permission::View, Some(runtime))?;
        let record = self.record(runtime, version).await?;
        let workflows = self.view(&record).await?.workflows;
        // A large one takes its time, and requests of others run on this thread.
        let laid_out = tokio::task::spawn_blocking(move || workflows.iter().filter_map(graph::lay_out).collect()).await;
        laid_out.map_err(|error| {
            tracing::error!("could not lay out the graphs of version `{version}`: {error}");
            ApiError::Internal
        })
    }

    /// `workflow` is none for the entrypoint, whose name as a node is not asked for then.
    pub(crate) async fn node_detail(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        workflow: Option<&WorkflowName>,
        node: &str,
    ) -> Result<NodeDetail, ApiError> {
        self.allow(caller, Permission::View, Some(runtime))?;
        let record = self.record(runtime, version).await?;
        let node = find_node(self.view(&record).await?, workflow, node)?;
        let source = LogSource { workflow: workflow.cloned(), node: node.name.clone() };
        let details = self.reconciler.details(&record, &source).await;
        let details = details.map_err(|ClusterUnavailable| ApiError::Unavailable { what: "the cluster".to_owned() })?;
        Ok(NodeDetail {
            workflow: source.workflow,
            node,
            namespace: details.namespace,
            deployment: details.deployment,
            pods: details.pods,
            events: details.events,
            events_error: details.events_error,
        })
    }
}

fn find_node(view: VersionView, workflow: Option<&WorkflowName>, node: &str) -> Result<NodeView, ApiError> {
    let version = view.summary.name;
    let Some(name) = workflow else { return Ok(view.entrypoint) };
    let Some(workflow) = view.workflows.into_iter().find(|known| known.name == *name) else {
        return Err(ApiError::NotFound { what: format!("workflow `{name}` in version `{version}`") });
    };
    let missing = || ApiError::NotFound { what: format!("node `{node}` in workflow `{name}` of version `{version}`") };
    workflow.nodes.into_iter().find(|known| known.name == node).ok_or_else(missing)
}
