//! What a request costs through a version that the server runs, against the same nodes wired by hand: the same objects in
//! a namespace of their own, with a stream and buckets that somebody made, and consumers that the nodes make.

use std::time::Instant;

use async_nats::jetstream::stream::{Config, RetentionPolicy};
use k8s_openapi::api::core::v1::Service;
use kube::{Api, api::PostParams};
use serde_json::{Value, json};

use super::{
    nats::{ClusterNats, kubectl},
    with,
    workflow::{Caller, Generation},
};
use crate::support::fixture::Fixture;

const ROUNDS: usize = 300;
const NODES: [&str; 4] = ["first", "middle", "side", "last"];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement: `make bench ARGS=request` runs it"]
async fn a_request_through_three_nodes_against_the_same_nodes_wired_by_hand() {
    let nats = ClusterNats::deploy();
    let fixture = with(&nats).await;
    let runtime = "speed";
    fixture.add(runtime, vec![Generation::C2.krt("one")]).await;
    fixture.reach(runtime, "one", "start", "started").await;
    let ours = Caller::of_version(&fixture, runtime, "one").await;
    ours.until_connected(&fixture).await;
    let namespace = format!("kai-hand-{}", std::process::id());
    let hand = wired_by_hand(&nats, &fixture, &namespace).await;
    let answered = || async { hand.ask("hello").await.is_ok() };
    fixture.until_cluster("an answer of the nodes wired by hand", answered).await;

    let (mut ours, mut hand) = (ours.connect().await.unwrap(), hand.connect().await.unwrap());
    let (mut of_ours, mut of_hand) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for (caller, times) in [(&mut ours, &mut of_ours), (&mut hand, &mut of_hand)] {
            let begin = Instant::now();
            caller.ask("hello").await.unwrap();
            times.push(begin.elapsed().as_secs_f64() * 1000.0);
        }
    }
    println!("\nmeasured: {}", json!({ "ours": of_ours, "by_hand": of_hand }));
    kubectl(&["delete", "namespace", &namespace, "--wait=false"], "");
    fixture.clear(&[runtime]).await;
}

async fn wired_by_hand(nats: &ClusterNats, fixture: &Fixture, namespace: &str) -> Caller {
    let jetstream = nats.jetstream().await;
    let stream = Generation::C2.stream("hand", "one");
    let of_nodes = NODES.iter().flat_map(|node| [format!("{stream}.{node}"), format!("{stream}.{node}.*")]);
    let subjects = [format!("{stream}.entrypoint")].into_iter().chain(of_nodes).collect();
    let retention = RetentionPolicy::Interest;
    jetstream.create_stream(Config { name: stream, subjects, retention, ..Config::default() }).await.unwrap();
    let of_nodes = NODES.iter().map(|node| format!("key-store_hand_one_flow_{node}"));
    for bucket in ["key-store_hand_one", "key-store_hand_one_flow"].map(str::to_owned).into_iter().chain(of_nodes) {
        let (name, subjects) = (format!("KV_{bucket}"), vec![format!("$KV.{bucket}.>")]);
        let config = Config { name, subjects, max_messages_per_subject: 1, allow_rollup: true, ..Config::default() };
        jetstream.create_stream(config).await.unwrap();
    }

    kubectl(&["create", "namespace", namespace], "");
    let from = fixture.namespace("speed");
    let of_version = "version-name=one";
    let objects = kubectl(&["get", "deployments,secrets,configmaps", "-n", &from, "-l", of_version, "-o", "json"], "");
    // Names of NATS have underscores, and nothing else of the version has.
    let mut objects: Value = serde_json::from_str(&objects.replace("speed_one", "hand_one")).unwrap();
    for object in objects["items"].as_array_mut().unwrap() {
        let mut labels = object["metadata"]["labels"].take();
        // So that the server leaves them alone.
        labels["app.kubernetes.io/managed-by"] = json!("hand");
        object["metadata"] = json!({ "name": object["metadata"]["name"], "namespace": namespace, "labels": labels });
        object.as_object_mut().unwrap().remove("status");
        if let Some(pod) = object.pointer_mut("/spec/template/metadata/labels") {
            pod["app.kubernetes.io/managed-by"] = json!("hand");
        }
    }
    kubectl(&["apply", "-f", "-"], &objects.to_string());
    let service = json!({
        "metadata": { "name": "entrypoint" },
        "spec": {
            "type": "NodePort",
            "selector": { "type": "entrypoint" },
            "ports": [{ "name": "grpc", "port": 9000, "protocol": "TCP" }],
        },
    });
    let services = Api::<Service>::namespaced(fixture.kube.clone(), namespace);
    Caller::of(&services.create(&PostParams::default(), &serde_json::from_value(service).unwrap()).await.unwrap())
}
