//! Uploads: a file becomes a version, or nothing is left of it.

mod permits;

use std::{fs, num::NonZeroU16, pin::pin, time::Duration};

use reqwest::Method;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::{
    krt::{Krt, pack},
    server::{Answer, TestServer},
};

const VERSIONS: &str = "/api/v1/runtimes/demo/versions";

async fn demo() -> TestServer {
    let server = TestServer::start().await;
    server.add_runtime("demo").await;
    server
}

async fn upload_as_form(server: &TestServer, field: &str, krt: &[u8]) -> Answer {
    let mut body = format!(
        "--frontier\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nto be passed over\r\n--frontier\r\n\
         Content-Disposition: form-data; name=\"{field}\"; filename=\"x.krt\"\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(krt);
    body.extend_from_slice(b"\r\n--frontier--\r\n");
    let request = server.client().request(Method::POST, server.url(VERSIONS));
    let request = request.header("content-type", "multipart/form-data; boundary=frontier").body(body);
    server.answer_to(request).await
}

async fn versions(server: &TestServer) -> Vec<Value> {
    server.get(VERSIONS).await.expect(200).as_array().unwrap().clone()
}

#[tokio::test]
async fn a_file_becomes_a_stopped_version_as_a_raw_body_and_as_a_form() {
    let server = demo().await;

    let raw = server.upload("demo", Krt::new("v-one").variable("KEY").bytes()).await;
    let added = raw.expect(201);
    assert_eq!(raw.header("location"), "/api/v1/runtimes/demo/versions/v-one");
    assert_eq!((&added["name"], &added["state"]), (&"v-one".into(), &"stopped".into()));
    assert_eq!(added["created_by"], "local");

    let form = upload_as_form(&server, "file", &Krt::new("v-two").bytes()).await;
    assert_eq!(form.expect(201)["name"], "v-two");

    let names: Vec<_> = versions(&server).await.iter().map(|v| v["name"].clone()).collect();
    assert_eq!(names, ["v-two", "v-one"], "newest first");
    server.expect_stored_files(2).await;
}

#[tokio::test]
async fn a_file_of_several_parts_arrives_whole() {
    let server = demo().await;
    let krt = Krt::new("big").padded(13 << 20).bytes();

    let added = server.upload("demo", krt.clone()).await.expect(201);

    assert_eq!(added["size_bytes"], krt.len());
    let back = server.get(&format!("{VERSIONS}/big/krt")).await;
    assert_eq!(back.status, 200);
    assert!(back.body == krt, "the file came back changed");
}

#[tokio::test]
async fn a_file_that_is_not_a_valid_krt_is_refused_with_each_mistake_and_leaves_nothing() {
    let server = demo().await;
    let five_mistakes = pack(&[(
        "krt.yml",
        b"version: V_1\ndescription: x\nentrypoint:\n  proto: missing.proto\n  image: example/entrypoint\n\
          nodes:\n  - name: node\n    image: NOT AN IMAGE\n    src: missing.py\n\
          workflows:\n  - name: flow\n    entrypoint: X\n    sequential:\n      - other\n",
    )]);
    for (what, file, said) in [
        ("no gzip", b"this is plain text".to_vec(), &["gzip"][..]),
        ("empty", Vec::new(), &[]),
        ("no manifest", pack(&[("readme.md", b"hello")]), &["krt.yml"]),
        ("half a file", Krt::new("half").padded(100_000).bytes()[..50_000].to_vec(), &[]),
        ("five mistakes", five_mistakes, &["V_1", "missing.proto", "nodes[0].image", "missing.py", "other"]),
    ] {
        for answer in [server.upload("demo", file.clone()).await, upload_as_form(&server, "file", &file).await] {
            let error = answer.expect_error(422, "invalid_krt");
            let problems = error["problems"].as_array().unwrap();
            assert!(problems.len() >= said.len().max(1), "{what}: {error}");
            for word in said {
                let named =
                    problems.iter().any(|p| p["message"].as_str().unwrap().contains(word) || p["path"] == *word);
                assert!(named, "{what}: nothing about {word} in {error}");
            }
        }
    }
    assert_eq!(versions(&server).await, Vec::<Value>::new());
    server.expect_stored_files(0).await;
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_with_the_limit_however_it_is_sent() {
    let server = TestServer::start_with(|settings| settings.krt_limits.max_packed_bytes = 64 * 1024).await;
    server.add_runtime("demo").await;
    let krt = Krt::new("large").padded(200_000).bytes();

    let with_length = server.upload("demo", krt.clone()).await;
    let as_form = upload_as_form(&server, "file", &krt).await;
    let chunks: Vec<_> = krt.chunks(1000).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect();
    let streamed = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
    let without_length = server.send(Method::POST, VERSIONS, streamed).await;

    for answer in [with_length, as_form, without_length] {
        let error = answer.expect_error(413, "too_large");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("64 KiB") && message.contains("KAI_MAX_KRT_BYTES"), "{message}");
    }
    assert_eq!(versions(&server).await, Vec::<Value>::new());
    server.expect_stored_files(0).await;
    server.upload("demo", Krt::new("small").bytes()).await.expect(201);
}

/// As browsers do: they send all of a body before they look for an answer.
#[tokio::test]
async fn whoever_sends_everything_before_reading_gets_the_refusal_and_not_a_broken_connection() {
    let server = TestServer::start_with(|settings| settings.krt_limits.max_packed_bytes = 1 << 20).await;
    server.add_runtime("demo").await;
    let body = vec![b'x'; 30 << 20];
    let mut connection = TcpStream::connect(server.addr()).await.unwrap();
    let head = format!("POST {VERSIONS} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n", server.addr(), body.len());
    connection.write_all(head.as_bytes()).await.unwrap();
    connection.write_all(&body).await.unwrap();

    let mut answer = vec![0; 1024];
    let count = connection.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..count]);
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");

    // And the connection is of further use.
    let next = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.addr());
    connection.write_all(next.as_bytes()).await.unwrap();
    let mut rest = String::new();
    connection.read_to_string(&mut rest).await.unwrap();
    assert!(rest.contains("HTTP/1.1 200 OK"), "{rest}");
}

