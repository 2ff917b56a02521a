//! State: runtimes, versions, their configuration and history. The only place that knows SQL.
//!
//! One trait, one implementation per database, one conformance suite over both. Each method is one transaction; those
//! that change something compare and set, so of two people (or a person and the reconciler) that act at once one wins
//! and the other is told. Times are handed in; the store reads no clock.

mod activity;
mod carry;
mod commands;
mod config;
mod content;
mod credential;
mod deletion;
mod health;
mod history;
mod installation;
mod lock;
mod open;
mod reconcile;
mod repairs;
mod runtimes;
mod sql;
mod sql_store;
mod transaction;
mod versions;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    ActivityEntry, ActivityFilter, Actor, CarriedValue, Command, Desired, Failure, HistoryEntry, HistoryPage, NotEmpty,
    Problem, Publication, Refusal, Role, RuntimeId, Timestamp, VersionName, VersionState,
};
use krt::{Document, FileFacts, Protos, model::Manifest};
use serde::{Deserialize, Serialize};

use crate::secret::Secret;

pub use credential::download_token;
pub use installation::InstallationId;
pub use lock::{Holder, Lock};
pub use open::{Timings, open, open_alone};

/// The room for a version's configuration, names and values together. A Kubernetes Secret holds 1 MiB with everything
/// around its values; this leaves room for that.
pub const CONFIG_MAX_BYTES: usize = 900 * 1024;

/// A version's key in the database; never shown to people.
pub type VersionKey = i64;

/// A runtime as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct RuntimeRecord {
    pub id: RuntimeId,
    pub name: String,
    pub description: String,
    pub created_at: Timestamp,
    /// Grows with every change of the runtime or of one of its versions.
    pub revision: u64,
    pub publication: Publication<VersionKey>,
    /// Until when the present switch has to be reached; none when nothing is being switched or when it may take its time.
    pub publish_deadline: Option<Timestamp>,
}

/// A version as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionRecord {
    pub key: VersionKey,
    pub runtime: RuntimeId,
    pub name: VersionName,
    pub manifest: Manifest,
    /// `krt.yml` as it was sent.
    pub manifest_text: String,
    pub warnings: Vec<Problem>,
    pub file: StoredFile,
    pub created_at: Timestamp,
    pub created_by: Actor,
    pub published_at: Option<Timestamp>,
    /// The runtime's revision at the last change of this version.
    pub revision: u64,
    pub desired: Desired,
    /// Grows with every change of `desired`; what the reconciler compares and sets on.
    pub generation: u64,
    /// The cluster has been seen to reach `desired` in this generation.
    pub settled: bool,
    /// Until when the present generation has to be reached, if it is a start; a stop only should be by then.
    pub deadline: Option<Timestamp>,
    pub failure: Option<Failure>,
    /// Since when it is recorded as degraded; none when it was not since it began to run, or has healed.
    pub degraded_since: Option<Timestamp>,
    /// Names and values of the configuration as entered so far.
    pub config: BTreeMap<String, Secret>,
    /// Derived from the runtime's publication when read.
    pub role: Role,
    pub switching: bool,
}

impl VersionRecord {
    pub fn state(&self) -> VersionState {
        domain::state(self.desired, self.settled, self.role)
    }
}

/// Where a version's KRT file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Its key in the object store.
    pub object: String,
    pub sha256: String,
    pub size_bytes: u64,
    /// What opens this one file on the internal listener while the version is started. Each start makes a new one.
    pub download_token: Secret,
}

#[derive(Debug, Clone)]
pub struct NewRuntimeRecord {
    pub id: RuntimeId,
    pub name: String,
    pub description: String,
    pub at: Timestamp,
}

#[derive(Debug, Clone)]
pub struct NewVersionRecord {
    pub runtime: RuntimeId,
    pub manifest: Manifest,
    pub manifest_text: String,
    pub warnings: Vec<Problem>,
    pub file: StoredFile,
    pub carry_over: CarryOver,
    pub content: Content,
    /// The files under `docs/`.
    pub documents: Vec<Document>,
    pub at: Timestamp,
    pub by: Actor,
}

