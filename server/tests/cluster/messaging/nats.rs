//! A NATS in the cluster, as `deploy/kubernetes/nats` makes it, in a namespace of the test's own.

use std::{
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
};

use async_nats::jetstream::{self, Context};
use serde_json::{Value, json};
use server::config::{NatsSettings, Settings};
use tempfile::TempDir;

const MANIFESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/kubernetes/nats");

pub(crate) struct ClusterNats {
    namespace: String,
    /// How this machine reaches it, and how pods do: not every cluster for tests has a DNS.
    url: String,
    pod_url: String,
    _volume: TempDir,
}

impl ClusterNats {
    pub(crate) fn deploy() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let namespace = format!("kai-nats-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
        let volume = tempfile::tempdir().unwrap();
        // A cluster without anybody who makes volumes gets one of this machine.
        if kubectl(&["get", "storageclass", "-o", "name"], "").is_empty() {
            std::fs::set_permissions(volume.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
            let claim = json!({
                "apiVersion": "v1", "kind": "PersistentVolume", "metadata": { "name": namespace },
                "spec": {
                    "capacity": { "storage": "10Gi" },
                    "accessModes": ["ReadWriteOnce"],
                    "claimRef": { "namespace": namespace, "name": "data-nats-0" },
                    "hostPath": { "path": volume.path() },
                },
            });
            kubectl(&["apply", "-f", "-"], &claim.to_string());
        }
        let manifests = kubectl(&["kustomize", MANIFESTS], "").replace("kai-nats", &namespace);
        kubectl(&["apply", "-f", "-"], &manifests);
        let mut nats = Self { namespace, url: String::new(), pod_url: String::new(), _volume: volume };
        nats.kubectl(&["patch", "service", "nats", "-p", r#"{"spec":{"type":"NodePort"}}"#]);
        let service: Value = serde_json::from_str(&nats.kubectl(&["get", "service", "nats", "-o", "json"])).unwrap();
        let ports = service["spec"]["ports"].as_array().unwrap();
        let port = &ports.iter().find(|port| port["name"] == "client").unwrap()["nodePort"];
        nats.url = format!("nats://{}:{port}", super::node_host());
        nats.pod_url = format!("nats://{}:4222", service["spec"]["clusterIP"].as_str().unwrap());
        nats.is_up();
        nats
    }

    pub(crate) fn set(&self, settings: &mut Settings) {
        settings.messaging.nats = Some(NatsSettings { url: self.url.as_str().into(), credentials: None });
        settings.messaging.pod_url = Some(self.pod_url.as_str().into());
    }

    /// A look from the side.
    pub(crate) async fn jetstream(&self) -> Context {
        let options = async_nats::ConnectOptions::new().retry_on_initial_connect();
        jetstream::new(options.connect(&self.url).await.unwrap())
    }

    /// Kills it, and keeps it away.
    pub(crate) fn kill(&self) {
        self.kubectl(&["scale", "statefulset", "nats", "--replicas=0"]);
        self.kubectl(&["delete", "pod", "nats-0", "--grace-period=0", "--force", "--ignore-not-found"]);
    }

    pub(crate) fn come_back(&self) {
        self.kubectl(&["scale", "statefulset", "nats", "--replicas=1"]);
    }

    fn is_up(&self) {
        self.kubectl(&["rollout", "status", "statefulset", "nats", "--timeout=180s"]);
    }

    fn kubectl(&self, args: &[&str]) -> String {
        kubectl(&[&["-n", &self.namespace], args].concat(), "")
    }
}

impl Drop for ClusterNats {
    fn drop(&mut self) {
        // Whoever is next has other names; this is tidiness, also after a failure.
        for what in ["namespace", "persistentvolume"] {
            let mut delete = Command::new("kubectl");
            delete.args(["delete", what, &self.namespace, "--wait=false", "--ignore-not-found"]);
            let _ = delete.stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
    }
}

pub(crate) fn kubectl(args: &[&str], input: &str) -> String {
    let mut command = Command::new("kubectl");
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().expect("these tests need kubectl (`scripts/setup cluster` installs it)");
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success(), "kubectl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
