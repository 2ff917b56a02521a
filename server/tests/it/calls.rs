//! Calls of an entrypoint by hand, through a port that the cluster's API forwards.

mod forwarding;

use serde_json::{Value, json};

use crate::support::{krt::pack, server::TestServer};
use forwarding::{Entrypoint, ForwardingCluster, MAX_BYTES};

const MANIFEST: &str = "version: VERSION
description: Made for a test.
entrypoint:
  proto: proto/public_input.proto
  image: example/entrypoint:1
config: {}
nodes:
  - name: greeter
    image: example/greeter:1
    src: src/main.py
workflows:
  - name: greeting
    entrypoint: Greet
    sequential:
      - greeter
";

const PROTO: &str = r#"syntax = "proto3";
package demo;
import "google/api/annotations.proto";
import "messages.proto";
service Entrypoint {
  rpc Greet (Text) returns (Text) { option (google.api.http) = { post: "/greet" }; }
  rpc Watch (Text) returns (stream Text);
}
"#;

const MESSAGES: &str = "syntax = \"proto3\";\npackage demo;\nmessage Text { string text = 1; }\n";

fn krt(version: &str) -> Vec<u8> {
    with_proto(version, PROTO)
}

fn with_proto(version: &str, proto: &str) -> Vec<u8> {
    pack(&[
        ("krt.yml", MANIFEST.replace("VERSION", version).as_bytes()),
        ("proto/public_input.proto", proto.as_bytes()),
        ("proto/messages.proto", MESSAGES.as_bytes()),
        ("src/main.py", b"print('hello')\n"),
    ])
}

fn text(text: &str) -> Value {
    json!({ "rpc": "demo.Entrypoint/Greet", "request": { "text": text } })
}

