//! A version's configuration through the API.

use serde_json::json;

use super::{DEMO, act, paths, with_version};
use crate::support::{
    krt::Krt,
    server::{Answer, TestServer},
};

const CONFIG: &str = "/api/v1/runtimes/demo/versions/v1/config";

async fn with_config() -> TestServer {
    with_version(Krt::new("v1").variable("KEY").variable("MODE").file("settings.json")).await
}

async fn set(server: &TestServer) -> Vec<String> {
    let version = server.get(&format!("{DEMO}/versions/v1")).await.expect(200);
    let entries = version["config"].as_array().unwrap().iter().filter(|entry| entry["is_set"] == true);
    entries.map(|entry| entry["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn values_are_set_kept_and_removed_and_never_shown() {
    let server = with_config().await;
    let values = json!({ "values": { "KEY": "s3cret", "settings.json": "{}" }, "comment": "first" });
    let answer = server.put(CONFIG, values).await;
    answer.expect(200);
    assert!(!answer.text().contains("s3cret"), "{}", answer.text());
    assert_eq!(set(&server).await, ["KEY", "settings.json"]);

    server.put(CONFIG, json!({ "values": { "MODE": "", "KEY": null } })).await.expect(200);
    assert_eq!(set(&server).await, ["MODE", "settings.json"], "an empty value is a value");

    let history = server.get(&format!("{DEMO}/versions/v1/history")).await;
    assert!(!history.text().contains("s3cret"), "{}", history.text());
    assert_eq!(history.expect(200)[1]["action"], "configure");
    assert!(history.expect(200)[1]["comment"].as_str().unwrap().contains("first"), "{}", history.text());
}

#[tokio::test]
async fn a_name_that_the_version_does_not_have_is_refused_with_those_that_it_has() {
    let server = with_config().await;
    let values = json!({ "values": { "KEY": "x", "KEYS": "x", "other.json": null } });
    let error = server.put(CONFIG, values).await.expect_error(422, "invalid_input");
    assert_eq!(paths(&error), ["KEYS", "other.json"]);
    let message = error["problems"][0]["message"].as_str().unwrap();
    for known in ["`KEY`", "`MODE`", "`settings.json`"] {
        assert!(message.contains(known), "{message}");
    }
    assert!(set(&server).await.is_empty(), "nothing of it is set");
}

#[tokio::test]
async fn what_no_secret_can_hold_is_refused() {
    let server = with_version(Krt::new("v1").variable("KEY").file("one.json").file("two.json")).await;
    let error = server.put(CONFIG, json!({ "values": { "KEY": "a\u{0}b" } })).await.expect_error(422, "invalid_input");
    assert_eq!(paths(&error), ["KEY"]);

    let half = "x".repeat(500 * 1024);
    server.put(CONFIG, json!({ "values": { "one.json": half } })).await.expect(200);
    let error = server.put(CONFIG, json!({ "values": { "two.json": half } })).await.expect_error(422, "invalid_input");
    assert!(error["message"].as_str().unwrap().contains("Secret"), "{error}");
    server.put(CONFIG, json!({ "values": { "one.json": "small", "two.json": half } })).await.expect(200);
}

#[tokio::test]
async fn a_version_does_not_start_before_all_values_are_set() {
    let server = with_config().await;
    server.put(CONFIG, json!({ "values": { "KEY": "x" } })).await.expect(200);
    let error = act(&server, "v1", "start").await.expect_error(409, "config_incomplete");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("MODE") && message.contains("settings.json") && !message.contains("KEY"), "{message}");

    server.put(CONFIG, json!({ "values": { "MODE": "x", "settings.json": "{}" } })).await.expect(200);
    act(&server, "v1", "start").await.expect(202);
}

#[tokio::test]
async fn an_archived_version_stays_as_it_is() {
    let server = with_config().await;
    act(&server, "v1", "archive").await.expect(202);
    let error = server.put(CONFIG, json!({ "values": { "KEY": "x" } })).await.expect_error(422, "invalid_input");
    assert!(error["message"].as_str().unwrap().contains("archived"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_for_a_hidden_value_is_in_the_activity_and_the_value_is_not() {
    let server = with_config().await;
    server.put(CONFIG, json!({ "values": { "KEY": "s3cret" } })).await.expect(200);
    let body = json!({ "runtime": "demo", "version": "v1", "name": "KEY" }).to_string();
    let request = server.client().post(server.url("/api/fn/config_value")).header("content-type", "application/json");
    let shown = Answer::of(request.body(body).send().await.unwrap()).await;
    assert!(shown.status == 200 && shown.text().contains("s3cret"), "{} {}", shown.status, shown.text());

    let activity = server.get("/api/v1/activity?action=reveal").await;
    assert!(!activity.text().contains("s3cret"), "{}", activity.text());
    let entries = activity.expect(200);
    assert_eq!(entries.as_array().unwrap().len(), 1, "{entries}");
    assert_eq!((&entries[0]["who"], &entries[0]["comment"]), (&json!("local"), &json!("KEY")));
    let csv = server.get("/api/v1/activity.csv?action=reveal").await.text();
    assert!(csv.contains(",demo,v1,local,reveal,KEY,reached,"), "{csv}");
}

/// Linux takes no string of an environment, `NAME=value` with its NUL, of more than 131,072 bytes (execve(2)).
#[tokio::test]
async fn a_value_that_no_process_could_be_started_with_is_refused() {
    let server = TestServer::start().await;
    server.add_runtime("demo").await;
    let krt = Krt::new("v1").variable("KEY").file("CERTIFICATE").file("model.json").bytes();
    server.upload("demo", krt).await.expect(201);
    let put =
        async |name: &str, bytes: usize| server.put(CONFIG, json!({ "values": { name: "x".repeat(bytes) } })).await;
    // A file whose name could be a variable's is one, too.
    for name in ["KEY", "CERTIFICATE"] {
        let room = 131_071 - name.len() - 1;
        put(name, room).await.expect(200);
        for bytes in [room + 1, 131_071, 200_000] {
            let error = put(name, bytes).await.expect_error(422, "invalid_input");
            let problem = &error["problems"][0];
            assert_eq!(problem["path"], *name);
            let message = problem["message"].as_str().unwrap();
            assert!(
                message.contains("at most 131071") && message.contains("declare it in the manifest as a file"),
                "{message}"
            );
        }
    }
    put("model.json", 200_000).await.expect(200);
    // It counts what is sent, not how many letters it has.
    let wide = server.put(CONFIG, json!({ "values": { "KEY": "é".repeat(70_000) } })).await;
    wide.expect_error(422, "invalid_input");
}
