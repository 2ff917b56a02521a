//! Actions through the API: accepted, refused, and never twice.

use reqwest::Method;
use serde_json::{Value, json};

use super::{DEMO, act, with_version};
use crate::support::{krt::Krt, server::TestServer};

fn version(name: &str) -> String {
    format!("{DEMO}/versions/{name}")
}

#[tokio::test]
async fn an_action_is_accepted_with_the_new_state_and_kept_with_who_when_and_why() {
    let server = with_version(Krt::new("v1")).await;
    let started = server.post(&format!("{}/start", version("v1")), json!({ "comment": " For the demo. " })).await;
    let summary = started.expect(202);
    assert_eq!((&summary["state"], &summary["allowed_actions"]), (&json!("starting"), &json!(["stop"])));
    server.wait_for(&version("v1"), "started").await;

    let history = server.get(&format!("{}/history", version("v1"))).await.expect(200);
    let actions: Vec<_> = history.as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["start", "create"], "newest first");
    assert_eq!(history[0]["who"], "local");
    assert_eq!(history[0]["comment"], "For the demo.");
    assert_eq!(history[0]["outcome"], json!({ "result": "reached" }));
    assert!(history[0]["at"].is_string() && history[0]["finished_at"].is_string(), "{history}");
}

#[tokio::test]
async fn an_action_needs_no_body() {
    let server = with_version(Krt::new("v1")).await;
    server.send(Method::POST, &format!("{}/archive", version("v1")), "").await.expect(202);
}

#[tokio::test]
async fn an_action_that_the_state_does_not_allow_is_refused_naming_the_state() {
    let server = with_version(Krt::new("v1")).await;
    for action in ["stop", "publish", "unpublish"] {
        let error = act(&server, "v1", action).await.expect_error(409, "refused");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("stopped") && message.contains(action), "{message}");
    }
    act(&server, "v1", "archive").await.expect(202);
    let error = act(&server, "v1", "start").await.expect_error(409, "refused");
    assert!(error["message"].as_str().unwrap().contains("archived"), "{error}");
}

#[tokio::test]
async fn of_two_simultaneous_starts_one_is_accepted_and_one_refused() {
    for _ in 0..5 {
        let server = with_version(Krt::new("v1")).await;
        let (first, second) = tokio::join!(act(&server, "v1", "start"), act(&server, "v1", "start"));
        let mut answers = [first, second];
        answers.sort_by_key(|answer| answer.status);
        assert_eq!(answers[0].expect(202)["state"], "starting");
        answers[1].expect_error(409, "refused");
    }
}

#[tokio::test]
async fn the_published_version_is_first_and_says_whom_it_would_replace() {
    let server = with_version(Krt::new("v1")).await;
    server.upload("demo", Krt::new("v2").bytes()).await.expect(201);
    server.upload("demo", Krt::new("v3").bytes()).await.expect(201);
    act(&server, "v3", "archive").await.expect(202);
    for name in ["v1", "v2"] {
        act(&server, name, "start").await.expect(202);
        server.wait_for(&version(name), "started").await;
    }
    act(&server, "v1", "publish").await.expect(202);
    server.wait_for(&version("v1"), "published").await;

    assert_eq!(order(&server).await, ["v1", "v2", "v3"]);
    let runtime = server.get(DEMO).await.expect(200);
    assert_eq!(
        (&runtime["published"], &runtime["running"], &runtime["versions"]),
        (&json!("v1"), &json!(2), &json!(2))
    );
    assert_eq!(server.get(&version("v1")).await.expect(200)["replaces"], Value::Null);
    assert_eq!(server.get(&version("v2")).await.expect(200)["replaces"], "v1");

    act(&server, "v2", "publish").await.expect(202);
    server.wait_for(&version("v2"), "published").await;
    assert_eq!(order(&server).await, ["v2", "v1", "v3"]);
    assert_eq!(server.get(DEMO).await.expect(200)["published"], "v2");
}

async fn order(server: &TestServer) -> Vec<String> {
    let versions = server.get(&format!("{DEMO}/versions")).await.expect(200);
    versions.as_array().unwrap().iter().map(|version| version["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_comment_that_is_too_long_is_refused_and_nothing_happens() {
    let server = with_version(Krt::new("v1")).await;
    let long = json!({ "comment": "x".repeat(1001) });
    let error = server.post(&format!("{}/start", version("v1")), long).await.expect_error(422, "invalid_input");
    assert_eq!(error["problems"][0]["path"], "comment");
    assert_eq!(server.get(&version("v1")).await.expect(200)["state"], "stopped");
}
