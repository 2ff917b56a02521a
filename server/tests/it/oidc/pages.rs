//! The way of a browser: from a page to the provider and back, in, and out again.

use std::collections::BTreeMap;

use domain::{Subject, access::Role};
use reqwest::{Method, Url};
use serde_json::json;
use server::config::{LoginMode, PublicUrl, Settings};

use super::provider::{Fault, Forgery, PUBLIC_URL, Provider};
use crate::support::{
    server::{Answer, TestServer},
    team::add_grant,
};

/// It keeps cookies, and follows no redirect by itself.
struct Browser<'a> {
    server: &'a TestServer,
    provider: &'a Provider,
    cookies: BTreeMap<String, String>,
}

impl<'a> Browser<'a> {
    fn new(server: &'a TestServer, provider: &'a Provider) -> Self {
        Self { server, provider, cookies: BTreeMap::new() }
    }

    async fn send(&mut self, method: Method, path: &str, body: &str) -> Answer {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = self.server.client().request(method, self.server.url(path)).body(body.to_owned());
        let request = request.header("host", "kai.example").header("cookie", cookies.join("; "));
        let answer = Answer::of(request.send().await.unwrap()).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            assert!(name.starts_with("__Host-kai-"), "{name}");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, "").await
    }

    /// To the provider and back; answers the path of the way back.
    async fn identify(&mut self, next: &str) -> String {
        let begun = self.get(&format!("/auth/oidc/start?next={next}")).await;
        assert_eq!((begun.status, begun.header("cache-control")), (303, "no-store"), "{}", begun.text());
        let callback = self.provider.authorize(&Url::parse(begun.header("location")).unwrap());
        format!("/auth/oidc/callback?code={}&state={}", callback.code.unwrap(), callback.state.unwrap())
    }

    async fn sign_in(&mut self, next: &str) -> Answer {
        let back = self.identify(next).await;
        self.get(&back).await
    }
}

async fn start(provider: &Provider, change: impl FnOnce(&mut Settings)) -> TestServer {
    let oidc = provider.settings();
    TestServer::start_with(|settings| {
        settings.logins.modes = vec![LoginMode::Oidc];
        settings.logins.public_url = PublicUrl::parse(PUBLIC_URL);
        settings.logins.oidc = Some(oidc);
        change(settings);
    })
    .await
}

#[tokio::test]
async fn who_asks_for_a_page_comes_back_to_it_by_the_provider_and_is_somebody() {
    let provider = Provider::start().await;
    let server = start(&provider, |_| {}).await;
    let mut browser = Browser::new(&server, &provider);
    let sent = browser.get("/activity?who=ana").await;
    assert_eq!((sent.status, sent.header("location")), (303, "/sign-in?next=/activity%3Fwho%3Dana"));
    let page = browser.get(sent.header("location")).await;
    let link = "/auth/oidc/start?next=%2Factivity%3Fwho%3Dana";
    assert!(page.text().contains(&format!("href=\"{link}\">Sign in with Example</a>")), "{}", page.text());
    assert!(!page.text().contains("type=\"password\""), "there are no passwords here");

    let back = browser.sign_in("%2Factivity%3Fwho%3Dana").await;
    assert_eq!((back.status, back.header("location")), (303, "/activity?who=ana"), "{}", back.text());
    let me = browser.get("/api/v1/me").await.expect(200);
    assert_eq!((&me["who"], &me["rights"]["all"]), (&json!("Mira Holt"), &json!("viewer")));
    // The same person again, and nobody else under their name.
    let mut other = Browser::new(&server, &provider);
    other.sign_in("%2F").await;
    assert_eq!(other.get("/api/v1/me").await.expect(200)["person"], me["person"]);
    provider.claims(|claims| claims["sub"] = "u-2".into());
    let mut namesake = Browser::new(&server, &provider);
    namesake.sign_in("%2F").await;
    assert_eq!(namesake.get("/api/v1/me").await.expect(200)["who"], "Mira Holt 2");
}

#[tokio::test]
async fn groups_of_the_provider_have_roles_which_follow_at_the_next_sign_in() {
    let provider = Provider::start().await;
    let server = start(&provider, |settings| {
        settings.logins.oidc.as_mut().unwrap().admin_group = Some("ops".to_owned());
    })
    .await;
    let mut browser = Browser::new(&server, &provider);
    browser.sign_in("%2F").await;
    assert_eq!(browser.get("/api/v1/me").await.expect(200)["rights"]["all"], "admin");
    let demo = json!({ "id": "demo", "name": "Demo" }).to_string();
    browser.send(Method::POST, "/api/v1/runtimes", &demo).await.expect(201);
    add_grant(&*server.store().await, Subject::Group("qa".to_owned()), "demo", Role::Operator).await;

    provider.claims(|claims| claims["groups"] = json!(["qa"]));
    // Whoever has signed in goes on as they are until they sign out.
    assert_eq!(browser.get("/auth/oidc/start").await.header("location"), "/");
    browser.send(Method::POST, "/sign-out", "").await;
    browser.sign_in("%2F").await;
    let rights = browser.get("/api/v1/me").await.expect(200)["rights"].clone();
    assert_eq!(rights, json!({ "all": "viewer", "runtimes": { "demo": "operator" } }));
}

