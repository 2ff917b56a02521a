//! The server functions: what pages ask of the server. Each takes its context, calls the backend, maps the error.
//!
//! Their paths under `/api/fn` are named, so that they do not change with the code.

pub mod accounts;
#[cfg(feature = "ssr")]
pub mod backend;
pub mod resource;

use std::collections::BTreeMap;

use domain::{
    ActivityEntry, ActivityFilter, CallAnswer, CallableRpcs, Command, Comparison, DocumentationPage, Generation,
    GraphLayout, HistoryEntry, HistoryPage, InheritedValue, LiveNumbers, Metrics, MetricsRange, NodeDetail, Problem,
    RuntimeId, RuntimeSummary, SearchResult, VersionName, VersionPage, VersionQuery, VersionSummary, VersionView,
    WorkflowName,
};
use leptos::prelude::*;

use crate::{AppError, json::Json};

#[server(prefix = "/api/fn", endpoint = "runtimes", input = Json, output = Json)]
pub async fn runtimes() -> Result<Vec<RuntimeSummary>, AppError> {
    context::backend()?.runtimes(&context::caller()?).await.map_err(context::fail)
}

#[server(prefix = "/api/fn", endpoint = "runtime", input = Json, output = Json)]
pub async fn runtime(id: RuntimeId) -> Result<RuntimeSummary, AppError> {
    context::backend()?.runtime(&context::caller()?, &id).await.map_err(context::fail)
}

/// Creates a runtime and goes to its page. A wrong field is answered with a problem whose path is the field's name.
#[server(prefix = "/api/fn", endpoint = "create_runtime", output = Json)]
pub async fn create_runtime(id: String, name: String, description: String) -> Result<(), AppError> {
    let new = domain::NewRuntime { id, name, description };
    let created = context::backend()?.create_runtime(&context::caller()?, new).await.map_err(context::fail)?;
    leptos_axum::redirect(&format!("/runtimes/{}", created.id), false);
    Ok(())
}

#[server(prefix = "/api/fn", endpoint = "versions", input = Json, output = Json)]
pub async fn versions(runtime: RuntimeId) -> Result<Vec<VersionSummary>, AppError> {
    context::backend()?.versions(&context::caller()?, &runtime).await.map_err(context::fail)
}

/// A part of the list of versions, and the versions that matter whatever is asked for.
#[server(name = ReadVersionPage, prefix = "/api/fn", endpoint = "version_page", input = Json, output = Json)]
pub async fn version_page(runtime: RuntimeId, query: VersionQuery) -> Result<VersionPage, AppError> {
    context::backend()?.version_page(&context::caller()?, &runtime, &query).await.map_err(context::fail)
}

/// Runtimes and versions whose names match, with the actions that they allow.
#[server(prefix = "/api/fn", endpoint = "find", input = Json, output = Json)]
pub async fn find(text: String) -> Result<Vec<SearchResult>, AppError> {
    context::backend()?.find(&context::caller()?, &text).await.map_err(context::fail)
}

#[server(prefix = "/api/fn", endpoint = "version", input = Json, output = Json)]
pub async fn version(runtime: RuntimeId, version: VersionName) -> Result<VersionView, AppError> {
    context::backend()?.version(&context::caller()?, &runtime, &version).await.map_err(context::fail)
}

#[server(prefix = "/api/fn", endpoint = "command", input = Json, output = Json)]
pub async fn send_command(
    runtime: RuntimeId,
    version: VersionName,
    command: Command,
    comment: Option<String>,
) -> Result<VersionSummary, AppError> {
    let (backend, caller) = (context::backend()?, context::caller()?);
    backend.command(&caller, &runtime, &version, command, comment).await.map_err(context::fail)
}

/// Deletes an archived version for good.
#[server(prefix = "/api/fn", endpoint = "delete_version", input = Json, output = Json)]
pub async fn delete_version(runtime: RuntimeId, version: VersionName, comment: Option<String>) -> Result<(), AppError> {
    let (backend, caller) = (context::backend()?, context::caller()?);
    backend.delete_version(&caller, &runtime, &version, comment).await.map_err(context::fail)
}

/// Deletes an empty runtime for good.
#[server(prefix = "/api/fn", endpoint = "delete_runtime", input = Json, output = Json)]
pub async fn delete_runtime(runtime: RuntimeId, comment: Option<String>) -> Result<(), AppError> {
    let (backend, caller) = (context::backend()?, context::caller()?);
    backend.delete_runtime(&caller, &runtime, comment).await.map_err(context::fail)
}

/// Sets the named values, removes those that are `None`, and leaves all others.
#[server(prefix = "/api/fn", endpoint = "set_config", input = Json, output = Json)]
pub async fn set_config(
    runtime: RuntimeId,
    version: VersionName,
    values: BTreeMap<String, Option<String>>,
    comment: Option<String>,
) -> Result<VersionView, AppError> {
    let (backend, caller) = (context::backend()?, context::caller()?);
    backend.set_config(&caller, &runtime, &version, values, comment).await.map_err(context::fail)
}

