//! The API for programs: what it answers, and in which shape.

mod activity;
mod config;
mod deletion;
mod lifecycle;
mod nul;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    krt::Krt,
    server::{Answer, TestServer},
};

const DEMO: &str = "/api/v1/runtimes/demo";

/// A server with the runtime `demo`, in which the given file is a stopped version.
async fn with_version(krt: Krt) -> TestServer {
    let server = TestServer::start().await;
    server.add_runtime("demo").await;
    server.upload("demo", krt.bytes()).await.expect(201);
    server
}

fn paths(error: &Value) -> Vec<&str> {
    error["problems"].as_array().unwrap().iter().map(|problem| problem["path"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_runtime_is_created_listed_and_shown() {
    let server = TestServer::start().await;
    let new = json!({ "id": "demo", "name": "  Demo  ", "description": "To try things." });
    let answer = server.post("/api/v1/runtimes", new).await;
    let created = answer.expect(201);
    assert_eq!(answer.header("location"), DEMO);
    assert_eq!(created["name"], "Demo");
    assert_eq!(created["namespace"], "kai-demo");
    assert_eq!(created["host"], "demo.kai.localhost");
    assert_eq!(
        (&created["versions"], &created["running"], &created["published"]),
        (&json!(0), &json!(0), &Value::Null)
    );

    assert_eq!(server.get(DEMO).await.expect(200), created);
    server.post("/api/v1/runtimes", json!({ "id": "another", "name": "Another" })).await.expect(201);
    let all = server.get("/api/v1/runtimes").await.expect(200);
    let ids: Vec<_> = all.as_array().unwrap().iter().map(|runtime| runtime["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["another", "demo"], "by name");
}

#[tokio::test]
async fn each_wrong_field_of_a_new_runtime_is_named_at_once() {
    let server = TestServer::start().await;
    for (body, wrong) in [
        (json!({}), &["id", "name"][..]),
        (json!({ "id": "1demo", "name": " " }), &["id", "name"]),
        (json!({ "id": "Demo", "name": "Demo" }), &["id"]),
        (json!({ "id": "a-name-of-twenty-let", "name": "x" }), &["id"]),
        (json!({ "id": "demo", "name": "x".repeat(81) }), &["name"]),
        (json!({ "id": "demo", "name": "two\nlines" }), &["name"]),
        (json!({ "id": "demo", "name": "gnp\u{202e}.krt" }), &["name"]),
        (json!({ "id": "demo", "name": "a\u{2067}b" }), &["name"]),
        (json!({ "id": "demo", "name": "a\u{200f}" }), &["name"]),
        (json!({ "id": "demo", "name": "\u{7}a" }), &["name"]),
        (json!({ "id": "new", "name": "x" }), &["id"]),
        (json!({ "id": "demo", "name": "x", "description": "x".repeat(2001) }), &["description"]),
        (json!({ "id": "demo", "name": "x", "description": "a\u{0}b" }), &["description"]),
    ] {
        let error = server.post("/api/v1/runtimes", body.clone()).await.expect_error(422, "invalid_input");
        assert_eq!(paths(&error), wrong, "{body}");
    }
    assert_eq!(server.get("/api/v1/runtimes").await.expect(200), json!([]));
}

#[tokio::test]
async fn a_runtime_s_id_and_name_are_its_own() {
    let server = TestServer::start().await;
    server.post("/api/v1/runtimes", json!({ "id": "demo", "name": "Demo" })).await.expect(201);
    for body in [json!({ "id": "demo", "name": "Other" }), json!({ "id": "other", "name": "Demo" })] {
        server.post("/api/v1/runtimes", body).await.expect_error(409, "name_taken");
    }
}

/// The whole table of requests that are refused for what they are, not for what a version's state is.
#[tokio::test]
async fn every_refusal_has_the_one_shape() {
    let server = with_version(Krt::new("v1")).await;
    for (method, path, body, status, code) in [
        ("GET", "/api/v1/runtimes/other", "", 404, "not_found"),
        ("GET", "/api/v1/runtimes/NO", "", 404, "not_found"),
        ("GET", "/api/v1/runtimes/other/versions", "", 404, "not_found"),
        ("GET", "/api/v1/runtimes/demo/versions/v2", "", 404, "not_found"),
        ("GET", "/api/v1/runtimes/demo/versions/active", "", 404, "not_found"),
        ("GET", "/api/v1/runtimes/demo/versions/v2/history", "", 404, "not_found"),
        ("GET", "/api/v1/runtimes/demo/versions/v2/krt", "", 404, "not_found"),
        ("GET", "/api/v1/runtimes/%ff/versions", "", 400, "bad_request"),
        ("POST", "/api/v1/runtimes/demo/versions/v2/start", "", 404, "not_found"),
        ("PUT", "/api/v1/runtimes/demo/versions/v2/config", r#"{"values":{}}"#, 404, "not_found"),
        ("GET", "/api/v1", "", 404, "not_found"),
        ("GET", "/api/v1/nothing", "", 404, "not_found"),
        ("POST", "/api/v1/runtimes/demo/versions/v1/explode", "", 404, "not_found"),
        ("PATCH", "/api/v1/runtimes/demo", "", 405, "method_not_allowed"),
        ("GET", "/api/v1/runtimes/demo/versions/v1/start", "", 405, "method_not_allowed"),
        ("POST", "/api/v1/events", "", 405, "method_not_allowed"),
        ("POST", "/api/v1/runtimes", "{", 422, "invalid_input"),
        ("POST", "/api/v1/runtimes", "[]", 422, "invalid_input"),
        ("POST", "/api/v1/runtimes", r#"{"id":7}"#, 422, "invalid_input"),
        ("POST", "/api/v1/runtimes", r#"{"identity":"x"}"#, 422, "invalid_input"),
        ("POST", "/api/v1/runtimes/demo/versions/v1/start", r#"{"coment":"x"}"#, 422, "invalid_input"),
        ("PUT", "/api/v1/runtimes/demo/versions/v1/config", "{}", 422, "invalid_input"),
    ] {
        let answer = server.send(Method::from_bytes(method.as_bytes()).unwrap(), path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        answer.expect_error(status, code);
        assert_eq!(answer.header("content-type"), "application/json", "{method} {path}");
    }
    assert_eq!(server.get(&format!("{DEMO}/versions/v1")).await.expect(200)["state"], "stopped");
}

#[tokio::test]
async fn what_is_wrong_with_json_is_told_with_its_place() {
    let server = TestServer::start().await;
    let answer = server.send(Method::POST, "/api/v1/runtimes", "{\n  \"id\": demo\n}").await;
    let problem = answer.expect_error(422, "invalid_input")["problems"][0].clone();
    assert_eq!((&problem["line"], &problem["severity"]), (&json!(2), &json!("error")));
    assert!(problem["column"].as_u64().unwrap() >= 9, "{problem}");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_with_the_limit() {
    let server = TestServer::start().await;
    let answer = server.send(Method::POST, "/api/v1/runtimes", vec![b' '; 9 << 20]).await;
    let error = answer.expect_error(413, "too_large");
    assert!(error["message"].as_str().unwrap().contains("8388608"), "{error}");
    let server_function = server.send(Method::POST, "/api/fn/create_runtime", vec![b' '; 9 << 20]).await;
    server_function.expect_error(413, "too_large");
}

#[tokio::test]
async fn a_version_is_shown_with_all_that_the_api_promises() {
    let server = with_version(Krt::new("v1").variable("KEY").file("settings.json")).await;
    let version = server.get(&format!("{DEMO}/versions/v1")).await.expect(200);
    for (field, value) in [
        ("runtime", json!("demo")),
        ("name", json!("v1")),
        ("description", json!("Made for a test.")),
        ("krt_version", json!("v1")),
        ("state", json!("stopped")),
        ("health", json!({ "status": "none" })),
        ("failure", Value::Null),
        ("allowed_actions", json!(["start", "archive"])),
        ("missing_values", json!(2)),
        ("starting", Value::Null),
        ("replaces", Value::Null),
        (
            "config",
            json!([
                { "name": "KEY", "kind": "variable", "is_set": false },
                { "name": "settings.json", "kind": "file", "is_set": false },
            ]),
        ),
    ] {
        assert_eq!(version[field], value, "{field}");
    }
    assert_eq!(
        version["workflows"],
        json!([{
            "name": "greeting",
            "entrypoint": "Greet",
            "exitpoint": "greeter",
            "nodes": [{
                "name": "greeter",
                "image": "example/greeter:1",
                "src": "src/greeter/main.py",
                "gpu": false,
                "subscriptions": ["entrypoint"],
                "status": "stopped",
                "replicas": 1,
                "ready_replicas": 0,
                "message": null,
            }],
        }])
    );
    let listed = server.get(&format!("{DEMO}/versions")).await.expect(200);
    assert_eq!(listed[0]["name"], "v1");
    assert_eq!(listed.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_file_comes_back_byte_for_byte_with_its_name_and_length() {
    let server = with_version(Krt::new("v1")).await;
    let sent = Krt::new("v1").bytes();
    let answer = server.get(&format!("{DEMO}/versions/v1/krt")).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body == sent, "the file came back changed");
    assert_eq!(answer.header("content-length"), sent.len().to_string());
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"demo-v1.krt\"");
}

#[tokio::test]
async fn the_server_says_that_it_lives_and_is_ready() {
    let server = TestServer::start().await;
    assert_eq!(server.get("/healthz").await.expect(200), json!({ "status": "ok" }));
    assert_eq!(server.get("/readyz").await.expect(200)["status"], "ready");
}

async fn act(server: &TestServer, version: &str, action: &str) -> Answer {
    server.post(&format!("{DEMO}/versions/{version}/{action}"), json!({})).await
}
