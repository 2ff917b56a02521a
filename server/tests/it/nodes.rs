//! One node in full: its pods and what Kubernetes noted of them.

use std::time::Duration;

use domain::{ContainerState, NodeDetail, NodeStatus, PodDetail};
use serde_json::json;

use crate::support::{
    krt::Krt,
    server::{MAX_WAIT, TestServer},
};

const VERSION: &str = "/api/v1/runtimes/demo/versions/v1";

/// Reads the node until what it says is what is waited for.
async fn node(server: &TestServer, path: &str, good: impl Fn(&NodeDetail) -> bool) -> NodeDetail {
    let mut last = None;
    let found = tokio::time::timeout(MAX_WAIT, async {
        loop {
            let answer = server.get(&format!("{VERSION}/{path}")).await.expect(200);
            let detail: NodeDetail = serde_json::from_value(answer).unwrap();
            if good(&detail) {
                return detail;
            }
            last = Some(detail);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let found = found.await;
    found.unwrap_or_else(|_| panic!("still {last:#?}"))
}

async fn with_version(krt: Krt) -> TestServer {
    // Slow enough that what comes before an end is seen.
    with_version_ready_after(krt, Duration::from_millis(200)).await
}

async fn with_version_ready_after(krt: Krt, ready_after: Duration) -> TestServer {
    let server = TestServer::start_with(|settings| settings.sandbox_ready_after = ready_after).await;
    server.add_runtime("demo").await;
    server.upload("demo", krt.bytes()).await.expect(201);
    server
}

fn waits_for(pod: &PodDetail, wanted: &str) -> bool {
    let waiting = |state: &ContainerState| matches!(state, ContainerState::Waiting { reason: Some(reason), .. } if reason == wanted);
    pod.containers.iter().any(|container| waiting(&container.state))
}

#[tokio::test]
async fn a_node_that_runs_tells_its_pods_and_their_events() {
    let server = with_version(Krt::new("v1")).await;
    server.post(&format!("{VERSION}/start"), json!({})).await.expect(202);
    server.wait_for(VERSION, "started").await;

    let detail = node(&server, "nodes/greeting/greeter", |detail| !detail.events.is_empty()).await;
    assert_eq!(detail.workflow.as_ref().map(|name| name.as_str()), Some("greeting"));
    assert_eq!((detail.node.name.as_str(), detail.node.status), ("greeter", NodeStatus::Ready));
    assert_eq!(detail.namespace, "kai-demo");
    let [pod] = detail.pods.as_slice() else { panic!("one pod, not {:?}", detail.pods) };
    assert!(pod.ready && pod.phase == "Running" && pod.created_at.is_some());
    assert!(pod.name.starts_with(&detail.deployment));
    let main = pod.containers.iter().find(|container| !container.prepares).unwrap();
    assert!(matches!(main.state, ContainerState::Running { since: Some(_) }));
    assert!(detail.events.iter().any(|event| event.about == format!("Pod {}", pod.name)));
    assert!(detail.events.windows(2).all(|pair| pair[0].at >= pair[1].at), "newest first");

    let entrypoint = node(&server, "entrypoint", |_| true).await;
    assert_eq!((entrypoint.workflow, entrypoint.node.name.as_str()), (None, "entrypoint"));
    assert_eq!(entrypoint.pods.len(), 1);
    assert_ne!(entrypoint.pods[0].name, pod.name);
}

#[tokio::test]
async fn a_node_that_crashes_tells_its_restarts_and_exit_code() {
    let server = with_version(Krt::new("v1").images("sandbox/crash:1", "example/entrypoint:1")).await;
    server.post(&format!("{VERSION}/start"), json!({})).await.expect(202);

    let crashed =
        |detail: &NodeDetail| detail.pods.iter().any(|pod| pod.restarts > 0 && waits_for(pod, "CrashLoopBackOff"));
    let detail = node(&server, "nodes/greeting/greeter", crashed).await;
    let pod = &detail.pods[0];
    assert!(!pod.ready);
    assert!(pod.message.as_ref().unwrap().contains("crash-looping"), "{pod:?}");
    let main = pod.containers.iter().find(|container| !container.prepares).unwrap();
    assert_ne!(main.last_end.as_ref().unwrap().exit_code, 0);
}

#[tokio::test]
async fn a_node_that_crashes_tells_what_it_logged_last() {
    // Its containers end after this, and wait at least as long before they begin again.
    let server =
        with_version_ready_after(Krt::new("v1").images("sandbox/crash:1", "x/y:1"), Duration::from_secs(1)).await;
    server.post(&format!("{VERSION}/start"), json!({})).await.expect(202);

    let says = |detail: &NodeDetail, what: &str| detail.node.message.as_ref().is_some_and(|said| said.contains(what));
    let crash_log = "made to fail by its image";
    let detail = node(&server, "nodes/greeting/greeter", |detail| says(detail, crash_log)).await;
    assert!(says(&detail, "exit code 1"), "{detail:?}");
}

#[tokio::test]
async fn a_node_whose_image_cannot_be_pulled_shows_kubernetes_message() {
    let server = with_version(Krt::new("v1").images("sandbox/fail-pull:1", "example/entrypoint:1")).await;
    server.post(&format!("{VERSION}/start"), json!({})).await.expect(202);

    let refused = |detail: &NodeDetail| {
        let waits = |pod| waits_for(pod, "ErrImagePull") || waits_for(pod, "ImagePullBackOff");
        detail.pods.iter().any(waits) && detail.events.iter().any(|event| event.warning)
    };
    let detail = node(&server, "nodes/greeting/greeter", refused).await;
    assert!(detail.pods[0].message.as_ref().unwrap().contains("cannot pull the image"));
    let warning = detail.events.iter().find(|event| event.warning).unwrap();
    assert!(warning.count >= 1 && !warning.message.is_empty());
}

#[tokio::test]
async fn a_stopped_version_has_nodes_and_no_pods() {
    let server = with_version(Krt::new("v1")).await;
    let detail = node(&server, "nodes/greeting/greeter", |_| true).await;
    assert_eq!(detail.node.status, NodeStatus::Stopped);
    assert!(detail.pods.is_empty());
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let server = with_version(Krt::new("v1")).await;
    for (path, named) in [
        ("nodes/greeting/ghost", "node `ghost` in workflow `greeting`"),
        ("nodes/ghost/greeter", "workflow `ghost`"),
        ("nodes/No!/greeter", "workflow `No!`"),
    ] {
        let error = server.get(&format!("{VERSION}/{path}")).await.expect_error(404, "not_found");
        assert!(error.to_string().contains(named), "{error}");
    }
}
