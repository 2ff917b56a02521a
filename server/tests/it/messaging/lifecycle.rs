//! What NATS holds of a version in each of its states, and what is never touched.

use async_nats::jetstream::stream;
use reqwest::Method;
use serde_json::json;

use super::scene::{RUNTIME, Scene};
use crate::support::nodes::Nodes;

const C2: [&str; 4] = [
    "KV_key-store_demo_one",
    "KV_key-store_demo_one_greeting",
    "KV_key-store_demo_one_greeting_greeter",
    "demo_one_Greet",
];

#[tokio::test]
async fn a_version_is_started_only_when_its_nodes_listen_and_its_first_message_is_not_lost() {
    let scene = Scene::new().await;
    let mut nodes = Nodes::silent(scene.nats.client().await);
    scene.add("one", "c2").await;
    scene.act("one", "start").await;
    let waits = |view: &serde_json::Value| {
        view["waiting"].as_str().is_some_and(|waiting| waiting.contains("not listening to `demo_one_Greet.entrypoint`"))
    };
    scene.until("one", "waiting for its node", waits).await;
    assert_eq!(scene.stream_names().await, C2);
    // Before anybody listens.
    scene.context.publish("demo_one_Greet.entrypoint", "early".into()).await.unwrap().await.unwrap();
    nodes.listen();
    scene.fixture.wait(RUNTIME, "one", "started").await;
    assert_eq!(nodes.message().await, "early");
    scene.context.publish("demo_one_Greet.entrypoint", "late".into()).await.unwrap().await.unwrap();
    assert_eq!(nodes.message().await, "late");
    let view = scene.fixture.view(RUNTIME, "one").await;
    assert_eq!((&view["health"]["status"], &view["generation"]), (&json!("healthy"), &json!("c2")));
}

#[tokio::test]
async fn a_stop_leaves_buckets_and_an_archive_nothing_and_others_streams_stay_as_they_are() {
    let scene = Scene::new().await;
    let _nodes = scene.nodes().await;
    // Called as ours begin, and as ours of another version would be.
    for name in ["demo_one_Greeting", "demo_one_Greet_x", "demo-one-Greet", "demo"] {
        let subjects = vec![format!("{name}.theirs")];
        let config = stream::Config { name: name.to_owned(), subjects, ..stream::Config::default() };
        scene.context.create_stream(config).await.unwrap();
        scene.context.publish(format!("{name}.theirs"), "mine".into()).await.unwrap().await.unwrap();
    }
    let bucket = "key-store_demo_one_theirs";
    let subjects = vec![format!("$KV.{bucket}.>")];
    let config = stream::Config { name: format!("KV_{bucket}"), subjects, ..stream::Config::default() };
    scene.context.create_stream(config).await.unwrap();
    scene.context.publish(format!("$KV.{bucket}.key"), "value".into()).await.unwrap().await.unwrap();
    let theirs = scene.streams().await;

    scene.add("one", "c2").await;
    scene.reach("one", "start", "started").await;
    let ours = scene.stream_names().await.len() - theirs.len();
    assert_eq!(ours, C2.len());
    scene.reach("one", "publish", "published").await;
    scene.reach("one", "unpublish", "started").await;
    scene.reach("one", "stop", "stopped").await;
    let names = scene.stream_names().await;
    assert!(C2[..3].iter().all(|bucket| names.contains(&(*bucket).to_owned())), "{names:?}");
    assert!(!names.contains(&"demo_one_Greet".to_owned()), "{names:?}");
    scene.reach("one", "archive", "archived").await;
    scene.until_streams("without ours", |names| names.len() == theirs.len()).await;
    assert_eq!(scene.streams().await, theirs);
}

