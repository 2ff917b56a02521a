//! Runners as processes, a real nats-server between them, and a caller.
#![expect(clippy::unwrap_used, reason = "a test that meets an error fails by it, in helpers too")]

mod support;

use std::time::Duration;

use async_nats::jetstream::stream::{Config, RetentionPolicy};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tonic::Code;

use support::{Generation, Stage, runner};

const LONG: Duration = Duration::from_secs(22 * 60 * 60);
const STEP: &str = "#: append path \"{$KRT_NODE_NAME}\"\n";
const LAST: &str = "#: forward\n#: append path \"{$KRT_NODE_NAME}\"\n#: as Answer\n#: send\n";

fn step() -> String {
    format!("{STEP}#: send\n")
}

async fn three(generation: Generation, first: &str) -> Stage {
    let stage = Stage::new(generation).await;
    match generation {
        Generation::B => stage.node("a", &["a"], &format!("{first}\n{STEP}")).node("b", &["b"], STEP).node(
            "c",
            &["c"],
            &format!("{STEP}#: as Answer\n"),
        ),
        Generation::C2 => stage
            .node("a", &["entrypoint"], &format!("{first}\n{}", step()))
            .node("b", &["a"], &step())
            .node("c", &["b", "a.side"], LAST),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_answered_through_three_nodes() {
    for generation in [Generation::B, Generation::C2] {
        let stage = three(generation, "").await;
        if generation == Generation::C2 {
            stage.prepare().await;
            let (caller, _nodes) = stage.start().await;
            assert_eq!(caller.path_of("x").await, ["a", "b", "c"]);
        } else {
            // The entrypoint makes the stream; nodes that come before it end.
            let (caller, _nodes) = stage.start().await;
            assert_eq!(caller.path_of("x").await, ["a", "b", "c"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_get_their_own_answers() {
    let stage = three(Generation::C2, "").await;
    stage.prepare().await;
    let (caller, _nodes) = stage.start().await;
    let texts: Vec<String> = (0..30).map(|at| format!("question {at}")).collect();
    let answers = futures::future::join_all(texts.iter().map(|text| caller.ask(text))).await;
    for (text, answer) in texts.iter().zip(answers) {
        assert_eq!(&answer.unwrap().text, text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_come_together() {
    let stage = Stage::new(Generation::C2).await;
    let first = "#: append path \"first\"\n#: send\n#: when text is both: send side\n";
    let last = "#: when text is both: gather left right\n#: as Answer\n#: send\n";
    let stage = stage
        .node("first", &["entrypoint"], first)
        .node("left", &["first"], "#: as Side\n#: append marks \"left\"\n#: set path [\"left\"]\n#: send\n")
        .node("right", &["first.side"], "#: set path [\"right\"]\n#: send\n")
        .node("last", &["left", "right"], last);
    stage.prepare().await;
    let (caller, _nodes) = stage.start().await;
    let mut path = caller.path_of("both").await;
    path.sort();
    assert_eq!(path, ["left", "right"]);
    assert_eq!(caller.path_of("one").await, ["left"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn early_answers_reach_the_caller() {
    for generation in [Generation::B, Generation::C2] {
        // In generation C an exitpoint has to listen to whoever answers early.
        let early = "#: when text is reply: as Answer\n#: when text is reply: set text \"early\"\n\
                     #: when text is early: reply-early\n#: when text is exit: as Answer\n#: when text is exit: exit-early\n";
        let stage = match generation {
            Generation::B => three(generation, early).await,
            Generation::C2 => {
                let last = format!("#: from a: log the answer comes by b\n{LAST}");
                let stage = Stage::new(generation).await;
                let stage = stage.node("a", &["entrypoint"], &format!("{early}{STEP}#: when text is late: send\n"));
                let stage = stage.node("c", &["a"], &last);
                stage.prepare().await;
                stage
            }
        };
        let (caller, _nodes) = stage.start().await;
        let answer = caller.ask("reply").await.unwrap();
        assert_eq!((answer.text.as_str(), answer.path.len()), ("early", 0));
        let answer = caller.ask("exit").await.unwrap();
        assert_eq!((answer.text.as_str(), answer.path.len()), ("exit", 0));
        assert!(caller.path_of("late").await.len() > 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_reaches_the_caller_where_the_exitpoint_listens() {
    let fails = "#: when text is bad: fail it is {text}\n";
    let stage = three(Generation::B, fails).await;
    let (caller, _nodes) = stage.start().await;
    assert_eq!(caller.refused("bad").await, (Code::Internal, "error in node 'a': it is bad".to_owned()));

    // `c` listens to `b`, not to `a`.
    let stage = three(Generation::C2, fails).await;
    stage.prepare().await;
    let (caller, _nodes) = stage.start().await;
    assert_eq!(caller.refused("bad").await.0, Code::DeadlineExceeded);
    assert_eq!(caller.path_of("good").await, ["a", "b", "c"]);

    let stage = Stage::new(Generation::C2).await.node("a", &["entrypoint"], &format!("{fails}{}", step()));
    let stage = stage.node("b", &["a"], LAST);
    stage.prepare().await;
    let (caller, _nodes) = stage.start().await;
    assert_eq!(caller.refused("bad").await, (Code::Internal, "error in node 'a': it is bad".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_before_any_node_runs_waits_for_them_only_where_consumers_are_there() {
    let stage = three(Generation::C2, "").await;
    stage.prepare().await;
    let caller = stage.start_entrypoint().await;
    assert_eq!(caller.refused("lost").await.0, Code::DeadlineExceeded);
    stage.make_durables(LONG).await;
    let ask = async { caller.path_of("kept").await };
    let nodes = async { ["a", "b", "c"].map(|name| stage.start_node(name)) };
    let (path, _nodes) = tokio::join!(ask, nodes);
    assert_eq!(path, ["a", "b", "c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_crashes_has_its_message_delivered_again_after_ack_wait() {
    let stage = three(Generation::C2, "#: when text is crash: crash").await;
    stage.prepare().await;
    stage.make_durables(Duration::from_secs(1)).await;
    let (caller, mut nodes) = stage.start().await;
    let again = async {
        assert_eq!(nodes[0].ends().await.code(), Some(3));
        std::fs::write(std::path::Path::new(&stage.environment("a")["KRT_BASE_PATH"]).join("a"), step()).unwrap();
        stage.start_node("a")
    };
    let (path, _node) = tokio::join!(caller.path_of("crash"), again);
    assert_eq!(path, ["a", "b", "c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn buckets_are_used_and_measurements_written() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let source =
        "#: measure words count=2\n#: put project last text\n#: get project last text\n#: as Answer\n#: send\n";
    let mut stage = Stage::new(Generation::C2).await.node("a", &["entrypoint"], source);
    stage.influx_uri = format!("http://{}/of-this-version/", listener.local_addr().unwrap());
    stage.prepare().await;
    let (caller, _nodes) = stage.start().await;
    assert_eq!(caller.ask("kept").await.unwrap().text, "kept");
    let store = stage.jetstream.get_key_value("key-store_rt_v1").await.unwrap();
    assert_eq!(store.get("last").await.unwrap().unwrap(), "\"kept\"");

    let mut received = String::new();
    while !received.contains("node_elapsed_time") {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut chunk = vec![0; 8 << 10];
        let mut request = String::new();
        while !request.contains("version=v1") {
            let read = connection.read(&mut chunk).await.unwrap();
            assert!(read > 0, "{request}");
            request += &String::from_utf8_lossy(&chunk[..read]);
        }
        connection.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.unwrap();
        received += &request;
    }
    assert!(
        received.starts_with("POST /of-this-version/api/v2/write?org=&bucket=rt&precision=ns HTTP/1.1"),
        "{received}"
    );
    assert!(received.contains("words,version=v1,workflow=flow,node=a count=2 "), "{received}");
    let elapsed = "node_elapsed_time,from_node=entrypoint,version=v1,workflow=flow,node=a elapsed_ms=";
    assert!(received.contains(elapsed) && received.contains(",success=true "), "{received}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_original_cannot_do_without_ends_it() {
    let stage = three(Generation::C2, "").await;
    let mut env = stage.environment("a");
    env.remove("KRT_NATS_MONGO_WRITER");
    let mut process = runner(&env);
    process.says("KRT_NATS_MONGO_WRITER is missing");
    assert!(!process.ends().await.success());

    let mut process = stage.start_node("a");
    process.says("the stream rt_v1_Ask is not there");
    assert!(!process.ends().await.success());

    // Generation B's entrypoint takes a plain stream, and no other.
    let stage = three(Generation::B, "").await;
    stage.prepare().await;
    drop(stage.start_entrypoint().await);
    let marked = Config {
        name: stage.stream().to_owned(),
        subjects: vec![format!("{}.*", stage.stream())],
        retention: RetentionPolicy::Interest,
        description: Some("made by somebody".to_owned()),
        ..Config::default()
    };
    stage.jetstream.update_stream(marked).await.unwrap();
    let mut process = stage.spawn_entrypoint();
    process.says("cannot make the stream");
    assert!(!process.ends().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_a_runner_unless_it_is_told_to_ignore_it() {
    let stage = three(Generation::C2, "").await;
    stage.prepare().await;
    let mut node = stage.start_node("a");
    node.says("listens to");
    node.signal("TERM");
    assert!(node.ends().await.success());

    let mut env = stage.environment("a");
    env.insert("RUNNER_SIGTERM", "ignore".to_owned());
    let node = runner(&env);
    node.says("listens to");
    node.signal("TERM");
    node.says("SIGTERM is ignored");
}
