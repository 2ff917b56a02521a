//! Deployments, their ReplicaSets and Pods.

use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

use crate::common::*;

#[tokio::test]
async fn a_deployment_gets_ready_pods() {
    let (_sandbox, client) = start();
    make_deployment(&client, "web", "registry/web:1", 2).await;
    rolled_out(&client, "web", 2).await;
    let pods = pods(&client, "app=web").await;
    assert_eq!(pods.len(), 2);
    for pod in pods {
        let status = pod.status.unwrap();
        assert_eq!(status.phase.as_deref(), Some("Running"));
        assert!(status.pod_ip.is_some());
        assert!(status.container_statuses.unwrap()[0].ready);
        assert_eq!(pod.spec.unwrap().node_name.as_deref(), Some("sandbox"));
    }
}

#[tokio::test]
async fn a_deleted_pod_is_replaced() {
    let (_sandbox, client) = start();
    make_deployment(&client, "web", "registry/web:1", 1).await;
    rolled_out(&client, "web", 1).await;
    let old = pods(&client, "app=web").await.remove(0).metadata.name.unwrap();
    namespaced::<Pod>(&client).delete(&old, &DeleteParams::default()).await.unwrap();
    eventually("another pod, ready, alone", || async {
        let pods = pods(&client, "app=web").await;
        let ready = pods.iter().all(|p| p.status.as_ref().is_some_and(|s| s.phase.as_deref() == Some("Running")));
        (ready && pods.len() == 1 && pods[0].metadata.name.as_ref() != Some(&old)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_new_image_rolls_without_losing_availability() {
    let (_sandbox, client) = start();
    make_deployment(&client, "web", "registry/web:1", 3).await;
    rolled_out(&client, "web", 3).await;
    let api = namespaced::<Deployment>(&client);
    let patch = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "main", "image": "registry/web:2" }] } } } });
    api.patch("web", &PatchParams::default(), &Patch::Strategic(patch)).await.unwrap();
    let done = eventually("the new image everywhere", || async {
        let found = api.get("web").await.unwrap();
        let status = found.status.clone().unwrap();
        assert!(status.available_replicas >= Some(3), "{status:?}");
        let pods = pods(&client, "app=web").await;
        let new =
            pods.iter().all(|p| p.spec.as_ref().unwrap().containers[0].image.as_deref() == Some("registry/web:2"));
        (new && status.replicas == Some(3) && pods.len() == 3).then_some(found)
    })
    .await;
    assert_eq!(done.metadata.generation, Some(2));
    assert_eq!(done.metadata.annotations.unwrap()["deployment.kubernetes.io/revision"], "2");
}
