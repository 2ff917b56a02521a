//! Versions whose nodes exchange messages: from a gRPC request through all nodes to its answer, on a real cluster with a
//! NATS in it. The nodes are the test runner's, whose images `make image` makes.

mod latency;
mod nats;
mod workflow;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_nats::jetstream::{Context, stream};
use futures::TryStreamExt as _;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams},
};
use serde_json::{Value, json};
use tonic::Code;

use crate::{on_cluster::on_cluster_with, support::fixture::Fixture};
use nats::ClusterNats;
use workflow::{Caller, Generation};

/// The host at which ports of the cluster's nodes are reached.
fn node_host() -> String {
    std::env::var("KAI_TEST_NODE").unwrap_or_else(|_| "127.0.0.1".to_owned())
}

async fn with(nats: &ClusterNats) -> Fixture {
    on_cluster_with(|settings| {
        nats.set(settings);
        // That nodes listen is what counts.
        settings.node_min_ready = Duration::from_secs(1);
        settings.messaging.request_timeout = Duration::from_secs(6);
    })
    .await
}

async fn streams(jetstream: &Context) -> BTreeSet<String> {
    jetstream.stream_names().try_collect().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_of_krt_v1_answers_from_its_start_to_its_stop() {
    answers_from_start_to_stop("chain-v1", Generation::B).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_of_krt_v2_answers_from_its_start_to_its_stop() {
    answers_from_start_to_stop("chain-v2", Generation::C2).await;
}

async fn answers_from_start_to_stop(runtime: &str, generation: Generation) {
    let nats = ClusterNats::deploy();
    let jetstream = nats.jetstream().await;
    let ours = generation.stream(runtime, "one");
    let foreign: BTreeSet<String> =
        [format!("{ours}-more"), format!("{ours}_more"), format!("KV_key-store_{runtime}_one_more")].into();
    for name in &foreign {
        let subjects = vec![format!("foreign.{name}")];
        let config = stream::Config { name: name.clone(), subjects, ..stream::Config::default() };
        jetstream.create_stream(config).await.unwrap();
        jetstream.publish(format!("foreign.{name}"), "theirs".into()).await.unwrap().await.unwrap();
    }
    let fixture = with(&nats).await;
    fixture.add(runtime, vec![generation.krt("one")]).await;
    assert_eq!(streams(&jetstream).await, foreign, "a stopped version uses nothing");

    fixture.reach(runtime, "one", "start", "started").await;
    let caller = Caller::of_version(&fixture, runtime, "one").await;
    caller.until_connected(&fixture).await;
    assert_eq!(caller.ask("hello").await.unwrap(), ["one", "first", "middle", "last"]);
    let early = caller.ask("early").await.unwrap();
    assert_eq!(early, ["one", "first", "middle"], "before the last node");
    assert_eq!(caller.ask("exit").await.unwrap(), ["one", "first", "middle"]);
    assert_eq!(caller.refusal("bad").await, (Code::Internal, "error in node 'middle': it is bad".to_owned()));
    if generation == Generation::C2 {
        let mut path = caller.ask("branch").await.unwrap();
        path.sort();
        assert_eq!(path, ["first", "last", "middle", "one", "side"]);
    }
    fixture.reach(runtime, "one", "publish", "published").await;
    assert_eq!(caller.ask("hello").await.unwrap(), ["one", "first", "middle", "last"]);
    fixture.reach(runtime, "one", "unpublish", "started").await;

    fixture.reach(runtime, "one", "stop", "stopped").await;
    assert!(fixture.belongings(runtime, "one").await.is_empty());
    let left: Vec<String> = streams(&jetstream).await.difference(&foreign).cloned().collect();
    assert!(left.iter().all(|name| name.starts_with("KV_")), "only buckets stay until the archive: {left:?}");
    fixture.reach(runtime, "one", "archive", "archived").await;
    let bare = || async { streams(&jetstream).await == foreign };
    fixture.until_cluster("nothing of the version in NATS", bare).await;
    for name in &foreign {
        let mut stream = jetstream.get_stream(name).await.unwrap();
        let info = stream.info().await.unwrap();
        assert_eq!((info.state.messages, info.config.description.as_ref()), (1, None), "{name}");
    }
    fixture.clear(&[runtime]).await;
}

/// One after the other, versions of both generations in turn.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes; `make soak` with KUBECONFIG runs it"]
async fn the_first_request_after_each_of_twenty_starts_is_answered() {
    let nats = ClusterNats::deploy();
    let fixture = with(&nats).await;
    let runtime = "starts";
    fixture.add(runtime, vec![Generation::B.krt("one"), Generation::C2.krt("two")]).await;
    let mut callers = Vec::new();
    let mut times = Vec::new();
    for round in 0..20 {
        let version = ["one", "two"][round % 2];
        // Its last stop may still be under way, while the other one is used.
        fixture.wait(runtime, version, "stopped").await;
        let begin = Instant::now();
        fixture.reach(runtime, version, "start", "started").await;
        times.push(begin.elapsed().as_secs_f64());
        if round < 2 {
            callers.push(Caller::of_version(&fixture, runtime, version).await);
        }
        let caller = &callers[round % 2];
        caller.until_connected(&fixture).await;
        assert_eq!(caller.ask("hello").await.unwrap(), [version, "first", "middle", "last"], "after start {round}");
        fixture.act(runtime, version, "stop").await;
    }
    times.sort_by(f64::total_cmp);
    println!("20 starts, every first request answered; from start to started {:.1} to {:.1} s", times[0], times[19]);
    fixture.clear(&[runtime]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_grpc_request_fails_while_versions_are_published_in_turn() {
    const CLIENTS: usize = 4;
    const PUBLISHES: usize = 10;
    let nats = ClusterNats::deploy();
    let fixture = with(&nats).await;
    let runtime = "load";
    fixture.add(runtime, vec![Generation::C2.krt("one"), Generation::B.krt("two")]).await;
    for version in ["one", "two"] {
        fixture.reach(runtime, version, "start", "started").await;
    }
    fixture.reach(runtime, "one", "publish", "published").await;
    let caller = published(&fixture, runtime).await;
    caller.until_connected(&fixture).await;

    let (stop, published) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (caller, stop, published) = (caller.clone(), stop.clone(), published.clone());
            tokio::spawn(async move {
                let mut count = 0_usize;
                while !stop.load(Ordering::SeqCst) {
                    let before = published.load(Ordering::SeqCst);
                    let path = caller.ask("hello").await.unwrap_or_else(|status| panic!("{status:?}"));
                    let after = published.load(Ordering::SeqCst);
                    let possible: Vec<&str> = (before..=after + 1).map(|turn| ["one", "two"][turn % 2]).collect();
                    assert!(possible.contains(&path[0].as_str()), "{path:?} is of none of {possible:?}");
                    count += 1;
                }
                count
            })
        })
        .collect();
    for turn in 1..=PUBLISHES {
        fixture.reach(runtime, ["one", "two"][turn % 2], "publish", "published").await;
        published.store(turn, Ordering::SeqCst);
    }
    stop.store(true, Ordering::SeqCst);
    let mut requests = 0;
    for client in clients {
        requests += client.await.unwrap();
    }
    println!("{requests} gRPC requests, {PUBLISHES} publishes, none failed");
    assert!(requests > CLIENTS * PUBLISHES, "the clients hardly asked: {requests}");
    fixture.clear(&[runtime]).await;
}

/// Whoever calls what is published.
async fn published(fixture: &Fixture, runtime: &str) -> Caller {
    // The type is not ours to set, so it stays whatever we publish.
    let as_node_port = Patch::Merge(json!({ "spec": { "type": "NodePort" } }));
    let services = fixture.api::<Service>(runtime);
    Caller::of(&services.patch("active-entrypoint", &PatchParams::default(), &as_node_port).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_version_serves_again_after_nats_was_away_for_5_seconds() {
    serves_again_after("five", Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes four minutes; `make soak` on a machine with KUBECONFIG runs it"]
async fn a_published_version_serves_again_after_nats_was_away_for_150_seconds() {
    serves_again_after("long", Duration::from_secs(150)).await;
}

async fn serves_again_after(runtime: &str, away: Duration) {
    let nats = ClusterNats::deploy();
    let fixture = with(&nats).await;
    fixture.add(runtime, vec![Generation::C2.krt("one")]).await;
    fixture.reach(runtime, "one", "start", "started").await;
    fixture.reach(runtime, "one", "publish", "published").await;
    let caller = published(&fixture, runtime).await;
    caller.until_connected(&fixture).await;
    assert_eq!(caller.ask("hello").await.unwrap().len(), 4);

    let killed = Instant::now();
    nats.kill();
    let degraded = |view: &Value| view["health"]["status"] == "degraded";
    let view = fixture.until(runtime, "one", "degraded", degraded).await;
    println!("{away:?}: degraded after {:.1} s: {}", killed.elapsed().as_secs_f64(), view["health"]["reason"]);
    assert_eq!(view["state"], "published");
    tokio::time::sleep(away.saturating_sub(killed.elapsed())).await;
    nats.come_back();
    let back = Instant::now();
    let healthy = |view: &Value| view["health"]["status"] == "healthy";
    fixture.until(runtime, "one", "healthy", healthy).await;
    println!("{away:?}: healthy {:.1} s after NATS is started again", back.elapsed().as_secs_f64());
    // The entrypoint's pod was not ready meanwhile, and when a node's port leads to it again nobody can see.
    caller.until_connected(&fixture).await;
    println!("{away:?}: connected {:.1} s after NATS is started again", back.elapsed().as_secs_f64());
    for _ in 0..20 {
        caller.ask("hello").await.unwrap_or_else(|status| panic!("healthy, and a request fails: {status:?}"));
    }
    let history = fixture.history(runtime, "one").await;
    for entry in history.iter().filter(|entry| entry["who"] == "kai-server" || entry["by"] == "kai-server") {
        println!("{away:?}: {entry}");
    }
    fixture.clear(&[runtime]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_node_is_killed_ends_at_its_deadline_and_later_ones_are_answered() {
    let nats = ClusterNats::deploy();
    let fixture = with(&nats).await;
    let runtime = "kill";
    fixture.add(runtime, vec![Generation::C2.krt("one")]).await;
    fixture.reach(runtime, "one", "start", "started").await;
    let caller = Caller::of_version(&fixture, runtime, "one").await;
    caller.until_connected(&fixture).await;
    let killed = async {
        let pods = fixture.api::<Pod>(runtime);
        let working = || async { pending(&nats, runtime).await == 1 };
        fixture.until_cluster("a message in progress", working).await;
        let middle = ListParams::default().labels("node-name=middle");
        let pod = pods.list(&middle).await.unwrap().items[0].name_any();
        pods.delete(&pod, &DeleteParams::default().grace_period(0)).await.unwrap();
    };
    let (refusal, ()) = tokio::join!(caller.refusal("slow"), killed);
    assert_eq!(refusal.0, Code::DeadlineExceeded, "{}", refusal.1);
    let healthy = |view: &Value| view["health"]["status"] == "healthy";
    fixture.until(runtime, "one", "healthy", healthy).await;
    assert_eq!(caller.ask("hello").await.unwrap(), ["one", "first", "middle", "last"]);
    // The message waits for its ack_wait; that is what the graph shows as in progress.
    assert_eq!(pending(&nats, runtime).await, 1);
    fixture.clear(&[runtime]).await;
}

/// Messages that the middle node has and has not acknowledged.
async fn pending(nats: &ClusterNats, runtime: &str) -> usize {
    let stream = Generation::C2.stream(runtime, "one");
    let jetstream = nats.jetstream().await;
    let stream_of = jetstream.get_stream(&stream).await.unwrap();
    let name = format!("{stream}-first-middle");
    let consumer = stream_of.consumer_info(&name).await.unwrap();
    consumer.num_ack_pending
}
