//! Answers that somebody made up, or that a provider gets wrong: each is refused, with its reason.

use serde_json::{Value, json};
use server::accounts::oidc::{Callback, Refusal, Untrusted};

use super::{
    Set,
    provider::{Change, Forgery, now},
};

#[tokio::test]
async fn a_token_with_a_signature_that_proves_nothing_is_refused() {
    for (forgery, reason, said) in [
        (Forgery::AlgNone, Untrusted::Unsigned, "not signed"),
        (Forgery::Unsigned, Untrusted::Signature, "signature of its ID token is wrong"),
        (Forgery::HmacWithPublicKey, Untrusted::Algorithm, "algorithm that is not accepted"),
        (Forgery::HmacWithClientSecret, Untrusted::Algorithm, "algorithm that is not accepted"),
        (Forgery::UnknownKey, Untrusted::UnknownKey, "key that the provider does not have"),
        (Forgery::KeyOfSameName, Untrusted::Signature, "signature of its ID token is wrong"),
        (Forgery::Tampered, Untrusted::Signature, "signature of its ID token is wrong"),
    ] {
        let set = Set::new().await;
        set.provider.forge(forgery);
        let refusal = set.sign_in().await.unwrap_err();
        assert_eq!(refusal, Refusal::Untrusted(reason), "{forgery:?}");
        assert!(refusal.to_string().contains(said), "{forgery:?}: {refusal}");
    }
}

#[tokio::test]
async fn a_token_that_is_not_for_this_sign_in_is_refused() {
    let cases: [(&str, Change, Untrusted); 14] = [
        ("the issuer with a slash", |claims| add(claims, "iss", "/"), Untrusted::Issuer),
        ("no issuer", |claims| claims["iss"] = "https://evil.example".into(), Untrusted::Issuer),
        ("another client", |claims| claims["aud"] = "other".into(), Untrusted::Audience),
        ("a client whose id begins alike", |claims| add(claims, "aud", "-2"), Untrusted::Audience),
        ("one more client", |claims| claims["aud"] = json!(["kai", "other"]), Untrusted::Audience),
        ("given to another", |claims| claims["azp"] = "other".into(), Untrusted::Audience),
        ("another nonce", |claims| add(claims, "nonce", "x"), Untrusted::Nonce),
        ("no nonce", |claims| remove(claims, "nonce"), Untrusted::Nonce),
        ("expired", |claims| claims["exp"] = (now() - 1).into(), Untrusted::Expired),
        ("of 1970", |claims| claims["exp"] = 1.into(), Untrusted::Expired),
        ("from the future", |claims| claims["iat"] = (now() + 3600).into(), Untrusted::Future),
        (
            "of another access token",
            |claims| claims["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA".into(),
            Untrusted::AccessToken,
        ),
        ("none", |claims| claims["sub"] = "".into(), Untrusted::NoIdToken),
        ("a slash less", |claims| claims["iss"] = "http://127.0.0.1".into(), Untrusted::Issuer),
    ];
    for (name, change, reason) in cases {
        let set = Set::new().await;
        set.provider.claims(change);
        assert_eq!(set.sign_in().await, Err(Refusal::Untrusted(reason)), "{name}");
    }
}

fn add(claims: &mut Value, name: &str, end: &str) {
    claims[name] = format!("{}{end}", claims[name].as_str().unwrap()).into();
}

fn remove(claims: &mut Value, name: &str) {
    claims.as_object_mut().unwrap().remove(name);
}

#[tokio::test]
async fn a_provider_s_clock_may_be_a_little_ahead() {
    let set = Set::new().await;
    set.provider.claims(|claims| claims["iat"] = (now() + 20).into());
    assert!(set.sign_in().await.is_ok());
}

#[tokio::test]
async fn the_token_of_an_earlier_sign_in_is_refused() {
    let set = Set::new().await;
    static EARLIER: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    set.provider.claims(|claims| {
        let earlier = EARLIER.get_or_init(|| claims["nonce"].as_str().unwrap().to_owned());
        claims["nonce"] = earlier.as_str().into();
    });
    assert!(set.sign_in().await.is_ok());
    assert_eq!(set.sign_in().await, Err(Refusal::Untrusted(Untrusted::Nonce)));
}

#[tokio::test]
async fn user_information_about_somebody_else_is_refused() {
    let set = Set::new().await;
    set.provider.claims(|claims| remove(claims, "groups"));
    set.provider.user_info(json!({ "sub": "u-2", "groups": ["admins"] }));
    assert_eq!(set.sign_in().await, Err(Refusal::Untrusted(Untrusted::Subject)));
}

#[tokio::test]
async fn a_browser_that_another_provider_sends_back_is_refused() {
    let set = Set::new().await;
    let begun = set.server.begin("/", None).await.unwrap();
    let callback = set.provider.authorize(&begun.authorization_url);
    let callback = Callback { iss: Some("https://evil.example".to_owned()), ..callback };
    // RFC 9207: the code is given to nobody.
    assert_eq!(set.server.finish(callback, Some(begun.browser)).await, Err(Refusal::Untrusted(Untrusted::Issuer)));
    assert_eq!(set.provider.asked("/token"), 0);
}

#[tokio::test]
async fn a_discovery_document_that_is_not_the_issuer_s_is_refused() {
    let cases: [(Change, Untrusted); 3] = [
        (|document| add(document, "issuer", "/"), Untrusted::Issuer),
        (|document| document["token_endpoint"] = "http://evil.example/token".into(), Untrusted::Unprotected),
        (|document| document["end_session_endpoint"] = "javascript:alert(1)".into(), Untrusted::Unprotected),
    ];
    for (change, reason) in cases {
        let set = Set::new().await;
        set.provider.discovery(change);
        assert_eq!(set.server.begin("/", None).await.unwrap_err(), Refusal::Untrusted(reason));
    }
}
