//! Start and publish on the cluster that KUBECONFIG names, against kubectl doing the same with the same objects in a
//! namespace of its own.
//!
//! The version is started once before anything is measured, so images are there and both sides find a warm cluster; what
//! it consists of is read from the cluster and applied again elsewhere, without our labels, so that the server leaves it
//! alone.

mod kubectl;
mod publish;
mod request;
mod start;

use std::{env, net::TcpListener, thread, time::Duration};

use anyhow::{Context, Result, bail, ensure};

use super::{Bench, archives::small, program::Server};
use kubectl::{Kubectl, Proxy};

pub(super) use publish::measure as publish;
pub(super) use request::measure as request;
pub(super) use start::measure as start;

const RUNTIME: &str = "bench";
const MAX_WAIT: Duration = Duration::from_secs(180);
/// The server's setting as it is unless somebody sets it; the objects carry it as `minReadySeconds`.
const MIN_READY: &str = "4s";

/// A server on the cluster, with a runtime.
struct Stage {
    server: Server,
    kubectl: Kubectl,
    /// The API without a process for each question.
    api: Proxy,
    /// Ours, and the one in which kubectl does the same.
    namespace: String,
    peer: String,
}

impl Stage {
    /// With versions of so many nodes, all of them stopped. `name` tells its namespaces from those of other stages, which
    /// may still be on their way out.
    fn new(bench: &Bench, name: &str, versions: &[&str], nodes: usize) -> Result<Self> {
        ensure!(env::var_os("KUBECONFIG").is_some(), "set KUBECONFIG to the cluster to measure on");
        let prefix = format!("kai-bench-{}-{name}-", std::process::id());
        let port = free_port()?;
        let host = env::var("KAI_TEST_HOST").unwrap_or_else(|_| "10.244.0.1".to_owned());
        let data = bench.fresh_folder("cluster-data")?;
        let server = Server::start(
            &bench.server,
            &data,
            &[
                ("KAI_CLUSTER", "kubeconfig"),
                ("KAI_INTERNAL_ADDR", &format!("0.0.0.0:{port}")),
                ("KAI_ADVERTISED_URL", &format!("http://{host}:{port}")),
                ("KAI_NAMESPACE_PREFIX", &prefix),
                ("KAI_NODE_MIN_READY", MIN_READY),
            ],
        )?;
        server.create_runtime(RUNTIME)?;
        for version in versions {
            let krt = data.join(format!("{version}.krt"));
            small(&krt, version, nodes)?;
            server.upload(RUNTIME, &krt)?;
        }
        let namespace = format!("{prefix}{RUNTIME}");
        let peer = format!("{prefix}peer");
        let kubectl = Kubectl::new(data);
        kubectl.run(&["create", "namespace", &peer])?;
        Ok(Self { server, kubectl, api: Proxy::start()?, namespace, peer })
    }

    /// Asks for it, and waits until the version's state is `state`.
    fn reach(&self, version: &str, action: &str, state: &str) -> Result<()> {
        self.server.command(RUNTIME, version, action)?;
        let path = format!("/runtimes/{RUNTIME}/versions/{version}");
        let begin = std::time::Instant::now();
        loop {
            let view = self.server.call("GET", &path, "")?;
            match view["state"].as_str() {
                Some(seen) if seen == state => return Ok(()),
                _ if begin.elapsed() > MAX_WAIT => bail!("{version} is not {state} in time: {view}"),
                _ => thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// Waits until no pod with these labels is left there, so that nothing of the last round runs during the next.
    fn no_pods(&self, namespace: &str, labels: &str) -> Result<()> {
        super::program::until(MAX_WAIT, "the last round's pods have ended", || {
            let pods = self.api.get(&format!("/api/v1/namespaces/{namespace}/pods?labelSelector={labels}"))?;
            Ok(pods["items"].as_array().context("a list has items")?.is_empty())
        })?;
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for namespace in [&self.namespace, &self.peer] {
            // Whoever measures next has other names; this is tidiness.
            if let Err(error) = self.kubectl.run(&["delete", "namespace", namespace, "--wait=false"]) {
                eprintln!("{namespace} is left in the cluster: {error:#}");
            }
        }
    }
}

/// Pods have to be told the port before the server has one. Below those that the system hands out to clients.
fn free_port() -> Result<u16> {
    let free = (18_000..18_999).find(|port| TcpListener::bind(("0.0.0.0", *port)).is_ok());
    free.context("no port is free")
}
