//! The stage on a real cluster.

use std::{
    net::TcpListener,
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use kube::Client;
use server::config::{ClusterChoice, Settings};

use crate::support::{fixture::Fixture, server::TestServer};

/// A server of its own, in namespaces of its own.
pub(crate) async fn on_cluster() -> Fixture {
    on_cluster_with(|_| {}).await
}

pub(crate) async fn on_cluster_with(change: impl FnOnce(&mut Settings)) -> Fixture {
    assert!(std::env::var_os("KUBECONFIG").is_some(), "set KUBECONFIG to the cluster that the tests may use");
    let server = TestServer::start_with(|all| {
        settings(all);
        change(all);
    })
    .await;
    Fixture::new(server, Client::try_default().await.unwrap(), true)
}

fn settings(settings: &mut Settings) {
    // Pods have to be told the port before the server has one.
    let port = free_port();
    let host = std::env::var("KAI_TEST_HOST").unwrap_or_else(|_| "10.244.0.1".to_owned());
    settings.cluster = ClusterChoice::Kubeconfig { context: None };
    // As it is unless somebody sets it: a node that crashes is not to be taken for one that runs.
    settings.node_min_ready = Duration::from_secs(4);
    settings.internal_addr = ([0, 0, 0, 0], port).into();
    settings.advertised_url = Some(format!("http://{host}:{port}"));
    settings.namespace_prefix = format!("kai-test-{}-{port}-", std::process::id());
}

/// A port that nobody gets by chance before the server takes it: below those that the system hands out to clients, of
/// which the tests have thousands, and never the same for two tests.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(17_000);
    loop {
        let port = NEXT.fetch_add(1, Ordering::SeqCst);
        if TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
}
