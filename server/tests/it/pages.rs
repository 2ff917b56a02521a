//! Pages as the server sends them, before any script runs.

use serde_json::json;

use crate::support::{
    krt::Krt,
    server::{Answer, TestServer},
};

#[tokio::test]
async fn each_screen_has_its_content_without_scripts() {
    let server = TestServer::start().await;
    server.post("/api/v1/runtimes", json!({ "id": "demo", "name": "Demonstration" })).await.expect(201);
    server.upload("demo", Krt::new("v1").variable("KEY").bytes()).await.expect(201);
    for (path, content) in [
        ("/", "Demonstration"),
        ("/runtimes/demo", "Made for a test."),
        ("/runtimes/demo/versions/v1", "greeter"),
        ("/runtimes/demo/versions/v1/configuration", "KEY"),
        ("/runtimes/demo/versions/v1/history", "local"),
    ] {
        let page = server.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
        assert!(page.text().contains(content), "{path}: {}", page.text());
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_page_with_status_404() {
    let server = TestServer::start().await;
    let long = format!("/{}", "a".repeat(5000));
    let deep = "/a".repeat(2500);
    for path in ["/nothing", "/runtimes/demo", "/runtimes/demo/versions/v1", "/pkg/nothing.js", &long, &deep] {
        for path in [path.to_owned(), format!("/pkg{path}"), format!("/runtimes{path}")] {
            assert_eq!(server.get(&path).await.status, 404, "{path}");
        }
    }
}

#[tokio::test]
async fn a_name_with_markup_in_it_is_text_in_each_title() {
    let server = TestServer::start().await;
    let name = "</title><img src=x onerror=alert(1)> & Co";
    server.post("/api/v1/runtimes", json!({ "id": "demo", "name": name })).await.expect(201);
    let page = server.get("/runtimes/demo").await.text();
    let title = page.split("<title>").nth(1).unwrap().split("</title>").next().unwrap();
    assert_eq!(title, "&lt;/title>&lt;img src=x onerror=alert(1)> &amp; Co · KAI Server");
    for path in ["/", "/runtimes/demo", "/activity"] {
        let page = server.get(path).await.text();
        assert!(!page.contains("<img src=x"), "{path}: {page}");
    }
}

#[tokio::test]
async fn arguments_that_a_server_function_cannot_read_are_a_bad_request() {
    let server = TestServer::start().await;
    let (json_type, form) = ("application/json", "application/x-www-form-urlencoded");
    for (function, kind, body) in [
        ("command", json_type, "{"),
        ("command", json_type, "{}"),
        ("command", json_type, r#"{"runtime":"NO","version":"v1","command":"start"}"#),
        ("find", json_type, "[1]"),
        ("create_runtime", form, "id=demo"),
        ("create_runtime", form, "id=demo&name=%ff%fe&description="),
        ("runtime", json_type, r#"{"id":"NO "}"#),
    ] {
        let request = server.client().post(server.url(&format!("/api/fn/{function}"))).header("content-type", kind);
        let answer = Answer::of(request.body(body).send().await.unwrap()).await;
        assert_eq!(answer.status, 400, "{function} {body}: {}", answer.text());
        assert!(answer.text().contains("not_understood"), "{function} {body}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_page_s_scripts_carry_the_nonce_of_its_policy_and_of_no_other() {
    let server = TestServer::start().await;
    let mut nonces = Vec::new();
    for _ in 0..2 {
        let page = server.get("/").await;
        let policy = page.header("content-security-policy");
        assert!(policy.contains("'wasm-unsafe-eval'") && !policy.contains("unsafe-inline"), "{policy}");
        let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap().to_owned();
        for script in page.text().split("<script").skip(1) {
            let tag = script.split('>').next().unwrap();
            assert!(tag.contains(&format!("nonce=\"{nonce}\"")), "a script without the nonce: {tag}");
        }
        assert!(page.text().contains("<script"), "the page has scripts at all");
        nonces.push(nonce);
    }
    assert_ne!(nonces[0], nonces[1]);
}
