//! Images that fail, and what pods say in their logs.

use futures::{AsyncBufReadExt, TryStreamExt};
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::{
    Client,
    api::{ListParams, LogParams, PostParams},
};
use serde_json::json;

use crate::common::*;

/// Why the first container (or init container) of the only pod waits.
async fn waiting(client: &Client, init: bool) -> Option<(String, String)> {
    let pod = pods(client, "").await.into_iter().next()?;
    let status = pod.status?;
    let statuses = if init { status.init_container_statuses } else { status.container_statuses };
    let waiting = statuses?.first()?.state.clone()?.waiting?;
    Some((waiting.reason?, waiting.message.unwrap_or_default()))
}

async fn reasons(client: &Client) -> Vec<(String, String)> {
    let of_pods = ListParams::default().fields("involvedObject.kind=Pod");
    let events = namespaced::<Event>(client).list(&of_pods).await.unwrap().items;
    events.into_iter().map(|e| (e.type_.unwrap(), e.reason.unwrap())).collect()
}

#[tokio::test]
async fn an_image_that_cannot_be_pulled_is_reported_as_kubernetes_does() {
    let (_sandbox, client) = start();
    make_deployment(&client, "bad", "registry/fail-pull:1", 1).await;
    for expected in ["ErrImagePull", "ImagePullBackOff"] {
        let message = eventually(expected, || async {
            waiting(&client, false).await.filter(|(reason, _)| reason == expected).map(|(_, message)| message)
        })
        .await;
        assert!(message.contains("registry/fail-pull:1: not found"), "{message}");
    }
    let reasons = reasons(&client).await;
    for (kind, reason) in [("Normal", "Scheduled"), ("Warning", "Failed"), ("Normal", "BackOff")] {
        assert!(reasons.contains(&(kind.to_owned(), reason.to_owned())), "{reason} in {reasons:?}");
    }
    let pod = pods(&client, "").await.remove(0).metadata.name.unwrap();
    let (code, _, message) = refusal(namespaced::<Pod>(&client).logs(&pod, &LogParams::default()).await);
    assert_eq!(code, 400);
    assert!(message.ends_with("trying and failing to pull image"), "{message}");
}

#[tokio::test]
async fn a_crashing_image_restarts_again_and_again_and_leaves_its_last_words() {
    let (_sandbox, client) = start();
    make_deployment(&client, "bad", "registry/crash:1", 1).await;
    let pod = eventually("a back-off after two restarts", || async {
        let back_off = waiting(&client, false).await.is_some_and(|(reason, _)| reason == "CrashLoopBackOff");
        let pod = pods(&client, "").await.remove(0);
        let status = pod.status.as_ref()?.container_statuses.as_ref()?.first()?.clone();
        (back_off && status.restart_count >= 2).then_some((pod, status))
    })
    .await;
    let (pod, status) = pod;
    assert_eq!(status.last_state.unwrap().terminated.unwrap().exit_code, 1);
    assert!(!status.ready);
    assert!(reasons(&client).await.contains(&("Warning".into(), "BackOff".into())));
    let previous = LogParams { previous: true, ..LogParams::default() };
    let text = namespaced::<Pod>(&client).logs(&pod.metadata.name.unwrap(), &previous).await.unwrap();
    assert!(text.contains("error"), "{text}");
}

#[tokio::test]
async fn a_failing_init_container_holds_up_the_others() {
    let (_sandbox, client) = start();
    let pod = from(json!({ "metadata": { "name": "p" }, "spec": {
        "initContainers": [{ "name": "fetch", "image": "registry/crash:1" }],
        "containers": [{ "name": "main", "image": "registry/main:1" }],
    } }));
    namespaced::<Pod>(&client).create(&PostParams::default(), &pod).await.unwrap();
    eventually("the init container's back-off", || async {
        waiting(&client, true).await.filter(|(reason, _)| reason == "CrashLoopBackOff")
    })
    .await;
    assert_eq!(waiting(&client, false).await.unwrap().0, "PodInitializing");
    assert_eq!(pods(&client, "").await[0].status.as_ref().unwrap().phase.as_deref(), Some("Pending"));
}

#[tokio::test]
async fn logs_name_the_node_and_can_be_followed() {
    let (_sandbox, client) = start();
    let pod = from(json!({
        "metadata": { "name": "p", "labels": { "node-name": "etl" } },
        "spec": { "containers": [{ "name": "a", "image": "registry/a:1" }, { "name": "b", "image": "registry/b:1" }] },
    }));
    let api = namespaced::<Pod>(&client);
    api.create(&PostParams::default(), &pod).await.unwrap();
    eventually("a running pod", || async {
        let phase = api.get("p").await.unwrap().status?.phase;
        (phase.as_deref() == Some("Running")).then_some(())
    })
    .await;
    let (code, _, message) = refusal(api.logs("p", &LogParams::default()).await);
    assert_eq!((code, message.contains("choose one of: [a b]")), (400, true), "{message}");
    let container = Some("a".to_owned());
    let text = api.logs("p", &LogParams { container: container.clone(), ..LogParams::default() }).await.unwrap();
    assert!(text.starts_with("etl: "), "{text}");
    let parameters =
        LogParams { container, follow: true, timestamps: true, tail_lines: Some(1), ..LogParams::default() };
    let mut lines = api.log_stream("p", &parameters).await.unwrap().lines();
    for _ in 0..2 {
        let line = lines.try_next().await.unwrap().unwrap();
        assert!(line.contains("Z etl: "), "{line}");
    }
    api.delete("p", &Default::default()).await.unwrap();
    while lines.try_next().await.unwrap().is_some() {}
}
