//! Server-side apply.

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Secret, Service},
};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::common::*;

fn config(data: Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "c" }, "data": data })
}

fn service(selector: Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": "web" },
        "spec": {
            "selector": selector,
            "ports": [{ "name": "grpc", "port": 9000 }, { "name": "web", "port": 80, "targetPort": 8080 }],
        },
    })
}

#[tokio::test]
async fn applying_the_same_again_changes_nothing_even_while_controllers_work() {
    let (_sandbox, client) = start();
    let deployments = namespaced::<Deployment>(&client);
    let mut wanted = deployment("web", "registry/web:1", 1);
    let container = &mut wanted["spec"]["template"]["spec"]["containers"][0];
    container["env"] = json!([{ "name": "A", "value": "1" }, { "name": "B", "valueFrom": { "secretKeyRef": { "name": "s", "key": "k" } } }]);
    container["volumeMounts"] = json!([{ "name": "files", "mountPath": "/files" }]);
    wanted["spec"]["template"]["spec"]["volumes"] = json!([{ "name": "files", "emptyDir": {} }]);
    apply(&deployments, "kai", true, &wanted).await.unwrap();
    let before = rolled_out(&client, "web", 1).await;
    let after = apply(&deployments, "kai", true, &wanted).await.unwrap();
    assert_eq!(before, after);
    assert_eq!(after.metadata.generation, Some(1));

    let services = namespaced::<Service>(&client);
    let first = apply(&services, "kai", true, &service(json!({ "app": "web" }))).await.unwrap();
    let second = apply(&services, "kai", true, &service(json!({ "app": "web" }))).await.unwrap();
    assert_eq!(first, second);

    let secrets = namespaced::<Secret>(&client);
    let secret =
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "s" }, "stringData": { "k": "v" } });
    let first = apply(&secrets, "kai", true, &secret).await.unwrap();
    assert_eq!(first.data.as_ref().unwrap()["k"].0, b"v");
    assert_eq!(apply(&secrets, "kai", true, &secret).await.unwrap(), first);
}

#[tokio::test]
async fn a_service_patched_in_place_keeps_its_identity_and_replaces_its_selector() {
    let (_sandbox, client) = start();
    let services = namespaced::<Service>(&client);
    let first = apply(&services, "kai", true, &service(json!({ "version": "a", "old": "x" }))).await.unwrap();
    let second = apply(&services, "kai", true, &service(json!({ "version": "b" }))).await.unwrap();
    assert_eq!(first.metadata.uid, second.metadata.uid);
    assert_ne!(first.metadata.resource_version, second.metadata.resource_version);
    let (first, second) = (first.spec.unwrap(), second.spec.unwrap());
    assert!(first.cluster_ip.as_ref().is_some_and(|ip| ip.starts_with("10.96.")));
    assert_eq!(first.cluster_ip, second.cluster_ip);
    assert_eq!(second.selector.unwrap(), [("version".to_owned(), "b".to_owned())].into());
    assert_eq!(second.ports.unwrap()[0].protocol.as_deref(), Some("TCP"));
}

