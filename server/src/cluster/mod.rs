//! The Kubernetes cluster that this server drives: which it is, the client for it, and whether it answers.
//!
//! There is one code path: whatever answers behind the [`kube::Client`], a cluster or the sandbox in this process, is
//! spoken to in the same way.

mod cache;
mod cached;
mod connections;
mod limits;
mod logs;
mod probe;
mod retry_after;
mod watches;

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{ClusterInfo, ClusterKind, Reachability, Timestamp};
use kube::{Client, Config, config::KubeConfigOptions};
use tokio::sync::watch;

use connections::Connections;
use probe::Probes;

pub(crate) use cache::Cache;
pub(crate) use cached::CachedKind;
pub use limits::RequestTimeouts;
pub(crate) use logs::{LogReader, StampedLine};
pub(crate) use watches::{MANAGED_BY, RUNTIME_LABEL, Watches};

#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    #[error("cannot use the kubeconfig")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    #[error("this process does not run in a cluster")]
    InCluster(#[from] kube::config::InClusterError),
    #[error("cannot create a client for the cluster")]
    Client(#[source] kube::Error),
}

/// A connection to the cluster. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    timeouts: RequestTimeouts,
    connections: Arc<Connections>,
    probes: Arc<Probes>,
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
        Self::in_process_within(client, RequestTimeouts::default())
    }

    /// The same with other limits of time, for tests that do not want to wait for long.
    pub fn in_process_within(client: Client, timeouts: RequestTimeouts) -> Self {
        let connections = Connections::new(Box::new(|| {}));
        Self::new((client, connections), timeouts, ClusterKind::Sandbox, "sandbox".to_owned())
    }

    /// The client for a router in this process. Needs a tokio runtime.
    pub fn client_for(router: axum::Router) -> Client {
        let service = tower::ServiceBuilder::new()
            .map_request(|request: http::Request<kube::client::Body>| request.map(axum::body::Body::new))
            .map_response(retry_after::copy_to_status)
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
        let client = connections::client(Config::from_custom_kubeconfig(kubeconfig, &options).await?)?;
        Ok(Self::new(client, RequestTimeouts::default(), ClusterKind::Kubeconfig, name))
    }

    /// Makes the client from the service account of the pod that this process runs in.
    pub fn from_pod() -> Result<Self, ClusterError> {
        let config = Config::incluster()?;
        let name = config.cluster_url.to_string();
        let client = connections::client(config)?;
        Ok(Self::new(client, RequestTimeouts::default(), ClusterKind::InCluster, name))
    }

    fn new(
        (client, connections): (Client, Connections),
        timeouts: RequestTimeouts,
        kind: ClusterKind,
        name: String,
    ) -> Self {
        let info = ClusterInfo { kind, name, reachability: Reachability::Connecting };
        let connections = Arc::new(connections);
        Self {
            client: limits::limited(client, timeouts, connections.clone()),
            timeouts,
            connections,
            probes: Arc::default(),
            info: Arc::new(watch::Sender::new(info)),
            failing: Arc::default(),
        }
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

    fn is_failing(&self, part: &str) -> bool {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner).contains_key(part)
    }

    /// Tells of each time from now on that all connections are given up.
    fn resets(&self) -> watch::Receiver<u64> {
        self.connections.resets()
    }

    /// Waits this long before something is asked again, but no longer than until all connections are given up: when the
    /// cluster answers again, nobody goes on waiting. `resets` is the asker's own, so that it misses none.
    async fn pause(resets: &mut watch::Receiver<u64>, pause: Duration) {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            Ok(()) = resets.changed() => {}
        }
    }

    /// One part of this server got no answer. An answer that says no is an answer.
    pub(crate) fn report_silence(&self, part: &'static str, error: &kube::Error, at: Timestamp) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let trouble = failing.entry(part).or_insert_with(|| Trouble { since: at, reason: String::new() });
        trouble.reason = error_message(error);
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

/// How long the API server asked to be left alone, if it did (`retryAfterSeconds` of a Status).
pub(crate) fn retry_after(error: &kube::Error) -> Option<Duration> {
    let kube::Error::Api(status) = error else { return None };
    let details = status.details.as_ref()?;
    (details.retry_after_seconds > 0).then(|| Duration::from_secs(u64::from(details.retry_after_seconds)))
}

/// What a person can use of an error from the client: what the API server said, or the innermost cause.
pub(crate) fn error_message(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return status.message.clone();
    }
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
