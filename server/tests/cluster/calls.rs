//! Calls of an entrypoint by hand, through the cluster's own port-forward, to pods that really run.
//!
//! Needs the images of the test runner (`cargo run -p xtask -- image`) and `nats-server`, which pods reach where they reach
//! this machine. The images are of generation B, whose entrypoint makes its stream itself.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    on_cluster::{on_cluster, on_cluster_with},
    support::krt::pack,
};

const MANIFEST: &str = "version: v1
description: Made for a test.
entrypoint:
  proto: public_input.proto
  image: kai.test/kre-entrypoint:1.8.1
nodes:
  - name: greeter
    image: kai.test/kre-py:2.1.0
    src: src/main.py
workflows:
  - name: greeting
    entrypoint: Greet
    sequential:
      - greeter
";

const PROTO: &str = "syntax = \"proto3\";
package demo;
message Person { string name = 1; }
message Greeting { string name = 1; }
service Entrypoint { rpc Greet (Person) returns (Greeting); }
";

const SOURCE: &str = "#: when name is nobody: fail there is nobody
#: set name \"hello {name}\"
#: as Greeting
";

#[tokio::test(flavor = "multi_thread")]
async fn a_version_answers_by_hand_before_and_after_it_is_published_and_not_without_its_pods() {
    let nats = Nats::start();
    let url = nats.url.clone();
    let fixture = on_cluster_with(move |settings| {
        settings.runner_env.insert("KRT_NATS_SERVER".to_owned(), url.into());
    })
    .await;
    let runtime = "calls";
    let krt = pack(&[
        ("krt.yml", MANIFEST.as_bytes()),
        ("public_input.proto", PROTO.as_bytes()),
        ("src/main.py", SOURCE.as_bytes()),
    ]);
    fixture.add(runtime, vec![krt]).await;
    fixture.reach(runtime, "v1", "start", "started").await;
    let path = |what: &str| format!("/api/v1/runtimes/{runtime}/versions/v1/{what}");
    let call = async |name: &str| -> Value {
        let body = json!({ "rpc": "Greet", "request": { "name": name } });
        fixture.server.post(&path("calls"), body).await.expect(200)
    };
    // What has just started may need a moment to find the messages' server.
    let is_answered = || async { call("you").await["outcome"]["result"] == "answered" };
    fixture.until_cluster("an answer", is_answered).await;
    for (action, state) in [("publish", "published"), ("unpublish", "started")] {
        fixture.reach(runtime, "v1", action, state).await;
        let answer = call(state).await;
        assert_eq!(answer["outcome"]["response"]["name"], format!("hello {state}"), "{answer:#}");
        assert_eq!(answer["nodes"][0]["node"], "greeter", "{answer:#}");
        assert_eq!(answer["nodes"].as_array().map(Vec::len), Some(1), "{answer:#}");
        println!("{state}: {} ms", answer["took_ms"]);
    }
    let failed = call("nobody").await;
    assert_eq!(failed["outcome"]["result"], "status", "{failed:#}");
    assert!(failed["outcome"]["message"].as_str().unwrap().contains("there is nobody"), "{failed:#}");
    let history = fixture.history(runtime, "v1").await;
    assert_eq!(history[0]["action"], "call");
    assert!(!format!("{history:?}").contains("hello"), "{history:#?}");

    fixture.reach(runtime, "v1", "stop", "stopped").await;
    let refused = fixture.server.post(&path("calls"), json!({ "rpc": "Greet" })).await.expect_error(409, "cannot_call");
    assert!(refused["message"].as_str().unwrap().contains("it is stopped"), "{refused}");
    fixture.clear(&[runtime]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entrypoint_that_speaks_no_grpc_is_told_from_one_that_is_not_there() {
    let fixture = on_cluster().await;
    let runtime = "silent";
    let stand_in = MANIFEST.replace("kai.test/kre-entrypoint:1.8.1", "konstellation/kre-entrypoint:latest");
    let stand_in = stand_in.replace("kai.test/kre-py:2.1.0", "konstellation/kre-py:latest");
    let krt = pack(&[
        ("krt.yml", stand_in.as_bytes()),
        ("public_input.proto", PROTO.as_bytes()),
        ("src/main.py", SOURCE.as_bytes()),
    ]);
    fixture.add(runtime, vec![krt]).await;
    fixture.reach(runtime, "v1", "start", "started").await;
    let path = format!("/api/v1/runtimes/{runtime}/versions/v1/calls");
    let answer = fixture.server.post(&path, json!({ "rpc": "Greet" })).await.expect(200);
    assert_eq!(answer["outcome"]["failure"], "unreachable", "the stand-in answers by HTTP/1.1: {answer:#}");
    fixture.clear(&[runtime]).await;
}

/// On the address where pods reach this machine.
struct Nats {
    process: Child,
    url: String,
    _folder: TempDir,
}

impl Nats {
    fn start() -> Self {
        let host = std::env::var("KAI_TEST_HOST").unwrap_or_else(|_| "10.244.0.1".to_owned());
        let port = TcpListener::bind((host.as_str(), 0)).unwrap().local_addr().unwrap().port().to_string();
        let folder = tempfile::tempdir().unwrap();
        let mut program = Command::new("nats-server");
        program.args(["-js", "-a", &host, "-p", &port, "-sd"]).arg(folder.path());
        let process = program.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { process, url: format!("nats://{host}:{port}"), _folder: folder }
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
