//! What the server functions call. The server implements it; pages know nothing else of the server (invariant 3).

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use domain::{
    ActivityEntry, ActivityFilter, ApiError, AuditEntry, AuditFilter, CallAnswer, CallableRpcs, Caller, ClusterInfo,
    Command, Comparison, CreatedToken, DocumentationPage, Generation, Grant, GraphLayout, HistoryEntry, HistoryPage,
    InheritedValue, Invitation, LiveNumbers, Metrics, MetricsRange, NewRuntime, NewToken, NodeDetail, Person, PersonId,
    Problem, RuntimeId, RuntimeSummary, SearchResult, Session, Subject, SubjectKind, Token, TokenId, VersionName,
    VersionPage, VersionQuery, VersionSummary, VersionView, WorkflowName, access::Role,
};

/// The services behind pages and API. Every method answers errors that may be shown to people as they are.
///
/// Each takes who asks, and answers `Forbidden` for what they may not do, and `NotFound` for a runtime that they may not see.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    fn cluster(&self) -> ClusterInfo;

    async fn create_runtime(&self, caller: &Caller, new: NewRuntime) -> Result<RuntimeSummary, ApiError>;
    /// All, by name.
    async fn runtimes(&self, caller: &Caller) -> Result<Vec<RuntimeSummary>, ApiError>;
    async fn runtime(&self, caller: &Caller, id: &RuntimeId) -> Result<RuntimeSummary, ApiError>;

    /// Published first, then newest; archived ones last.
    async fn versions(&self, caller: &Caller, runtime: &RuntimeId) -> Result<Vec<VersionSummary>, ApiError>;
    /// A part of [`Backend::versions`], and the versions that matter whatever is asked for.
    async fn version_page(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        query: &VersionQuery,
    ) -> Result<VersionPage, ApiError>;
    /// The places, and what can be done there, that have every word of `text` in their names; the first few dozen.
    async fn find(&self, caller: &Caller, text: &str) -> Result<Vec<SearchResult>, ApiError>;
    async fn version(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
    ) -> Result<VersionView, ApiError>;
    async fn command(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        command: Command,
        comment: Option<String>,
    ) -> Result<VersionSummary, ApiError>;
    /// Deletes an archived version for good; its history stays in the activity.
    async fn delete_version(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        comment: Option<String>,
    ) -> Result<(), ApiError>;
    /// Deletes an empty runtime for good. Its history stays in the activity, and its namespace in the cluster.
    async fn delete_runtime(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        comment: Option<String>,
    ) -> Result<(), ApiError>;
    /// Sets the named values, removes those that are `None`, and leaves all others.
    async fn set_config(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        values: BTreeMap<String, Option<String>>,
        comment: Option<String>,
    ) -> Result<VersionView, ApiError>;
    /// Chooses the generation of a stopped version's images; `None` leaves it to the manifest and the images.
    async fn choose_generation(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        chosen: Option<Generation>,
    ) -> Result<VersionView, ApiError>;
    /// One value, for a person who asks to see it; `None` when it is not set.
    async fn config_value(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        name: &str,
    ) -> Result<Option<String>, ApiError>;
    /// `krt.yml` as it was sent.
    async fn manifest(&self, caller: &Caller, runtime: &RuntimeId, version: &VersionName) -> Result<String, ApiError>;
    /// A page of the documentation, the first one unless `page` is its path in the file. None when there is no first.
    async fn documentation(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        page: Option<String>,
    ) -> Result<Option<DocumentationPage>, ApiError>;
    /// What changes for whoever goes from version `from` to version `to`.
    async fn comparison(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        from: &VersionName,
        to: &VersionName,
    ) -> Result<Comparison, ApiError>;
    /// The values that a version added now would inherit from the runtime's others, by name.
    async fn inheritable_config(&self, caller: &Caller, runtime: &RuntimeId) -> Result<Vec<InheritedValue>, ApiError>;
    /// What happened on the whole server, newest first.
    async fn activity(&self, caller: &Caller, filter: &ActivityFilter) -> Result<Vec<ActivityEntry>, ApiError>;
    /// The pictures of its workflows, but for those too large to be read as one.
    async fn graphs(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
    ) -> Result<Vec<GraphLayout>, ApiError>;
    /// `workflow` is none for the entrypoint, and `node` means nothing then.
    async fn node_detail(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        workflow: Option<&WorkflowName>,
        node: &str,
    ) -> Result<NodeDetail, ApiError>;
    /// What its nodes measured, beside what those of the version published before it did.
    async fn metrics(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        range: MetricsRange,
    ) -> Result<Metrics, ApiError>;
    /// What it does just now. For whoever looks at it: asked every few seconds.
    async fn live_numbers(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
    ) -> Result<LiveNumbers, ApiError>;
    /// What can be called at the version's entrypoint.
    async fn rpcs(&self, caller: &Caller, runtime: &RuntimeId, version: &VersionName)
    -> Result<CallableRpcs, ApiError>;
    /// What is wrong with a request for this rpc, JSON of its message, if anything.
    async fn check_request(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        rpc: &str,
        request: &str,
    ) -> Result<Option<Problem>, ApiError>;
    /// Sends it; an error means that no call was made.
    async fn call(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        rpc: &str,
        request: &str,
    ) -> Result<CallAnswer, ApiError>;
    /// Newest first.
    async fn history(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        page: &HistoryPage,
    ) -> Result<Vec<HistoryEntry>, ApiError>;
}

