//! What nodes measure: sent as their clients send it, counted, kept, and read again.

use std::{fmt::Write as _, io::Write as _, time::Duration};

use domain::{LiveNumbers, MeasurementsTarget, Metrics, Timestamp};
use flate2::{Compression, write::GzEncoder};
use reqwest::header::CONTENT_ENCODING;
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::support::{
    krt::Krt,
    postgres,
    server::{Answer, MAX_WAIT, TestServer, raw},
};

async fn demo(versions: &[&str]) -> TestServer {
    with_versions(TestServer::start().await, versions).await
}

/// Each of them is to run.
async fn with_versions(server: TestServer, versions: &[&str]) -> TestServer {
    server.add_runtime("demo").await;
    for version in versions {
        server.upload("demo", Krt::new(version).bytes()).await.expect(201);
        command(&server, version, "start").await;
    }
    server
}

async fn command(server: &TestServer, version: &str, command: &str) {
    server.post(&format!("/api/v1/runtimes/demo/versions/{version}/{command}"), json!({})).await.expect(202);
}

/// Where the pods of a version send what they measure.
async fn path(server: &TestServer, version: &str) -> String {
    let (runtime, version) = ("demo".parse().unwrap(), version.parse().unwrap());
    let record = server.store().await.version(&runtime, &version).await.unwrap().unwrap();
    let token = record.file.measurements_token();
    format!("{}/api/v2/write", server::krt_url::measurements_path(&runtime, &version, token.expose()))
}

async fn write(server: &TestServer, path: &str, body: impl Into<reqwest::Body>) -> Answer {
    let url = format!("http://{}{path}?org=&bucket=demo&precision=s", server.internal_addr());
    let request = server.client().post(url).header("authorization", "Token ").body(body);
    Answer::of(request.send().await.unwrap()).await
}

/// As the runners write it, so many seconds ago.
fn handled(version: &str, ms: f64, success: bool, ago: i64) -> String {
    let at = Timestamp::now().as_second() - ago;
    format!(
        "node_elapsed_time,from_node=entrypoint,version={version},workflow=greeting,node=greeter \
         elapsed_ms={ms},success={success} {at}\n"
    )
}

fn gzip(text: &str) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

async fn metrics(server: &TestServer, version: &str, range: &str) -> Metrics {
    let answer = server.get(&format!("/api/v1/runtimes/demo/versions/{version}/metrics?range={range}")).await;
    serde_json::from_value(answer.expect(200)).unwrap()
}

async fn live(server: &TestServer, version: &str) -> LiveNumbers {
    let answer = server.get(&format!("/api/v1/runtimes/demo/versions/{version}/live")).await;
    serde_json::from_value(answer.expect(200)).unwrap()
}

/// Its messages over the last hour.
async fn messages(server: &TestServer, version: &str) -> u64 {
    metrics(server, version, "1h").await.workflows[0].nodes[0].totals.messages
}

