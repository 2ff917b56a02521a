//! What the containers of a version write, as the API streams it.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
};
use domain::{LogLine, LogText};
use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use sandbox::Sandbox;
use serde_json::json;
use tokio::time::timeout;

use crate::support::{
    fixture::Fixture,
    krt::{Krt, pack},
    log_lines::{LogLines, said},
    program::{Started, program},
    server::{MAX_WAIT, TestServer},
};

const VERSION: &str = "/api/v1/runtimes/demo/versions/v1";

/// Two workflows, one with a node of three replicas; both have a node `last`.
fn two_workflows() -> Vec<u8> {
    let node = |name: &str, more: &str| {
        format!("      - name: {name}\n        image: example/node:1\n        src: src/main.py\n        {more}\n")
    };
    let workflow = |name: &str, rpc: &str, nodes: String| {
        format!("  - name: {name}\n    entrypoint: {rpc}\n    exitpoint: last\n    nodes:\n{nodes}")
    };
    let many = node("many", "replicas: 3\n        subscriptions: [entrypoint]");
    let manifest = [
        "version: v1\nkrtVersion: v2\ndescription: Made for a test.\n".to_owned(),
        "entrypoint:\n  proto: public_input.proto\n  image: example/entrypoint:1\nworkflows:\n".to_owned(),
        workflow("alpha", "A", many + &node("last", "subscriptions: [many]")),
        workflow("beta", "B", node("last", "subscriptions: [entrypoint]")),
    ];
    pack(&[
        ("krt.yml", manifest.concat().as_bytes()),
        (
            "public_input.proto",
            b"syntax = \"proto3\";\nservice E { rpc A (R) returns (R) {}; rpc B (R) returns (R) {}; }\nmessage R {}\n",
        ),
        ("src/main.py", b"print('hello')\n"),
    ])
}

async fn started(krt: Vec<u8>) -> TestServer {
    let server = TestServer::start().await;
    server.add_runtime("demo").await;
    server.upload("demo", krt).await.expect(201);
    server.post(&format!("{VERSION}/start"), json!({})).await.expect(202);
    server.wait_for(VERSION, "started").await;
    server
}

async fn read(server: &TestServer, query: &str) -> Vec<LogLine> {
    LogLines::open(server, "demo", "v1", query).await.all().await
}

