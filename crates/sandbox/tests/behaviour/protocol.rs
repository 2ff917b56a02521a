//! Reading and writing of objects, and the refusals.

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Pod, Secret, Service},
};
use kube::{
    Api,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::common::*;

#[tokio::test]
async fn discovery_lists_the_groups_and_their_kinds() {
    let (_sandbox, client) = start();
    let groups = client.list_api_groups().await.unwrap().groups;
    let names: Vec<_> = groups.iter().map(|g| &g.name[..]).collect();
    assert_eq!(names, ["apps", "discovery.k8s.io", "networking.k8s.io"]);
    let apps = client.list_api_group_resources("apps/v1").await.unwrap();
    let names: Vec<_> = apps.resources.iter().map(|r| &r.name[..]).collect();
    assert!(names.contains(&"deployments") && names.contains(&"deployments/scale"), "{names:?}");
    assert_eq!(client.apiserver_version().await.unwrap().major, "1");
}

#[tokio::test]
async fn a_long_list_comes_in_pages_that_say_the_revision_of_the_first() {
    let (_sandbox, client) = start();
    let api = namespaced::<ConfigMap>(&client);
    for name in ["a", "b", "c", "d", "e"] {
        let object = from(json!({ "metadata": { "name": name, "labels": { "app": "k" } } }));
        api.create(&PostParams::default(), &object).await.unwrap();
    }
    let mut parameters = ListParams::default().labels("app=k").limit(2);
    let (mut pages, mut revisions) = (Vec::new(), Vec::new());
    loop {
        let page = api.list(&parameters).await.unwrap();
        pages.push(page.items.into_iter().map(|object| object.metadata.name.unwrap()).collect::<Vec<_>>());
        revisions.push(page.metadata.resource_version.unwrap());
        api.delete(&pages[0][0], &DeleteParams::default()).await.ok();
        let Some(next) = page.metadata.continue_ else { break };
        parameters.continue_token = Some(next);
    }
    assert_eq!(pages, [vec!["a", "b"], vec!["c", "d"], vec!["e"]]);
    assert!(revisions.iter().all(|revision| *revision == revisions[0]), "{revisions:?}");
    let nonsense = ListParams { continue_token: Some("x".to_owned()), ..ListParams::default() };
    assert!(matches!(api.list(&nonsense).await, Err(kube::Error::Api(status)) if status.code == 400));
}

#[tokio::test]
async fn selectors_narrow_lists() {
    let (_sandbox, client) = start();
    make_namespace(&client, "other").await;
    let api = namespaced::<ConfigMap>(&client);
    for (name, tier) in [("a", "x"), ("b", "y"), ("c", "z")] {
        let object = from(json!({ "metadata": { "name": name, "labels": { "tier": tier, "app": "k" } } }));
        api.create(&PostParams::default(), &object).await.unwrap();
    }
    let other = from(json!({ "metadata": { "name": "a", "labels": { "tier": "x" } } }));
    Api::<ConfigMap>::namespaced(client.clone(), "other").create(&PostParams::default(), &other).await.unwrap();
    let names = |parameters: ListParams| {
        let api = api.clone();
        async move {
            let items = api.list(&parameters).await.unwrap().items;
            items.into_iter().map(|i| i.metadata.name.unwrap()).collect::<Vec<_>>().join(" ")
        }
    };
    for (selector, expected) in
        [("", "a b c"), ("tier=x", "a"), ("tier in (x,z),app=k", "a c"), ("tier!=x", "b c"), ("!app", ""), ("no=1", "")]
    {
        assert_eq!(names(ListParams::default().labels(selector)).await, expected, "{selector}");
    }
    assert_eq!(names(ListParams::default().fields("metadata.name=b")).await, "b");
    let everywhere = Api::<ConfigMap>::all(client.clone());
    let found = everywhere.list(&ListParams::default().labels("tier=x")).await.unwrap();
    assert_eq!(found.items.len(), 2);
    assert_eq!(refusal(api.list(&ListParams::default().fields("data.a=1")).await).0, 400);
}

#[tokio::test]
async fn an_update_of_a_stale_object_is_a_conflict() {
    let (_sandbox, client) = start();
    let api = namespaced::<ConfigMap>(&client);
    let object: ConfigMap = from(json!({ "metadata": { "name": "a" }, "data": { "k": "1" } }));
    let first = api.create(&PostParams::default(), &object).await.unwrap();
    assert_eq!(refusal(api.create(&PostParams::default(), &object).await).1, "AlreadyExists");
    let mut changed = first.clone();
    changed.data.as_mut().unwrap().insert("k".into(), "2".into());
    let second = api.replace("a", &PostParams::default(), &changed).await.unwrap();
    assert_ne!(first.metadata.resource_version, second.metadata.resource_version);
    let (code, reason, message) = refusal(api.replace("a", &PostParams::default(), &changed).await);
    assert_eq!((code, &reason[..]), (409, "Conflict"));
    assert!(message.contains("the object has been modified"), "{message}");
    let same = api.replace("a", &PostParams::default(), &second).await.unwrap();
    assert_eq!(same.metadata.resource_version, second.metadata.resource_version);
}

#[tokio::test]
async fn each_patch_format_does_what_it_says() {
    let (_sandbox, client) = start();
    let api = namespaced::<Deployment>(&client);
    make_deployment(&client, "web", "registry/web:1", 1).await;
    let none = PatchParams::default();
    let strategic = json!({ "spec": { "template": { "spec": { "containers": [
        { "name": "main", "env": [{ "name": "A", "value": "1" }] },
        { "name": "side", "image": "registry/side:1" },
    ] } } } });
    let found = api.patch("web", &none, &Patch::Strategic(strategic)).await.unwrap();
    let containers = found.spec.unwrap().template.spec.unwrap().containers;
    assert_eq!(containers.len(), 2);
    assert_eq!(containers[0].image.as_deref(), Some("registry/web:1"));
    let remove =
        json!({ "spec": { "template": { "spec": { "containers": [{ "name": "side", "$patch": "delete" }] } } } });
    let found = api.patch("web", &none, &Patch::Strategic(remove)).await.unwrap();
    assert_eq!(found.spec.unwrap().template.spec.unwrap().containers.len(), 1);

    let merge = json!({ "metadata": { "labels": { "app": null, "new": "1" } } });
    let found = api.patch("web", &none, &Patch::Merge(merge)).await.unwrap();
    assert_eq!(found.metadata.labels.unwrap(), [("new".to_owned(), "1".to_owned())].into());

    let path = "/api/v1/namespaces/default/configmaps/c";
    let object = from(json!({ "metadata": { "name": "c" }, "data": { "a": "1" } }));
    namespaced::<ConfigMap>(&client).create(&PostParams::default(), &object).await.unwrap();
    let send = |patch: Value| {
        let request = axum::http::Request::patch(path).header("content-type", "application/json-patch+json");
        client.request::<ConfigMap>(request.body(patch.to_string().into_bytes()).unwrap())
    };
    let operations = json!([
        { "op": "test", "path": "/data/a", "value": "1" },
        { "op": "add", "path": "/data/b", "value": "2" },
        { "op": "move", "from": "/data/a", "path": "/data/x~1y" },
        { "op": "remove", "path": "/data/x~1y" },
    ]);
    assert_eq!(send(operations).await.unwrap().data.unwrap(), [("b".to_owned(), "2".to_owned())].into());
    assert_eq!(refusal(send(json!([{ "op": "remove", "path": "/data/none" }])).await).0, 400);
}

#[tokio::test]
async fn status_is_written_by_its_subresource_alone() {
    let (_sandbox, client) = start();
    let api = namespaced::<Pod>(&client);
    let pod = from(json!({
        "metadata": { "name": "p" },
        "spec": { "containers": [{ "name": "c", "image": "registry/c:1" }] },
        "status": { "message": "mine" },
    }));
    assert_eq!(api.create(&PostParams::default(), &pod).await.unwrap().status.unwrap().message, None);
    let patch = json!({ "metadata": { "labels": { "a": "b" } }, "status": { "message": "mine" } });
    let found = api.patch("p", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    assert_eq!((found.status.unwrap().message, found.metadata.labels.is_some()), (None, true));
    let found = api.patch_status("p", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    assert_eq!(found.status.unwrap().message.as_deref(), Some("mine"));
}

#[tokio::test]
async fn wrong_objects_are_refused_with_their_causes() {
    let (_sandbox, client) = start();
    let deployments = namespaced::<Deployment>(&client);
    let mut wrong = deployment("Web", "", 1);
    wrong["spec"]["template"]["metadata"]["labels"] = json!({ "app": "other" });
    let error = deployments.create(&PostParams::default(), &from(wrong)).await.unwrap_err();
    let kube::Error::Api(status) = error else { panic!("{error}") };
    assert_eq!((status.code, &status.reason[..]), (422, "Invalid"));
    let fields: Vec<_> = status.details.as_ref().unwrap().causes.iter().map(|c| &c.field[..]).collect();
    assert_eq!(fields, ["metadata.name", "spec.template.metadata.labels", "spec.template.spec.containers[0].image",]);

    let services = namespaced::<Service>(&client);
    let service = from(json!({ "metadata": { "name": "1a" }, "spec": { "ports": [{ "port": 80 }] } }));
    let (code, _, message) = refusal(services.create(&PostParams::default(), &service).await);
    assert_eq!(code, 422);
    assert!(message.contains("DNS-1035"), "{message}");

    let secrets = namespaced::<Secret>(&client);
    let large = "x".repeat(1024 * 1024 + 1);
    for (data, field) in [(json!({ "a/b": "x" }), "data[a/b]"), (json!({ "a": large }), "data")] {
        let secret = from(json!({ "metadata": { "name": "s" }, "stringData": data }));
        let (code, _, message) = refusal(secrets.create(&PostParams::default(), &secret).await);
        assert_eq!(code, 422);
        assert!(message.contains(field), "{message}");
    }
}

#[tokio::test]
async fn immutable_fields_stay() {
    let (_sandbox, client) = start();
    make_deployment(&client, "web", "registry/web:1", 1).await;
    let api = namespaced::<Deployment>(&client);
    let patch = json!({ "spec": {
        "selector": { "matchLabels": { "app": "b" } },
        "template": { "metadata": { "labels": { "app": "b" } } },
    } });
    let (code, _, message) = refusal(api.patch("web", &PatchParams::default(), &Patch::Merge(patch)).await);
    assert_eq!(code, 422);
    assert!(message.contains("field is immutable"), "{message}");
}

#[tokio::test]
async fn names_can_be_generated_and_dry_runs_leave_nothing() {
    let (_sandbox, client) = start();
    let api = namespaced::<ConfigMap>(&client);
    let object: ConfigMap = from(json!({ "metadata": { "generateName": "c-" } }));
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    api.create(&dry, &object).await.unwrap();
    assert!(api.list(&ListParams::default()).await.unwrap().items.is_empty());
    let names = [
        api.create(&PostParams::default(), &object).await.unwrap().metadata.name.unwrap(),
        api.create(&PostParams::default(), &object).await.unwrap().metadata.name.unwrap(),
    ];
    assert!(names.iter().all(|n| n.starts_with("c-") && n.len() == 7) && names[0] != names[1], "{names:?}");
    api.delete(&names[0], &DeleteParams::default().dry_run()).await.unwrap();
    assert_eq!(api.list(&ListParams::default()).await.unwrap().items.len(), 2);
}

#[tokio::test]
async fn what_is_not_there_or_not_allowed_is_said_as_a_status() {
    let (_sandbox, client) = start();
    let elsewhere = Api::<ConfigMap>::namespaced(client.clone(), "nowhere");
    let object = from(json!({ "metadata": { "name": "a" } }));
    let (code, _, message) = refusal(elsewhere.create(&PostParams::default(), &object).await);
    assert_eq!((code, &message[..]), (404, r#"namespaces "nowhere" not found"#));
    let send = |method: &str, path: &str, kind: &str, body: &str| {
        let request = axum::http::Request::builder().method(method).uri(path).header("content-type", kind);
        client.request::<Value>(request.body(body.as_bytes().to_vec()).unwrap())
    };
    let pods = "/api/v1/namespaces/default/pods";
    for (method, path, kind, body, code, reason) in [
        ("GET", "/apis/nothing/v1/things", "", "", 404, "NotFound"),
        ("GET", "/api/v1/namespaces/default/pods/p", "", "", 404, "NotFound"),
        ("POST", "/api/v1/pods", "application/json", "{}", 405, "MethodNotAllowed"),
        ("PUT", pods, "application/json", "{}", 405, "MethodNotAllowed"),
        ("POST", pods, "application/vnd.kubernetes.protobuf", "k8s", 415, "UnsupportedMediaType"),
        ("POST", pods, "application/json", "{", 400, "BadRequest"),
        ("POST", pods, "application/json", r#"{"kind":"Secret"}"#, 400, "BadRequest"),
        ("POST", pods, "application/json", r#"{"metadata":{"name":"p"},"spec":1}"#, 400, "BadRequest"),
    ] {
        let (found, said, _) = refusal(send(method, path, kind, body).await);
        assert_eq!((found, &said[..]), (code, reason), "{method} {path} {body}");
    }
}
