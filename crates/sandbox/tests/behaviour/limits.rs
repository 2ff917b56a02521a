//! What the sandbox refuses, having no more than its process, and that it answers while it has much to do.

use std::{cell::RefCell, time::Duration};

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Namespace, Pod},
};
use kube::{
    Api,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use sandbox::{Limits, Options, Sandbox};
use serde_json::json;
use tower::ServiceExt;

use crate::common::*;

fn limited(limits: Limits) -> (Sandbox, kube::Client) {
    let sandbox = Sandbox::start(Options { limits, ..fast() });
    let client = client(&sandbox);
    (sandbox, client)
}

#[tokio::test]
async fn a_deployment_has_a_most_of_replicas_however_it_is_asked_for() {
    let (_sandbox, client) = start();
    let api = namespaced::<Deployment>(&client);
    let too_many = from(deployment("many", "registry/many:1", 1001));
    let (code, _, message) = refusal(api.create(&PostParams::default(), &too_many).await);
    assert_eq!(code, 422);
    assert!(message.contains("spec.replicas") && message.contains("1000"), "{message}");

    make_deployment(&client, "web", "registry/web:1", 1).await;
    let patch = Patch::Merge(json!({ "spec": { "replicas": 20_000 } }));
    assert_eq!(refusal(api.patch("web", &PatchParams::default(), &patch).await).0, 422);
    assert_eq!(refusal(api.patch_scale("web", &PatchParams::default(), &patch).await).0, 422);
    rolled_out(&client, "web", 1).await;
}

#[tokio::test]
async fn there_is_a_most_of_objects_and_room_again_when_one_goes() {
    let (_sandbox, client) = limited(Limits { max_objects: 10, ..Limits::default() });
    let api = namespaced::<ConfigMap>(&client);
    let object = |number: usize| from(json!({ "metadata": { "name": format!("c{number}") } }));
    let mut made = 0;
    let refused = loop {
        match api.create(&PostParams::default(), &object(made)).await {
            Ok(_) => made += 1,
            refused => break refusal(refused),
        }
        assert!(made <= 10);
    };
    assert_eq!((refused.0, &*refused.1), (403, "Forbidden"));
    assert!(refused.2.contains("at most 10 objects"), "{}", refused.2);
    api.delete("c0", &DeleteParams::default()).await.unwrap();
    api.create(&PostParams::default(), &object(made)).await.unwrap();
}

#[tokio::test]
async fn a_body_says_what_it_is_and_has_an_end() {
    let limits = Limits { max_body_bytes: 100, body_timeout: Duration::from_millis(50), ..Limits::default() };
    let sandbox = Sandbox::start(Options { limits, ..fast() });
    let body = r#"{"metadata":{"name":"made"}}"#;
    let never = Body::from_stream(futures::stream::pending::<Result<bytes::Bytes, std::io::Error>>());
    for (method, path, kind, body, expected) in [
        (Method::POST, "/api/v1/namespaces", None, Body::from(body), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (Method::POST, "/api/v1/namespaces", Some("text/plain"), Body::from(body), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (Method::PUT, "/api/v1/namespaces/default", None, Body::from(body), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (Method::PATCH, "/api/v1/namespaces/default", None, Body::from(body), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (Method::DELETE, "/api/v1/namespaces/default", None, Body::from("{}"), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (Method::POST, "/api/v1/namespaces", Some("application/json"), never, StatusCode::REQUEST_TIMEOUT),
        (
            Method::POST,
            "/api/v1/namespaces",
            Some("application/json"),
            Body::from("x".repeat(101)),
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
        (Method::POST, "/api/v1/namespaces", Some("application/json"), Body::from(body), StatusCode::CREATED),
        (Method::DELETE, "/api/v1/namespaces/made", None, Body::empty(), StatusCode::OK),
    ] {
        let mut request = Request::builder().method(&method).uri(path);
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let answer = sandbox.router().oneshot(request.body(body).unwrap()).await.unwrap();
        assert_eq!(answer.status(), expected, "{method} {path} {kind:?}");
    }
}

#[tokio::test]
async fn a_thousand_replicas_come_and_go_and_meanwhile_others_are_answered() {
    let (_sandbox, client) = start();
    make_namespace(&client, "many").await;
    let api = Api::<Deployment>::namespaced(client.clone(), "many");
    api.create(&PostParams::default(), &from(deployment("web", "registry/web:1", 1000))).await.unwrap();
    let pods = Api::<Pod>::namespaced(client.clone(), "many");
    // Between any two of these the lock was free: a step makes some of them, not all.
    let seen = RefCell::new(Vec::new());
    eventually("all pods", || async {
        let count = pods.list_metadata(&ListParams::default()).await.unwrap().items.len();
        if seen.borrow().last() != Some(&count) {
            seen.borrow_mut().push(count);
        }
        (count == 1000).then_some(())
    })
    .await;
    assert!(seen.borrow().len() > 2, "{seen:?}");
    Api::<Namespace>::all(client.clone()).delete("many", &DeleteParams::default()).await.unwrap();
    eventually("the namespace's end", || async {
        Api::<Namespace>::all(client.clone()).get_opt("many").await.unwrap().is_none().then_some(())
    })
    .await;
}
