//! EndpointSlices follow what stands behind a Service.

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Endpoints, Service},
    discovery::v1::{Endpoint, EndpointSlice},
};
use kube::{
    Client,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::common::*;

async fn slice(client: &Client) -> Option<EndpointSlice> {
    let selected = ListParams::default().labels("kubernetes.io/service-name=web,team=t");
    namespaced::<EndpointSlice>(client).list(&selected).await.unwrap().items.into_iter().next()
}

fn targets(slice: &EndpointSlice, ready: bool) -> Vec<String> {
    let is = |e: &&Endpoint| e.conditions.as_ref().and_then(|c| c.ready) == Some(ready);
    let name = |e: &Endpoint| e.target_ref.clone().unwrap().name.unwrap();
    slice.endpoints.iter().filter(is).map(name).collect()
}

async fn make_service(client: &Client, selector: Value) {
    let service = from(json!({
        "metadata": { "name": "web", "labels": { "team": "t" } },
        "spec": { "selector": selector, "ports": [{ "name": "grpc", "port": 9000 }] },
    }));
    namespaced::<Service>(client).create(&PostParams::default(), &service).await.unwrap();
}

#[tokio::test]
async fn ready_pods_stand_behind_their_service_and_failing_ones_are_not_ready() {
    let (_sandbox, client) = start();
    make_service(&client, json!({ "tier": "x" })).await;
    for (name, image) in [("good", "registry/good:1"), ("bad", "registry/crash:1")] {
        let mut wanted = deployment(name, image, 1);
        wanted["spec"]["template"]["metadata"]["labels"]["tier"] = "x".into();
        namespaced::<Deployment>(&client).create(&PostParams::default(), &from(wanted)).await.unwrap();
    }
    let slice = eventually("one ready and one unready endpoint", || async {
        slice(&client).await.filter(|s| targets(s, true).len() == 1 && targets(s, false).len() == 1)
    })
    .await;
    assert!(targets(&slice, true)[0].starts_with("good-"));
    assert_eq!(slice.ports.unwrap()[0].port, Some(9000));
    let owner = &slice.metadata.owner_references.unwrap()[0];
    assert_eq!((&owner.kind[..], &owner.name[..]), ("Service", "web"));
    let endpoints = namespaced::<Endpoints>(&client).get("web").await.unwrap();
    assert_eq!(endpoints.subsets.unwrap()[0].addresses.as_ref().unwrap().len(), 1);
}

#[tokio::test]
async fn a_service_that_changes_its_selector_changes_its_endpoints() {
    let (_sandbox, client) = start();
    for name in ["a", "b"] {
        make_deployment(&client, name, "registry/web:1", 1).await;
        rolled_out(&client, name, 1).await;
    }
    make_service(&client, json!({ "app": "a" })).await;
    let behind = |prefix: &'static str| {
        let client = client.clone();
        async move {
            eventually("the endpoint", || async {
                let slice = slice(&client).await?;
                let ready = targets(&slice, true);
                (ready.len() == 1 && ready[0].starts_with(prefix)).then_some(slice)
            })
            .await
        }
    };
    let before = behind("a-").await;
    let patch = json!({ "spec": { "selector": { "app": "b" } } });
    namespaced::<Service>(&client).patch("web", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    let after = behind("b-").await;
    assert_eq!(before.metadata.uid, after.metadata.uid);
    namespaced::<Service>(&client).delete("web", &DeleteParams::default()).await.unwrap();
    eventually("no slice", || async { slice(&client).await.is_none().then_some(()) }).await;
}