/// What is kept of a file's content to tell two versions apart.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Content {
    /// Of the sources, the proto and the documentation.
    pub facts: Vec<FileFacts>,
    /// What callers depend on. None of versions that were added when only the entrypoint's own proto file was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protos: Option<Protos>,
    /// Of those versions that file's text, unless it was not kept either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proto_text: Option<String>,
}

/// Which configuration values a new version takes over from the runtime's others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum CarryOver {
    #[default]
    All,
    /// All but those of these names.
    Without(BTreeSet<String>),
    Nothing,
}

/// What a person asks, with what the history keeps of it.
#[derive(Debug, Clone)]
pub struct CommandRecord {
    pub command: Command,
    pub by: Actor,
    pub comment: Option<String>,
    pub at: Timestamp,
    /// How long a start or a publish may take, or a stop should; the deadline that is stored.
    pub deadline: Timestamp,
}

/// Who deletes something, and what the history keeps of it.
#[derive(Debug, Clone)]
pub struct Deletion {
    pub by: Actor,
    pub comment: Option<String>,
    /// What else is to be said of it; for people.
    pub detail: Option<String>,
    pub at: Timestamp,
}

/// One runtime with all its versions that are not archived, read in one transaction.
#[derive(Debug, Clone)]
pub struct RuntimeIntent {
    pub runtime: RuntimeRecord,
    pub versions: Vec<VersionRecord>,
    /// By version, the repairs that are recorded as being under way.
    pub repairs: BTreeMap<VersionKey, BTreeSet<Repair>>,
}

/// An object that somebody deleted or edited, and that is put back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repair {
    /// Its kind and name.
    pub object: String,
    /// What was done to it; for people.
    pub what: String,
}

