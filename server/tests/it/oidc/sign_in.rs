//! Sign-ins that the provider does right, and what they are bound to.

use serde_json::json;
use server::accounts::oidc::{Callback, Declined, Identified, Refusal};
use std::time::Duration;

use super::{Set, provider::CLIENT, server};

fn shown(found: &Identified) -> &str {
    found.name.as_ref().unwrap().as_str()
}

#[tokio::test]
async fn somebody_is_known_by_issuer_and_subject_and_comes_back_to_where_they_were() {
    let set = Set::new().await;
    let found = set.sign_in().await.unwrap();
    assert_eq!((&*found.issuer, &*found.subject), (&*set.provider.settings().issuer, "u-1"));
    assert_eq!((shown(&found), &*found.return_to), ("Mira Holt", "/runtimes/demo"));
    assert_eq!(found.groups, ["dev", "ops"]);
    // The ID token said all there is to know.
    assert_eq!(set.provider.asked("/userinfo"), 0);
    set.sign_in().await.unwrap();
    assert_eq!((set.provider.asked("/jwks"), set.provider.asked("/token")), (1, 2));
}

#[tokio::test]
async fn another_server_takes_the_browser_that_comes_back() {
    let set = Set::new().await;
    let other = server(set.provider.settings(), &set.store);
    let begun = set.server.begin("/", None).await.unwrap();
    let callback = set.provider.authorize(&begun.authorization_url);
    assert_eq!(other.finish(callback, Some(begun.browser)).await.unwrap().subject, "u-1");
}

#[tokio::test]
async fn two_tabs_of_a_browser_sign_in_side_by_side() {
    let set = Set::new().await;
    let first = set.server.begin("/first", None).await.unwrap();
    let second = set.server.begin("/second", Some(first.browser.clone())).await.unwrap();
    assert_eq!(first.browser, second.browser);
    for (begun, path) in [(first, "/first"), (second, "/second")] {
        let callback = set.provider.authorize(&begun.authorization_url);
        assert_eq!(set.server.finish(callback, Some(begun.browser)).await.unwrap().return_to, path);
    }
}

#[tokio::test]
async fn what_the_id_token_leaves_out_is_in_the_user_information() {
    let set = Set::new().await;
    set.provider.claims(|claims| {
        claims.as_object_mut().unwrap().retain(|name, _| name != "name" && name != "groups");
    });
    set.provider.user_info(json!({ "sub": "u-1", "preferred_username": "mira", "groups": "ops" }));
    let found = set.sign_in().await.unwrap();
    assert_eq!((shown(&found), &*found.groups), ("mira", &["ops".to_owned()][..]));
    // A provider that has none signs people in all the same; only their subject is left to show.
    let set = Set::new().await;
    set.provider.without_user_info();
    set.provider.claims(|claims| {
        claims.as_object_mut().unwrap().retain(|name, _| name != "name" && name != "groups");
    });
    let found = set.sign_in().await.unwrap();
    assert_eq!((shown(&found), found.groups.len()), ("u-1", 0));
}

