//! The listener for pods: one credential, one file, nothing else.

use reqwest::Method;
use serde_json::json;

use crate::support::{
    krt::Krt,
    server::{Answer, TestServer},
};

async fn download(server: &TestServer, path: &str, token: Option<&str>) -> Answer {
    let mut request = server.client().get(format!("http://{}{path}", server.internal_addr()));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_credential_opens_the_one_file_that_it_is_for() {
    let server = TestServer::start().await;
    server.add_runtime("demo").await;
    let mut found = Vec::new();
    for name in ["v1", "v2"] {
        server.upload("demo", Krt::new(name).bytes()).await.expect(201);
        found.push(credential(&server, name, "start").await);
    }
    let [(path, token), (other_path, other_token)] = found.try_into().unwrap();
    assert_ne!(token, other_token);

    let file = download(&server, &path, Some(&token)).await;
    assert_eq!((file.status, &file.body[..]), (200, &Krt::new("v1").bytes()[..]));
    assert_eq!(file.header("content-length"), Krt::new("v1").bytes().len().to_string());

    let empty = String::new();
    for (path, token) in [
        (&path, None),
        (&path, Some(&other_token)),
        (&path, Some(&empty)),
        (&other_path, Some(&token)),
        (&"/krt/demo/v3".to_owned(), Some(&token)),
        (&"/krt/other/v1".to_owned(), Some(&token)),
        (&"/krt/DEMO/v1".to_owned(), Some(&token)),
    ] {
        let denied = download(&server, path, token.map(String::as_str)).await;
        assert_eq!((denied.status, denied.text().as_str()), (401, ""), "{path}");
    }
}

/// Where the version's file is and what opens it, after this was done to the version.
async fn credential(server: &TestServer, version: &str, action: &str) -> (String, String) {
    server.post(&format!("/api/v1/runtimes/demo/versions/{version}/{action}"), json!({})).await.expect(202);
    let store = server.store().await;
    let record = store.version(&"demo".parse().unwrap(), &version.parse().unwrap()).await.unwrap().unwrap();
    (server::krt_url::krt_path(&record.runtime, &record.name), record.file.download_token.expose().to_owned())
}

#[tokio::test]
async fn a_credential_is_new_at_each_start_and_void_when_its_version_is_stopped_or_archived() {
    let server = TestServer::start().await;
    server.add_runtime("demo").await;
    server.upload("demo", Krt::new("v1").bytes()).await.expect(201);
    let version = "/api/v1/runtimes/demo/versions/v1";

    let (path, first) = credential(&server, "v1", "start").await;
    assert_eq!(download(&server, &path, Some(&first)).await.status, 200);
    server.wait_for(version, "started").await;
    assert_eq!(download(&server, &path, Some(&first)).await.status, 200, "a pod that is made anew needs it again");
    let (_, stopped) = credential(&server, "v1", "stop").await;
    for token in [&first, &stopped] {
        assert_eq!(download(&server, &path, Some(token)).await.status, 401);
    }
    server.wait_for(version, "stopped").await;

    let (_, second) = credential(&server, "v1", "start").await;
    assert_ne!(first, second);
    assert_eq!(download(&server, &path, Some(&first)).await.status, 401);
    assert_eq!(download(&server, &path, Some(&second)).await.status, 200);
    credential(&server, "v1", "stop").await;
    server.wait_for(version, "stopped").await;
    let (_, archived) = credential(&server, "v1", "archive").await;
    for token in [&second, &archived] {
        assert_eq!(download(&server, &path, Some(token)).await.status, 401);
    }
}

#[tokio::test]
async fn it_serves_nothing_else() {
    let server = TestServer::start().await;
    for path in ["/", "/api/v1/runtimes", "/api/v1/events", "/healthz", "/pkg/kai.js", "/krt", "/krt/demo"] {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::OPTIONS] {
            let url = format!("http://{}{path}", server.internal_addr());
            let answer = Answer::of(server.client().request(method, url).send().await.unwrap()).await;
            assert_eq!((answer.status, answer.text().as_str()), (401, ""), "{path}");
        }
    }
}

#[tokio::test]
async fn it_answers_to_the_allowed_hosts_alone() {
    let server = TestServer::start_with(|settings| {
        settings.advertised_url = Some("http://kai-server.kai.svc:3001".to_owned());
    })
    .await;
    server.add_runtime("demo").await;
    server.upload("demo", Krt::new("v1").bytes()).await.expect(201);
    let (path, token) = credential(&server, "v1", "start").await;
    let port = server.internal_addr().port();
    for (host, status) in [
        (format!("127.0.0.1:{port}"), 200),
        (format!("localhost:{port}"), 200),
        ("kai-server.kai.svc:3001".to_owned(), 200),
        // A port may be left out, or stand in front of another.
        ("KAI-server.kai.svc".to_owned(), 200),
        (format!("evil.example:{port}"), 401),
        ("kai-server.kai.svc.evil.example:3001".to_owned(), 401),
        (format!("192.0.2.1:{port}"), 401),
    ] {
        let request = server.client().get(format!("http://{}{path}", server.internal_addr()));
        let request = request.header("host", &host).bearer_auth(&token);
        assert_eq!(request.send().await.unwrap().status(), status, "{host}");
    }
}

#[tokio::test]
async fn the_public_listener_does_not_serve_it() {
    let server = TestServer::start().await;
    assert_eq!(server.get("/krt/demo/v1").await.status, 404);
}
