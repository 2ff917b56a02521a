//! What pages and API show. Derived for each answer; never stored.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ActivityEntry, Actor, Command, Generation, NodeName, Problem, RuntimeId, VersionName, VersionState, WorkflowName,
};

/// What is needed to create a runtime.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRuntime {
    /// Kept as text, so that a wrong one is answered with what is wrong about it.
    pub id: String,
    pub name: String,
    #[serde(default)]
    pub description: String,
}

impl NewRuntime {
    /// Fields of the form have the same limits as the API.
    pub const NAME_MAX_CHARS: usize = 80;
    pub const DESCRIPTION_MAX_CHARS: usize = 2_000;
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RuntimeSummary {
    pub id: RuntimeId,
    pub name: String,
    pub description: String,
    #[serde(with = "crate::time")]
    pub created_at: Timestamp,
    /// Grows with every change; of two summaries the one with the larger revision is newer.
    pub revision: u64,
    pub namespace: String,
    /// The version that requests from outside reach now.
    pub published: Option<VersionName>,
    /// The host its Ingress answers to while a version is published.
    pub host: String,
    /// Versions that are not archived.
    pub versions: u32,
    /// Of those, how many are neither stopped nor archived.
    pub running: u32,
    /// How many versions are in each state, archived ones too. A state that none is in is left out.
    pub states: BTreeMap<VersionState, u32>,
    /// Of all that run together: the worst. The reason names the version.
    pub health: Health,
    /// What was last done to one of its versions.
    pub last_activity: Option<ActivityEntry>,
}

/// The manifest's `krtVersion` (docs/krt.md §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum KrtVersion {
    V1,
    V2,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VersionSummary {
    pub runtime: RuntimeId,
    pub name: VersionName,
    pub description: String,
    pub krt_version: KrtVersion,
    pub size_bytes: u64,
    pub sha256: String,
    #[serde(with = "crate::time")]
    pub created_at: Timestamp,
    pub created_by: Actor,
    /// When it was last seen published.
    #[serde(default, with = "crate::time::optional")]
    pub published_at: Option<Timestamp>,
    /// Grows with every change; of two summaries the one with the larger revision is newer.
    pub revision: u64,
    pub state: VersionState,
    /// The runtime's published entrypoint is being moved just now, from or to this or another version.
    pub switching: bool,
    pub health: Health,
    /// Why the last start or publish failed; kept until the next start.
    pub failure: Option<Failure>,
    pub allowed_actions: Vec<Command>,
    /// What a change in progress waits for, a roll-out to its pods too; none when nothing is under way.
    pub waiting: Option<String>,
    /// How many configuration values have to be set before it can start.
    #[serde(default)]
    pub missing_values: u32,
}

/// How a version that runs is doing, apart from its state (docs/lifecycle.md §2.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Health {
    /// It is not meant to run, or is on its way.
    None,
    Healthy,
    Degraded {
        reason: String,
    },
    /// What the cluster holds is not known.
    Unknown {
        reason: String,
    },
}

/// Why a version that was asked to start or to be published was not (docs/lifecycle.md §2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Failure {
    #[serde(with = "crate::time")]
    pub at: Timestamp,
    /// `workflow/node`, or `entrypoint`; none when no single node is to blame.
    pub node: Option<String>,
    /// What Kubernetes said, or that time ran out.
    pub reason: String,
    /// What Kubernetes warned of about the pod to blame, oldest first.
    #[serde(default)]
    pub events: Vec<String>,
    /// The last lines that the node logged.
    #[serde(default)]
    pub log: Vec<String>,
}

/// Everything about one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VersionView {
    #[serde(flatten)]
    pub summary: VersionSummary,
    /// The published version that publishing this one would replace.
    pub replaces: Option<VersionName>,
    pub entrypoint: NodeView,
    pub workflows: Vec<WorkflowView>,
    /// Variables, then files, each in the manifest's order. Values are not in here.
    pub config: Vec<ConfigEntry>,
    /// What was doubtful about the file.
    pub warnings: Vec<Problem>,
    /// Where it answers just now; nowhere unless it is started or published.
    #[serde(default)]
    pub addresses: Vec<Address>,
    /// Only while it is starting.
    #[serde(default)]
    pub starting: Option<StartTime>,
    /// What its images expect of the server.
    pub generation: Generation,
    /// What the manifest and the images' tags say of that, where nobody chose another.
    pub detected_generation: Generation,
}

/// The time that a start takes and has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StartTime {
    #[serde(with = "crate::time")]
    pub since: Timestamp,
    /// Then it has failed; later where the cluster could not be reached meanwhile.
    #[serde(with = "crate::time")]
    pub gives_up_at: Timestamp,
}

/// Where a version's entrypoint is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Address {
    pub reach: Reach,
    /// `host:port` in the cluster, else the host of an Ingress.
    pub at: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// By pods of the cluster.
    Cluster,
    /// From outside, for trying a version before it is published.
    Preview,
    /// From outside, as what is published.
    Public,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkflowView {
    pub name: WorkflowName,
    /// The rpc that feeds it.
    pub entrypoint: String,
    pub exitpoint: NodeName,
    pub nodes: Vec<NodeView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeView {
    pub name: String,
    pub image: String,
    /// The file it runs; none for the entrypoint.
    pub src: Option<String>,
    pub gpu: bool,
    /// As written: `entrypoint`, `node` or `node.subtopic`.
    pub subscriptions: Vec<String>,
    pub status: NodeStatus,
    /// How many are wanted, whatever the state.
    pub replicas: u32,
    pub ready_replicas: u32,
    /// What keeps it from being ready, as Kubernetes reports it; below that, of a container that crashed, the end of its
    /// log, a line each.
    pub message: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum NodeStatus {
    Stopped,
    Starting,
    Ready,
    /// A pod fails: its image cannot be pulled, it crashes, it cannot be scheduled.
    Failing,
    Stopping,
    /// The cluster does not answer.
    Unknown,
}

impl NodeStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Failing => "failing",
            Self::Stopping => "stopping",
            Self::Unknown => "unknown",
        }
    }
}

/// One configuration value that a version wants (docs/krt.md §2.3). All are mandatory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConfigEntry {
    pub name: String,
    pub kind: ConfigKind,
    pub is_set: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ConfigKind {
    Variable,
    File,
}

/// A configuration value that a version added now takes over from another of its runtime: the newest that has a value of
/// this name decides. It is taken over where the new version wants one of the same kind. The value itself stays hidden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InheritedValue {
    pub name: String,
    pub kind: ConfigKind,
    pub from: VersionName,
}