/// Chooses the generation of a stopped version's images; `None` leaves it to the manifest and the images.
#[server(prefix = "/api/fn", endpoint = "choose_generation", input = Json, output = Json)]
pub async fn choose_generation(
    runtime: RuntimeId,
    version: VersionName,
    chosen: Option<Generation>,
) -> Result<VersionView, AppError> {
    let (backend, caller) = (context::backend()?, context::caller()?);
    backend.choose_generation(&caller, &runtime, &version, chosen).await.map_err(context::fail)
}

/// One value, for a person who asks to see it; `None` when it is not set.
#[server(prefix = "/api/fn", endpoint = "config_value", input = Json, output = Json)]
pub async fn config_value(runtime: RuntimeId, version: VersionName, name: String) -> Result<Option<String>, AppError> {
    let (backend, caller) = (context::backend()?, context::caller()?);
    backend.config_value(&caller, &runtime, &version, &name).await.map_err(context::fail)
}

/// `krt.yml` as it was sent.
#[server(prefix = "/api/fn", endpoint = "manifest", input = Json, output = Json)]
pub async fn manifest(runtime: RuntimeId, version: VersionName) -> Result<String, AppError> {
    context::backend()?.manifest(&context::caller()?, &runtime, &version).await.map_err(context::fail)
}

/// A page of the documentation, the first one unless `page` is its path in the file. None when there is no first.
#[server(prefix = "/api/fn", endpoint = "documentation", input = Json, output = Json)]
pub async fn documentation(
    runtime: RuntimeId,
    version: VersionName,
    page: Option<String>,
) -> Result<Option<DocumentationPage>, AppError> {
    context::backend()?.documentation(&context::caller()?, &runtime, &version, page).await.map_err(context::fail)
}

/// What changes for whoever goes from version `from` to version `to`.
#[server(prefix = "/api/fn", endpoint = "compare", input = Json, output = Json)]
pub async fn compare(runtime: RuntimeId, from: VersionName, to: VersionName) -> Result<Comparison, AppError> {
    context::backend()?.comparison(&context::caller()?, &runtime, &from, &to).await.map_err(context::fail)
}

/// The other versions of the runtime, and what changes from `with`, or else from the one that people most likely mean;
/// nothing when there is no other. One call, for a page that is rendered may be gone before it could make a second.
#[server(prefix = "/api/fn", endpoint = "compare_with", input = Json, output = Json)]
pub async fn compare_with(
    runtime: RuntimeId,
    version: VersionName,
    with: Option<VersionName>,
) -> Result<(Vec<VersionSummary>, Option<Comparison>), AppError> {
    let (backend, caller) = (context::backend()?, context::caller()?);
    let mut others = backend.versions(&caller, &runtime).await.map_err(context::fail)?;
    let own = others.iter().find(|other| other.name == version).map(|own| own.created_at);
    others.retain(|other| other.name != version);
    let usual = || usual(&others, own).map(|other| other.name.clone());
    let Some(from) = with.or_else(usual) else { return Ok((others, None)) };
    let comparison = backend.comparison(&caller, &runtime, &from, &version).await.map_err(context::fail)?;
    Ok((others, Some(comparison)))
}

/// The published version, which this one might replace; else the one that came before it; else any.
#[cfg(feature = "ssr")]
fn usual(others: &[VersionSummary], own: Option<domain::Timestamp>) -> Option<&VersionSummary> {
    let published = others.iter().find(|other| other.state == domain::VersionState::Published);
    let before = others.iter().filter(|other| own.is_some_and(|own| other.created_at <= own));
    published.or_else(|| before.max_by_key(|other| other.created_at)).or_else(|| others.first())
}

/// The configuration values that a version added now takes over from the runtime's others, by name.
#[server(prefix = "/api/fn", endpoint = "carry_over", input = Json, output = Json)]
pub async fn carry_over(runtime: RuntimeId) -> Result<Vec<InheritedValue>, AppError> {
    context::backend()?.inheritable_config(&context::caller()?, &runtime).await.map_err(context::fail)
}

/// The pictures of a version's workflows, but for those too large to be read as one. They never change.
#[server(prefix = "/api/fn", endpoint = "graphs", input = Json, output = Json)]
pub async fn graphs(runtime: RuntimeId, version: VersionName) -> Result<Vec<GraphLayout>, AppError> {
    context::backend()?.graphs(&context::caller()?, &runtime, &version).await.map_err(context::fail)
}

/// A node with its pods and events; without a workflow the entrypoint.
#[server(prefix = "/api/fn", endpoint = "node_detail", input = Json, output = Json)]
pub async fn inspect_node(
    runtime: RuntimeId,
    version: VersionName,
    workflow: Option<WorkflowName>,
    node: String,
) -> Result<NodeDetail, AppError> {
    context::backend()?
        .node_detail(&context::caller()?, &runtime, &version, workflow.as_ref(), &node)
        .await
        .map_err(context::fail)
}

