//! The real kubectl, over a port of this machine.

use std::{process::Stdio, time::Duration};

use sandbox::Sandbox;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    process::Command,
};

use crate::common::*;

/// A sandbox on a port, and a folder for what kubectl keeps.
struct Cluster {
    _sandbox: Sandbox,
    server: String,
    home: std::path::PathBuf,
    serving: tokio::task::JoinHandle<()>,
}

impl Cluster {
    async fn start(name: &str) -> Self {
        let sandbox = Sandbox::start(fast());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        let router = sandbox.router();
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let home = std::env::temp_dir().join(format!("sandbox-kubectl-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&home).unwrap();
        Self { _sandbox: sandbox, server, home, serving }
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("kubectl");
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.home)
            .args(["--server", &self.server])
            .args(line.split_whitespace())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs kubectl with this standard input. Returns whether it went well, and all that it said.
    async fn run(&self, line: &str, input: &str) -> (bool, String) {
        let mut child = self.command(line).spawn().unwrap_or_else(|error| {
            panic!("kubectl does not start ({error}): run the set-up, which installs Debian's kubernetes-client")
        });
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).await.unwrap();
        drop(stdin);
        let output = tokio::time::timeout(Duration::from_secs(20), child.wait_with_output()).await;
        let output = output.unwrap_or_else(|_| panic!("kubectl {line} does not end")).unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }

    async fn ok(&self, line: &str) -> String {
        let (good, said) = self.run(line, "").await;
        assert!(good, "kubectl {line}: {said}");
        said
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.serving.abort();
        // A leftover of a test in the temporary folder harms nobody.
        let _removed = std::fs::remove_dir_all(&self.home);
    }
}

fn web(image: &str) -> String {
    let mut object = deployment("web", image, 2);
    object["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] =
        serde_json::json!({ "tcpSocket": { "port": 9000 } });
    object.to_string()
}

#[tokio::test]
async fn kubectl_drives_a_deployment_through_its_life() {
    let cluster = Cluster::start("life").await;
    let mut watch = cluster.command("get deployments -A -w").spawn().unwrap();
    let mut seen = BufReader::new(watch.stdout.take().unwrap()).lines();

    assert_eq!(cluster.run("apply -f -", &web("registry/web:1")).await, (true, "deployment.apps/web created\n".into()));
    assert!(cluster.ok("rollout status deployment/web").await.ends_with("successfully rolled out\n"));
    assert_eq!(
        cluster.run("apply -f -", &web("registry/web:1")).await,
        (true, "deployment.apps/web unchanged\n".into())
    );
    assert_eq!(
        cluster.run("apply -f -", &web("registry/web:2")).await,
        (true, "deployment.apps/web configured\n".into())
    );
    assert!(cluster.ok("rollout status deployment/web").await.ends_with("successfully rolled out\n"));
    let said = cluster.ok("get deployment web -o wide").await;
    assert!(said.contains("READY") && said.contains("2/2") && said.contains("registry/web:2"), "{said}");
    cluster.ok("rollout undo deployment/web").await;
    cluster.ok("rollout status deployment/web").await;
    assert!(cluster.ok("get deploy web -o jsonpath={..image}").await.contains("registry/web:1"));

    cluster.ok("scale deployment/web --replicas=3").await;
    cluster.ok("rollout status deployment/web").await;
    cluster.ok("wait --for=condition=Available deployment/web --timeout=10s").await;
    assert!(cluster.ok("logs deployment/web --tail=1").await.contains("main: "));
    let said = cluster.ok("get all,endpointslices,ingress,configmaps,secrets,events").await;
    assert!(said.contains("pod/web-") && said.contains("replicaset.apps/web-") && said.contains("Scheduled"), "{said}");

    assert!(cluster.ok("delete deployment web --cascade=foreground").await.contains("deleted"));
    assert_eq!(cluster.ok("get pods,replicasets").await, "No resources found in default namespace.\n");

    let header = seen.next_line().await.unwrap().unwrap();
    assert!(header.split_whitespace().eq(["NAMESPACE", "NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]), "{header}");
    let row = async {
        while let Some(line) = seen.next_line().await.unwrap() {
            if line.contains("3/3") {
                return;
            }
        }
        panic!("the watch has ended");
    };
    tokio::time::timeout(Duration::from_secs(20), row).await.expect("three ready replicas in the watch");
}

#[tokio::test]
async fn kubectl_sees_conflicts_of_server_side_apply() {
    let cluster = Cluster::start("apply").await;
    let config = |value: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  a: {value}\n");
    let apply = "apply --server-side -f - --field-manager";
    assert!(cluster.run(&format!("{apply}=one"), &config("first")).await.0);
    let (good, said) = cluster.run(&format!("{apply}=two"), &config("second")).await;
    assert!(!good && said.contains("conflict with \"one\": .data.a"), "{said}");
    assert!(cluster.run(&format!("{apply}=two --force-conflicts"), &config("second")).await.0);
    assert_eq!(cluster.ok("get configmap c -o jsonpath={.data.a}").await, "second");
}

#[tokio::test]
async fn kubectl_explains_pods_that_fail() {
    let cluster = Cluster::start("failures").await;
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: app\n";
    let (made, said) = cluster.run("create -f -", namespace).await;
    assert!(made, "{said}");
    // Up to 1.32 it sends JSON here, too; from then on protobuf, and is told what to do instead.
    let (made, said) = cluster.run("create namespace other", "").await;
    assert!(made || said.contains("reads no protobuf, so use `kubectl apply -f`"), "{said}");
    cluster.ok("run bad -n app --image=registry/fail-pull:1").await;
    cluster.ok("run worse -n app --image=registry/crash:1").await;
    let said = eventually("both failures in the table", || async {
        let said = cluster.ok("get pods -A").await;
        (said.contains("ImagePullBackOff") && said.contains("CrashLoopBackOff")).then_some(said)
    })
    .await;
    assert!(said.contains("RESTARTS"), "{said}");
    assert!(cluster.ok("describe pod bad -n app").await.contains("Failed to pull image \"registry/fail-pull:1\""));
    cluster.ok("delete pod bad -n app").await;
    cluster.ok("delete namespace app").await;
    assert!(!cluster.ok("get namespaces").await.contains("app"));
}

#[tokio::test]
async fn kubectl_follows_a_log_until_its_pod_is_gone() {
    let cluster = Cluster::start("logs").await;
    assert!(cluster.run("apply -f -", &web("registry/web:1")).await.0);
    cluster.ok("rollout status deployment/web").await;
    let mut follow = cluster.command("logs -f deployment/web --tail=1").spawn().unwrap();
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    // One that was there, and two that come.
    for _ in 0..3 {
        let line = tokio::time::timeout(Duration::from_secs(20), lines.next_line()).await.expect("a line");
        assert!(line.unwrap().unwrap().starts_with("main: "));
    }
    cluster.ok("delete deployment web --cascade=background").await;
    let rest = async { while lines.next_line().await.unwrap().is_some() {} };
    tokio::time::timeout(Duration::from_secs(20), rest).await.expect("the log's end");
    assert!(follow.wait().await.unwrap().success());
}

#[tokio::test]
async fn kubectl_deletes_with_and_without_dependents_and_waits_for_the_end() {
    let cluster = Cluster::start("cascade").await;
    let dependents = || async { cluster.ok("get replicasets,pods -o name").await.lines().count() };
    assert!(cluster.run("apply -f -", &web("registry/web:1")).await.0);
    cluster.ok("rollout status deployment/web").await;
    assert!(cluster.ok("delete deployment web --cascade=orphan").await.contains("deleted"));
    assert_eq!(dependents().await, 3, "a set and its two pods");

    assert!(cluster.run("apply -f -", &web("registry/web:1")).await.0);
    cluster.ok("rollout status deployment/web").await;
    assert_eq!(dependents().await, 3, "they were taken over");
    // A finalizer makes sure that there is something to wait for.
    cluster.ok(r#"patch deployment web --type=merge -p {"metadata":{"finalizers":["example.org/hold"]}}"#).await;
    cluster.ok("delete deployment web --cascade=background --wait=false").await;
    let mut waits = cluster.command("wait --for=delete deployment/web --timeout=20s").spawn().unwrap();
    cluster.ok(r#"patch deployment web --type=merge -p {"metadata":{"finalizers":null}}"#).await;
    let ended = tokio::time::timeout(Duration::from_secs(20), waits.wait()).await.expect("the wait's end");
    assert!(ended.is_ok());
    eventually("no dependents", || async { (dependents().await == 0).then_some(()) }).await;
    assert!(!cluster.run("get deployment web", "").await.0);
}
