//! The listener for pods: one credential, one file, nothing else.

use reqwest::Method;

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
    let store = server.store().await;
    let mut found = Vec::new();
    for name in ["v1", "v2"] {
        server.upload("demo", Krt::new(name).bytes()).await.expect(201);
        let record = store.version(&"demo".parse().unwrap(), &name.parse().unwrap()).await.unwrap().unwrap();
        found.push((server::http::internal::download_path(&record), record.file.download_token));
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
async fn it_answers_to_its_own_names_alone() {
    let server = TestServer::start_with(|settings| {
        settings.advertised_url = Some("http://kai-server.kai.svc:3001".to_owned());
    })
    .await;
    server.add_runtime("demo").await;
    server.upload("demo", Krt::new("v1").bytes()).await.expect(201);
    let record = server.store().await.version(&"demo".parse().unwrap(), &"v1".parse().unwrap()).await.unwrap().unwrap();
    let path = server::http::internal::download_path(&record);
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
        let request = request.header("host", &host).bearer_auth(&record.file.download_token);
        assert_eq!(request.send().await.unwrap().status(), status, "{host}");
    }
}

#[tokio::test]
async fn the_public_listener_does_not_serve_it() {
    let server = TestServer::start().await;
    assert_eq!(server.get("/krt/demo/v1").await.status, 404);
}
