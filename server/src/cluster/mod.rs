//! The Kubernetes cluster that this server drives: which it is, the client for it, and whether it answers.
//!
//! There is one code path: whatever answers behind the [`kube::Client`], a cluster or the sandbox in this process, is
//! spoken to in the same way.

mod cache;
mod logs;
mod retry_after;
mod watches;

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{ClusterInfo, ClusterKind, Reachability, Timestamp};
use kube::{Client, Config, client::ClientBuilder, config::KubeConfigOptions};
use tokio::sync::watch;
use tower::util::MapResponseLayer;

pub(crate) use cache::Cache;
pub(crate) use logs::{LogReader, StampedLine};
pub(crate) use watches::{MANAGED_BY, RUNTIME_LABEL, Watches};

/// Which cluster to use. A kubeconfig lying about is never used unasked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterChoice {
    Sandbox,
    /// The kubeconfig that KUBECONFIG or the home folder names, in this or its current context.
    Kubeconfig {
        context: Option<String>,
    },
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

/// The part of this server that writes, as [`Cluster::report_silence`] knows it.
pub(crate) const WRITES: &str = "writes";

/// A connection to the cluster. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    info: Arc<watch::Sender<ClusterInfo>>,
    failing: Arc<Mutex<BTreeMap<&'static str, Trouble>>>,
}

struct Trouble {
    since: Timestamp,
    reason: String,
}

impl Cluster {
    /// A cluster that answers in this process: the sandbox, or a test's own layers around it.
    pub fn in_process(client: Client) -> Self {
        Self::new(client, ClusterKind::Sandbox, "sandbox".to_owned())
    }

    /// The client for a router in this process. Needs a tokio runtime.
    pub fn client_for(router: axum::Router) -> Client {
        let service = tower::ServiceBuilder::new()
            .map_request(|request: http::Request<kube::client::Body>| request.map(axum::body::Body::new))
            .map_response(retry_after::hand_on)
            .service(router);
        Client::new(service, "default")
    }

    /// Makes the client; asks the cluster nothing yet.
    pub async fn from_kubeconfig(context: Option<String>) -> Result<Self, ClusterError> {
        let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
        let kubeconfig = kube::config::Kubeconfig::read()?;
        let name = options
            .context
            .clone()
            .or_else(|| kubeconfig.current_context.clone())
            .unwrap_or_else(|| "kubeconfig".to_owned());
        let client = client(Config::from_custom_kubeconfig(kubeconfig, &options).await?)?;
        Ok(Self::new(client, ClusterKind::Kubeconfig, name))
    }

    /// Makes the client from the service account of the pod that this process runs in.
    pub fn from_pod() -> Result<Self, ClusterError> {
        let config = Config::incluster()?;
        let name = config.cluster_url.to_string();
        let client = client(config)?;
        Ok(Self::new(client, ClusterKind::InCluster, name))
    }

    fn new(client: Client, kind: ClusterKind, name: String) -> Self {
        let info = ClusterInfo { kind, name, reachability: Reachability::Connecting };
        Self { client, info: Arc::new(watch::Sender::new(info)), failing: Arc::default() }
    }

    pub fn info(&self) -> ClusterInfo {
        self.info.borrow().clone()
    }

    /// Tells of every change of [`Cluster::info`].
    pub fn changed(&self) -> watch::Receiver<ClusterInfo> {
        self.info.subscribe()
    }

    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// A watch got an answer from the cluster.
    pub(crate) fn report_answer(&self, watch: &'static str) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        failing.remove(watch);
        self.show(&failing);
    }

    /// Asks the cluster for its version, and takes an answer for the end of all silence but that of watches, which ask
    /// again by themselves.
    pub(crate) async fn probe(&self) {
        match self.client.apiserver_version().await {
            Ok(_) | Err(kube::Error::Api(_)) => self.report_answer(WRITES),
            Err(error) => self.report_silence(WRITES, &error, Timestamp::now()),
        }
    }

    /// One part of this server got no answer. An answer that says no is an answer.
    pub(crate) fn report_silence(&self, part: &'static str, error: &kube::Error, at: Timestamp) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let trouble = failing.entry(part).or_insert_with(|| Trouble { since: at, reason: String::new() });
        trouble.reason = in_words(error);
        self.show(&failing);
    }

    fn show(&self, failing: &BTreeMap<&'static str, Trouble>) {
        let reachability = match failing.values().min_by_key(|trouble| trouble.since) {
            Some(trouble) => Reachability::Unreachable { since: trouble.since, reason: trouble.reason.clone() },
            None => Reachability::Reachable,
        };
        self.info.send_if_modified(|info| {
            let modified = info.reachability != reachability;
            info.reachability = reachability;
            modified
        });
    }
}

fn client(mut config: Config) -> Result<Client, ClusterError> {
    // The client would ask again by itself for minutes, while nobody is told and a look at a runtime goes on. Whoever asks
    // has a pace of its own, and waits as long as the server wants.
    config.default_retry = false;
    let builder = ClientBuilder::try_from(config).map_err(ClusterError::Client)?;
    Ok(builder.with_layer(&MapResponseLayer::new(retry_after::hand_on)).build())
}

/// How long the API server asked to be left alone, if it did (`retryAfterSeconds` of a Status).
pub(crate) fn retry_after(error: &kube::Error) -> Option<Duration> {
    let kube::Error::Api(status) = error else { return None };
    let details = status.details.as_ref()?;
    (details.retry_after_seconds > 0).then(|| Duration::from_secs(u64::from(details.retry_after_seconds)))
}

/// What a person can use of an error from the client: what the API server said, or the innermost cause.
pub(crate) fn in_words(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return status.message.clone();
    }
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