#[tokio::test]
async fn a_provider_that_takes_the_secret_only_in_the_body_gets_it_there() {
    let set = Set::new().await;
    set.provider
        .discovery(|document| document["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]));
    assert_eq!(set.sign_in().await.unwrap().subject, "u-1");
}

#[tokio::test]
async fn a_sign_in_that_another_browser_began_signs_nobody_in() {
    let set = Set::new().await;
    let theirs = set.server.begin("/", None).await.unwrap();
    let mine = set.server.begin("/", None).await.unwrap();
    let answer = |callback: &Callback| Callback {
        code: callback.code.clone(),
        state: callback.state.clone(),
        ..Default::default()
    };
    let callback = set.provider.authorize(&theirs.authorization_url);
    for browser in [Some(mine.browser.clone()), None] {
        assert_eq!(set.server.finish(answer(&callback), browser).await, Err(Refusal::OtherBrowser));
    }
    let without_state = Callback { state: None, ..answer(&callback) };
    assert_eq!(set.server.finish(without_state, Some(theirs.browser.clone())).await, Err(Refusal::OtherBrowser));
    assert_eq!(set.provider.asked("/token"), 0);
    // It is still the other browser's.
    assert!(set.server.finish(callback, Some(theirs.browser)).await.is_ok());
}

#[tokio::test]
async fn a_sign_in_ends_once() {
    let set = Set::new().await;
    let begun = set.server.begin("/", None).await.unwrap();
    let callback = set.provider.authorize(&begun.authorization_url);
    let again = || Callback { code: callback.code.clone(), state: callback.state.clone(), ..Default::default() };
    let other = server(set.provider.settings(), &set.store);
    let (one, two) = tokio::join!(
        set.server.finish(again(), Some(begun.browser.clone())),
        other.finish(again(), Some(begun.browser.clone()))
    );
    let refusals: Vec<_> = [&one, &two].into_iter().filter_map(|answer| answer.as_ref().err()).collect();
    assert_eq!(refusals, [&Refusal::Over]);
    assert_eq!(set.server.finish(again(), Some(begun.browser)).await, Err(Refusal::Over));
    assert_eq!(set.provider.asked("/token"), 1);
}

#[tokio::test]
async fn a_sign_in_that_takes_too_long_has_to_begin_again() {
    let set = Set::with(|settings| settings.limits.sign_in_timeout = Duration::ZERO).await;
    assert_eq!(set.sign_in().await, Err(Refusal::Over));
    assert_eq!(set.provider.asked("/token"), 0);
}

#[tokio::test]
async fn what_the_provider_refuses_is_said_in_our_own_words() {
    let set = Set::new().await;
    for (error, declined) in [
        ("access_denied", Declined::Access),
        ("temporarily_unavailable", Declined::Busy),
        ("invalid_scope", Declined::Request),
        ("<script>", Declined::Request),
    ] {
        let begun = set.server.begin("/", None).await.unwrap();
        let callback = Callback {
            error: Some(error.to_owned()),
            error_description: Some("call 0900 123".to_owned()),
            code: None,
            ..set.provider.authorize(&begun.authorization_url)
        };
        let refusal = set.server.finish(callback, Some(begun.browser)).await.unwrap_err();
        assert_eq!(refusal, Refusal::Declined(declined));
        let said = refusal.to_string();
        assert!(!said.contains("0900") && !said.contains('<'), "{said}");
    }
}

#[tokio::test]
async fn a_code_that_the_provider_does_not_know_signs_nobody_in() {
    let set = Set::new().await;
    let begun = set.server.begin("/", None).await.unwrap();
    let callback = set.provider.authorize(&begun.authorization_url);
    let callback = Callback { code: Some("stolen".to_owned()), ..callback };
    let refusal = set.server.finish(callback, Some(begun.browser)).await;
    assert_eq!(refusal, Err(Refusal::Declined(Declined::Request)));
}

#[tokio::test]
async fn a_stolen_code_is_of_no_use_in_the_thief_s_own_sign_in() {
    let set = Set::new().await;
    let theirs = set.server.begin("/", None).await.unwrap();
    let stolen = set.provider.authorize(&theirs.authorization_url).code;
    let mine = set.server.begin("/", None).await.unwrap();
    let callback = Callback { code: stolen, ..set.provider.authorize(&mine.authorization_url) };
    // The provider finds that the code verifier is another one (RFC 7636 §4.6).
    assert_eq!(set.server.finish(callback, Some(mine.browser)).await, Err(Refusal::Declined(Declined::Request)));
}

#[tokio::test]
async fn signing_out_leads_to_the_provider_and_back() {
    let set = Set::new().await;
    let found = set.sign_in().await.unwrap();
    let url = set.server.sign_out_url(&found.id_token).await.unwrap();
    assert_eq!(url.path(), "/end");
    let query: Vec<_> = url.query_pairs().into_owned().collect();
    let expected = [
        ("id_token_hint", found.id_token.expose()),
        ("client_id", CLIENT),
        ("post_logout_redirect_uri", "https://kai.example/sign-in"),
    ];
    assert_eq!(query, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    // A provider without such a place.
    let set = Set::new().await;
    set.provider.discovery(|document| drop(document.as_object_mut().unwrap().remove("end_session_endpoint")));
    assert_eq!(set.server.sign_out_url(&found.id_token).await, None);
}
