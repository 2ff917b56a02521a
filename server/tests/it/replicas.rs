//! Versions of many pods: there is a limit, and up to it the server goes on answering.

use std::{fmt::Write, time::Duration};

use serde_json::json;
use tokio::time::timeout;

use crate::support::{krt::pack, server::TestServer};

/// A version of twenty nodes, each with so many replicas.
fn twenty_nodes(replicas: u32) -> Vec<u8> {
    let mut manifest =
        "version: v1\ndescription: d\nkrtVersion: v2\nentrypoint:\n  proto: p.proto\n  image: example/e:1\n\
                        workflows:\n  - name: flow\n    entrypoint: Call\n    exitpoint: n19\n    nodes:\n"
            .to_owned();
    for number in 0..20 {
        let before = if number == 0 { "entrypoint".to_owned() } else { format!("n{}", number - 1) };
        write!(
            manifest,
            "      - name: n{number}\n        image: example/n:1\n        src: src/n.py\n        replicas: {replicas}\n        \
             subscriptions: [{before}]\n"
        )
        .unwrap();
    }
    let proto = "syntax = \"proto3\";\nmessage M {}\nservice Entrypoint { rpc Call (M) returns (M); }\n";
    pack(&[("krt.yml", manifest.as_bytes()), ("p.proto", proto.as_bytes()), ("src/n.py", b"")])
}

#[tokio::test]
async fn more_replicas_than_a_version_may_have_are_refused_and_as_many_keep_nobody_waiting() {
    let server = TestServer::start().await;
    server.add_runtime("demo").await;
    let refused = server.upload("demo", twenty_nodes(1000)).await.expect_error(422, "invalid_krt");
    let message = refused["problems"][0]["message"].as_str().unwrap();
    assert!(message.contains("more than 1000 replicas"), "{refused}");

    server.upload("demo", twenty_nodes(50)).await.expect(201);
    server.post("/api/v1/runtimes/demo/versions/v1/start", json!({})).await.expect(202);
    let pods = format!("http://{}/api/v1/namespaces/kai-demo/pods", server.sandbox_addr().unwrap());
    let starts = async {
        loop {
            for path in ["/", "/api/v1/runtimes/demo/versions/v1"] {
                let answer = timeout(Duration::from_secs(15), server.get(path)).await;
                assert_eq!(answer.unwrap_or_else(|_| panic!("{path} is not answered")).status, 200);
            }
            let list =
                timeout(Duration::from_secs(15), reqwest::get(&pods)).await.expect("the sandbox does not answer");
            let list: serde_json::Value = serde_json::from_slice(&list.unwrap().bytes().await.unwrap()).unwrap();
            // And the entrypoint.
            if list["items"].as_array().unwrap().len() == 1001 {
                return;
            }
        }
    };
    timeout(Duration::from_secs(120), starts).await.expect("its pods are not made");
}
