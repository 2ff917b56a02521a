//! Upload permits: a slow upload keeps no good one out.

use std::{num::NonZeroU16, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::{JoinHandle, JoinSet},
    time::{interval, timeout},
};

use super::{VERSIONS, half_sent, versions};
use crate::support::{
    krt::Krt,
    server::{MAX_WAIT, TestServer},
};

/// One at a time, held to this.
async fn one_at_a_time(change: impl FnOnce(&mut server::config::Settings)) -> TestServer {
    let server = TestServer::start_with(|settings| {
        settings.max_uploads = NonZeroU16::MIN;
        change(settings);
    })
    .await;
    server.add_runtime("demo").await;
    server
}

/// Sends the file in pieces, one each 20 ms, until all of it is sent or the server does not want any more; then what was
/// answered.
async fn trickle(server: &TestServer, krt: Vec<u8>, piece: usize) -> JoinHandle<String> {
    let mut connection = TcpStream::connect(server.addr()).await.unwrap();
    let head = format!("POST {VERSIONS} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n", server.addr(), krt.len());
    connection.write_all(head.as_bytes()).await.unwrap();
    tokio::spawn(async move {
        let (mut answers, mut sending) = connection.into_split();
        let mut answer = [0; 2048];
        let mut ticks = interval(Duration::from_millis(20));
        for piece in krt.chunks(piece) {
            tokio::select! {
                biased;
                read = answers.read(&mut answer) => {
                    return String::from_utf8_lossy(&answer[..read.unwrap_or(0)]).into_owned();
                }
                _ = ticks.tick() => if sending.write_all(piece).await.is_err() { break },
            }
        }
        let read = answers.read(&mut answer).await.unwrap_or(0);
        String::from_utf8_lossy(&answer[..read]).into_owned()
    })
}

#[tokio::test]
async fn twenty_slow_uploads_do_not_keep_a_good_one_out() {
    let server = TestServer::start_with(|settings| settings.upload_limits.window = Duration::from_millis(500)).await;
    server.add_runtime("demo").await;
    let large = Krt::new("slow").padded(4 << 20).bytes();
    let mut slow = JoinSet::new();
    for _ in 0..20 {
        // 5 kB a second: for the few bytes that there are, alone they could have gone on.
        slow.spawn(trickle(&server, large.clone(), 100).await);
    }
    // As many as there may be.
    server.expect_stored_files(16).await;

    let good = timeout(MAX_WAIT, server.upload("demo", Krt::new("good").padded(1 << 20).bytes())).await;

    good.expect("it was kept out").expect(201);
    // Five had to give way: to the four others that waited, and to the good one.
    for _ in 0..5 {
        let answer = slow.join_next().await.unwrap().unwrap().unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("less than 64 KiB a second"), "{answer}");
    }
}

#[tokio::test]
async fn who_waits_too_long_for_a_permit_is_told_when_to_try_again() {
    let server = one_at_a_time(|settings| settings.upload_limits.max_wait = Duration::from_millis(200)).await;
    let _holds_the_turn = half_sent(&server, &Krt::new("slow").padded(8 << 20).bytes()).await;

    let waited = server.upload("demo", Krt::new("quick").bytes()).await;

    let error = waited.expect_error(503, "busy");
    assert_eq!(waited.header("retry-after"), "30");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("too many uploads at once; this one waited 200ms; try again in 30 seconds"),
        "{error}"
    );
    assert_eq!(versions(&server).await, Vec::<Value>::new());
}

#[tokio::test]
async fn an_upload_that_brings_hardly_anything_ends_though_nobody_waits() {
    let server = one_at_a_time(|settings| settings.upload_limits.window = Duration::from_millis(50)).await;
    let krt = Krt::new("slow").padded(1 << 20).bytes();
    let answer = timeout(MAX_WAIT, trickle(&server, krt, 1).await).await.expect("it has no end").unwrap();
    assert!(answer.starts_with("HTTP/1.1 422 ") && answer.contains("almost no data arrived"), "{answer}");
    server.expect_stored_files(0).await;
    server.upload("demo", Krt::new("quick").bytes()).await.expect(201);
}

#[tokio::test]
async fn a_permit_has_an_end_while_others_wait() {
    let server = one_at_a_time(|settings| settings.upload_limits.max_duration = Duration::from_millis(300)).await;
    // 10 MB a second would take a second.
    let long = trickle(&server, Krt::new("long").padded(10 << 20).bytes(), 200_000).await;
    server.expect_stored_files(1).await;

    server.upload("demo", Krt::new("quick").bytes()).await.expect(201);

    let answer = long.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 30"), "{answer}");
    assert!(answer.contains("longer than 300ms while other uploads waited"), "{answer}");
    server.expect_stored_files(1).await;
}
