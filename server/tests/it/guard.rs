//! Until there are logins: who may ask for what.

use std::net::SocketAddr;

use reqwest::Method;
use serde_json::json;

use crate::support::{
    krt::Krt,
    server::{Answer, TestServer, raw},
};

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
            assert!(
                error["message"].as_str().unwrap().contains("only pages of this server may make changes"),
                "{error}"
            );
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
async fn same_origin_pages_and_programs_may_do_everything_also_through_a_forwarded_port() {
    let server = TestServer::start().await;
    let port = server.addr().port();
    send(&server, Method::POST, "/api/v1/runtimes", &[]).await.expect(201);
    send(&server, Method::GET, "/api/v1/runtimes", &[("host", &format!("localhost:{port}"))]).await.expect(200);
    for host in [format!("127.0.0.1:{port}"), format!("localhost:{port}"), "localhost:8080".into(), "[::1]:9".into()] {
        let headers = [("host", &*host), ("origin", &*format!("http://{host}"))];
        send(&server, Method::POST, "/api/v1/runtimes", &headers).await.expect_error(409, "name_taken");
    }
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

/// The listeners with what a name must be to be theirs.
fn listeners(server: &TestServer) -> [SocketAddr; 3] {
    [server.addr(), server.internal_addr(), server.sandbox_addr().unwrap()]
}

#[tokio::test]
async fn every_answer_tells_the_browser_to_be_careful() {
    let server = TestServer::start().await;
    let careful = |answer: &Answer, of: &str| {
        let policy = answer.header("content-security-policy");
        for rule in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action"] {
            assert!(policy.contains(rule), "{of}: {policy}");
        }
        assert_eq!(answer.header("access-control-allow-origin"), "", "{of}: no other site reads it");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{of}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{of}");
    };
    for path in ["/", "/nothing", "/docs/api", "/api/v1/runtimes", "/api/v1/nothing", "/healthz"] {
        careful(&server.get(path).await, path);
    }
    for addr in listeners(&server) {
        for (path, host) in [("/", addr.to_string()), ("/version", addr.to_string()), ("/", "evil.example".to_owned())]
        {
            let answer = server.client().get(format!("http://{addr}{path}")).header("host", &host).send().await;
            careful(&Answer::of(answer.unwrap()).await, &format!("{addr}{path} of {host}"));
        }
    }
}

#[tokio::test]
async fn a_request_that_names_two_hosts_is_malformed_at_each_listener() {
    let server = TestServer::start().await;
    for addr in listeners(&server) {
        for other in [addr.to_string(), "evil.example".to_owned()] {
            let request = format!("GET / HTTP/1.1\r\nHost: {addr}\r\nHost: {other}\r\nConnection: close\r\n\r\n");
            let answer = raw(addr, &request).await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{addr}: {answer}");
        }
    }
}

#[tokio::test]
async fn the_sandbox_tells_and_does_nothing_for_another_site() {
    let server = TestServer::start().await;
    server.add_runtime("demo").await;
    server.upload("demo", Krt::new("v1").bytes()).await.expect(201);
    server.post("/api/v1/runtimes/demo/versions/v1/start", json!({})).await.expect(202);
    server.wait_for("/api/v1/runtimes/demo/versions/v1", "started").await;

    let addr = server.sandbox_addr().unwrap();
    let ask = async |method: Method, path: &str, headers: &[(&str, &str)]| {
        let body = if method == Method::GET { "" } else { r#"{"metadata":{"name":"made"}}"# };
        let mut request = server.client().request(method, format!("http://{addr}{path}")).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request.send().await.unwrap()).await
    };
    let (secrets, json_type) = ("/api/v1/secrets", ("content-type", "application/json"));
    let rebound = ask(Method::GET, secrets, &[("host", &format!("evil.example:{}", addr.port()))]).await;
    assert_eq!(rebound.expect(403)["kind"], "Status", "kubectl can show why");
    assert!(!rebound.text().contains("kai-demo"));

    let namespaces = "/api/v1/namespaces";
    for foreign in [("origin", "http://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
        ask(Method::POST, namespaces, &[json_type, foreign]).await.expect(403);
        ask(Method::DELETE, "/api/v1/namespaces/kai-demo", &[json_type, foreign]).await.expect(403);
    }
    for untyped in [&[][..], &[("content-type", "text/plain")]] {
        ask(Method::POST, namespaces, untyped).await.expect(415);
        ask(Method::DELETE, "/api/v1/namespaces/kai-demo", untyped).await.expect(415);
    }
    ask(Method::GET, "/api/v1/namespaces/made", &[]).await.expect(404);

    for host in [addr.to_string(), format!("localhost:{}", addr.port()), "localhost:8080".to_owned()] {
        let secrets = ask(Method::GET, secrets, &[("host", &host)]).await.expect(200);
        assert!(!secrets["items"].as_array().unwrap().is_empty());
    }
    ask(Method::POST, namespaces, &[json_type]).await.expect(201);
}

#[tokio::test]
async fn kubectl_looks_into_the_sandbox_by_address_and_by_name() {
    let server = TestServer::start().await;
    let port = server.sandbox_addr().unwrap().port();
    let home = tempfile::tempdir().unwrap();
    for host in ["127.0.0.1", "localhost"] {
        let kubectl = async |args: &str| {
            let mut command = tokio::process::Command::new("kubectl");
            command
                .env("HOME", home.path())
                .env_remove("KUBECONFIG")
                .args(["--server", &format!("http://{host}:{port}")]);
            let output = command.args(args.split_whitespace()).output().await.unwrap();
            let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            assert!(output.status.success(), "{host}: {args}: {said}");
            said
        };
        let manifest = home.path().join("made.yaml");
        std::fs::write(&manifest, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: made\ndata:\n  key: value\n")
            .unwrap();
        kubectl(&format!("apply -f {}", manifest.display())).await;
        assert!(kubectl("get configmaps").await.contains("made"));
        kubectl("label configmap made tier=x").await;
        kubectl("delete configmap made").await;
    }
}

#[tokio::test]
async fn a_second_server_in_the_same_folder_is_refused_and_a_taken_port_named() {
    let server = TestServer::start().await;
    let mut settings = server.settings().clone();
    let refused = anyhow::Error::from(server::run::start(settings.clone()).await.err().unwrap());
    let refused = format!("{refused:#}");
    assert!(refused.contains("another KAI Server"), "{refused}");

    let elsewhere = tempfile::tempdir().unwrap();
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    settings = server::config::Settings::try_from(server::config::Flags::defaults(elsewhere.path()).unwrap()).unwrap();
    (settings.addr, settings.internal_addr, settings.sandbox_addr) = (server.addr(), free, free);
    let refused = server::run::start(settings).await.err().unwrap().to_string();
    assert!(refused.contains("KAI_ADDR") && refused.contains(&server.addr().to_string()), "{refused}");
}
