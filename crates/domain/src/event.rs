//! What the server tells every open browser (`GET /api/v1/events`, server-sent events).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{RuntimeId, RuntimeSummary, VersionName, VersionSummary, access::Rights};

/// One event. The first of every connection is `Hello`: its receiver reads again what it shows, because it cannot know what
/// it missed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ServerEvent {
    Hello {
        cluster: ClusterInfo,
        /// By the server's clock, against which whoever gets it may hold its own.
        #[serde(with = "crate::time")]
        now: Timestamp,
        /// What the receiver may do; none when it is said to all.
        #[serde(default)]
        rights: Option<Rights>,
    },
    Cluster(ClusterInfo),
    Runtime(Box<RuntimeSummary>),
    Version(Box<VersionSummary>),
    Deleted(Deleted),
    /// Whoever reads the stream may not do so any more, for this reason. The last event.
    SignedOut {
        reason: String,
    },
}

impl ServerEvent {
    /// The runtime that it is about; none for what everybody may know.
    pub fn runtime(&self) -> Option<&RuntimeId> {
        match self {
            Self::Hello { .. } | Self::Cluster(_) | Self::SignedOut { .. } => None,
            Self::Runtime(summary) => Some(&summary.id),
            Self::Version(summary) => Some(&summary.runtime),
            Self::Deleted(deleted) => Some(&deleted.runtime),
        }
    }
}

/// A version that there is not any more, or a runtime.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Deleted {
    pub runtime: RuntimeId,
    /// None when it is the runtime itself.
    pub version: Option<VersionName>,
}

/// Which cluster the server drives; in the header of every page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClusterInfo {
    pub kind: ClusterKind,
    /// The kubeconfig's context, the API server's address, or "sandbox".
    pub name: String,
    pub reachability: Reachability,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ClusterKind {
    /// The in-memory Kubernetes API of this process: nothing really runs there.
    Sandbox,
    Kubeconfig,
    InCluster,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Reachability {
    /// Not asked yet, as just after start.
    Connecting,
    Reachable,
    Unreachable {
        #[serde(with = "crate::time")]
        since: Timestamp,
        reason: String,
    },
    /// It answers, and denies what is needed to know what it holds.
    Forbidden {
        #[serde(with = "crate::time")]
        since: Timestamp,
        /// Names the permission that is missing.
        reason: String,
    },
}
