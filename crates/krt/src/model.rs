//! The one model that both KRT versions read into (docs/krt.md §5): a v1 workflow is the v2 one that it means.

pub use domain::KrtVersion;
use domain::{NodeName, VersionName, WorkflowName};
use serde::{Deserialize, Serialize};

/// A valid manifest. Every name in it has been checked, every node's source is in the archive, and every subscription
/// leads to a node of the same workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub version: VersionName,
    pub krt_version: KrtVersion,
    pub description: String,
    pub entrypoint: Entrypoint,
    pub config: ConfigSpec,
    pub workflows: Vec<Workflow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entrypoint {
    /// Path of the proto file in the archive.
    pub proto: String,
    pub image: String,
}

/// The configuration values that a version wants; all are mandatory.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ConfigSpec {
    pub variables: Vec<String>,
    pub files: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workflow {
    pub name: WorkflowName,
    /// The rpc that triggers it.
    pub entrypoint: String,
    /// The node whose output goes back to the entrypoint.
    pub exitpoint: NodeName,
    pub nodes: Vec<Node>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    pub name: NodeName,
    pub image: String,
    /// Path in the archive of the file that it runs.
    pub src: String,
    pub gpu: bool,
    pub replicas: u32,
    pub subscriptions: Vec<Subscription>,
    pub object_store: Option<ObjectStore>,
}

/// What a node listens to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subscription {
    Entrypoint,
    Node { node: NodeName, subtopic: Option<String> },
}

impl std::fmt::Display for Subscription {
    /// As the manifest writes it: `entrypoint`, `node` or `node.subtopic`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Entrypoint => f.write_str("entrypoint"),
            Self::Node { node, subtopic: None } => write!(f, "{node}"),
            Self::Node { node, subtopic: Some(subtopic) } => write!(f, "{node}.{subtopic}"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectStore {
    pub name: String,
    pub scope: ObjectStoreScope,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectStoreScope {
    Workflow,
    Project,
}
