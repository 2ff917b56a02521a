//! Deletion and what becomes of dependents.

use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::{ConfigMap, Namespace, Pod},
};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions},
};
use sandbox::Sandbox;
use serde_json::json;

use crate::common::*;

async fn running() -> (Sandbox, Client) {
    let (sandbox, client) = start();
    make_deployment(&client, "web", "registry/web:1", 2).await;
    rolled_out(&client, "web", 2).await;
    (sandbox, client)
}

async fn sets(client: &Client) -> Vec<ReplicaSet> {
    namespaced::<ReplicaSet>(client).list(&ListParams::default()).await.unwrap().items
}

#[tokio::test]
async fn in_the_background_the_owner_goes_first_and_all_dependents_after_it() {
    let (_sandbox, client) = running().await;
    let api = namespaced::<Deployment>(&client);
    assert!(api.delete("web", &DeleteParams::background()).await.unwrap().is_right());
    assert!(api.get_opt("web").await.unwrap().is_none());
    eventually("no ReplicaSet and no Pod", || async {
        (sets(&client).await.is_empty() && pods(&client, "").await.is_empty()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn in_the_foreground_the_owner_goes_last() {
    let (_sandbox, client) = running().await;
    let api = namespaced::<Deployment>(&client);
    let ending = api.delete("web", &DeleteParams::foreground()).await.unwrap().left().unwrap();
    assert_eq!(ending.metadata.finalizers.unwrap(), ["foregroundDeletion"]);
    assert!(ending.metadata.deletion_timestamp.is_some());
    eventually("the Deployment's end", || async {
        let gone = api.get_opt("web").await.unwrap().is_none();
        if gone {
            assert!(sets(&client).await.is_empty() && pods(&client, "").await.is_empty());
        }
        gone.then_some(())
    })
    .await;
}

#[tokio::test]
async fn orphans_stay_and_are_taken_over_by_a_deployment_of_the_same_name() {
    let (_sandbox, client) = running().await;
    let api = namespaced::<Deployment>(&client);
    api.delete("web", &DeleteParams::orphan()).await.unwrap();
    let left = sets(&client).await;
    assert_eq!((left.len(), pods(&client, "").await.len()), (1, 2));
    assert!(left[0].metadata.owner_references.is_none());
    make_deployment(&client, "web", "registry/web:1", 2).await;
    rolled_out(&client, "web", 2).await;
    let now = sets(&client).await;
    assert_eq!((now.len(), &now[0].metadata.uid), (1, &left[0].metadata.uid));
}

#[tokio::test]
async fn a_finalizer_holds_an_object_until_it_is_taken_off() {
    let (_sandbox, client) = start();
    let api = namespaced::<ConfigMap>(&client);
    let object = from(json!({ "metadata": { "name": "a", "finalizers": ["example.org/hold"] } }));
    api.create(&PostParams::default(), &object).await.unwrap();
    assert!(api.delete("a", &DeleteParams::default()).await.unwrap().is_left());
    assert!(api.get("a").await.unwrap().metadata.deletion_timestamp.is_some());
    let patch = json!({ "metadata": { "finalizers": null } });
    api.patch("a", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    assert!(api.get_opt("a").await.unwrap().is_none());
}

#[tokio::test]
async fn a_precondition_protects_another_object_of_the_same_name() {
    let (_sandbox, client) = start();
    let api = namespaced::<ConfigMap>(&client);
    let made: ConfigMap =
        api.create(&PostParams::default(), &from(json!({ "metadata": { "name": "a" } }))).await.unwrap();
    let with = |uid: Option<String>| {
        let preconditions = Some(Preconditions { uid, resource_version: None });
        DeleteParams { preconditions, ..DeleteParams::default() }
    };
    assert_eq!(refusal(api.delete("a", &with(Some("another".into()))).await).0, 409);
    api.delete("a", &with(made.metadata.uid)).await.unwrap();
    assert_eq!(refusal(api.delete("a", &DeleteParams::default()).await).0, 404);
}

#[tokio::test]
async fn a_collection_is_deleted_by_its_labels() {
    let (_sandbox, client) = start();
    let api = namespaced::<ConfigMap>(&client);
    for (name, version) in [("a", "1"), ("b", "1"), ("c", "2")] {
        let object = from(json!({ "metadata": { "name": name, "labels": { "version": version } } }));
        api.create(&PostParams::default(), &object).await.unwrap();
    }
    api.delete_collection(&DeleteParams::default(), &ListParams::default().labels("version=1")).await.unwrap();
    let left = api.list(&ListParams::default()).await.unwrap().items;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].metadata.name.as_deref(), Some("c"));
}

#[tokio::test]
async fn a_namespace_takes_its_content_with_it_and_refuses_more() {
    let (_sandbox, client) = start();
    make_namespace(&client, "app").await;
    let configs = Api::<ConfigMap>::namespaced(client.clone(), "app");
    let held = from(json!({ "metadata": { "name": "held", "finalizers": ["example.org/hold"] } }));
    configs.create(&PostParams::default(), &held).await.unwrap();
    let deployments = Api::<Deployment>::namespaced(client.clone(), "app");
    deployments.create(&PostParams::default(), &from(deployment("web", "registry/web:1", 1))).await.unwrap();
    let namespaces = Api::<Namespace>::all(client.clone());
    namespaces.delete("app", &DeleteParams::default()).await.unwrap();
    let phase = namespaces.get("app").await.unwrap().status.unwrap().phase;
    assert_eq!(phase.as_deref(), Some("Terminating"));
    let more = from(json!({ "metadata": { "name": "more" } }));
    let (code, reason, _) = refusal(configs.create(&PostParams::default(), &more).await);
    assert_eq!((code, &reason[..]), (403, "Forbidden"));
    eventually("all but the held object gone", || async {
        let pods = Api::<Pod>::namespaced(client.clone(), "app").list(&ListParams::default()).await.unwrap();
        let left = deployments.list(&ListParams::default()).await.unwrap();
        (pods.items.is_empty() && left.items.is_empty()).then_some(())
    })
    .await;
    assert!(namespaces.get_opt("app").await.unwrap().is_some());
    let patch = json!({ "metadata": { "finalizers": null } });
    configs.patch("held", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    eventually("the namespace's end", || async { namespaces.get_opt("app").await.unwrap().is_none().then_some(()) })
        .await;
    assert_eq!(refusal(namespaces.delete("default", &DeleteParams::default()).await).0, 403);
}