/// Who has logged, as `workflow/node`, and how many pods.
fn sources(lines: &[LogLine]) -> (BTreeSet<String>, usize) {
    let name = |line: &LogLine| match &line.workflow {
        Some(workflow) => format!("{workflow}/{}", line.node),
        None => line.node.clone(),
    };
    let pods: BTreeSet<_> = lines.iter().map(|line| &line.pod).collect();
    (lines.iter().map(name).collect(), pods.len())
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn all_replicas_of_what_is_asked_for_are_read_in_the_order_of_time() {
    let server = started(two_workflows()).await;
    for (query, names, pods) in [
        ("", &["entrypoint", "alpha/many", "alpha/last", "beta/last"][..], 6),
        ("workflow=alpha", &["alpha/many", "alpha/last"], 4),
        ("node=last", &["alpha/last", "beta/last"], 2),
        ("workflow=beta&node=last", &["beta/last"], 1),
        ("node=many", &["alpha/many"], 3),
        ("node=entrypoint", &["entrypoint"], 1),
    ] {
        let lines = read(&server, query).await;
        assert_eq!(sources(&lines), (set(names), pods), "{query}");
        assert!(lines.is_sorted_by_key(|line| line.time), "{query}: {lines:?}");
        for line in &lines {
            assert!(said(line).starts_with(&format!("{}: ", line.node)), "{line:?}");
            assert_eq!(line.container, if line.workflow.is_some() { "node" } else { "entrypoint" });
        }
    }
}

#[tokio::test]
async fn a_tail_is_counted_for_each_pod_and_since_leaves_out_what_is_older() {
    let server = started(two_workflows()).await;
    let mut followed = LogLines::open(&server, "demo", "v1", "node=many&follow=true").await;
    let second = followed.until("a second line", |line| said(line).contains("up for 1 s")).await;
    followed.until("a later line", |line| line.time > second.time).await;
    let tail = read(&server, "node=many&tail=1").await;
    assert_eq!((tail.len(), sources(&tail).1), (3, 3), "{tail:?}");
    assert!(read(&server, "node=many&tail=0").await.is_empty());

    let since = read(&server, &format!("node=many&since={}", second.time)).await;
    assert!(!since.is_empty() && since.iter().all(|line| line.time >= second.time), "{since:?}");
    assert!(read(&server, "since=2100-01-01T00:00:00Z").await.is_empty());
    assert_eq!(sources(&read(&server, "since=1h").await).1, 6);
}

#[tokio::test]
async fn a_version_that_does_not_run_has_no_lines_and_is_waited_for_when_followed() {
    let server = TestServer::start().await;
    server.add_runtime("demo").await;
    server.upload("demo", Krt::new("v1").bytes()).await.expect(201);
    let mut followed = LogLines::open(&server, "demo", "v1", "node=greeter&follow=true").await;
    assert!(read(&server, "").await.is_empty());
    server.post(&format!("{VERSION}/start"), json!({})).await.expect(202);
    let first = followed.until("a line of the node", |line| line.container == "node").await;
    assert!(said(&first).contains("started"), "from its first line: {first:?}");
}

#[tokio::test]
async fn the_log_before_the_last_restart_is_kept_of_what_crashes_alone() {
    // Slow enough to be looked at between two of its crashes.
    let server = TestServer::start_with(|settings| settings.sandbox_ready_after = Duration::from_millis(600)).await;
    server.add_runtime("demo").await;
    let krt = Krt::new("v1").images("example/crash:1", "example/entrypoint:1");
    server.upload("demo", krt.bytes()).await.expect(201);
    server.post(&format!("{VERSION}/start"), json!({})).await.expect(202);
    let end = Instant::now() + MAX_WAIT;
    let lines = loop {
        let lines = read(&server, "previous=true").await;
        if lines.iter().any(|line| line.container == "node") {
            break lines;
        }
        assert!(Instant::now() < end, "no previous log: {lines:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(sources(&lines), (set(&["greeting/greeter"]), 1));
    assert!(lines.last().is_some_and(|line| said(line).contains("exit code 1")), "{lines:?}");
}

#[tokio::test]
async fn a_run_that_follows_a_crash_is_followed_too() {
    let server = TestServer::start_with(|settings| settings.sandbox_ready_after = Duration::from_millis(600)).await;
    server.add_runtime("demo").await;
    let krt = Krt::new("v1").images("example/crash:1", "example/entrypoint:1");
    server.upload("demo", krt.bytes()).await.expect(201);
    let mut followed = LogLines::open(&server, "demo", "v1", "node=greeter&follow").await;
    server.post(&format!("{VERSION}/start"), json!({})).await.expect(202);
    let first = followed.until("its end", |line| said(line).contains("exit code 1")).await;
    let again = followed.until("its next start", |line| said(line).contains("started")).await;
    assert_eq!((&first.pod, &first.container), (&again.pod, &again.container));
    let next = followed.until("its next end", |line| said(line).contains("exit code 1")).await;
    assert!(next.time > first.time && next.pod == first.pod, "{first:?} {next:?}");
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_said_with_what_there_is() {
    let server = TestServer::start().await;
    server.add_runtime("demo").await;
    server.upload("demo", two_workflows()).await.expect(201);
    for (query, status, code, parts) in [
        ("node=nobody", 404, "not_found", &["`nobody`", "`entrypoint`", "`last`, `many`"][..]),
        ("workflow=gamma", 404, "not_found", &["`gamma`", "`alpha`, `beta`"]),
        ("workflow=beta&node=many", 404, "not_found", &["`many`", "`beta`", "`last`"]),
        ("workflow=beta&node=entrypoint", 404, "not_found", &["`entrypoint`", "`last`"]),
        ("tail=10001", 422, "invalid_input", &["tail", "10000"]),
        ("since=yesterday", 422, "invalid_input", &["since", "10m"]),
        ("follow=maybe", 422, "invalid_input", &["follow", "true"]),
        ("follow=true&previous=true", 422, "invalid_input", &["previous", "follow"]),
        ("tails=3", 422, "invalid_input", &["tails", "tail"]),
        ("until=tomorrow", 422, "invalid_input", &["until", "10m"]),
        ("until=5m&follow=true", 422, "invalid_input", &["until", "follow"]),
        ("until=5m&tail=10", 422, "invalid_input", &["tail", "until", "all"]),
        ("since=5m&until=10m", 422, "invalid_input", &["until", "since"]),
        ("level=error,loud", 422, "invalid_input", &["level", "`error`", "`plain`"]),
        ("format=pdf", 422, "invalid_input", &["format", "text"]),
        ("format=text&follow=true", 422, "invalid_input", &["format", "follow"]),
    ] {
        let error = server.get(&format!("{VERSION}/logs?{query}")).await.expect_error(status, code);
        let message = error["message"].as_str().unwrap();
        assert!(parts.iter().all(|part| message.contains(part)), "{query}: {message}");
    }
    server.get("/api/v1/runtimes/demo/versions/v9/logs").await.expect_error(404, "not_found");
    server.get("/api/v1/runtimes/nowhere/versions/v1/logs").await.expect_error(404, "not_found");
}

#[tokio::test]
async fn followed_logs_end_with_the_server() {
    let server = started(Krt::new("v1").bytes()).await;
    let mut followed = LogLines::open(&server, "demo", "v1", "follow=true").await;
    followed.next().await;
    let begun = Instant::now();
    server.shut_down().await;
    while followed.next().await.is_some() {}
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

/// A version whose node has said much, of all levels, and goes on.
async fn chatty() -> TestServer {
    let server = started(Krt::new("v1").images("example/chatty:1", "example/entrypoint:1").bytes()).await;
    // It takes half a second to say it.
    let said = async { while read(&server, "node=greeter&tail=10000").await.len() < 10_000 {} };
    timeout(MAX_WAIT, said).await.expect("it says much");
    server
}

#[tokio::test]
async fn only_lines_that_have_what_is_looked_for_are_sent() {
    let server = chatty().await;
    // What is written meanwhile is left out.
    let all = read(&server, "node=greeter&tail=all").await;
    let until = all.last().unwrap().time;
    let of = |query: &str| format!("node=greeter&until={until}&{query}");
    let whole = read(&server, &of("")).await;
    assert!(whole.len() >= 10_000 && whole.len() <= all.len(), "{}", whole.len());
    let texts = |lines: &[LogLine]| lines.iter().map(|line| said(line).to_owned()).collect::<Vec<_>>();
    let has = |part: &str| texts(&whole).into_iter().filter(|text| text.contains(part)).collect::<Vec<_>>();

    assert_eq!(texts(&read(&server, &of("search=COULD%20NOT%20BE%20READ")).await), has("could not be read"));
    assert_eq!(texts(&read(&server, &of("level=warn")).await), has("level=warn"));
    assert_eq!(texts(&read(&server, &of("level=plain")).await).len(), has(": waiting for messages").len() + 1);
    // A stack trace belongs to its error.
    let errors = texts(&read(&server, &of("level=error")).await);
    assert_eq!(errors.len(), has("could not be read").len() + has("  File").len());
    assert!(errors[1].starts_with("  File"), "{:?}", &errors[..2]);
    let both = texts(&read(&server, &of("level=error,warn&search=line%3D1003%20")).await);
    assert_eq!(both.len(), 1, "{both:?}");
    assert_eq!(read(&server, &of("level=error,warn,info,debug,plain")).await.len(), whole.len());
    assert!(read(&server, &of("search=nothing%20of%20the%20kind")).await.is_empty());
    // A tail is counted before.
    assert!(read(&server, "node=greeter&tail=20&level=warn").await.len() <= 1);

    let mut followed = LogLines::open(&server, "demo", "v1", "node=greeter&follow=true&tail=0&level=warn").await;
    let first = followed.next().await.unwrap();
    assert!(said(&first).starts_with("level=warn"), "{first:?}");
}

#[tokio::test]
async fn a_range_has_all_lines_between_two_moments() {
    let server = chatty().await;
    // From late in a second, of which Kubernetes knows the whole.
    let mut lines = LogLines::open(&server, "demo", "v1", "node=greeter&follow=true&tail=1").await;
    let is_late = |line: &LogLine| line.time.subsec_nanosecond() > 500_000_000;
    let from = lines.until("a line late in a second", is_late).await.time;
    let to = lines.until("one of a later second", |line| line.time.as_second() > from.as_second() + 1).await.time;
    let all = read(&server, "tail=all").await;
    let range = read(&server, &format!("since={from}&until={to}")).await;
    let expected: Vec<_> = all.iter().filter(|line| line.time >= from && line.time <= to).collect();
    assert_eq!(range.iter().collect::<Vec<_>>(), expected);
    assert!(read(&server, "until=2020-01-01T00:00:00Z").await.is_empty());
    let mut followed = LogLines::open(&server, "demo", "v1", &format!("node=greeter&since={from}&follow=true")).await;
    assert_eq!(Some(followed.next().await.unwrap()), all.iter().find(|line| line.time == from).cloned());
}

#[tokio::test]
async fn all_that_matches_is_one_text_file() {
    let server = chatty().await;
    let lines = read(&server, "node=greeter&tail=all").await;
    let until = lines.last().unwrap().time;
    let query = format!("workflow=greeting&node=greeter&tail=all&format=text&until={until}");
    let answer = server.client().get(server.url(&format!("{VERSION}/logs?{query}"))).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"demo-v1-greeting-greeter.log\"");
    let file = answer.text().await.unwrap();
    let expected: Vec<_> = lines.iter().map(|line| format!("{:.9} {} {}", line.time, line.pod, said(line))).collect();
    assert!(file.lines().eq(expected), "{}", &file[..300]);

    let url = server.url(&format!("{VERSION}/logs?{query}&level=error&search=line%2013:"));
    let answer = server.client().get(url).send().await.unwrap().text().await.unwrap();
    assert_eq!(answer.lines().count(), 1, "{answer}");
    assert!(answer.ends_with("ERROR greeter: line 13: a message could not be read\n"), "{answer}");
}

/// The logs that are being read of a cluster.
#[derive(Clone, Default)]
struct Open {
    paths: Arc<Mutex<Vec<String>>>,
    /// What it answers to the next who ask for a log.
    refusals: Arc<Mutex<u32>>,
}

impl Open {
    fn count(&self) -> usize {
        self.paths.lock().unwrap().len()
    }

    async fn until(&self, what: &str, holds: impl Fn(usize) -> bool) {
        let end = Instant::now() + MAX_WAIT;
        while !holds(self.count()) {
            assert!(Instant::now() < end, "never {what}: {:?}", self.paths.lock().unwrap());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

struct Entry(Open, String);

impl Drop for Entry {
    fn drop(&mut self) {
        let mut paths = self.0.paths.lock().unwrap();
        if let Some(at) = paths.iter().position(|path| *path == self.1) {
            paths.remove(at);
        }
    }
}

/// Counts an answer for as long as somebody reads it.
async fn counted(State(open): State<Open>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if !path.ends_with("/log") {
        return next.run(request).await;
    }
    let refused = open.refusals.lock().unwrap().checked_sub(1);
    if let Some(left) = refused {
        *open.refusals.lock().unwrap() = left;
        let status = json!({ "kind": "Status", "status": "Failure", "message": "the kubelet is away", "code": 500 });
        return Response::builder().status(500).body(Body::from(status.to_string())).unwrap();
    }
    open.paths.lock().unwrap().push(path.clone());
    let entry = Entry(open, path);
    next.run(request).await.map(|body| {
        let pieces = body.into_data_stream().map(move |piece| {
            let _held = &entry;
            piece
        });
        Body::from_stream(pieces)
    })
}

/// The program, and apart from it a cluster with a running version.
async fn beside_a_cluster(data: &std::path::Path) -> (Started, Sandbox, Open) {
    let options = sandbox::Options { ready_after: Duration::from_millis(20), ..Default::default() };
    let (sandbox, open) = (Sandbox::start(options), Open::default());
    let router = sandbox.router().layer(middleware::from_fn_with_state(open.clone(), counted));
    let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let kubeconfig = data.join("kubeconfig");
    let content = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{ "name": "test", "cluster": { "server": format!("http://{addr}") } }],
        "users": [{ "name": "test", "user": {} }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test" } }],
    });
    std::fs::write(&kubeconfig, content.to_string()).unwrap();
    let mut program = program(data);
    program.env("KAI_CLUSTER", "kubeconfig").env("KUBECONFIG", kubeconfig).env("KAI_NODE_MIN_READY", "0s");
    let server = Started::new(&mut program);
    let client = reqwest::Client::new();
    let url = |path: &str| format!("{}{path}", server.url());
    let new = json!({ "id": "demo", "name": "Demo" }).to_string();
    for (path, body, status) in [
        ("/api/v1/runtimes", new.into_bytes(), 201),
        ("/api/v1/runtimes/demo/versions", two_workflows(), 201),
        (&format!("{VERSION}/start"), Vec::new(), 202),
    ] {
        let answer = client.post(url(path)).body(body).send().await.unwrap();
        assert_eq!(answer.status(), status, "{}", answer.text().await.unwrap());
    }
    let end = Instant::now() + MAX_WAIT;
    while !reqwest::get(url(VERSION)).await.unwrap().text().await.unwrap().contains(r#""state":"started""#) {
        assert!(Instant::now() < end, "not started");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // What a failed start would ask for is over.
    open.until("idle", |count| count == 0).await;
    (server, sandbox, open)
}

#[tokio::test]
async fn a_client_that_goes_away_ends_what_was_asked_of_the_cluster() {
    let data = tempfile::tempdir().unwrap();
    let (server, _sandbox, open) = beside_a_cluster(data.path()).await;
    let url = format!("{}{VERSION}/logs?node=many&follow=true", server.url());
    let mut followed = LogLines::of(reqwest::get(&url).await.unwrap());
    followed.next().await;
    open.until("three logs that are followed", |count| count == 3).await;
    drop(followed);
    open.until("none that is followed", |count| count == 0).await;
}

#[tokio::test]
async fn a_log_that_cannot_be_read_is_a_line_and_delays_no_other() {
    let data = tempfile::tempdir().unwrap();
    let (server, _sandbox, open) = beside_a_cluster(data.path()).await;
    let url = |query: &str| format!("{}{VERSION}/logs?{query}", server.url());
    let is_error = |line: &LogLine| matches!(&line.text, LogText::Error(said) if said.contains("the kubelet is away"));

    *open.refusals.lock().unwrap() = 1;
    let lines = LogLines::of(reqwest::get(url("node=many")).await.unwrap()).all().await;
    assert_eq!(lines.iter().filter(|line| is_error(line)).count(), 1, "{lines:?}");
    assert_eq!(sources(&lines).1, 3, "{lines:?}");

    // A file says what it lacks, whatever is looked for.
    *open.refusals.lock().unwrap() = 1;
    let file = reqwest::get(url("node=many&format=text&search=nothing")).await.unwrap().text().await.unwrap();
    assert!(file.contains("Could not read this log: ") && file.contains("the kubelet is away"), "{file}");

    // Followed, it is asked for again, and said once.
    *open.refusals.lock().unwrap() = 5;
    let mut followed = LogLines::of(reqwest::get(url("node=many&follow=true")).await.unwrap());
    let (mut errors, mut read) = (Vec::new(), BTreeSet::new());
    while read.len() < 3 {
        let line = followed.next().await.unwrap();
        if is_error(&line) {
            errors.push(line.pod);
        } else {
            read.insert(line.pod);
        }
    }
    errors.sort();
    assert_eq!(errors, read.into_iter().collect::<Vec<_>>(), "each says it once");
}

#[tokio::test]
async fn a_pod_in_place_of_another_is_followed_from_its_first_line() {
    let fixture = Fixture::sandbox().await;
    fixture.add("demo", vec![two_workflows()]).await;
    fixture.reach("demo", "v1", "start", "started").await;
    let mut followed = LogLines::open(&fixture.server, "demo", "v1", "node=many&follow=true&tail=1").await;
    let (mut before, mut lost) = (BTreeSet::new(), String::new());
    while before.len() < 3 {
        lost = followed.next().await.unwrap().pod;
        before.insert(lost.clone());
    }
    fixture.api::<Pod>("demo").delete(&lost, &Default::default()).await.unwrap();
    let new = |line: &LogLine| !before.contains(&line.pod) && line.container == "node";
    let first = followed.until("a line of another pod", new).await;
    assert!(said(&first).contains("started"), "{first:?}");
}
