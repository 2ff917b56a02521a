//! The Kubernetes cluster that this server drives: which it is, the client for it, and whether it answers.

use std::path::PathBuf;

use domain::ClusterInfo;

/// Which cluster to use. A kubeconfig lying about is never used unasked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterChoice {
    Sandbox,
    /// The kubeconfig that KUBECONFIG or the home folder names, in this or its current context.
    Kubeconfig { context: Option<String> },
    InCluster,
}

#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    #[error("the kubeconfig cannot be used")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    #[error("this process does not run in a cluster")]
    InCluster(#[from] kube::config::InClusterError),
    #[error("no client for the cluster can be made")]
    Client(#[source] kube::Error),
}

/// A connection to the cluster. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    info: ClusterInfo,
    _path: Option<PathBuf>,
}

impl Cluster {
    pub fn info(&self) -> ClusterInfo {
        self.info.clone()
    }
}
