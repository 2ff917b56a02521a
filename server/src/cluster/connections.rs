//! The connections to the API server, and a way to drop all of them at once.
//!
//! A dead connection that was not closed looks like any other in the pool. So when the cluster becomes unreachable, and when
//! it becomes reachable again, every connection is dropped and new ones are made.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use kube::{
    Client, Config,
    client::{Body, ClientBuilder, ConfigExt},
};
use tokio::sync::watch;
use tower::{BoxError, ServiceBuilder, service_fn, util::MapResponseLayer};

use super::{ClusterError, retry_after};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// After how long without traffic the other side's kernel is asked whether it is there, how often, and how many times in
/// vain: half a minute in all.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_RETRIES: u32 = 3;

/// The connections, dropped when the cluster becomes unreachable.
pub(super) struct Connections {
    /// Replaces the pool by an empty one. Connections in use are closed by their users.
    renew: Box<dyn Fn() + Send + Sync>,
    /// How often all were dropped; users of a connection watch it.
    generation: watch::Sender<u64>,
}

impl Connections {
    pub(super) fn new(renew: Box<dyn Fn() + Send + Sync>) -> Self {
        Self { renew, generation: watch::Sender::new(0) }
    }

    /// Drops all connections, with the requests that run on them.
    pub(super) fn reset(&self) {
        (self.renew)();
        self.generation.send_modify(|generation| *generation += 1);
    }

    /// Notifies of each [`Connections::reset`] from now on.
    pub(super) fn resets(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }
}

/// The client for a real cluster, as [`ClientBuilder`] makes it but for the connections: these are kept alive, and the
/// second part of the result drops those that wait to be used again.
///
/// The client's own retries (`default_retry`) are off: they would last for minutes, unseen, while a reconcile waits. Each
/// caller has a backoff of its own and heeds Retry-After.
pub(super) fn client(config: Config) -> Result<(Client, Connections), ClusterError> {
    if config.proxy_url.is_some() {
        // Says which feature of the client that would need.
        let builder = ClientBuilder::try_from(config).map_err(ClusterError::Client)?;
        return Ok((builder.build(), Connections::new(Box::new(|| {}))));
    }
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_connect_timeout(Some(CONNECT_TIMEOUT));
    http.set_keepalive(Some(KEEPALIVE));
    http.set_keepalive_interval(Some(KEEPALIVE_INTERVAL));
    http.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
    let connector = config.rustls_https_connector_with_connector(http).map_err(ClusterError::Client)?;
    let pool = move || legacy::Client::builder(TokioExecutor::new()).build::<_, Body>(connector.clone());
    let current = Arc::new(RwLock::new(pool()));
    let replaced = current.clone();
    let renew = move || *replaced.write().unwrap_or_else(PoisonError::into_inner) = pool();
    let ask = service_fn(move |request| {
        let pool = current.read().unwrap_or_else(PoisonError::into_inner).clone();
        async move { pool.request(request).await }
    });
    let service = ServiceBuilder::new()
        .layer(MapResponseLayer::new(retry_after::copy_to_status))
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer().map_err(ClusterError::Client)?)
        .layer(config.extra_headers_layer().map_err(ClusterError::Client)?)
        .map_err(BoxError::from)
        .service(ask);
    Ok((Client::new(service, config.default_namespace), Connections::new(Box::new(renew))))
}
