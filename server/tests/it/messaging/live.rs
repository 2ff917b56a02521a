//! What waits for a version's nodes, as whoever looks at its graph is told.

use std::time::Duration;

use domain::{LiveEdge, LiveNumbers, LiveQueue};
use futures::StreamExt;

use super::scene::{RUNTIME, Scene};
use crate::support::server::MAX_WAIT;

async fn edges(scene: &Scene) -> Vec<LiveEdge> {
    let answer = scene.fixture.server.get(&format!("/api/v1/runtimes/{RUNTIME}/versions/one/live")).await;
    serde_json::from_value::<LiveNumbers>(answer.expect(200)).unwrap().edges
}

async fn until(scene: &Scene, wanted: &[LiveEdge]) {
    let end = tokio::time::Instant::now() + MAX_WAIT;
    loop {
        let found = edges(scene).await;
        if found == wanted {
            return;
        }
        assert!(tokio::time::Instant::now() < end, "not {wanted:?}: {found:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn messages_that_wait_and_that_a_node_works_on_are_told_for_each_subscription() {
    for (generation, stream, durable, subject) in [
        ("c2", "demo_one_Greet", "demo_one_Greet-entrypoint-greeter", "demo_one_Greet.entrypoint"),
        ("b", "demo-one-Greet", "one-greeter", "demo-one-Greet.greeter"),
    ] {
        let scene = Scene::new().await;
        let nodes = scene.nodes().await;
        scene.add("one", generation).await;
        scene.reach("one", "start", "started").await;
        until(&scene, &[]).await;

        let edge = |queue: LiveQueue| LiveEdge {
            workflow: "greeting".parse().unwrap(),
            subscription: "entrypoint".to_owned(),
            to: "greeter".parse().unwrap(),
            per_second: 0.0,
            queue: Some(queue),
        };
        drop(nodes);
        // A node that takes its time.
        let config = scene.context.get_stream(stream).await.unwrap().consumer_info(durable).await.unwrap().config;
        let client = scene.nats.client().await;
        let (deliver, group) = (config.deliver_subject.unwrap(), config.deliver_group.unwrap());
        let mut slow = client.queue_subscribe(deliver, group).await.unwrap();
        scene.context.publish(subject, "first".into()).await.unwrap().await.unwrap();
        slow.next().await.unwrap();
        until(&scene, &[edge(LiveQueue { in_progress: 1, ..LiveQueue::default() })]).await;
        slow.unsubscribe().await.unwrap();
        client.flush().await.unwrap();
        // NATS itself learns a moment later that nobody listens.
        let stream_of = scene.context.get_stream(stream).await.unwrap();
        let end = tokio::time::Instant::now() + MAX_WAIT;
        while stream_of.consumer_info(durable).await.unwrap().push_bound {
            assert!(tokio::time::Instant::now() < end, "still bound");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for text in ["second", "third"] {
            scene.context.publish(subject, text.into()).await.unwrap().await.unwrap();
        }
        until(&scene, &[edge(LiveQueue { waiting: 2, in_progress: 1, redelivered: 0 })]).await;
    }
}
