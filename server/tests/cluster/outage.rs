//! Publishing another version costs no request.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use k8s_openapi::api::core::v1::Service;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::{on_cluster::on_cluster, support::fixture::Fixture};

const CLIENTS: usize = 8;
const PUBLISHES: usize = 20;

/// Asks the published entrypoint from outside the cluster, through a port of the node.
#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_versions_are_published_in_turn() {
    let fixture = on_cluster().await;
    let runtime = "outage";
    let versions = fixture.add(runtime, vec![Fixture::krt("one").bytes(), Fixture::krt("two").bytes()]).await;
    for version in &versions {
        fixture.reach(runtime, version, "start", "started").await;
    }
    fixture.reach(runtime, "one", "publish", "published").await;
    // The type is not ours to set, so it stays whatever we publish.
    let as_node_port = Patch::Merge(json!({ "spec": { "type": "NodePort" } }));
    let services = fixture.api::<Service>(runtime);
    let service = services.patch("active-entrypoint", &PatchParams::default(), &as_node_port).await.unwrap();
    let ports = service.spec.unwrap().ports.unwrap();
    let port = ports.iter().find(|port| port.name.as_deref() == Some("grpc")).and_then(|port| port.node_port).unwrap();
    let host = std::env::var("KAI_TEST_NODE").unwrap_or_else(|_| "127.0.0.1".to_owned());
    let url = format!("http://{host}:{port}/");
    // A new connection for each request: one that is kept would stay with the pod that it began with.
    let client = reqwest::Client::builder().pool_max_idle_per_host(0).timeout(Duration::from_secs(10)).build().unwrap();
    let reachable = || async { matches!(client.get(&url).send().await, Ok(answer) if answer.status().is_success()) };
    fixture.until_cluster("the port of the node", reachable).await;

    let stop = Arc::new(AtomicBool::new(false));
    // How many publishes were over; a request may be answered by any version published between its two readings.
    let published = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (client, url, stop, published) = (client.clone(), url.clone(), stop.clone(), published.clone());
            tokio::spawn(async move {
                let mut count = 0_usize;
                while !stop.load(Ordering::SeqCst) {
                    let before = published.load(Ordering::SeqCst);
                    let answer = client.get(&url).send().await.unwrap_or_else(|error| panic!("{error:?}"));
                    assert!(answer.status().is_success(), "{}", answer.status());
                    let text = answer.text().await.unwrap();
                    let after = published.load(Ordering::SeqCst);
                    let possible: Vec<&str> = (before..=after + 1).map(version_after).collect();
                    assert!(possible.contains(&text.trim()), "{text:?} is none of {possible:?}");
                    count += 1;
                }
                count
            })
        })
        .collect();
    for turn in 1..=PUBLISHES {
        fixture.reach(runtime, version_after(turn), "publish", "published").await;
        published.store(turn, Ordering::SeqCst);
    }
    stop.store(true, Ordering::SeqCst);
    let mut requests = 0;
    for client in clients {
        requests += client.await.unwrap();
    }
    println!("{requests} requests, {PUBLISHES} publishes, none failed");
    assert!(requests > CLIENTS * PUBLISHES, "the clients hardly asked: {requests}");
    fixture.clear(&[runtime]).await;
}

/// Which version is published after so many turns.
fn version_after(turn: usize) -> &'static str {
    if turn.is_multiple_of(2) { "one" } else { "two" }
}
