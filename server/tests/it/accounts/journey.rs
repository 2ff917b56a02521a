//! From the first administrator's link to somebody who signs in by name and password.

use domain::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    server::{Answer, TestServer},
    team::{As, add_member, secret_of, session_of, with_logins},
};

const PASSWORD: &str = "a sentence about my cat";

/// The path of a link.
fn path_of(link: &str) -> String {
    format!("/link/{}", link.rsplit('/').next().unwrap())
}

async fn choose(server: &TestServer, link: &str, password: &str) -> Answer {
    server.form(&As::Nobody, &path_of(link), &[("password", password), ("again", password)]).await
}

async fn sign_in(server: &TestServer, name: &str, password: &str) -> Answer {
    let fields = [("name", name), ("password", password), ("next", "/activity?who=ana")];
    server.form(&As::Nobody, "/sign-in", &fields).await
}

async fn get(server: &TestServer, by: &As, path: &str) -> Answer {
    server.ask(by, Method::GET, path, "").await
}

async fn actions(server: &TestServer, by: &As) -> Vec<String> {
    let log = get(server, by, "/api/v1/audit").await.expect(200);
    log.as_array()
        .unwrap()
        .iter()
        .map(|entry| format!("{} {}", entry["who"].as_str().unwrap(), entry["action"].as_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn the_first_administrator_signs_in_by_the_link_and_invites_somebody_who_signs_in_by_password() {
    let server = TestServer::start_with(with_logins).await;
    let (name, link) = server.first_administrator().expect("there is nobody yet");
    assert_eq!(name.as_str(), "admin");
    assert!(link.starts_with(&format!("http://{}/link/", server.addr())), "{link}");
    let page = get(&server, &As::Nobody, &path_of(&link)).await;
    assert!(page.status == 200 && page.text().contains("For admin."), "{}", page.text());
    for weak in ["short", "passwordpassword"] {
        assert_eq!(choose(&server, &link, weak).await.status, 422, "{weak}");
    }
    let differs = server.form(&As::Nobody, &path_of(&link), &[("password", PASSWORD), ("again", "x")]).await;
    assert_eq!(differs.status, 422);
    let chosen = choose(&server, &link, PASSWORD).await;
    assert_eq!((chosen.status, chosen.header("location")), (303, "/"));
    let admin = session_of(&chosen);
    assert_eq!(choose(&server, &link, PASSWORD).await.status, 404, "it works once");
    let me = get(&server, &admin, "/api/v1/me").await.expect(200);
    assert_eq!((&me["who"], &me["rights"]["all"]), (&json!("admin"), &json!("admin")));

    let invited =
        server.ask(&admin, Method::POST, "/api/v1/people", json!({ "name": "Ana" }).to_string()).await.expect(201);
    assert_eq!(choose(&server, invited["link"].as_str().unwrap(), PASSWORD).await.status, 303);
    for (name, password) in [("ana", "another password"), ("nobody", PASSWORD), ("", ""), ("ana (token x)", PASSWORD)] {
        let refused = sign_in(&server, name, password).await;
        assert_eq!(refused.status, 401, "{name}");
        assert!(refused.text().contains("The name or the password is wrong."), "{}", refused.text());
        assert_eq!(refused.header("set-cookie"), "");
    }
    let signed_in = sign_in(&server, " ana ", PASSWORD).await;
    assert_eq!((signed_in.status, signed_in.header("location")), (303, "/activity?who=ana"));
    let cookie = signed_in.header("set-cookie");
    assert!(cookie.starts_with("kai-session=") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
    let ana = session_of(&signed_in);
    let page = get(&server, &ana, "/").await;
    assert_eq!((page.status, page.header("cache-control")), (200, "no-store"));
    get(&server, &ana, "/api/v1/people").await.expect_error(403, "forbidden");

    let out = server.form(&ana, "/sign-out", &[]).await;
    assert_eq!((out.status, out.header("location"), out.header("clear-site-data")), (303, "/sign-in", "\"cache\""));
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    get(&server, &ana, "/api/v1/me").await.expect_error(401, "unauthenticated");
    assert_eq!(
        get(&server, &ana, "/activity?who=ana&action=start").await.header("location"),
        "/sign-in?next=/activity%3Fwho%3Dana%26action%3Dstart"
    );
    assert_eq!(
        actions(&server, &admin).await,
        [
            "Ana signed_out",
            "Ana refused",
            "Ana signed_in",
            "kai-server sign_in_failed",
            "kai-server sign_in_failed",
            "kai-server sign_in_failed",
            "Ana sign_in_failed",
            "Ana signed_in",
            "Ana password_set",
            "admin person_invited",
            "admin signed_in",
            "admin password_set",
            "kai-server grant_set",
            "kai-server person_invited",
        ]
    );
    let csv = get(&server, &admin, "/api/v1/audit.csv?action=refused").await.text();
    assert!(csv.starts_with("id,at,who,action,subject,runtime,detail,address\r\n"), "{csv}");
    assert!(csv.contains(",Ana,refused,,,GET /api/v1/people,127.0.0.1\r\n"), "{csv}");

    let server = server.restart(|_| {}).await;
    assert!(server.first_administrator().is_none(), "there is one");
    assert_eq!(get(&server, &admin, "/api/v1/me").await.status, 200, "a restart ends no session");
}

#[tokio::test]
async fn guessing_is_slowed_and_said_to_be() {
    let server = TestServer::start_with(with_logins).await;
    let mut last = sign_in(&server, "ana", "guess").await;
    for _ in 0..6 {
        last = sign_in(&server, "ana", "guess").await;
    }
    assert_eq!(last.status, 429);
    assert!(last.text().contains("Too many failed attempts; try again in "), "{}", last.text());
}

#[tokio::test]
async fn a_person_changes_their_password_and_sees_and_ends_their_sessions_and_tokens() {
    let server = TestServer::start_with(with_logins).await;
    let store = server.store().await;
    let ana = add_member(&store, "ana", Some(domain::access::Role::Operator), Timestamp::now()).await;
    let link = server::store::SecretDigest::of(&"f".repeat(64).as_str().into());
    let later = Timestamp::now().checked_add(std::time::Duration::from_secs(60)).unwrap();
    store.renew_link(&domain::Caller::server(), ana.id, (link, later), Timestamp::now()).await.unwrap();
    let chosen = choose(&server, &format!("/link/{}", "f".repeat(64)), PASSWORD).await;
    let first = session_of(&chosen);
    assert_eq!(get(&server, &ana.by, "/api/v1/me").await.status, 401, "a new password ends what was before");
    let second = session_of(&sign_in(&server, "ana", PASSWORD).await);
    let change = async |present: &str, new: &str| {
        server.form(&first, "/password", &[("present", present), ("password", new), ("again", new)]).await.status
    };
    assert_eq!(get(&server, &first, "/password").await.status, 200);
    assert_eq!(change("wrong", "another long password").await, 401);
    assert_eq!(change(PASSWORD, "short").await, 422);
    assert_eq!(change(PASSWORD, "another long password").await, 303);
    assert_eq!(get(&server, &second, "/api/v1/me").await.status, 401, "the others end");
    let third = session_of(&sign_in(&server, "ana", "another long password").await);

    let sessions = get(&server, &third, "/api/v1/people/me/sessions").await.expect(200);
    let current: Vec<&Value> = sessions.as_array().unwrap().iter().filter(|s| s["is_current"] == true).collect();
    assert_eq!((sessions.as_array().unwrap().len(), current.len()), (2, 1), "{sessions}");
    let other = sessions.as_array().unwrap().iter().find(|s| s["is_current"] == false).unwrap()["id"].as_i64().unwrap();
    let ended = server.ask(&third, Method::DELETE, &format!("/api/v1/people/me/sessions/{other}"), "").await;
    assert_eq!((ended.status, get(&server, &first, "/api/v1/me").await.status), (204, 401));

    let make = async |body: Value| server.ask(&third, Method::POST, "/api/v1/people/me/tokens", body.to_string()).await;
    make(json!({ "name": "x", "role": "publisher" })).await.expect_error(403, "forbidden");
    make(json!({ "name": "x", "role": "viewer", "days": 367 })).await.expect_error(422, "invalid_input");
    let made = make(json!({ "name": "deploy", "role": "operator" })).await.expect(201);
    make(json!({ "name": "deploy", "role": "operator" })).await.expect_error(409, "name_taken");
    assert!(made["secret"].as_str().unwrap().starts_with("kai_"));
    let token = secret_of(&made);
    let me = get(&server, &token, "/api/v1/me").await.expect(200);
    assert_eq!((&me["who"], &me["rights"]["all"]), (&json!("ana (token deploy)"), &json!("operator")));
    for forbidden in ["/api/v1/people/me/tokens", "/api/v1/people/me/sessions"] {
        get(&server, &token, forbidden).await.expect_error(403, "forbidden");
    }
    let listed = get(&server, &third, "/api/v1/people/me/tokens").await.expect(200);
    assert!(listed[0]["used_at"].is_string() && listed[0].get("secret").is_none(), "{listed}");
    let As::Session(cookie) = &third else { panic!() };
    let As::Token(secret) = &token else { panic!() };
    let both = server.client().get(server.url("/api/v1/me")).bearer_auth(secret);
    let both = both.header("cookie", format!("kai-session={cookie}")).send().await.unwrap();
    Answer::of(both).await.expect_error(400, "bad_request");
    let revoke = format!("/api/v1/people/me/tokens/{}", made["token"]["id"]);
    assert_eq!(server.ask(&third, Method::DELETE, &revoke, "").await.status, 204);
    get(&server, &token, "/api/v1/me").await.expect_error(401, "unauthenticated");
    assert_eq!(server.ask(&third, Method::DELETE, "/api/v1/people/me/sessions", "").await.status, 204);
    assert_eq!(get(&server, &third, "/api/v1/me").await.status, 401);
}
