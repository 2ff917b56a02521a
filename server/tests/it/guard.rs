//! Until there are logins: who may ask for what.

use std::net::SocketAddr;

use reqwest::Method;
use serde_json::json;

use crate::support::server::{Answer, TestServer};

async fn send(server: &TestServer, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let body = json!({ "id": "demo", "name": "Demo" }).to_string();
    let mut request = server.client().request(method, server.url(path)).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let server = TestServer::start().await;
    let others_port = format!("http://127.0.0.1:{}", server.addr().port() ^ 1);
    for path in ["/api/v1/runtimes", "/api/v1/runtimes/demo/versions", "/api/fn/create_runtime"] {
        for headers in [
            [("origin", "http://evil.example")],
            [("origin", "null")],
            [("origin", others_port.as_str())],
            [("sec-fetch-site", "cross-site")],
        ] {
            let answer = send(&server, Method::POST, path, &headers).await;
            let error = answer.expect_error(403, "forbidden");
            assert!(error["message"].as_str().unwrap().contains("asks for a change"), "{error}");
        }
    }
    assert_eq!(server.get("/api/v1/runtimes").await.expect(200), json!([]));
}

#[tokio::test]
async fn a_name_that_is_made_to_point_at_this_machine_reads_nothing() {
    let server = TestServer::start().await;
    let host = format!("evil.example:{}", server.addr().port());
    for path in ["/", "/api/v1/runtimes", "/api/v1/events", "/healthz", "/pkg/kai.js"] {
        let answer = send(&server, Method::GET, path, &[("host", &host)]).await;
        let error = answer.expect_error(403, "forbidden");
        assert!(error["message"].as_str().unwrap().contains("evil.example"), "{error}");
    }
}

#[tokio::test]
async fn its_own_pages_and_programs_may_do_everything() {
    let server = TestServer::start().await;
    let port = server.addr().port();
    let own = format!("http://localhost:{port}");
    send(&server, Method::POST, "/api/v1/runtimes", &[("origin", &own)]).await.expect(201);
    send(&server, Method::POST, "/api/v1/runtimes", &[]).await.expect_error(409, "name_taken");
    send(&server, Method::GET, "/api/v1/runtimes", &[("host", &format!("localhost:{port}"))]).await.expect(200);
}

#[tokio::test]
async fn with_insecure_no_login_any_host_goes_and_another_site_still_changes_nothing() {
    let server = TestServer::start_with(|settings| settings.insecure_no_login = true).await;
    let host = ("host", "kai.example");
    send(&server, Method::GET, "/api/v1/runtimes", &[host]).await.expect(200);
    send(&server, Method::POST, "/api/v1/runtimes", &[host, ("origin", "https://evil.example")])
        .await
        .expect_error(403, "forbidden");
    send(&server, Method::POST, "/api/v1/runtimes", &[host, ("origin", "https://kai.example")]).await.expect(201);
}

#[tokio::test]
async fn every_answer_tells_the_browser_to_be_careful() {
    let server = TestServer::start().await;
    for path in ["/", "/nothing", "/api/v1/runtimes", "/api/v1/nothing", "/healthz"] {
        let answer = server.get(path).await;
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
    }
}

#[tokio::test]
async fn a_second_server_in_the_same_folder_is_refused_and_a_taken_port_named() {
    let server = TestServer::start().await;
    let mut settings = server.settings().clone();
    let refused = server::run::start(settings.clone()).await.err().unwrap().to_string();
    assert!(refused.contains("another KAI Server"), "{refused}");

    let elsewhere = tempfile::tempdir().unwrap();
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    settings = server::config::Settings::embedded(elsewhere.path());
    (settings.addr, settings.internal_addr, settings.sandbox_addr) = (server.addr(), free, free);
    let refused = server::run::start(settings).await.err().unwrap().to_string();
    assert!(refused.contains("KAI_ADDR") && refused.contains(&server.addr().to_string()), "{refused}");
}
