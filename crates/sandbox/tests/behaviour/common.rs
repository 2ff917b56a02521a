//! What the tests share: a sandbox that is fast, a client of it, and waiting with a deadline.

use std::{fmt::Debug, future::Future, time::Duration};

use axum::body::Body;
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Namespace, Pod},
};
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams},
    core::NamespaceResourceScope,
};
use sandbox::{Options, Sandbox};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Far more than anything takes: it only bounds how long a defect holds up the tests.
const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) fn fast() -> Options {
    Options { ready_after: Duration::from_millis(6), terminate_after: Duration::from_millis(2), ..Options::default() }
}

pub(crate) fn client(sandbox: &Sandbox) -> Client {
    let router = sandbox.router();
    let service = tower::service_fn(move |request: axum::http::Request<kube::client::Body>| {
        let router = router.clone();
        async move { tower::ServiceExt::oneshot(router, request.map(Body::new)).await }
    });
    Client::new(service, "default")
}

pub(crate) fn start() -> (Sandbox, Client) {
    let sandbox = Sandbox::start(fast());
    let client = client(&sandbox);
    (sandbox, client)
}

/// Looks again and again until there is an answer.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let search = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(DEADLINE, search).await.unwrap_or_else(|_| panic!("never seen: {what}"))
}

pub(crate) fn from<K: DeserializeOwned>(value: Value) -> K {
    serde_json::from_value(value).unwrap()
}

/// A Deployment of one container.
pub(crate) fn deployment(name: &str, image: &str, replicas: i32) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": name, "labels": { "app": name } },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [{ "name": "main", "image": image, "ports": [{ "containerPort": 9000 }] }] },
            },
        },
    })
}

pub(crate) async fn make_deployment(client: &Client, name: &str, image: &str, replicas: i32) -> Deployment {
    let api = Api::<Deployment>::default_namespaced(client.clone());
    api.create(&PostParams::default(), &from(deployment(name, image, replicas))).await.unwrap()
}

pub(crate) async fn make_namespace(client: &Client, name: &str) {
    let namespace = from(json!({ "metadata": { "name": name } }));
    Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
}

/// Server-side apply.
pub(crate) async fn apply<K>(api: &Api<K>, manager: &str, force: bool, object: &Value) -> kube::Result<K>
where
    K: Clone + DeserializeOwned + Debug,
{
    let mut parameters = PatchParams::apply(manager);
    parameters.force = force;
    let name = object["metadata"]["name"].as_str().unwrap();
    api.patch(name, &parameters, &Patch::Apply(object)).await
}

/// Waits until the Deployment has this many ready replicas and has finished rolling.
pub(crate) async fn rolled_out(client: &Client, name: &str, replicas: i32) -> Deployment {
    let api = Api::<Deployment>::default_namespaced(client.clone());
    eventually("the rollout's end", || async {
        let found = api.get(name).await.unwrap();
        let status = found.status.clone().unwrap_or_default();
        let count = |n: Option<i32>| n.unwrap_or_default();
        let done = status.observed_generation == found.metadata.generation
            && count(status.replicas) == replicas
            && count(status.updated_replicas) == replicas
            && count(status.available_replicas) == replicas;
        done.then_some(found)
    })
    .await
}

pub(crate) async fn pods(client: &Client, labels: &str) -> Vec<Pod> {
    let parameters = kube::api::ListParams::default().labels(labels);
    Api::<Pod>::default_namespaced(client.clone()).list(&parameters).await.unwrap().items
}

/// The code and reason of a refusal.
pub(crate) fn refusal<T: Debug>(result: kube::Result<T>) -> (u16, String, String) {
    match result.unwrap_err() {
        kube::Error::Api(status) => (status.code, status.reason.clone(), status.message.clone()),
        other => panic!("not an answer of the API: {other}"),
    }
}

pub(crate) fn namespaced<K>(client: &Client) -> Api<K>
where
    K: kube::Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    Api::default_namespaced(client.clone())
}
