//! What is open while somebody loses their rights, their token or their session.

use std::time::Duration;

use domain::{Subject, Timestamp, access::Role};
use reqwest::{Method, Response};
use server::config::Settings;
use tokio::time::timeout;

use crate::support::{
    krt::Krt,
    server::{MAX_WAIT, TestServer},
    team::{As, add_grant, add_member, remove_default_grant, secret_of, with_logins},
};

fn checked_often(settings: &mut Settings) {
    with_logins(settings);
    settings.logins.sessions.check_interval = Duration::from_millis(50);
}

async fn events(server: &TestServer, by: &As) -> Response {
    by.on(server.client().get(server.url("/api/v1/events"))).send().await.unwrap()
}

/// What still comes until this is said, or until the end.
async fn read_until(stream: &mut Response, said: &str) -> String {
    let mut text = String::new();
    let reading = async {
        while !text.contains(said) {
            match stream.chunk().await.unwrap() {
                Some(chunk) => text += &String::from_utf8_lossy(&chunk),
                None => break,
            }
        }
    };
    timeout(MAX_WAIT, reading).await.unwrap_or_else(|_| panic!("`{said}` does not come"));
    text
}

async fn rest(stream: &mut Response) -> String {
    read_until(stream, "\0").await
}

#[tokio::test]
async fn the_events_of_whoever_is_disabled_or_signs_out_end_and_say_why() {
    let server = TestServer::start_with(checked_often).await;
    let store = server.store().await;
    let admin = add_member(&store, "root", Some(Role::Admin), Timestamp::now()).await;
    let [ana, ben] = [
        add_member(&store, "ana", None, Timestamp::now()).await,
        add_member(&store, "ben", None, Timestamp::now()).await,
    ];
    let body = r#"{"name":"t","role":"viewer"}"#;
    let token = server.ask(&ben.by, Method::POST, "/api/v1/people/me/tokens", body).await.expect(201);

    let mut of_ana = events(&server, &ana.by).await;
    let mut of_ben = events(&server, &ben.by).await;
    let mut of_token = events(&server, &secret_of(&token)).await;
    for stream in [&mut of_ana, &mut of_ben, &mut of_token] {
        read_until(stream, "hello").await;
    }
    server.ask(&admin.by, Method::POST, &format!("/api/v1/people/{}/disable", ana.id.0), "").await;
    let told = rest(&mut of_ana).await;
    assert!(told.contains(r#"{"signed_out":{"reason":"the session has ended; sign in again"}}"#), "{told}");
    server.form(&ben.by, "/sign-out", &[]).await;
    assert!(rest(&mut of_ben).await.contains("signed_out"));
    let id = token["token"]["id"].as_i64().unwrap();
    let revoke = format!("/api/v1/people/{}/tokens/{id}", ben.id.0);
    assert_eq!(server.ask(&admin.by, Method::DELETE, &revoke, "").await.status, 204);
    let told = rest(&mut of_token).await;
    assert!(told.contains("the token has expired or was revoked"), "{told}");
}

#[tokio::test]
async fn a_stream_that_is_open_does_not_keep_a_session_from_ending() {
    let server = TestServer::start_with(|settings| {
        checked_often(settings);
        settings.logins.sessions.idle = Duration::from_secs(2);
    })
    .await;
    let ana = add_member(&*server.store().await, "ana", None, Timestamp::now()).await;
    let mut events = events(&server, &ana.by).await;
    assert!(rest(&mut events).await.contains("signed_out"));
}

#[tokio::test]
async fn whoever_gets_other_rights_reads_anew_and_hears_of_what_they_may_see_alone() {
    let server = TestServer::start_with(checked_often).await;
    let store = server.store().await;
    remove_default_grant(&store).await;
    let admin = add_member(&store, "root", Some(Role::Admin), Timestamp::now()).await;
    let ana = add_member(&store, "ana", None, Timestamp::now()).await;
    let add = async |id: &str| {
        let body = serde_json::json!({ "id": id, "name": id }).to_string();
        server.ask(&admin.by, Method::POST, "/api/v1/runtimes", body).await.expect(201)
    };
    add("demo").await;
    let mut of_ana = events(&server, &ana.by).await;
    read_until(&mut of_ana, "hello").await;
    add("hidden").await;
    add_grant(&store, Subject::Person(ana.id), "demo", Role::Viewer).await;
    let told = read_until(&mut of_ana, "hello").await;
    assert!(!told.contains("hidden"), "{told}");
    let change = r#"{"subject":"group:x","runtime":"demo","role":"viewer"}"#;
    assert_eq!(server.ask(&admin.by, Method::PUT, "/api/v1/grants", change).await.status, 204);
    let delete = server.ask(&admin.by, Method::DELETE, "/api/v1/runtimes/hidden", "").await;
    assert_eq!(delete.status, 204);
    assert_eq!(server.ask(&admin.by, Method::DELETE, "/api/v1/runtimes/demo", "").await.status, 204);
    // With the runtime her role on it is gone: if she does not hear of the one, she does of the other.
    let told = read_until(&mut of_ana, "hello").await;
    assert!(!told.contains("hidden"), "{told}");
}

#[tokio::test]
async fn a_log_that_is_followed_ends_with_the_right_to_read_it_and_says_so() {
    let server = TestServer::start_with(checked_often).await;
    let store = server.store().await;
    let admin = add_member(&store, "root", Some(Role::Admin), Timestamp::now()).await;
    let ana = add_member(&store, "ana", None, Timestamp::now()).await;
    let ask = async |method: Method, path: &str, body: Vec<u8>| server.ask(&admin.by, method, path, body).await;
    let v1 = "/api/v1/runtimes/demo/versions/v1";
    ask(Method::POST, "/api/v1/runtimes", br#"{"id":"demo","name":"Demo"}"#.to_vec()).await.expect(201);
    ask(Method::POST, "/api/v1/runtimes/demo/versions", Krt::new("v1").bytes()).await.expect(201);
    ask(Method::POST, &format!("{v1}/start"), Vec::new()).await.expect(202);
    let mut log = ana.by.on(server.client().get(server.url(&format!("{v1}/logs?follow=true")))).send().await.unwrap();
    assert_eq!(log.status(), 200);
    assert_eq!(ask(Method::DELETE, "/api/v1/grants?subject=everyone", Vec::new()).await.status, 204);
    let told = rest(&mut log).await;
    assert!(told.ends_with("\"error\":\"The log ends here: you may not see this runtime any more.\"}\n"), "{told}");
}
