//! A server that is killed goes on by itself when it is started again.

mod random;

use std::time::Duration;

use domain::{Caller, Command, Timestamp};
use serde_json::{Value, json};
use server::store::{self, CommandRecord};
use tokio::time::Instant;

use crate::support::{
    krt::Krt,
    program::{Started, program},
    server::MAX_WAIT,
};

const VERSION: &str = "/api/v1/runtimes/demo/versions/one";

#[tokio::test]
async fn a_start_that_a_kill_cuts_short_is_finished_by_the_next_server() {
    let data = tempfile::tempdir().unwrap();
    let mut slow = program(data.path());
    slow.env("KAI_SANDBOX_READY_AFTER", "60s");
    let server = Started::new(&mut slow);
    post(&server, "/api/v1/runtimes", json!({ "id": "demo", "name": "Demo" }).to_string(), 201).await;
    post(&server, "/api/v1/runtimes/demo/versions", Krt::new("one").bytes(), 201).await;
    post(&server, &format!("{VERSION}/start"), String::new(), 202).await;
    // Its pods are there and take their time.
    let under_way = |view: &Value| view["workflows"][0]["nodes"][0]["message"].is_string();
    until(&server, "under way", under_way).await;
    drop(server);

    let mut quick = program(data.path());
    quick.env("KAI_SANDBOX_READY_AFTER", "20ms").env("KAI_NODE_MIN_READY", "0s");
    let server = Started::new(&mut quick);
    let view = until(&server, "started", |view| view["state"] == "started").await;
    assert_eq!(view["health"]["status"], "healthy");
    let history: Vec<Value> = get(&server, &format!("{VERSION}/history")).await.as_array().unwrap().clone();
    assert_eq!((&history[0]["action"], &history[0]["outcome"]["result"]), (&json!("start"), &json!("reached")));
    assert_eq!(history.len(), 2, "{history:?}");
}

#[tokio::test]
async fn a_start_whose_time_ran_out_while_no_server_was_there_is_tried_by_the_next() {
    let data = tempfile::tempdir().unwrap();
    let mut quick = program(data.path());
    quick.env("KAI_SANDBOX_READY_AFTER", "20ms").env("KAI_NODE_MIN_READY", "0s");
    let server = Started::new(&mut quick);
    post(&server, "/api/v1/runtimes", json!({ "id": "demo", "name": "Demo" }).to_string(), 201).await;
    post(&server, "/api/v1/runtimes/demo/versions", Krt::new("one").bytes(), 201).await;
    drop(server);
    // As a server leaves it that ends right after it has taken the command, once its time is over.
    let store = store::open(&format!("sqlite:{}", data.path().join("kai.db").display())).await.unwrap();
    let at = Timestamp::now();
    let deadline = at - Duration::from_secs(1);
    let command = CommandRecord { command: Command::Start, caller: Caller::local(), comment: None, at, deadline };
    store.command(&"demo".parse().unwrap(), &"one".parse().unwrap(), command).await.unwrap();
    drop(store);

    let server = Started::new(&mut quick);
    let view = until(&server, "tried", |view| view["state"] != "starting").await;
    assert_eq!((&view["state"], &view["failure"]), (&json!("started"), &Value::Null));
}

async fn until(server: &Started, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + MAX_WAIT;
    loop {
        let view = get(server, VERSION).await;
        if holds(&view) {
            return view;
        }
        assert!(Instant::now() < end, "not {what}: {view:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn get(server: &Started, path: &str) -> Value {
    let answer = reqwest::get(format!("{}{path}", server.url())).await.unwrap();
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

async fn post(server: &Started, path: &str, body: impl Into<reqwest::Body>, status: u16) {
    let request = reqwest::Client::new().post(format!("{}{path}", server.url())).body(body);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status().as_u16(), status, "{}", answer.text().await.unwrap());
}