#[tokio::test]
async fn a_runtime_is_deleted_only_when_nothing_of_it_is_left_in_nats() {
    let mut scene = Scene::new().await;
    let _nodes = scene.nodes().await;
    scene.add("one", "c2").await;
    scene.reach("one", "start", "started").await;
    scene.reach("one", "stop", "stopped").await;
    scene.nats.kill();
    scene.reach("one", "archive", "archived").await;
    let server = &scene.fixture.server;
    let version = format!("/api/v1/runtimes/{RUNTIME}/versions/one");
    assert_eq!(server.send(Method::DELETE, &version, "").await.status, 204);
    let runtime = format!("/api/v1/runtimes/{RUNTIME}");
    let refused = server.send(Method::DELETE, &runtime, "").await.expect_error(503, "busy");
    let message = refused["message"].as_str().unwrap();
    assert!(message.starts_with("runtime `demo` cannot be deleted yet: messaging unreachable since "), "{message}");
    scene.nats.start_again().await;
    let is_deleted = || async { scene.fixture.server.send(Method::DELETE, &runtime, "").await.status == 204 };
    scene.fixture.until_cluster("the runtime deleted", is_deleted).await;
    assert_eq!(scene.stream_names().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_stream_of_generation_b_is_one_that_its_entrypoint_takes_and_goes_with_the_version() {
    let scene = Scene::new().await;
    let _nodes = scene.nodes().await;
    scene.add("one", "b").await;
    scene.reach("one", "start", "started").await;
    assert_eq!(scene.stream_names().await, ["demo-one-Greet"]);
    // As the entrypoint does at each start. NATS refuses it where the stream differs in anything.
    let entrypoints = stream::Config {
        name: "demo-one-Greet".to_owned(),
        subjects: vec!["demo-one-Greet.*".to_owned()],
        retention: stream::RetentionPolicy::Interest,
        ..stream::Config::default()
    };
    scene.context.create_stream(entrypoints).await.unwrap();
    let durable = scene.context.get_stream("demo-one-Greet").await.unwrap();
    let consumer = durable.consumer_info("one-greeter").await.unwrap();
    assert_eq!(consumer.config.deliver_group.as_deref(), Some("one-greeter"));
    assert_eq!(consumer.config.filter_subject, "demo-one-Greet.greeter");
    assert_eq!(consumer.config.ack_wait.as_secs(), 22 * 3600);
    scene.reach("one", "stop", "stopped").await;
    assert_eq!(scene.stream_names().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_stream_of_somebody_else_stands_in_the_way_until_it_is_gone() {
    for (generation, name) in [("c2", "demo_one_Greet"), ("b", "demo-one-Greet")] {
        let scene = Scene::new().await;
        let _nodes = scene.nodes().await;
        let subjects = vec![format!("{name}.*")];
        let retention = stream::RetentionPolicy::Interest;
        let config = stream::Config { name: name.to_owned(), subjects, retention, ..stream::Config::default() };
        scene.context.create_stream(config).await.unwrap();
        let before = scene.streams().await[name].clone();
        scene.add("one", generation).await;
        scene.act("one", "start").await;
        let said = format!("Stream {name} exists in NATS and is not managed by this KAI Server; delete or rename it");
        let waits = |view: &serde_json::Value| view["waiting"].as_str() == Some(said.as_str());
        scene.until("one", "waiting for the stream to go", waits).await;
        assert!(scene.fixture.names::<k8s_openapi::api::apps::v1::Deployment>(RUNTIME).await.is_empty());
        assert_eq!(scene.streams().await[name], before);
        scene.context.delete_stream(name).await.unwrap();
        scene.fixture.wait(RUNTIME, "one", "started").await;
    }
}

#[tokio::test]
async fn what_somebody_deletes_or_edits_is_put_back_and_the_history_says_so() {
    let scene = Scene::new().await;
    let _nodes = scene.nodes().await;
    scene.add("one", "c2").await;
    scene.reach("one", "start", "started").await;
    let consumer = "demo_one_Greet-entrypoint-greeter";
    let healthy = |view: &serde_json::Value| view["health"]["status"] == "healthy" && view["waiting"].is_null();

    let ours = scene.context.get_stream("demo_one_Greet").await.unwrap();
    ours.delete_consumer(consumer).await.unwrap();
    scene.until_repaired("Consumer demo_one_Greet-entrypoint-greeter was missing").await;
    scene.until("one", "healthy", healthy).await;
    assert!(ours.consumer_info(consumer).await.is_ok());

    scene.context.delete_stream("demo_one_Greet").await.unwrap();
    scene.until_repaired("Stream demo_one_Greet was missing").await;
    scene.context.delete_stream("KV_key-store_demo_one").await.unwrap();
    scene.until_repaired("Key-value bucket key-store_demo_one was missing").await;
    let mut config = scene.context.get_stream("demo_one_Greet").await.unwrap().cached_info().config.clone();
    config.subjects.pop();
    scene.context.update_stream(config).await.unwrap();
    scene.until_repaired("Stream demo_one_Greet was edited: subjects").await;
    scene.until("one", "healthy", healthy).await;
    assert_eq!(scene.stream_names().await, C2);
    let ours = scene.context.get_stream("demo_one_Greet").await.unwrap();
    let subjects = ["demo_one_Greet.entrypoint", "demo_one_Greet.greeter", "demo_one_Greet.greeter.*"];
    assert_eq!(ours.cached_info().config.subjects, subjects);
}

impl Scene {
    async fn until_repaired(&self, what: &str) {
        let end = tokio::time::Instant::now() + crate::support::server::MAX_WAIT;
        loop {
            let repairs = self.repairs("one").await;
            if repairs.iter().any(|repair| repair.contains(what)) {
                return;
            }
            assert!(tokio::time::Instant::now() < end, "{what} is not in {repairs:?}");
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        }
    }
}

#[tokio::test]
async fn without_messaging_nothing_is_made_and_a_version_starts_as_ever() {
    let scene = Scene::with(|settings| settings.messaging.nats = None).await;
    scene.add("one", "c2").await;
    scene.reach("one", "start", "started").await;
    assert_eq!(scene.stream_names().await, Vec::<String>::new());
    scene.reach("one", "stop", "stopped").await;
}