#[tokio::test]
async fn a_form_without_the_file_says_what_is_wanted() {
    let server = demo().await;
    let wrong_field = upload_as_form(&server, "krt", &Krt::new("v1").bytes()).await;
    let request = server.client().post(server.url(VERSIONS)).header("content-type", "multipart/form-data").body("x");
    let no_boundary = server.answer_to(request).await;
    for answer in [wrong_field, no_boundary] {
        let error = answer.expect_error(422, "invalid_input");
        assert_eq!(error["problems"][0]["path"], "file");
    }
    server.expect_stored_files(0).await;
}

/// A form of these fields, each with its content.
async fn send_form(server: &TestServer, fields: &[(&str, &[u8])]) -> Answer {
    let mut body = Vec::new();
    for (name, content) in fields {
        let head = format!("--frontier\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"x\"\r\n\r\n");
        body.extend_from_slice(&[head.as_bytes(), content, b"\r\n"].concat());
    }
    body.extend_from_slice(b"--frontier--\r\n");
    let request = server.client().request(Method::POST, server.url(VERSIONS));
    let request = request.header("content-type", "multipart/form-data; boundary=frontier").body(body);
    server.answer_to(request).await
}

#[tokio::test]
async fn a_form_has_one_file_and_a_limit_for_all_its_other_fields_together() {
    let server = demo().await;
    let krt = Krt::new("v1").bytes();
    let kibibytes = [b'x'; 30 << 10];
    let long = [("a", &kibibytes[..]), ("b", &kibibytes), ("c", &kibibytes), ("file", &krt)];
    let many = [vec![("a", &b""[..]); 1000], vec![("file", &krt[..])]].concat();
    let behind = [("file", &krt[..]), ("a", &kibibytes), ("b", &kibibytes), ("c", &kibibytes)];
    let twice = [("file", &krt[..]), ("note", b"x"), ("file", &krt)];
    for (fields, said) in
        [(&long[..], "too long"), (&many, "too long"), (&behind, "too long"), (&twice, "two fields `file`")]
    {
        let error = send_form(&server, fields).await.expect_error(422, "invalid_input");
        let message = error["problems"][0]["message"].as_str().unwrap();
        assert!(message.contains(said), "{message}");
    }
    assert_eq!(versions(&server).await, Vec::<Value>::new());
    server.expect_stored_files(0).await;
    send_form(&server, &[("note", b"x"), ("file", &krt), ("end", b"")]).await.expect(201);
}

#[tokio::test]
async fn a_file_for_a_runtime_that_is_not_there_is_refused() {
    let server = demo().await;
    let error = server.upload("other", Krt::new("v1").bytes()).await.expect_error(404, "not_found");
    assert!(error["message"].as_str().unwrap().contains("`other`"), "{error}");
    server.expect_stored_files(0).await;
}

#[tokio::test]
async fn a_taken_name_is_refused_and_the_second_file_does_not_stay() {
    let server = demo().await;
    server.upload("demo", Krt::new("v1").bytes()).await.expect(201);

    let other_content = server.upload("demo", Krt::new("v1").variable("KEY").bytes()).await;
    let error = other_content.expect_error(409, "name_taken");
    assert!(error["message"].as_str().unwrap().contains("`v1`"), "{error}");
    server.expect_stored_files(1).await;

    server.upload("demo", Krt::new("v1").bytes()).await.expect_error(409, "name_taken");
    server.expect_stored_files(1).await;
    assert_eq!(server.get(&format!("{VERSIONS}/v1/krt")).await.body, Krt::new("v1").bytes());
}

