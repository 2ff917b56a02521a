//! The generation of a version's images: detected, chosen while it is stopped, inherited.

use serde_json::{Value, json};

use super::scene::{RUNTIME, Scene};
use crate::support::krt::Krt;

fn generations(view: &Value) -> (&str, &str) {
    (view["generation"].as_str().unwrap(), view["detected_generation"].as_str().unwrap())
}

#[tokio::test]
async fn a_generation_is_detected_chosen_and_inherited_by_versions_with_images_of_the_same_kind() {
    let scene = Scene::with(|settings| settings.messaging.nats = None).await;
    let server = &scene.fixture.server;
    server.add_runtime(RUNTIME).await;
    let upload = async |krt: Krt| server.upload(RUNTIME, krt.bytes()).await.expect(201);
    let detected = upload(Krt::new("v1")).await;
    assert_eq!(generations(&detected), ("b", "b"), "by krtVersion v1");
    let image = "mirror.example.com/kre-py:3.3.0";
    let by_tag = upload(Krt::new("v2").images(image, "mirror.example.com/kre-entrypoint:3.0.1")).await;
    assert_eq!(generations(&by_tag), ("c2", "c2"));
    let path = format!("/api/v1/runtimes/{RUNTIME}/versions/v2/generation");
    let chosen = server.put(&path, json!({ "generation": "c1" })).await.expect(200);
    assert_eq!(generations(&chosen), ("c1", "c2"));

    let same = upload(Krt::new("v3").images(image, "mirror.example.com/kre-entrypoint:3.1.0")).await;
    assert_eq!(generations(&same), ("c1", "c2"), "inherited");
    let other = upload(Krt::new("v4")).await;
    assert_eq!(generations(&other), ("b", "b"), "not inherited");

    let history = scene.fixture.history(RUNTIME, "v2").await;
    assert_eq!((&history[0]["action"], &history[0]["comment"]), (&json!("configure"), &json!("runner generation C1")));
    let back = server.put(&path, json!({ "generation": null })).await.expect(200);
    assert_eq!(generations(&back), ("c2", "c2"));
    server.put(&path, json!({ "generation": "d" })).await.expect_error(422, "invalid_input");
}

#[tokio::test]
async fn the_generation_of_a_version_that_runs_stays() {
    let scene = Scene::with(|settings| settings.messaging.nats = None).await;
    scene.add("one", "b").await;
    scene.reach("one", "start", "started").await;
    let path = format!("/api/v1/runtimes/{RUNTIME}/versions/one/generation");
    let refused = scene.fixture.server.put(&path, json!({ "generation": "c2" })).await;
    let refused = refused.expect_error(422, "invalid_input");
    assert!(refused["message"].as_str().unwrap().contains("only while the version is stopped"), "{refused}");
    scene.reach("one", "stop", "stopped").await;
    scene.choose("one", json!("c2")).await;
}
