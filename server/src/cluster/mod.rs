//! The Kubernetes cluster that this server drives: which it is, the client for it, and whether it is reachable.
//!
//! There is one code path for all clusters, and the sandbox in this process is one of them behind the [`kube::Client`].

mod cache;
mod cached;
mod connections;
mod limits;
mod logs;
mod port_forward;
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
pub(crate) use port_forward::reason as reason_of_break;
pub(crate) use watches::{MANAGED_BY, RESTARTED_AT, RUNTIME_LABEL, Watches};

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
    failing: Arc<Mutex<BTreeMap<&'static str, RequestFailure>>>,
}

/// Why one part of this server learns nothing from the cluster.
struct RequestFailure {
    since: Timestamp,
    reason: String,
    /// The cluster answers, and denies access.
    is_forbidden: bool,
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

    /// Notifies of every change of [`Cluster::info`].
    pub fn changed(&self) -> watch::Receiver<ClusterInfo> {
        self.info.subscribe()
    }

    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// What this part of the server asks for is answered.
    pub(crate) fn report_success(&self, part: &'static str) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        failing.remove(part);
        self.publish(&failing);
    }

    fn is_failing(&self, part: &str) -> bool {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner).contains_key(part)
    }

    /// Notifies each time from now on that all connections are dropped.
    fn resets(&self) -> watch::Receiver<u64> {
        self.connections.resets()
    }

    /// Waits this long before a retry, but no longer than until all connections are dropped: when the cluster is reachable
    /// again, nothing waits any longer. `resets` is the caller's own, so that it misses none.
    async fn pause(resets: &mut watch::Receiver<u64>, pause: Duration) {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            Ok(()) = resets.changed() => {}
        }
    }

    /// What this part of the server asks for is not answered, or access to it is denied.
    pub(crate) fn report_failure(&self, part: &'static str, error: &kube::Error, at: Timestamp) {
        let is_forbidden = is_forbidden(error);
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        // A change of the kind of failure begins a new one.
        let known = failing.get(part).filter(|known| known.is_forbidden == is_forbidden);
        let since = known.map_or(at, |known| known.since);
        failing.insert(part, RequestFailure { since, reason: error_message(error), is_forbidden });
        self.publish(&failing);
    }

    fn publish(&self, failing: &BTreeMap<&'static str, RequestFailure>) {
        let reachability = unreachable(failing).or_else(|| forbidden(failing)).unwrap_or(Reachability::Reachable);
        self.info.send_if_modified(|info| {
            let modified = info.reachability != reachability;
            info.reachability = reachability;
            modified
        });
    }
}

fn unreachable(failing: &BTreeMap<&'static str, RequestFailure>) -> Option<Reachability> {
    let first = failing.values().filter(|failure| !failure.is_forbidden).min_by_key(|failure| failure.since)?;
    Some(Reachability::Unreachable { since: first.since, reason: first.reason.clone() })
}

/// Names all kinds to which access is denied, and the cluster's message about the first.
fn forbidden(failing: &BTreeMap<&'static str, RequestFailure>) -> Option<Reachability> {
    let denied = || failing.iter().filter(|(_, failure)| failure.is_forbidden);
    let (_, first) = denied().min_by_key(|(_, failure)| failure.since)?;
    let kinds = denied().map(|(part, _)| *part).collect::<Vec<_>>().join(", ");
    let reason = format!("missing permission to list and watch {kinds}: {}", first.reason);
    Some(Reachability::Forbidden { since: first.since, reason })
}

/// Whether the cluster denies access: to a known client (403), or because it does not accept the credentials (401).
fn is_forbidden(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if matches!(status.code, 401 | 403))
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

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    fn api_error(code: u16, message: &str) -> kube::Error {
        kube::Error::Api(Status { code, message: message.to_owned(), ..Status::default() }.boxed())
    }

    #[tokio::test]
    async fn denied_access_names_every_kind_and_an_outage_goes_first() {
        let cluster = Cluster::in_process(Cluster::client_for(axum::Router::new()));
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        cluster.report_success("pods");
        cluster.report_failure("secrets", &api_error(403, "no secrets"), at(2));
        cluster.report_failure("ingresses", &api_error(401, "Unauthorized"), at(1));
        let reason = "missing permission to list and watch ingresses, secrets: Unauthorized".to_owned();
        assert_eq!(cluster.info().reachability, Reachability::Forbidden { since: at(1), reason });

        let silence = kube::Error::Service("no answer".into());
        cluster.report_failure("pods", &silence, at(5));
        let reason = "no answer".to_owned();
        assert_eq!(cluster.info().reachability, Reachability::Unreachable { since: at(5), reason });

        cluster.report_success("pods");
        cluster.report_success("ingresses");
        cluster.report_failure("secrets", &api_error(500, "broken"), at(6));
        let reason = "broken".to_owned();
        assert_eq!(cluster.info().reachability, Reachability::Unreachable { since: at(6), reason });
        cluster.report_success("secrets");
        assert_eq!(cluster.info().reachability, Reachability::Reachable);
    }
}