#[tokio::test]
async fn a_field_of_another_manager_is_a_conflict_until_it_is_forced() {
    let (_sandbox, client) = start();
    let api = namespaced::<ConfigMap>(&client);
    apply(&api, "one", false, &config(json!({ "a": "1", "b": "1" }))).await.unwrap();
    let (code, reason, message) = refusal(apply(&api, "two", false, &config(json!({ "a": "2" }))).await);
    assert_eq!((code, &reason[..]), (409, "Conflict"));
    assert_eq!(message, r#"Apply failed with 1 conflict: conflict with "one": .data.a"#);

    let forced = apply(&api, "two", true, &config(json!({ "a": "2" }))).await.unwrap();
    assert_eq!(forced.data.unwrap()["a"], "2");
    // The field has gone over to the other manager; the first one's next apply is the one that conflicts.
    let (code, _, message) = refusal(apply(&api, "one", false, &config(json!({ "a": "1", "b": "1" }))).await);
    assert_eq!(code, 409);
    assert!(message.contains(r#"conflict with "two": .data.a"#), "{message}");
}

#[tokio::test]
async fn a_field_set_by_an_ordinary_update_is_a_conflict_too() {
    let (_sandbox, client) = start();
    let api = namespaced::<Deployment>(&client);
    apply(&api, "kai", false, &deployment("web", "registry/web:1", 1)).await.unwrap();
    let scale = json!({ "spec": { "replicas": 3 } });
    let parameters = PatchParams { field_manager: Some("hand".into()), ..PatchParams::default() };
    api.patch_scale("web", &parameters, &Patch::Merge(scale)).await.unwrap();
    let (code, _, message) = refusal(apply(&api, "kai", false, &deployment("web", "registry/web:1", 1)).await);
    assert_eq!(code, 409);
    assert!(message.contains(r#"conflict with "hand" with subresource "scale" using apps/v1"#), "{message}");
    assert!(message.ends_with(": .spec.replicas"), "{message}");
    let forced = apply(&api, "kai", true, &deployment("web", "registry/web:1", 1)).await.unwrap();
    assert_eq!(forced.spec.unwrap().replicas, Some(1));
}

#[tokio::test]
async fn what_a_manager_no_longer_applies_goes_unless_another_one_owns_it() {
    let (_sandbox, client) = start();
    let api = namespaced::<ConfigMap>(&client);
    apply(&api, "one", false, &config(json!({ "mine": "1", "shared": "1" }))).await.unwrap();
    apply(&api, "two", false, &config(json!({ "shared": "1", "theirs": "1" }))).await.unwrap();
    let left = apply(&api, "one", false, &config(json!({ "other": "1" }))).await.unwrap();
    let keys: Vec<_> = left.data.unwrap().into_keys().collect();
    assert_eq!(keys, ["other", "shared", "theirs"]);
}

#[tokio::test]
async fn elements_of_keyed_lists_are_merged_by_their_key() {
    let (_sandbox, client) = start();
    let api = namespaced::<Deployment>(&client);
    let mut wanted = deployment("web", "registry/web:1", 1);
    let env = |names: &[&str]| names.iter().map(|n| json!({ "name": n, "value": "x" })).collect::<Value>();
    wanted["spec"]["template"]["spec"]["containers"][0]["env"] = env(&["A", "B"]);
    apply(&api, "kai", false, &wanted).await.unwrap();
    let sidecar = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "web" },
        "spec": { "template": { "spec": { "containers": [
            { "name": "side", "image": "registry/side:1" },
            { "name": "main", "env": [{ "name": "C", "value": "y" }] },
        ] } } },
    });
    apply(&api, "mesh", false, &sidecar).await.unwrap();
    wanted["spec"]["template"]["spec"]["containers"][0]["env"] = env(&["B"]);
    let merged = apply(&api, "kai", false, &wanted).await.unwrap();
    let containers = merged.spec.unwrap().template.spec.unwrap().containers;
    assert_eq!(containers.iter().map(|c| &c.name[..]).collect::<Vec<_>>(), ["main", "side"]);
    let names: Vec<_> = containers[0].env.iter().flatten().map(|e| &e.name[..]).collect();
    assert_eq!(names, ["B", "C"]);
}

#[tokio::test]
async fn managed_fields_name_each_manager_and_its_paths() {
    let (_sandbox, client) = start();
    let api = namespaced::<Service>(&client);
    let applied = apply(&api, "kai", false, &service(json!({ "a": "b" }))).await.unwrap();
    let entries = applied.metadata.managed_fields.unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].manager.as_deref(), Some("kai"));
    assert_eq!(entries[0].operation.as_deref(), Some("Apply"));
    let fields = &entries[0].fields_v1.as_ref().unwrap().0;
    let port = &fields["f:spec"]["f:ports"][r#"k:{"port":9000,"protocol":"TCP"}"#];
    assert_eq!(*port, json!({ ".": {}, "f:name": {}, "f:port": {} }));
    assert_eq!(fields["f:spec"]["f:selector"], json!({}));
}

#[tokio::test]
async fn an_apply_needs_a_manager_and_may_demand_a_revision() {
    let (_sandbox, client) = start();
    let api = namespaced::<ConfigMap>(&client);
    let made = apply(&api, "kai", false, &config(json!({ "a": "1" }))).await.unwrap();
    let mut stale = config(json!({ "a": "2" }));
    stale["metadata"]["resourceVersion"] = "1".into();
    assert_eq!(refusal(apply(&api, "kai", true, &stale).await).0, 409);
    stale["metadata"]["resourceVersion"] = made.metadata.resource_version.into();
    apply(&api, "kai", true, &stale).await.unwrap();

    let request = axum::http::Request::patch("/api/v1/namespaces/default/configmaps/c")
        .header("content-type", "application/apply-patch+yaml")
        .body(b"apiVersion: v1\nkind: ConfigMap\n".to_vec())
        .unwrap();
    let (code, _, message) = refusal(client.request::<Value>(request).await);
    assert_eq!(code, 400, "{message}");
    let request = axum::http::Request::patch("/api/v1/namespaces/default/configmaps/c?fieldManager=yaml&force=true")
        .header("content-type", "application/apply-patch+yaml")
        .body(b"apiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n    text\n".to_vec())
        .unwrap();
    let applied: ConfigMap = client.request(request).await.unwrap();
    assert_eq!(applied.data.unwrap()["a"], "text\n");
}
