//! State: runtimes, versions, their configuration and history. The only place that knows SQL.
//!
//! Each method of [`Store`] is one transaction, written in the SQL that SQLite and PostgreSQL share and tested on both.
//! Writes compare and set: when two users, or a user and the reconciler, act at once, one wins and the other gets an
//! error. Callers pass in the time; the store reads no clock.

mod access;
mod accounts;
mod activity;
mod calls;
mod commands;
mod config;
mod content;
mod credential;
mod deletion;
mod error;
mod generation;
mod health;
mod history;
mod inherit;
mod installation;
mod lock;
mod measurements;
mod messaging;
mod open;
mod reconcile;
mod repairs;
mod runtimes;
mod sql;
mod transaction;
mod transactions;
mod versions;

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Actor, Caller, Command, Desired, Failure, Generation, Outcome, Problem, Publication, Role, RuntimeId, Timestamp,
    VersionName, VersionState,
};
use krt::{Document, FileDigest, Protos, model::Manifest};
use serde::{Deserialize, Serialize};

use crate::secret::Secret;

pub use accounts::{
    AuditRecord, NewPerson, NewSession, NewTokenRecord, OidcFlow, PersonRecord, ProviderIdentity, SecretDigest,
    SessionRecord, SignedIn, TakenFlow, TokenCaller, TokenRecord, WhichSessions, random_secret,
};
pub use credential::download_token;
pub use error::StoreError;
pub use installation::InstallationId;
pub use lock::{Holder, Lock};
pub use open::{Timings, open, open_alone};
pub use transactions::Store;

/// The room for a version's configuration, names and values together. A Kubernetes Secret holds 1 MiB with everything
/// around its values; this leaves room for that.
pub const CONFIG_MAX_BYTES: usize = 900 * 1024;

/// What Linux takes for one string of a process' environment, `NAME=value` (MAX_ARG_STRLEN in execve(2), but for the NUL
/// at its end).
pub const ENVIRONMENT_STRING_MAX_BYTES: usize = 131_071;

/// Whether a value of this name is an environment variable's, and larger than any can be.
pub(crate) fn exceeds_environment(name: &str, value: &str) -> bool {
    krt::is_variable_name(name) && name.len() + 1 + value.len() > ENVIRONMENT_STRING_MAX_BYTES
}

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
    /// What somebody chose; none where the manifest and the images decide.
    pub chosen_generation: Option<Generation>,
    /// When all its pods were last told to restart, because messaging had been away for too long.
    pub pods_restarted_at: Option<Timestamp>,
    /// Names and values of the configuration as entered so far.
    pub config: BTreeMap<String, Secret>,
    /// Derived from the runtime's publication when read.
    pub role: Role,
    pub switching: bool,
}

impl StoredFile {
    /// What lets the pods of the version write measurements, and opens nothing else. Each start makes a new one.
    pub fn measurements_token(&self) -> Secret {
        credential::measurements_token(&self.download_token)
    }
}

impl VersionRecord {
    pub fn state(&self) -> VersionState {
        domain::state(self.desired, self.settled, self.role)
    }

    /// What its images expect of the server.
    pub fn generation_of_runners(&self) -> Generation {
        self.chosen_generation.unwrap_or_else(|| self.manifest.detected_generation())
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
    pub caller: Caller,
}

#[derive(Debug, Clone)]
pub struct NewVersion {
    pub runtime: RuntimeId,
    pub manifest: Manifest,
    pub manifest_text: String,
    pub warnings: Vec<Problem>,
    pub file: StoredFile,
    pub inherit_config: InheritConfig,
    pub content: Content,
    /// The files under `docs/`.
    pub documents: Vec<Document>,
    pub at: Timestamp,
    pub caller: Caller,
}

/// The digests and proto files of a KRT file, kept to compare versions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Content {
    /// Of the sources, the proto and the documentation.
    #[serde(rename = "facts")]
    pub digests: Vec<FileDigest>,
    /// What callers depend on. None of versions that were added when only the entrypoint's own proto file was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protos: Option<Protos>,
    /// Of those versions that file's text, unless it was not kept either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proto_text: Option<String>,
}

/// Which configuration values a new version inherits from the runtime's others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum InheritConfig {
    #[default]
    All,
    /// All but those of these names.
    Except(BTreeSet<String>),
    None,
}

/// A person's command, with the details that the history keeps.
#[derive(Debug, Clone)]
pub struct CommandRecord {
    pub command: Command,
    pub caller: Caller,
    pub comment: Option<String>,
    pub at: Timestamp,
    /// How long a start or a publish may take, or a stop should; the deadline that is stored.
    pub deadline: Timestamp,
}

/// A call of the entrypoint by hand that has ended.
#[derive(Debug, Clone)]
pub struct CallRecord {
    /// `package.Service/Rpc`.
    pub rpc: String,
    pub by: Actor,
    pub at: Timestamp,
    pub finished_at: Timestamp,
    /// Of reached and failed.
    pub outcome: Outcome,
}

/// A deletion, with the details that the history keeps.
#[derive(Debug, Clone)]
pub struct Deletion {
    pub caller: Caller,
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
pub enum HealthTransition {
    Degraded {
        reason: String,
    },
    /// `after` says how long it took.
    Healed {
        after: String,
    },
}