#[tokio::test]
async fn what_nodes_write_is_counted_per_node_and_shown_as_curves() {
    let server = demo(&["v1"]).await;
    let path = path(&server, "v1").await;
    let mut body = String::new();
    for ms in 1..=10 {
        body += &handled("v1", f64::from(ms) * 10.0, ms != 10, 20 * 60);
    }
    body += &handled("v1", 30.0, true, 0);
    writeln!(body, "quality,workflow=greeting,node=greeter,model=a score=0.5,label=\"x\"").unwrap();
    writeln!(body, "quality,workflow=greeting,node=greeter,model=a score=1.5").unwrap();
    let written = write(&server, &path, body).await;
    assert_eq!((written.status, written.text().as_str()), (204, ""));

    let hour = metrics(&server, "v1", "1h").await;
    assert_eq!((hour.steps, hour.step_secs, hour.target), (60, 60, MeasurementsTarget::Server));
    assert_eq!((hour.compared_with.as_ref(), hour.refused.as_ref()), (None, None));
    let workflow = &hour.workflows[0];
    assert_eq!((workflow.workflow.as_str(), workflow.rpc.as_str()), ("greeting", "Greet"));
    let node = &workflow.nodes[0];
    assert_eq!((node.node.as_str(), node.totals.messages, node.totals.failures), ("greeter", 11, 1));
    let near = |found: Option<f64>, wanted: f64| found.is_some_and(|found| (found / wanted - 1.0).abs() < 0.05);
    assert!(near(node.totals.median_ms, 50.0) && near(node.totals.p95_ms, 100.0), "{:?}", node.totals);
    let busy: Vec<usize> =
        node.messages.now.iter().enumerate().filter(|(_, rate)| **rate > Some(0.0)).map(|(step, _)| step).collect();
    assert_eq!(busy.len(), 2, "{:?}", node.messages.now);
    assert_eq!((node.messages.now[busy[0]], node.failures.now[busy[0]]), (Some(10.0), Some(1.0)));
    assert_eq!(workflow.requests.now, node.messages.now);
    let [own] = hour.own.as_slice() else { panic!("one number of its own: {:?}", hour.own) };
    assert_eq!(
        (own.measurement.as_str(), own.field.as_str(), own.node.as_str(), own.tags.as_str()),
        ("quality", "score", "greeting/greeter", "model=a")
    );
    assert_eq!((own.count, own.min, own.mean, own.max, own.last), (2, 0.5, 1.0, 1.5, 1.5));

    assert_eq!(metrics(&server, "v1", "15m").await.workflows[0].nodes[0].totals.messages, 1);
    assert_eq!(metrics(&server, "v1", "6h").await.workflows[0].nodes[0].totals.messages, 11);
    server.get("/api/v1/runtimes/demo/versions/v1/metrics?range=2h").await.expect_error(422, "invalid_input");

    let live = live(&server, "v1").await;
    let [node] = live.nodes.as_slice() else { panic!("{live:?}") };
    assert!(
        node.per_second > 0.0 && node.per_second < 0.1 && near(node.median_ms, 30.0) && node.failures == 0,
        "{node:?}"
    );
    let [edge] = live.edges.as_slice() else { panic!("{live:?}") };
    assert_eq!(
        (edge.subscription.as_str(), edge.to.as_str(), edge.per_second, edge.queue),
        ("entrypoint", "greeter", node.per_second, None)
    );
}

#[tokio::test]
async fn a_version_stands_beside_the_one_that_was_published_before() {
    let server = demo(&["v1", "v2"]).await;
    for version in ["v1", "v2"] {
        let own = format!("/api/v1/runtimes/demo/versions/{version}");
        server.wait_for(&own, "started").await;
        command(&server, version, "publish").await;
        server.wait_for(&own, "published").await;
    }
    let path = path(&server, "v1").await;
    assert_eq!(write(&server, &path, handled("v1", 20.0, false, 300)).await.status, 204);

    let second = metrics(&server, "v2", "1h").await;
    assert_eq!(second.compared_with.as_ref().map(|name| name.as_str()), Some("v1"));
    let node = &second.workflows[0].nodes[0];
    assert_eq!((node.totals.messages, node.totals_before.unwrap().failures), (0, 1));
    assert_eq!(node.failures.before.iter().flatten().collect::<Vec<_>>(), [&1.0]);
    assert_eq!(metrics(&server, "v1", "1h").await.compared_with, None);
}

