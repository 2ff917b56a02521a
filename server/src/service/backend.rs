//! The service as the pages' server functions call it.
//!
//! A method that is not short is written beside the others of its topic, as a method of the same name of [`Service`] itself:
//! Rust calls that one first.

use std::collections::BTreeMap;

use app::backend::Backend;
use async_trait::async_trait;
use domain::{
    ActivityEntry, ActivityFilter, ApiError, CallAnswer, CallableRpcs, Caller, ClusterInfo, Command, Comparison,
    DocumentationPage, Generation, GraphLayout, HistoryEntry, HistoryPage, InheritedValue, LiveNumbers, Metrics,
    MetricsRange, NewRuntime, NodeDetail, Problem, RuntimeId, RuntimeSummary, SearchResult, Timestamp, VersionName,
    VersionPage, VersionQuery, VersionState, VersionSummary, VersionView, WorkflowName, access::Permission,
};

use super::{Service, errors::from_store, input, views};
use crate::{
    secret::Secret,
    store::{CommandRecord, Deletion, NewRuntimeRecord},
};

#[async_trait]
impl Backend for Service {
    fn cluster(&self) -> ClusterInfo {
        self.cluster_info()
    }

    async fn create_runtime(&self, caller: &Caller, new: NewRuntime) -> Result<RuntimeSummary, ApiError> {
        self.allow(caller, Permission::CreateRuntime, None)?;
        let new = input::new_runtime(new)?;
        let record = NewRuntimeRecord {
            id: new.id,
            name: new.name,
            description: new.description,
            at: Timestamp::now(),
            caller: caller.clone(),
        };
        let created = self.store.create_runtime(record).await.map_err(from_store)?;
        self.notify_changed(&created.id);
        self.runtime_summary(&created).await
    }

    async fn runtimes(&self, caller: &Caller) -> Result<Vec<RuntimeSummary>, ApiError> {
        let mut summaries = Vec::new();
        for runtime in self.visible_runtimes(caller).await? {
            summaries.push(self.runtime_summary(&runtime).await?);
        }
        Ok(summaries)
    }

    async fn runtime(&self, caller: &Caller, id: &RuntimeId) -> Result<RuntimeSummary, ApiError> {
        self.allow(caller, Permission::View, Some(id))?;
        let record = self.runtime_record(id).await?;
        self.runtime_summary(&record).await
    }

    async fn versions(&self, caller: &Caller, runtime: &RuntimeId) -> Result<Vec<VersionSummary>, ApiError> {
        self.allow(caller, Permission::View, Some(runtime))?;
        let (_, observed) = self.observe(caller, runtime).await?;
        let mut summaries: Vec<_> = observed.into_iter().map(|observed| observed.summary).collect();
        // The store gives the newest first, and sorting keeps that order among equals.
        summaries.sort_by_key(|summary| match summary.state {
            VersionState::Published => 0,
            VersionState::Archived => 2,
            _ => 1,
        });
        Ok(summaries)
    }

    async fn version_page(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        query: &VersionQuery,
    ) -> Result<VersionPage, ApiError> {
        self.version_page(caller, runtime, query).await
    }

    async fn find(&self, caller: &Caller, text: &str) -> Result<Vec<SearchResult>, ApiError> {
        self.find(caller, text).await
    }

    async fn version(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
    ) -> Result<VersionView, ApiError> {
        self.allow(caller, Permission::View, Some(runtime))?;
        let record = self.record(runtime, version).await?;
        self.view(&record).await
    }

    async fn command(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        command: Command,
        comment: Option<String>,
    ) -> Result<VersionSummary, ApiError> {
        self.allow(caller, command.into(), Some(runtime))?;
        let at = Timestamp::now();
        let timeout = if command == Command::Stop { self.timeouts.stop } else { self.timeouts.start };
        let deadline = at.checked_add(timeout).unwrap_or(Timestamp::MAX);
        let comment = input::comment(comment)?;
        let record = CommandRecord { command, caller: caller.clone(), comment, at, deadline };
        let changed = self.store.command(runtime, version, record).await.map_err(from_store)?;
        self.notify_changed(runtime);
        Ok(views::version_summary(&changed, &self.reconciler.status(&changed)))
    }

    async fn delete_version(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        comment: Option<String>,
    ) -> Result<(), ApiError> {
        self.allow(caller, Permission::DeleteVersion, Some(runtime))?;
        let comment = input::comment(comment)?;
        let deletion = Deletion { caller: caller.clone(), comment, detail: None, at: Timestamp::now() };
        self.delete_with(runtime, version, deletion).await
    }

