//! One node of a version, or its entrypoint, as the cluster has it just now: pods, containers and what was said of them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{NodeView, WorkflowName};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeDetail {
    /// None for the entrypoint.
    pub workflow: Option<WorkflowName>,
    pub node: NodeView,
    pub namespace: String,
    /// What its Deployment is called, whether it is there or not.
    pub deployment: String,
    /// Newest first.
    pub pods: Vec<PodDetail>,
    /// About the Deployment, its ReplicaSets and its pods, newest first; at most a hundred.
    pub events: Vec<NodeEvent>,
    /// Why `events` may lack some.
    pub events_error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PodDetail {
    pub name: String,
    /// In Kubernetes' word: `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`; `Terminating` once it is told to end.
    pub phase: String,
    pub ready: bool,
    /// Of all its containers together.
    pub restarts: u32,
    #[serde(default, with = "crate::time::optional")]
    pub created_at: Option<Timestamp>,
    /// The machine it runs on, once it has one.
    pub machine: Option<String>,
    /// What keeps it from being ready.
    pub message: Option<String>,
    /// Those that prepare, then those that run, each in the pod's order.
    pub containers: Vec<ContainerDetail>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContainerDetail {
    pub name: String,
    /// It runs before the others, and ends.
    pub prepares: bool,
    pub image: String,
    pub ready: bool,
    pub restarts: u32,
    pub state: ContainerState,
    /// How its run before this one ended.
    pub last_end: Option<ContainerEnd>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ContainerState {
    /// `reason` is Kubernetes' word, such as `CrashLoopBackOff`.
    Waiting {
        reason: Option<String>,
        message: Option<String>,
    },
    Running {
        #[serde(default, with = "crate::time::optional")]
        since: Option<Timestamp>,
    },
    Ended(ContainerEnd),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContainerEnd {
    pub exit_code: i32,
    /// Kubernetes' word, such as `Error` or `OOMKilled`.
    pub reason: Option<String>,
    pub message: Option<String>,
    #[serde(default, with = "crate::time::optional")]
    pub at: Option<Timestamp>,
}

/// What Kubernetes noted (its Event).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeEvent {
    /// When it was last noted.
    #[serde(default, with = "crate::time::optional")]
    pub at: Option<Timestamp>,
    pub warning: bool,
    pub reason: String,
    pub message: String,
    /// `Pod x`, `Deployment y`.
    pub about: String,
    /// How often it was noted; at least once.
    pub count: u32,
}
