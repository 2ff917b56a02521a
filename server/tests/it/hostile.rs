//! Files that are made to do harm, and a file store that fails: each upload gets its reason, and nothing of it stays.

#[path = "../../../crates/krt/tests/support/mod.rs"]
mod archives;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use reqwest::{Client, Method};
use serde_json::Value;
use tar::EntryType;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::support::{
    krt::Krt,
    program::{Started, program},
    server::{Answer, TestServer},
};
use archives::{MANIFEST, Tar, gzip};

const VERSIONS: &str = "/api/v1/runtimes/demo/versions";

async fn expect_nothing(server: &TestServer) {
    assert_eq!(server.get(VERSIONS).await.expect(200), Value::Array(Vec::new()));
    server.expect_stored_files(0).await;
}

#[tokio::test]
async fn a_hostile_archive_is_refused_with_its_reason_and_leaves_nothing() {
    let server = TestServer::start().await;
    server.add_runtime("demo").await;
    let valid = Tar::valid;
    let mut wrong_checksum = valid().ended();
    wrong_checksum[1024 + 20] ^= 1;
    let archives = [
        (valid().file("../x", "x").packed(), "`..`"),
        (valid().file("/x", "x").packed(), "absolute"),
        (valid().entry(b"x", EntryType::Symlink, b"").packed(), "symbolic link"),
        (valid().entry(b"x", EntryType::Link, b"").packed(), "hard link"),
        (valid().entry(b"x", EntryType::Char, b"").packed(), "device"),
        (valid().entry(b"x", EntryType::Fifo, b"").packed(), "pipe"),
        (valid().entry(b"x", EntryType::GNUSparse, b"").packed(), "sparse"),
        (valid().entry(b"\xff\xfe", EntryType::Regular, b"").packed(), "UTF-8"),
        (valid().file("x", "1").file("./x", "2").packed(), "twice"),
        (valid().file("krt.yaml", MANIFEST).packed(), "two manifests"),
        (valid().pax(&[("path", b"/by/pax")]).file("x", "").packed(), "absolute"),
        (valid().gnu_long_name("../by/gnu").file("x", "").packed(), "`..`"),
        (valid().pax(&[("size", b"3")]).file("x", "12345").packed(), "two different sizes"),
        (valid().entry_of_size(b"x", EntryType::Regular, 1 << 20, b"short").packed(), "ends too early"),
        (gzip(&wrong_checksum), "checksum"),
        ([valid().packed(), b"garbage".to_vec()].concat(), "after the end of the gzip data"),
        (valid().raw(&[0; 1024]).file("behind", "x").packed(), "after its end"),
    ];
    for (archive, reason) in archives {
        let error = server.upload("demo", archive).await.expect_error(422, "invalid_krt");
        let problems = error["problems"].as_array().unwrap();
        assert!(problems.iter().any(|p| p["message"].as_str().unwrap().contains(reason)), "{reason}: {error}");
    }
    let packed = valid().packed();
    for end in (0..packed.len()).step_by(17) {
        server.upload("demo", packed[..end].to_vec()).await.expect_error(422, "invalid_krt");
    }
    expect_nothing(&server).await;
}

#[tokio::test]
async fn what_passes_a_limit_is_refused_with_its_value_and_its_setting() {
    let server = TestServer::start_with(|settings| {
        settings.krt_limits.max_entries = 50;
        settings.krt_limits.max_docs_bytes = 2048;
        settings.krt_limits.max_documents = 5;
        settings.krt_limits.max_unpacked_bytes = 12 << 30;
    })
    .await;
    server.add_runtime("demo").await;
    let zeros = gzip(&vec![0; 1 << 20]);
    let mut bomb = gzip(&Tar::default().entry_of_size(b"zeros", EntryType::Regular, 10 << 30, b"").ended()[..512]);
    bomb.extend(zeros.repeat(10 << 10));
    let many = (0..60).fold(Tar::valid(), |tar, at| tar.file(&format!("{at}"), ""));
    let long = "n".repeat(2000);
    let documents = (0..6).fold(Tar::valid(), |tar, at| tar.file(&format!("docs/{at}"), ""));
    for (archive, value, setting) in [
        (bomb, "250 times", "KAI_MAX_KRT_RATIO"),
        (many.packed(), "50 files", "KAI_MAX_KRT_ENTRIES"),
        (
            Tar::valid().entry_of_size(b"x", EntryType::Regular, 1 << 40, b"").packed(),
            "12 GiB",
            "KAI_MAX_KRT_UNPACKED_BYTES",
        ),
        (Tar::valid().gnu_long_name(&long).file("x", "").packed(), "1 KiB", "KAI_MAX_KRT_NAME_BYTES"),
        (Tar::default().file("krt.yml", vec![b'#'; 300 << 10]).packed(), "256 KiB", "KAI_MAX_KRT_MANIFEST_BYTES"),
        (Tar::valid().file("docs/a", vec![b'#'; 3000]).packed(), "2 KiB", "KAI_MAX_KRT_DOCS_BYTES"),
        (documents.packed(), "5 files", "KAI_MAX_KRT_DOCUMENTS"),
    ] {
        let error = server.upload("demo", archive).await.expect_error(413, "too_large");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(value) && message.contains(setting), "{message}");
    }
    expect_nothing(&server).await;
}

#[tokio::test]
async fn a_file_store_that_fails_in_the_midst_leaves_nothing_and_says_so() {
    let server = TestServer::start().await;
    server.add_runtime("demo").await;
    let krt = Krt::new("v1").padded(8 << 20).bytes();
    let mut connection = TcpStream::connect(server.addr()).await.unwrap();
    let head = format!(
        "POST {VERSIONS} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        server.addr(),
        krt.len()
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    connection.write_all(&krt[..6 << 20]).await.unwrap();
    server.expect_stored_files(1).await;

    fs::remove_dir_all(Path::new(&server.settings().storage_url).join("incoming")).unwrap();
    connection.write_all(&krt[6 << 20..]).await.unwrap();

    let mut answer = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut connection, &mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("the file store"), "{answer}");
    expect_nothing(&server).await;
    server.upload("demo", krt).await.expect(201);
}

/// A file that may grow no further fails as a full disk does, in the midst of a write.
#[tokio::test]
async fn a_full_disk_leaves_nothing_and_is_said() {
    let data = tempfile::tempdir().unwrap();
    let plain = program(data.path());
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 4096; exec \"$0\""]).arg(plain.get_program());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    let started = Started::new(limited.stdout(Stdio::piped()).stderr(Stdio::null()));
    let client = Client::new();
    let post = |path: &str, body: Vec<u8>| client.request(Method::POST, format!("{}{path}", started.url())).body(body);
    let runtime = post("/api/v1/runtimes", br#"{"id":"demo","name":"demo"}"#.to_vec());
    Answer::of(runtime.header("content-type", "application/json").send().await.unwrap()).await.expect(201);

    let large = Krt::new("v1").padded(9 << 20).bytes();
    let refused = Answer::of(post(VERSIONS, large).send().await.unwrap()).await;
    let error = refused.expect_error(503, "unavailable");
    assert!(error["message"].as_str().unwrap().contains("the file store (it is full) is unavailable"), "{error}");
    let left: Vec<_> = fs::read_dir(data.path().join("files/incoming")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");

    Answer::of(post(VERSIONS, Krt::new("v1").bytes()).send().await.unwrap()).await.expect(201);
}