#[tokio::test]
async fn identical_files_are_stored_once_and_serve_both_versions() {
    let server = demo().await;
    server.add_runtime("other").await;
    let krt = Krt::new("v1").bytes();
    server.upload("demo", krt.clone()).await.expect(201);
    server.upload("other", krt.clone()).await.expect(201);

    server.expect_stored_files(1).await;
    for runtime in ["demo", "other"] {
        assert_eq!(server.get(&format!("/api/v1/runtimes/{runtime}/versions/v1/krt")).await.body, krt);
    }
}

#[tokio::test]
async fn of_two_uploads_of_one_name_at_once_one_is_added_and_one_is_refused() {
    let server = demo().await;
    for round in 0..5 {
        let name = format!("v-{round}");
        let files = [Krt::new(&name).bytes(), Krt::new(&name).variable("KEY").bytes()];
        let (first, second) =
            tokio::join!(server.upload("demo", files[0].clone()), server.upload("demo", files[1].clone()));
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "{} {}", first.text(), second.text());
        let kept = &files[usize::from(second.status == 201)];
        assert_eq!(server.get(&format!("{VERSIONS}/{name}/krt")).await.body, *kept);
    }
    server.expect_stored_files(5).await;
}

#[tokio::test]
async fn of_many_uploads_of_one_file_at_once_the_one_that_is_added_keeps_its_file() {
    let server = demo().await;
    let krt = Krt::new("v1").bytes();
    let answers = futures::future::join_all((0..8).map(|_| server.upload("demo", krt.clone()))).await;

    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == 409).count(), 7);
    assert_eq!(server.get(&format!("{VERSIONS}/v1/krt")).await.body, krt);
    server.expect_stored_files(1).await;
}

/// An upload of which the server has begun to store what was sent, and more is to come.
async fn half_sent(server: &TestServer, krt: &[u8]) -> TcpStream {
    let mut connection = TcpStream::connect(server.addr()).await.unwrap();
    let head = format!("POST {VERSIONS} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n", server.addr(), krt.len());
    connection.write_all(head.as_bytes()).await.unwrap();
    connection.write_all(&krt[..krt.len() * 3 / 4]).await.unwrap();
    server.expect_stored_files(1).await;
    connection
}

#[tokio::test]
async fn nothing_is_left_of_an_upload_whose_client_goes_away() {
    let server = demo().await;
    let connection = half_sent(&server, &Krt::new("gone").padded(8 << 20).bytes()).await;

    drop(connection);

    server.expect_stored_files(0).await;
    assert_eq!(versions(&server).await, Vec::<Value>::new());
}

#[tokio::test]
async fn an_upload_waits_for_a_permit_and_gets_it_when_another_ends_or_goes_away() {
    let server = TestServer::start_with(|settings| settings.max_uploads = NonZeroU16::MIN).await;
    server.add_runtime("demo").await;
    let krt = Krt::new("slow").padded(8 << 20).bytes();
    let connection = half_sent(&server, &krt).await;

    let mut waiting = pin!(server.upload("demo", Krt::new("quick").bytes()));
    assert!(timeout(Duration::from_millis(300), &mut waiting).await.is_err(), "there is no permit for it");
    server.expect_stored_files(1).await;
    drop(connection);
    waiting.await.expect(201);
    server.upload("demo", krt).await.expect(201);
}

#[tokio::test]
async fn what_a_killed_server_left_behind_is_gone_after_its_next_start() {
    let server = demo().await;
    server.upload("demo", Krt::new("v1").bytes()).await.expect(201);
    let kept = server.stored_files();

    let server = server
        .restart(|files| {
            fs::create_dir_all(files.join("incoming")).unwrap();
            fs::write(files.join("incoming/finished"), "x").unwrap();
            fs::write(files.join("incoming/unfinished#1"), "x").unwrap();
            fs::write(files.join("krt/unused"), "x").unwrap();
            // It was there before the database had the folder, so it may be another's.
            fs::write(files.join("krt/foreign"), "x").unwrap();
            let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
            fs::File::options().write(true).open(files.join("krt/foreign")).unwrap().set_modified(long_ago).unwrap();
        })
        .await;
    let trash = std::path::Path::new(&server.settings().storage_url).join("trash");
    let moved = fs::read_dir(&trash).unwrap().next().unwrap().unwrap().path();
    for file in ["incoming/finished", "incoming/unfinished#1", "krt/unused"] {
        assert!(moved.join(file).exists(), "{file} can be had back");
    }
    assert!(server.stored_files().contains(&"krt/foreign".into()));

    // Once it has been there for long enough, it goes.
    let server = server
        .restart(|files| {
            fs::remove_file(files.join("krt/foreign")).unwrap();
            fs::rename(&moved, trash.join("2026-01-01T00:00:00Z")).unwrap();
        })
        .await;
    let until = tokio::time::Instant::now() + crate::support::server::MAX_WAIT;
    while fs::read_dir(&trash).unwrap().next().is_some() {
        assert!(tokio::time::Instant::now() < until, "it stays");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    assert_eq!(server.stored_files(), kept);
    assert_eq!(server.get(&format!("{VERSIONS}/v1/krt")).await.body, Krt::new("v1").bytes());
}