fn outcome(answer: &Value) -> (&str, String) {
    let outcome = &answer["outcome"];
    (outcome["result"].as_str().unwrap(), outcome["reason"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_started_version_is_called_and_its_history_tells_the_rpc_and_the_outcome_alone() {
    let cluster = ForwardingCluster::start().await;
    let server = cluster.server(&[]).await;
    server.start("v1", krt("v1")).await;

    let rpcs = server.get("v1", "rpcs").await;
    assert_eq!((&rpcs["off"], &rpcs["unreadable"]), (&Value::Null, &Value::Null), "{rpcs:#}");
    let greet = &rpcs["rpcs"][0];
    assert_eq!(
        [&greet["name"], &greet["request"], &greet["workflow"], &greet["example"], &greet["off"]],
        [
            &json!("demo.Entrypoint/Greet"),
            &json!("demo.Text"),
            &json!("greeting"),
            &json!({ "text": "" }),
            &Value::Null
        ]
    );
    let forward = rpcs["target"]["forward"].as_str().unwrap();
    assert_eq!(forward, "kubectl --namespace kai-demo port-forward service/v1-entrypoint 9000:9000");
    let grpcurl = greet["grpcurl"].as_str().unwrap();
    assert!(grpcurl.starts_with("grpcurl -plaintext -d '{") && grpcurl.ends_with("demo.Entrypoint/Greet"), "{grpcurl}");
    assert!(rpcs["rpcs"][1]["off"].as_str().unwrap().starts_with("Its answer is a stream"), "{rpcs:#}");

    let (status, answer) = server.post("v1", "calls", text("good morning")).await;
    assert_eq!(status, 200, "{answer:#}");
    assert_eq!(answer["outcome"], json!({ "result": "answered", "response": { "text": "good morning" } }));
    assert!(answer["took_ms"].is_u64() && answer["at"].is_string() && answer["nodes"].is_null(), "{answer:#}");
    // By the rpc's name alone, and with an empty request.
    let (status, answer) = server.post("v1", "calls", json!({ "rpc": "Greet" })).await;
    assert_eq!((status, &answer["outcome"]["response"]), (200, &json!({ "text": "" })));

    let (_, answer) = server.post("v1", "calls", text("fail")).await;
    assert_eq!(
        answer["outcome"],
        json!({ "result": "status", "status": 3, "name": "INVALID_ARGUMENT", "message": "no: fail" })
    );
    let history = server.get("v1", "history").await;
    let calls: Vec<_> = history.as_array().unwrap().iter().filter(|entry| entry["action"] == "call").collect();
    assert_eq!(calls.len(), 3);
    assert_eq!(calls[0]["outcome"], json!({ "result": "failed", "reason": "gRPC status INVALID_ARGUMENT" }));
    assert_eq!(calls[1]["outcome"], json!({ "result": "reached" }));
    let of_first = [&calls[2]["who"], &calls[2]["comment"]];
    assert_eq!(of_first, [&json!("local"), &json!("demo.Entrypoint/Greet")]);
    assert!(!history.to_string().contains("morning") && !history.to_string().contains("no: fail"), "{history:#}");

    // Published it is still called by its own pod.
    server.reach("v1", "publish", "published").await;
    let (_, answer) = server.post("v1", "calls", text("in public")).await;
    assert_eq!(answer["outcome"]["response"]["text"], "in public");
    let target = server.get("v1", "rpcs").await["target"].clone();
    assert_eq!(target, json!({ "forward": null, "address": "demo.kai.localhost:80", "tls": false }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_an_answer_from_coming_is_said_in_words() {
    let cluster = ForwardingCluster::start().await;
    let server = cluster.server(&[("KAI_CALL_TIMEOUT", "2s")]).await;
    server.start("v1", krt("v1")).await;
    let call = async |words: &str| {
        let (status, answer) = server.post("v1", "calls", text(words)).await;
        assert_eq!(status, 200, "{answer:#}");
        let (result, reason) = outcome(&answer);
        assert_eq!(result, "failed", "{answer:#}");
        (answer["outcome"]["failure"].as_str().unwrap().to_owned(), reason)
    };

    let (failure, reason) = call("slow").await;
    assert_eq!((failure.as_str(), reason.as_str()), ("deadline", "there was no answer within 2s"));
    let (failure, reason) = call("large").await;
    assert_eq!(failure, "too_large", "{reason}");
    let (failure, reason) = call("wrong").await;
    assert_eq!(failure, "not_the_message", "{reason}");
    assert!(reason.starts_with("the answer is not the rpc's message: "), "{reason}");

    cluster.set(Entrypoint::Refuses);
    let (failure, reason) = call("hello").await;
    assert_eq!(failure, "unreachable");
    assert!(reason.ends_with("cannot be reached: connection refused"), "{reason}");
    cluster.set(Entrypoint::HangsUp);
    assert_eq!(call("hello").await.0, "unreachable");
    cluster.set(Entrypoint::Forbidden);
    let (failure, reason) = call("hello").await;
    assert_eq!(failure, "unreachable");
    assert!(reason.contains("pods is forbidden: no port-forward for you"), "{reason}");
    // The port is forwarded, and then nobody says anything any more.
    cluster.set(Entrypoint::Silent);
    let (failure, _) = call("hello").await;
    assert_eq!(failure, "deadline");
    cluster.set(Entrypoint::Answers);
    let (_, answer) = server.post("v1", "calls", text("back")).await;
    assert_eq!(answer["outcome"]["response"]["text"], "back");
    cluster.expect_no_forwarded_port().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_cannot_be_made_says_why_and_is_no_entry() {
    let cluster = ForwardingCluster::start().await;
    let server = cluster.server(&[]).await;
    server.add("v1", krt("v1")).await;
    let refused = async |version: &str, body: Value| {
        let (status, answer) = server.post(version, "calls", body).await;
        let error = &answer["error"];
        (status, error["code"].as_str().unwrap().to_owned(), error["message"].as_str().unwrap().to_owned())
    };
    let stopped = refused("v1", text("hello")).await;
    let expected = "cannot call `v1`: it is stopped; start it first".to_owned();
    assert_eq!(stopped, (409, "cannot_call".to_owned(), expected));
    assert_eq!(server.get("v1", "rpcs").await["off"], "It is stopped; start it first.");

    server.reach("v1", "start", "started").await;
    let (status, code, message) = refused("v1", json!({ "rpc": "demo.Entrypoint/Watch" })).await;
    assert_eq!((status, code.as_str()), (409, "cannot_call"));
    assert!(message.contains("its answer is a stream"), "{message}");
    let (status, code, message) = refused("v1", json!({ "rpc": "Nothing" })).await;
    assert_eq!((status, code.as_str()), (404, "not_found"));
    assert!(message.contains("which has `demo.Entrypoint/Greet`"), "{message}");

    let wrong = r#"{"rpc":"Greet","request":{
        "txt": 1}}"#;
    let (status, answer) = server.post_text("v1", "calls", wrong).await;
    let problem = &answer["error"]["problems"][0];
    assert_eq!((status, &answer["error"]["code"]), (422, &json!("invalid_input")));
    assert_eq!([&problem["line"], &problem["path"]], [&json!(2), &json!("request")], "{answer:#}");
    assert!(problem["column"].is_u64() && problem["message"].as_str().unwrap().contains("txt"), "{answer:#}");
    let large = text(&"x".repeat(MAX_BYTES + 1));
    let (status, code, message) = refused("v1", large).await;
    assert_eq!((status, code.as_str()), (422, "invalid_input"));
    assert!(message.contains("at most 4194304 are allowed"), "{message}");

    let editions = "edition = \"2023\"; message T {} service Entrypoint { rpc Greet (T) returns (T); }";
    server.start("v2", with_proto("v2", editions)).await;
    let rpcs = server.get("v2", "rpcs").await;
    assert!(rpcs["unreadable"].as_str().unwrap().contains("is of edition 2023"), "{rpcs:#}");
    let (status, code, _) = refused("v2", json!({ "rpc": "Greet" })).await;
    assert_eq!((status, code.as_str()), (409, "cannot_call"));

    for version in ["v1", "v2"] {
        let history = server.get(version, "history").await;
        assert!(history.as_array().unwrap().iter().all(|entry| entry["action"] != "call"), "{history:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_has_one_call_at_a_time_and_one_that_nobody_waits_for_ends_by_itself() {
    let cluster = ForwardingCluster::start().await;
    let server = cluster.server(&[("KAI_CALL_TIMEOUT", "3s")]).await;
    server.start("v1", krt("v1")).await;
    let slow = tokio::spawn(server.request("v1", "calls", text("slow").to_string()).send());
    cluster.expect_forwarded_port().await;
    let (status, answer) = server.post("v1", "calls", text("hello")).await;
    assert_eq!((status, &answer["error"]["code"]), (503, &json!("busy")), "{answer:#}");
    slow.abort();
    let is_told = |history: &Value| {
        history[0]["action"] == "call" && history[0]["outcome"]["reason"] == "there was no answer within 3s"
    };
    server.until("v1", "history", is_told).await;
    cluster.expect_no_forwarded_port().await;
    let (status, _) = server.post("v1", "calls", text("hello")).await;
    assert_eq!(status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_sandbox_nothing_is_called_and_that_is_said() {
    let server = TestServer::start().await;
    server.add_runtime("demo").await;
    server.upload("demo", krt("v1")).await.expect(201);
    let version = "/api/v1/runtimes/demo/versions/v1";
    server.post(&format!("{version}/start"), json!({})).await.expect(202);
    server.wait_for(version, "started").await;
    let rpcs = server.get(&format!("{version}/rpcs")).await.expect(200);
    assert!(rpcs["off"].as_str().unwrap().starts_with("Nothing really runs in the sandbox"), "{rpcs:#}");
    assert_eq!(rpcs["rpcs"].as_array().unwrap().len(), 2);
    let error = server.post(&format!("{version}/calls"), text("hello")).await.expect_error(409, "cannot_call");
    assert!(error["message"].as_str().unwrap().contains("nothing really runs in the sandbox"), "{error}");
    // What is wrong with a request is known all the same, on the pages.
    let check = json!({ "runtime": "demo", "version": "v1", "rpc": "Greet", "request": "{\n \"text\": 1 }" });
    let problem = server.post("/api/fn/check_request", check).await.expect(200);
    assert_eq!((&problem["line"], &problem["path"]), (&json!(2), &json!("request")), "{problem}");
}