/// What a version's nodes measured, beside what those of the version published before it did.
#[server(name = ReadMetrics, prefix = "/api/fn", endpoint = "metrics", input = Json, output = Json)]
pub async fn metrics(runtime: RuntimeId, version: VersionName, range: MetricsRange) -> Result<Metrics, AppError> {
    context::backend()?.metrics(&context::caller()?, &runtime, &version, range).await.map_err(context::fail)
}

/// What a version does just now.
#[server(name = ReadLiveNumbers, prefix = "/api/fn", endpoint = "live_numbers", input = Json, output = Json)]
pub async fn live_numbers(runtime: RuntimeId, version: VersionName) -> Result<LiveNumbers, AppError> {
    context::backend()?.live_numbers(&context::caller()?, &runtime, &version).await.map_err(context::fail)
}

/// Whether the runtime has a version of this name, so that no other can be added under it.
#[server(prefix = "/api/fn", endpoint = "name_taken", input = Json, output = Json)]
pub async fn name_taken(runtime: RuntimeId, version: VersionName) -> Result<bool, AppError> {
    match context::backend()?.version(&context::caller()?, &runtime, &version).await {
        Ok(_) => Ok(true),
        Err(domain::ApiError::NotFound { .. }) => Ok(false),
        Err(error) => Err(context::fail(error)),
    }
}

/// What can be called at the version's entrypoint.
#[server(prefix = "/api/fn", endpoint = "rpcs", input = Json, output = Json)]
pub async fn rpcs(runtime: RuntimeId, version: VersionName) -> Result<CallableRpcs, AppError> {
    context::backend()?.rpcs(&context::caller()?, &runtime, &version).await.map_err(context::fail)
}

/// What is wrong with a request for this rpc, JSON of its message, if anything.
#[server(prefix = "/api/fn", endpoint = "check_request", input = Json, output = Json)]
pub async fn check_request(
    runtime: RuntimeId,
    version: VersionName,
    rpc: String,
    request: String,
) -> Result<Option<Problem>, AppError> {
    let (backend, caller) = (context::backend()?, context::caller()?);
    backend.check_request(&caller, &runtime, &version, &rpc, &request).await.map_err(context::fail)
}

/// Sends the request; an error means that no call was made.
#[server(name = SendCall, prefix = "/api/fn", endpoint = "call", input = Json, output = Json)]
pub async fn call(
    runtime: RuntimeId,
    version: VersionName,
    rpc: String,
    request: String,
) -> Result<CallAnswer, AppError> {
    let (backend, caller) = (context::backend()?, context::caller()?);
    backend.call(&caller, &runtime, &version, &rpc, &request).await.map_err(context::fail)
}

/// The history of a version, newest first.
#[server(prefix = "/api/fn", endpoint = "history", input = Json, output = Json)]
pub async fn history(
    runtime: RuntimeId,
    version: VersionName,
    page: HistoryPage,
) -> Result<Vec<HistoryEntry>, AppError> {
    context::backend()?.history(&context::caller()?, &runtime, &version, &page).await.map_err(context::fail)
}

/// What happened on the whole server, newest first.
#[server(prefix = "/api/fn", endpoint = "activity", input = Json, output = Json)]
pub async fn activity(filter: ActivityFilter) -> Result<Vec<ActivityEntry>, AppError> {
    context::backend()?.activity(&context::caller()?, &filter).await.map_err(context::fail)
}

#[cfg(feature = "ssr")]
mod context {
    //! The context that the server provides for each request.

    use std::sync::Arc;

    use domain::{ApiError, Caller, PersonId};
    use leptos::prelude::use_context;

    use crate::{
        AppError,
        api::backend::{AccountsBackend, AccountsContext, Backend, BackendContext},
    };

    pub(super) fn backend() -> Result<Arc<dyn Backend>, AppError> {
        use_context::<BackendContext>().map(|context| context.0).ok_or_else(|| fail(ApiError::Internal))
    }

    pub(super) fn accounts() -> Result<Arc<dyn AccountsBackend>, AppError> {
        use_context::<AccountsContext>().map(|context| context.0).ok_or_else(|| fail(ApiError::Internal))
    }

    /// Who asks, and as whom they are known here.
    pub(super) fn oneself() -> Result<(Caller, PersonId), AppError> {
        let caller = caller()?;
        let person = caller.person().ok_or_else(|| fail(ApiError::NotFound { what: "such person".to_owned() }))?;
        Ok((caller, person))
    }

    /// Who asks.
    pub(super) fn caller() -> Result<Caller, AppError> {
        use_context::<Caller>().ok_or_else(|| fail(ApiError::Unauthenticated))
    }

    pub(super) fn fail(error: ApiError) -> AppError {
        AppError::Api(error)
    }
}