/// How the health of a version that runs has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    Degraded {
        reason: String,
    },
    /// `after` says how long it took.
    Healed {
        after: String,
    },
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("there is no {0}")]
    NotFound(String),
    #[error("there is already {0}")]
    Taken(String),
    #[error("version `{version}` of runtime `{runtime}` refuses")]
    Refused {
        runtime: RuntimeId,
        version: VersionName,
        state: VersionState,
        #[source]
        refusal: Refusal,
    },
    #[error("runtime `{runtime}` is not empty")]
    NotEmpty {
        runtime: RuntimeId,
        #[source]
        refusal: NotEmpty,
    },
    #[error("version `{version}` of runtime `{runtime}` lacks configuration: {}", .missing.join(", "))]
    ConfigIncomplete { runtime: RuntimeId, version: VersionName, missing: Vec<String> },
    #[error("version `{0}` is archived; its configuration cannot be changed any more")]
    Archived(VersionName),
    #[error(
        "all values together have {0} bytes; a Kubernetes Secret has room for {CONFIG_MAX_BYTES}, so put large files into \
         the KRT itself"
    )]
    ConfigTooLarge(usize),
    #[error("a stored {what} cannot be read: {detail}")]
    Corrupt { what: &'static str, detail: String },
    /// Says what the URL has instead, and not the URL: it may hold a password.
    #[error("the database's URL {0}; it has to begin with `sqlite:` or `postgres:`")]
    UnknownScheme(String),
    #[error("the database's file {path} cannot be created")]
    File { path: PathBuf, source: std::io::Error },
    #[error("another KAI Server has the database: {0}")]
    Locked(String),
    /// The same where the database is a file.
    #[error("the database is in use")]
    FileLock(#[from] crate::file_lock::FileLockError),
    #[error("the connection that holds the database's lock is lost")]
    LockLost,
    #[error("the database did not answer within {0:?}")]
    Timeout(Duration),
    #[error("a text has a NUL character in it, which no database takes")]
    Nul,
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    #[error("the database's migrations failed")]
    Migration(#[from] sqlx::migrate::MigrateError),
}

#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Asks the database whether it is there and can be written to, by writing the time down.
    async fn probe(&self, at: Timestamp) -> Result<(), StoreError>;
    /// The identity of this database. It never changes.
    async fn installation_id(&self) -> Result<InstallationId, StoreError>;

    /// `Taken` when the id or the name is.
    async fn create_runtime(&self, new: NewRuntimeRecord) -> Result<RuntimeRecord, StoreError>;
    /// All, by name.
    async fn runtimes(&self) -> Result<Vec<RuntimeRecord>, StoreError>;
    /// The revision of each, which tells whether anything of it has changed, without reading what.
    async fn revisions(&self) -> Result<BTreeMap<RuntimeId, u64>, StoreError>;
    async fn runtime(&self, id: &RuntimeId) -> Result<Option<RuntimeRecord>, StoreError>;

    /// Adds a stopped version, with the configuration that it takes over and its `create` history entry, which names
    /// that. A value for which there is no room any more ([`CONFIG_MAX_BYTES`]) is left out. `Taken` when the runtime has one of that name,
    /// `NotFound` when there is no such runtime.
    async fn create_version(&self, new: NewVersionRecord) -> Result<VersionRecord, StoreError>;
    /// None for a version that was added before this was kept, and for one that there is not.
    async fn content(&self, runtime: &RuntimeId, version: &VersionName) -> Result<Option<Content>, StoreError>;
    /// The paths (`docs/…`) of the documentation in the KRT file of this SHA-256, sorted.
    async fn documents(&self, sha256: &str) -> Result<Vec<String>, StoreError>;
    /// One of them.
    async fn document(&self, sha256: &str, path: &str) -> Result<Option<Vec<u8>>, StoreError>;
    /// What [`Store::create_version`] takes over at most, by name.
    async fn carry_over(&self, runtime: &RuntimeId) -> Result<Vec<CarriedValue>, StoreError>;
    /// Those of one runtime, archived ones too, newest first.
    async fn versions(&self, runtime: &RuntimeId) -> Result<Vec<VersionRecord>, StoreError>;
    async fn version(&self, runtime: &RuntimeId, name: &VersionName) -> Result<Option<VersionRecord>, StoreError>;
    /// Whether a version uses this object; what nobody uses may be deleted.
    async fn object_in_use(&self, object: &str) -> Result<bool, StoreError>;
    /// All objects that versions use.
    async fn objects(&self) -> Result<BTreeSet<String>, StoreError>;

    /// Decides (domain's `decide`), changes the intent, and writes the history, all or nothing. A `start` is refused with
    /// `ConfigIncomplete` when a value is missing; it clears the failure. `publish` and `unpublish` set the runtime's
    /// publication target. Each change of `desired` begins a new, unsettled generation, but for `archive`, which is
    /// settled at once. A pending history entry of the same version that this cuts short becomes `Cancelled`.
    async fn command(
        &self,
        runtime: &RuntimeId,
        version: &VersionName,
        command: CommandRecord,
    ) -> Result<VersionRecord, StoreError>;

    /// Sets (or with `None` removes) values, with a `configure` entry that names them but not their values. The names
    /// have been checked against the manifest. Values that are so already are left out; when none is left, nothing is
    /// written. `ConfigIncomplete` when it would take a value from a version that is meant to run, `ConfigTooLarge` when
    /// there would be more than [`CONFIG_MAX_BYTES`], `Archived` when the version is.
    async fn set_config(
        &self,
        runtime: &RuntimeId,
        version: &VersionName,
        values: BTreeMap<String, Option<Secret>>,
        by: Actor,
        comment: Option<String>,
        at: Timestamp,
    ) -> Result<VersionRecord, StoreError>;

    /// Deletes an archived version with its configuration and what is kept of its file, and answers which file that is:
    /// whoever asked removes it when [`Store::object_in_use`] says that no other version has it. `Refused` when it is not
    /// archived.
    async fn delete_version(
        &self,
        runtime: &RuntimeId,
        version: &VersionName,
        deletion: Deletion,
    ) -> Result<StoredFile, StoreError>;
    /// `NotEmpty` while it has versions.
    async fn delete_runtime(&self, runtime: &RuntimeId, deletion: Deletion) -> Result<(), StoreError>;
    /// The archived versions that became so before this time.
    async fn archived_before(&self, before: Timestamp) -> Result<Vec<(RuntimeId, VersionName)>, StoreError>;

    /// A value, for somebody who is to see it, with a `reveal` entry that names it. None, and nothing written, when it is
    /// not set.
    async fn reveal(
        &self,
        runtime: &RuntimeId,
        version: &VersionName,
        name: &str,
        by: Actor,
        at: Timestamp,
    ) -> Result<Option<Secret>, StoreError>;

    /// Newest first. A `configure` entry's comment ends with which names were set and removed. `NotFound` when there is
    /// no such version.
    async fn history(
        &self,
        runtime: &RuntimeId,
        version: &VersionName,
        page: &HistoryPage,
    ) -> Result<Vec<HistoryEntry>, StoreError>;

    /// What happened to all versions and what became of it, newest first, as far as the filter lets it through. What
    /// follows an entry that does not exist (`before`) is nothing.
    async fn activity(&self, filter: &ActivityFilter) -> Result<Vec<ActivityEntry>, StoreError>;
    /// The newest entry of this runtime and its versions, deleted ones too.
    async fn last_activity(&self, runtime: &RuntimeRecord) -> Result<Option<ActivityEntry>, StoreError>;

    // What the reconciler reads and records. Each returns whether it still applied: `false` means that the intent has
    // moved on since it was read, and nothing was written.

    async fn intent(&self, runtime: &RuntimeId) -> Result<Option<RuntimeIntent>, StoreError>;
    /// The cluster has reached `desired` in this generation: the pending start or stop is `Reached`.
    async fn settle(&self, version: VersionKey, generation: u64, at: Timestamp) -> Result<bool, StoreError>;
    /// The start of this generation failed: `desired` becomes stopped in a new, unsettled generation with the deadline
    /// `stop_by`, the reason is kept, the pending start is `Failed`, and kai-server's stop is pending.
    async fn fail_start(
        &self,
        version: VersionKey,
        generation: u64,
        failure: Failure,
        stop_by: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Makes the repairs that are under way of a version that runs exactly these: entries by kai-server, pending until
    /// they are left out here. The same repair of an object that was put back a moment ago goes on in its last entry.
    async fn set_repairs(
        &self,
        version: VersionKey,
        generation: u64,
        repairs: Vec<Repair>,
        at: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Adds that a version that runs has begun to fail, or has recovered. Applies only when it is recorded otherwise.
    async fn turn(&self, version: VersionKey, generation: u64, turn: Turn, at: Timestamp) -> Result<bool, StoreError>;
    /// How often it is recorded as having begun to fail since then.
    async fn times_degraded(&self, version: VersionKey, since: Timestamp) -> Result<u64, StoreError>;
    /// The entrypoint has been seen to serve exactly the publication's target: `serving` becomes `target`, the pending
    /// publish or unpublish is `Reached`, `published_at` is set, and the version that this one replaced gets a
    /// `Superseded` unpublish. Applies only while `target` is the given one.
    async fn settle_publication(
        &self,
        runtime: &RuntimeId,
        target: Option<VersionKey>,
        at: Timestamp,
    ) -> Result<bool, StoreError>;
    /// The publish of `target` failed: the target becomes what is serving again, the reason is kept on the version, the
    /// pending publish is `Failed`. Applies only while `target` is the given one and not serving.
    async fn fail_publish(&self, runtime: &RuntimeId, target: VersionKey, failure: Failure)
    -> Result<bool, StoreError>;
}