#[tokio::test]
async fn only_the_credential_of_the_present_start_writes() {
    let server = demo(&["v1", "v2"]).await;
    let (first, other) = (path(&server, "v1").await, path(&server, "v2").await);
    let point = || handled("v1", 1.0, true, 0);
    // What a point says of its version means nothing.
    assert_eq!(write(&server, &other, point()).await.status, 204);
    assert_eq!((messages(&server, "v1").await, messages(&server, "v2").await), (0, 1));

    let stolen = other.replace("/v2/", "/v1/");
    for wrong in
        [&stolen, "/measurements/demo/v1//api/v2/write", "/measurements/demo/v3/x/api/v2/write", "/api/v2/write"]
    {
        let denied = write(&server, wrong, point()).await;
        assert_eq!((denied.status, denied.text().as_str()), (401, ""), "{wrong}");
    }
    // It opens no file.
    let token = first.split('/').nth(4).unwrap();
    let file = server.client().get(format!("http://{}/krt/demo/v1", server.internal_addr())).bearer_auth(token);
    assert_eq!(file.send().await.unwrap().status(), 401);

    // Pods that end tell the last of what they did.
    let version = "/api/v1/runtimes/demo/versions/v1";
    server.wait_for(version, "started").await;
    command(&server, "v1", "stop").await;
    server.wait_for(version, "stopped").await;
    assert_eq!(write(&server, &first, point()).await.status, 204);
    command(&server, "v1", "start").await;
    let second = path(&server, "v1").await;
    assert_ne!(first, second);
    assert_eq!(write(&server, &second, point()).await.status, 204);
    let denied = write(&server, &first, point()).await.status;
    assert_eq!(denied, 401);
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_in_words() {
    let server = TestServer::start_with(|settings| {
        settings.measurements.body_bytes = 2_000;
        settings.measurements.unpacked_bytes = 10_000;
        settings.measurements.series_per_version = 3;
    });
    let server = with_versions(server.await, &["v1"]).await;
    let path = path(&server, "v1").await;
    let now = Timestamp::now().as_second();
    let refused = |answer: Answer, status: u16, why: &str| {
        let message = answer.expect(status)["message"].as_str().unwrap().to_owned();
        assert!(message.contains(why), "{message}");
    };
    refused(write(&server, &path, "no point").await, 400, "1 of 1 points were not taken");
    let mixed = format!("{}what is this?\n{}", handled("v1", 1.0, true, 0), handled("v1", 1.0, true, 0));
    refused(write(&server, &path, mixed).await, 400, "1 of 3 points");
    assert_eq!(messages(&server, "v1").await, 2, "the others are taken");
    refused(write(&server, &path, handled("v1", 1.0, true, 7 * 3600)).await, 400, "minutes ago");
    refused(write(&server, &path, handled("v1", 1.0, true, -3600)).await, 400, "in the future");
    let elsewhere = handled("v1", 1.0, true, 0).replace("node=greeter", "node=ghost");
    refused(write(&server, &path, elsewhere).await, 400, "no node `greeting/ghost`");
    let series: String = (0..5).map(|number| format!("m,user={number} v=1 {now}\n")).collect();
    refused(
        write(&server, &path, series).await,
        400,
        "2 of 5 points were not taken. The first: the version has more than 3 series",
    );
    refused(write(&server, &path, "m v=1 ".repeat(1_000)).await, 413, "at most 2000 bytes");
    refused(write(&server, &path, [0xff, 0xfe].to_vec()).await, 400, "UTF-8");

    let url = format!("http://{}{path}", server.internal_addr());
    let packed = |encoding: &'static str, body: Vec<u8>| {
        let request = server.client().post(url.clone()).header(CONTENT_ENCODING, encoding).body(body);
        async move { Answer::of(request.send().await.unwrap()).await }
    };
    refused(
        packed("gzip", gzip(&"# nothing\n".repeat(1_001))).await,
        413,
        "unpacked body may have at most 10000 bytes",
    );
    refused(packed("gzip", b"plain".to_vec()).await, 400, "no gzip");
    refused(packed("br", b"plain".to_vec()).await, 415, "neither gzip nor identity");
    assert_eq!(packed("gzip", gzip("m,user=1 v=2")).await.status, 204, "without `precision` and time");
    let answer = server.client().post(format!("{url}?precision=h")).send().await.unwrap();
    refused(Answer::of(answer).await, 400, "`precision` is none of");

    let told = metrics(&server, "v1", "1h").await;
    let refusals = told.refused.unwrap();
    assert_eq!((refusals.count, told.own.len()), (7, 3));
    assert!(refusals.reason.contains("more than 3 series"), "{}", refusals.reason);
}