/// The backend as Leptos' context carries it to the server functions.
#[derive(Clone)]
pub struct BackendContext(pub Arc<dyn Backend>);

/// People and rights behind the pages. As with [`Backend`], every method answers errors that may be shown as they are.
#[async_trait]
pub trait AccountsBackend: Send + Sync + 'static {
    async fn people(&self, caller: &Caller) -> Result<Vec<Person>, ApiError>;
    async fn invite(&self, caller: &Caller, name: &str, role: Option<Role>) -> Result<Invitation, ApiError>;
    async fn renew_link(&self, caller: &Caller, person: PersonId) -> Result<Invitation, ApiError>;
    async fn set_disabled(&self, caller: &Caller, person: PersonId, disabled: bool) -> Result<(), ApiError>;
    /// `current` is the one that asks.
    async fn sessions(&self, caller: &Caller, person: PersonId, current: Option<i64>)
    -> Result<Vec<Session>, ApiError>;
    /// One of a person's, or with none all of them.
    async fn end_sessions(&self, caller: &Caller, person: PersonId, one: Option<i64>) -> Result<(), ApiError>;
    async fn tokens(&self, caller: &Caller, person: PersonId) -> Result<Vec<Token>, ApiError>;
    async fn create_token(&self, caller: &Caller, new: NewToken) -> Result<CreatedToken, ApiError>;
    async fn revoke_token(&self, caller: &Caller, owner: PersonId, id: TokenId) -> Result<(), ApiError>;
    async fn grants(&self, caller: &Caller, runtime: Option<&RuntimeId>) -> Result<Vec<Grant>, ApiError>;
    /// `name` is a person's or a group's.
    async fn give_role(
        &self,
        caller: &Caller,
        kind: SubjectKind,
        name: &str,
        runtime: Option<RuntimeId>,
        role: Role,
    ) -> Result<(), ApiError>;
    async fn remove_grant(
        &self,
        caller: &Caller,
        subject: &Subject,
        runtime: Option<&RuntimeId>,
    ) -> Result<(), ApiError>;
    async fn audit(&self, caller: &Caller, filter: &AuditFilter) -> Result<Vec<AuditEntry>, ApiError>;
}

/// As [`BackendContext`].
#[derive(Clone)]
pub struct AccountsContext(pub Arc<dyn AccountsBackend>);

/// The session by which a request came.
#[derive(Clone, Copy)]
pub struct CurrentSession(pub i64);