#[tokio::test]
async fn signing_out_ends_the_session_here_and_goes_on_to_the_provider() {
    let provider = Provider::start().await;
    let server = start(&provider, |_| {}).await;
    let mut browser = Browser::new(&server, &provider);
    browser.sign_in("%2F").await;
    let out = browser.send(Method::POST, "/sign-out", "").await;
    assert_eq!((out.status, out.header("clear-site-data")), (200, "\"cache\""));
    let refresh = out.header("refresh");
    let (wait, url) = refresh.split_once("; url=").unwrap();
    let url = Url::parse(url).unwrap();
    assert_eq!((wait, url.path()), ("0", "/end"));
    assert!(
        url.query_pairs()
            .any(|(name, value)| name == "post_logout_redirect_uri" && value == format!("{PUBLIC_URL}/sign-in"))
    );
    browser.get("/api/v1/me").await.expect_error(401, "unauthenticated");
    // One who is out already, and a provider that is down, end here.
    assert_eq!(browser.send(Method::POST, "/sign-out", "").await.header("location"), "/sign-in");
}

#[tokio::test]
async fn what_goes_wrong_is_said_on_the_page_to_sign_in() {
    let provider = Provider::start().await;
    let server = start(&provider, |settings| {
        settings.logins.oidc.as_mut().unwrap().limits.pause_after_failure = std::time::Duration::ZERO;
    })
    .await;
    let mut browser = Browser::new(&server, &provider);
    let said = |answer: &Answer, status: u16, text: &str| {
        assert_eq!(answer.status, status, "{}", answer.text());
        let page = answer.text();
        assert!(page.contains("role=\"alert\"") && page.contains(text), "{text}: {page}");
        assert!(page.contains("Sign in with Example"), "{page}");
    };
    provider.fault("/.well-known/openid-configuration", Fault::Status(500));
    said(&browser.get("/auth/oidc/start").await, 503, "The provider has failed; try again in a minute.");
    provider.heal();
    provider.forge(Forgery::AlgNone);
    said(&browser.sign_in("%2F").await, 502, "its ID token is not signed");
    provider.forge(Forgery::None);
    said(&browser.get("/auth/oidc/callback").await, 400, "This sign-in was not begun in this browser; sign in again.");
    let back = browser.identify("%2F").await;
    let declined = format!("{}&error=access_denied&error_description=call+0900", back.replace("code=", "x="));
    let answer = browser.get(&declined).await;
    said(&answer, 403, "The provider did not sign you in: it was cancelled there, or you have no access.");
    assert!(!answer.text().contains("0900"));
    said(&browser.get(&back).await, 400, "This sign-in has expired or was completed already; sign in again.");
    assert!(!browser.cookies.contains_key("__Host-kai-session"));

    // Loaded again by who has signed in, the way back leads to the pages.
    let back = browser.identify("%2Factivity").await;
    assert_eq!(browser.get(&back).await.header("location"), "/activity");
    assert_eq!(browser.get(&back).await.header("location"), "/");
}

#[tokio::test]
async fn no_sign_in_ends_on_another_site() {
    let provider = Provider::start().await;
    let server = start(&provider, |_| {}).await;
    for next in ["%2F%2Fevil.example", "https%3A%2F%2Fevil.example", "%2F%5Cevil.example", "%2Fauth%2Foidc%2Fstart"] {
        let mut browser = Browser::new(&server, &provider);
        assert_eq!(browser.sign_in(next).await.header("location"), "/", "{next}");
    }
}

#[tokio::test]
async fn who_is_disabled_does_not_sign_in_and_the_audit_log_says_who_tried() {
    let provider = Provider::start().await;
    let server = start(&provider, |settings| {
        settings.logins.oidc.as_mut().unwrap().admin_group = Some("admins".to_owned());
    })
    .await;
    let mut mira = Browser::new(&server, &provider);
    mira.sign_in("%2F").await;
    let id = mira.get("/api/v1/me").await.expect(200)["person"].clone();
    provider.claims(|claims| {
        claims["sub"] = "root".into();
        claims["name"] = "Root".into();
        claims["groups"] = json!("admins");
    });
    let mut root = Browser::new(&server, &provider);
    root.sign_in("%2F").await;
    assert_eq!(root.send(Method::POST, &format!("/api/v1/people/{id}/disable"), "").await.status, 204);
    mira.get("/api/v1/me").await.expect_error(401, "unauthenticated");
    provider.claims(|_| {});
    let refused = mira.sign_in("%2F").await;
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("This account is disabled; ask an administrator."), "{}", refused.text());
    provider.forge(Forgery::Unsigned);
    mira.sign_in("%2F").await;
    let log = root.get("/api/v1/audit").await.expect(200);
    let failed = log.as_array().unwrap().iter().filter(|entry| entry["action"] == "sign_in_failed");
    let details: Vec<_> = failed.map(|entry| entry["detail"].as_str().unwrap().to_owned()).collect();
    assert!(details[0].contains("the signature of its ID token is wrong"), "{details:?}");
    assert_eq!(details[1], "by the provider: the account of subject u-1 is disabled");
}

#[tokio::test]
async fn where_nobody_signs_in_with_a_provider_there_is_no_way_to_one() {
    let server = TestServer::start_with(crate::support::team::with_logins).await;
    server.get("/auth/oidc/start").await.expect_error(404, "not_found");
    server.get("/auth/oidc/callback").await.expect_error(404, "not_found");
}