    async fn delete_runtime(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        comment: Option<String>,
    ) -> Result<(), ApiError> {
        self.delete_runtime(caller, runtime, comment).await
    }

    async fn set_config(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        values: BTreeMap<String, Option<String>>,
        comment: Option<String>,
    ) -> Result<VersionView, ApiError> {
        self.allow(caller, Permission::Configure, Some(runtime))?;
        let comment = input::comment(comment)?;
        let record = self.record(runtime, version).await?;
        input::config(&record, &values)?;
        let values = values.into_iter().map(|(name, value)| (name, value.map(Secret::from))).collect();
        let changed = self
            .store
            .set_config(runtime, version, values, caller, comment, Timestamp::now())
            .await
            .map_err(from_store)?;
        self.notify_changed(runtime);
        self.view(&changed).await
    }

    async fn choose_generation(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        chosen: Option<Generation>,
    ) -> Result<VersionView, ApiError> {
        self.allow(caller, Permission::Configure, Some(runtime))?;
        let changed = self.store.choose_generation(runtime, version, chosen, caller, Timestamp::now()).await;
        self.notify_changed(runtime);
        self.view(&changed.map_err(from_store)?).await
    }

    async fn config_value(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        name: &str,
    ) -> Result<Option<String>, ApiError> {
        self.allow(caller, Permission::Reveal, Some(runtime))?;
        let record = self.record(runtime, version).await?;
        if !input::wants(&record.manifest.config, name) {
            return Err(ApiError::NotFound { what: format!("configuration value `{name}` in version `{version}`") });
        }
        let revealed = self.store.reveal(runtime, version, name, caller, Timestamp::now()).await;
        let value = revealed.map_err(from_store)?;
        self.notify_changed(runtime);
        Ok(value.map(|value| value.expose().to_owned()))
    }

    async fn manifest(&self, caller: &Caller, runtime: &RuntimeId, version: &VersionName) -> Result<String, ApiError> {
        self.allow(caller, Permission::View, Some(runtime))?;
        Ok(self.record(runtime, version).await?.manifest_text)
    }

    async fn documentation(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        page: Option<String>,
    ) -> Result<Option<DocumentationPage>, ApiError> {
        self.documentation(caller, runtime, version, page).await
    }

    async fn comparison(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        from: &VersionName,
        to: &VersionName,
    ) -> Result<Comparison, ApiError> {
        self.comparison(caller, runtime, from, to).await
    }

    async fn inheritable_config(&self, caller: &Caller, runtime: &RuntimeId) -> Result<Vec<InheritedValue>, ApiError> {
        self.allow(caller, Permission::Upload, Some(runtime))?;
        self.runtime_record(runtime).await?;
        self.store.inheritable_config(runtime).await.map_err(from_store)
    }

    async fn activity(&self, caller: &Caller, filter: &ActivityFilter) -> Result<Vec<ActivityEntry>, ApiError> {
        input::without_nul("who", filter.who.as_deref().unwrap_or_default())?;
        self.store.activity(filter, caller.rights().visible()).await.map_err(from_store)
    }

    async fn graphs(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
    ) -> Result<Vec<GraphLayout>, ApiError> {
        self.graphs(caller, runtime, version).await
    }

    async fn node_detail(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        workflow: Option<&WorkflowName>,
        node: &str,
    ) -> Result<NodeDetail, ApiError> {
        self.node_detail(caller, runtime, version, workflow, node).await
    }

    async fn metrics(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        range: MetricsRange,
    ) -> Result<Metrics, ApiError> {
        self.metrics(caller, runtime, version, range).await
    }

    async fn live_numbers(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
    ) -> Result<LiveNumbers, ApiError> {
        self.live_numbers(caller, runtime, version).await
    }

    async fn rpcs(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
    ) -> Result<CallableRpcs, ApiError> {
        self.callable_rpcs(caller, runtime, version).await
    }

    async fn check_request(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        rpc: &str,
        request: &str,
    ) -> Result<Option<Problem>, ApiError> {
        self.check_request(caller, runtime, version, rpc, request).await
    }

    async fn call(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        rpc: &str,
        request: &str,
    ) -> Result<CallAnswer, ApiError> {
        self.call(caller, runtime, version, rpc, request).await
    }

    async fn history(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        page: &HistoryPage,
    ) -> Result<Vec<HistoryEntry>, ApiError> {
        self.allow(caller, Permission::View, Some(runtime))?;
        self.record(runtime, version).await?;
        self.store.history(runtime, version, page).await.map_err(from_store)
    }
}