#[tokio::test]
async fn a_version_that_sends_too_much_is_told_to_send_less_and_others_go_on() {
    let server = TestServer::start_with(|settings| {
        settings.measurements.points_per_ten_seconds = 5;
        settings.measurements.bodies_per_version = 1;
    });
    let server = with_versions(server.await, &["v1", "v2"]).await;
    let (first, second) = (path(&server, "v1").await, path(&server, "v2").await);

    // A body that does not come holds its version's place alone. One that comes while another is read is refused itself, so
    // there may be several.
    let mut slow = Vec::new();
    let head = format!("POST {first} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nm v=");
    let busy = tokio::time::timeout(MAX_WAIT, async {
        loop {
            let answer = write(&server, &first, "").await;
            if answer.status != 204 {
                return answer;
            }
            let mut begun = TcpStream::connect(server.internal_addr()).await.unwrap();
            begun.write_all(head.as_bytes()).await.unwrap();
            slow.push(begun);
        }
    });
    let busy = busy.await.unwrap();
    assert_eq!((busy.status, busy.header("retry-after")), (429, "1"));
    assert_eq!(write(&server, &second, handled("v2", 1.0, true, 0)).await.status, 204);
    drop(slow);
    tokio::time::timeout(MAX_WAIT, async { while write(&server, &first, "").await.status != 204 {} }).await.unwrap();

    let six: String = (0..6).map(|_| handled("v1", 1.0, true, 0)).collect();
    assert_eq!(write(&server, &first, six).await.status, 204, "what has begun is taken to its end");
    let too_many = write(&server, &first, handled("v1", 1.0, true, 0)).await;
    assert_eq!((too_many.status, too_many.header("retry-after")), (429, "10"));
    assert_eq!(write(&server, &second, handled("v2", 1.0, true, 0)).await.status, 204);
    assert_eq!((messages(&server, "v1").await, messages(&server, "v2").await), (6, 2));
}

async fn survive_a_restart(database_url: Option<String>) {
    let server = TestServer::start_with(|settings| {
        if let Some(url) = database_url {
            settings.database_url = url.into();
        }
    });
    let server = with_versions(server.await, &["v1"]).await;
    let target = path(&server, "v1").await;
    for ago in [50 * 60, 60, 0] {
        assert_eq!(write(&server, &target, handled("v1", 10.0, true, ago)).await.status, 204);
    }
    let server = server.restart(|_| {}).await;
    assert_eq!(messages(&server, "v1").await, 3);
    // The minute goes on in which it stopped.
    assert_eq!(write(&server, &target, handled("v1", 10.0, true, 0)).await.status, 204);
    let server = server.restart(|_| {}).await;
    assert_eq!(messages(&server, "v1").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_loses_nothing_with_sqlite() {
    survive_a_restart(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_loses_nothing_with_postgresql() {
    survive_a_restart(Some(postgres::new_database().await)).await;
}

#[tokio::test]
async fn minutes_are_stored_while_the_server_runs_and_read_with_what_is_not_stored_yet() {
    let server = TestServer::start_with(|settings| settings.measurements.flush_interval = Duration::from_millis(20));
    let server = with_versions(server.await, &["v1"]).await;
    let target = path(&server, "v1").await;
    let store = server.store().await;
    let key = store.version(&"demo".parse().unwrap(), &"v1".parse().unwrap()).await.unwrap().unwrap().key;
    for sent in 1..=20 {
        assert_eq!(write(&server, &target, handled("v1", 10.0, true, 120)).await.status, 204);
        assert_eq!(messages(&server, "v1").await, sent, "wherever it is just now");
    }
    let stored = tokio::time::timeout(MAX_WAIT, async {
        loop {
            let minutes = store.measurements(key, 0, i64::MAX).await.unwrap();
            if minutes.iter().any(|(_, content)| content.contains("\"count\":20")) {
                return minutes.len();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    // The test may run over the end of a minute.
    assert!((1..=2).contains(&stored.await.unwrap()));
}

#[tokio::test]
async fn nothing_but_a_post_is_answered() {
    let server = demo(&["v1"]).await;
    let target = path(&server, "v1").await;
    let answer =
        raw(server.internal_addr(), &format!("GET {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"))
            .await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert_eq!(server.send(reqwest::Method::POST, &target, "").await.status, 404, "on the public listener");
}
