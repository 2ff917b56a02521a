//! Clients that are slow, or do nothing: they lose their connection, and keep nobody else out.

use std::{
    net::SocketAddr,
    process::{Command, Stdio},
    time::Duration,
};

use domain::ServerEvent;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::support::{
    krt::Krt,
    program::{Started, program},
    server::{MAX_WAIT, TestServer},
};

/// Short enough for a test, and long enough that no usual request is cut off on a busy machine.
const LIMIT: Duration = Duration::from_millis(1500);

async fn server() -> TestServer {
    TestServer::start_with(|settings| {
        let clients = &mut settings.clients;
        (clients.header_timeout, clients.body_timeout, clients.write_timeout) = (LIMIT, LIMIT, LIMIT);
    })
    .await
}

/// Where pages, pods and kubectl connect.
fn listeners(server: &TestServer) -> [SocketAddr; 3] {
    [server.addr(), server.internal_addr(), server.sandbox_addr().unwrap()]
}

/// Sends a piece again and again until the server ends the connection. Returns what it said.
async fn drip(addr: SocketAddr, head: &str, piece: &str) -> String {
    let (mut reading, mut writing) = TcpStream::connect(addr).await.unwrap().into_split();
    writing.write_all(head.as_bytes()).await.unwrap();
    let piece = piece.to_owned();
    let dripping = tokio::spawn(async move {
        while writing.write_all(piece.as_bytes()).await.is_ok() {
            sleep(LIMIT / 8).await;
        }
    });
    let mut said = Vec::new();
    // A reset is an end, too.
    let _ = timeout(MAX_WAIT, reading.read_to_end(&mut said)).await.expect("it holds the connection for ever");
    dripping.abort();
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn a_head_that_drips_and_a_connection_that_asks_for_nothing_are_ended_at_each_listener() {
    let server = server().await;
    for addr in listeners(&server) {
        let head = format!("GET / HTTP/1.1\r\nHost: {addr}\r\n");
        let whole = format!("{head}\r\n");
        let (dripped, silent, idle) =
            tokio::join!(drip(addr, &head, "X-A: b\r\n"), drip(addr, "", ""), drip(addr, &whole, ""));
        assert!(!dripped.contains("HTTP/1.1 2") && silent.is_empty(), "{addr}: {dripped}{silent}");
        // It had its answer, and was ended while it asked for nothing more.
        assert_eq!(idle.matches("HTTP/1.1 ").count(), 1, "{addr}: {idle}");
    }
}

#[tokio::test]
async fn a_body_that_drips_is_refused_in_time() {
    let server = server().await;
    for (addr, path) in [
        (server.addr(), "/api/v1/runtimes"),
        (server.addr(), "/api/fn/create_runtime"),
        (server.sandbox_addr().unwrap(), "/api/v1/namespaces"),
    ] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {addr}\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n"
        );
        let said = drip(addr, &head, " ").await;
        assert!(said.starts_with("HTTP/1.1 408 "), "{path}: {said}");
    }
}

#[tokio::test]
async fn a_download_that_nobody_takes_is_ended() {
    let server = server().await;
    server.add_runtime("demo").await;
    // More than the system keeps between the two ends.
    let krt = Krt::new("v1").padded(32 << 20).bytes();
    server.upload("demo", krt.clone()).await.expect(201);
    let mut connection = TcpStream::connect(server.addr()).await.unwrap();
    let request = format!("GET /api/v1/runtimes/demo/versions/v1/krt HTTP/1.1\r\nHost: {}\r\n\r\n", server.addr());
    connection.write_all(request.as_bytes()).await.unwrap();
    // Until it is ended it is one of those that a server which is told to stop waits for.
    sleep(LIMIT * 3).await;
    let mut taken = Vec::new();
    let _ = timeout(MAX_WAIT, connection.read_to_end(&mut taken)).await.expect("it goes on");
    assert!(taken.len() < krt.len(), "{} of {} bytes", taken.len(), krt.len());
}

#[tokio::test]
async fn events_go_on_for_longer_than_any_of_the_limits() {
    let server = server().await;
    let mut events = server.client().get(server.url("/api/v1/events")).send().await.unwrap();
    sleep(LIMIT * 2).await;
    server.add_runtime("demo").await;
    let told = async {
        let mut text = String::new();
        while !text.contains(r#""demo""#) {
            text.push_str(std::str::from_utf8(&events.chunk().await.unwrap().expect("it was ended")).unwrap());
        }
        text
    };
    let text = timeout(MAX_WAIT, told).await.expect("no event came");
    let event = text.lines().filter_map(|line| line.strip_prefix("data: ")).next_back().unwrap();
    assert!(matches!(serde_json::from_str(event).unwrap(), ServerEvent::Runtime(_)), "{event}");
}

/// On the program itself, with its own limits, as a system lets it have few files open.
#[tokio::test]
async fn connections_that_do_nothing_starve_no_page_whichever_listener_they_are_at() {
    let data = tempfile::tempdir().unwrap();
    let addrs = free_addrs();
    let mut limited = Command::new("sh");
    let usual = program(data.path());
    // A soft limit that the program would not even start with.
    limited.args(["-c", "ulimit -Hn 1024; ulimit -Sn 24; exec \"$0\""]).arg(usual.get_program());
    for (name, value) in usual.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    limited.stdout(Stdio::piped()).stderr(Stdio::null());
    for (name, addr) in ["KAI_ADDR", "KAI_INTERNAL_ADDR", "KAI_SANDBOX_ADDR"].into_iter().zip(addrs) {
        limited.env(name, addr.to_string());
    }
    let started = Started::new(&mut limited);

    // This process needs some thousand files.
    rlimit::increase_nofile_limit(rlimit::INFINITY).unwrap();
    let mut held = Vec::new();
    for addr in addrs {
        for number in 0..700 {
            // Behind those that the server takes the system keeps some; it lets in no more for a while.
            let Ok(Ok(mut connection)) = timeout(Duration::from_millis(500), TcpStream::connect(addr)).await else {
                break;
            };
            // A third asks for nothing, a third never ends its head, a third never sends its body.
            let begun = match number % 3 {
                0 => String::new(),
                1 => format!("GET / HTTP/1.1\r\nHost: {addr}\r\nX-"),
                _ => format!(
                    "POST /api/v1/namespaces HTTP/1.1\r\nHost: {addr}\r\nContent-Type: application/json\r\n\
                     Content-Length: 9\r\n\r\n{{"
                ),
            };
            connection.write_all(begun.as_bytes()).await.unwrap();
            held.push(connection);
        }
        let page = async {
            let client = reqwest::Client::new();
            // One that was ended to make room is asked for anew, as a browser does.
            while client.get(started.url()).send().await.is_err() {}
        };
        timeout(Duration::from_secs(30), page).await.unwrap_or_else(|_| panic!("no page with {addr} full"));
    }
    let url = format!("{}/api/v1/runtimes", started.url());
    let made = reqwest::Client::new().post(url).body(json!({ "id": "demo", "name": "Demo" }).to_string()).send().await;
    assert_eq!(made.unwrap().status(), 201);
    drop(held);
}

/// Three that are free just now.
fn free_addrs() -> [SocketAddr; 3] {
    let bound = [(); 3].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    bound.map(|listener| listener.local_addr().unwrap())
}
