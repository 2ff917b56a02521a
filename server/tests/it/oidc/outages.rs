//! A provider that changes its keys, is slow, fails, or says more than anybody wants to hear.

use std::time::Duration;

use server::accounts::oidc::{Outage, Refusal, Untrusted};

use super::{
    Set,
    provider::{Fault, Forgery},
    server,
};

const DISCOVERY: &str = "/.well-known/openid-configuration";

/// Less patient than usual, and ready to ask again at once.
async fn set() -> Set {
    Set::with(|settings| {
        settings.limits.request_timeout = Duration::from_secs(2);
        settings.limits.pause_after_failure = Duration::ZERO;
    })
    .await
}

#[tokio::test]
async fn keys_that_change_sign_people_in_all_the_same() {
    let set = Set::with(|settings| settings.limits.pause_between_keys = Duration::ZERO).await;
    set.sign_in().await.unwrap();
    set.provider.rotate("second");
    assert_eq!(set.sign_in().await.unwrap().subject, "u-1");
    assert_eq!(set.provider.asked("/jwks"), 2);
    // Another one under the same name.
    set.provider.rotate("second");
    assert_eq!(set.sign_in().await.unwrap().subject, "u-1");
    assert_eq!(set.provider.asked("/jwks"), 3);
}

#[tokio::test]
async fn tokens_with_made_up_keys_do_not_make_the_server_ask_again_and_again() {
    let set = Set::new().await;
    set.provider.forge(Forgery::UnknownKey);
    for _ in 0..5 {
        assert_eq!(set.sign_in().await, Err(Refusal::Untrusted(Untrusted::UnknownKey)));
    }
    assert_eq!(set.provider.asked("/jwks"), 2);
}

#[tokio::test]
async fn what_the_provider_says_of_itself_is_read_again_when_it_is_old() {
    let set = Set::with(|settings| settings.limits.metadata_age = Duration::ZERO).await;
    set.server.begin("/", None).await.unwrap();
    set.server.begin("/", None).await.unwrap();
    assert_eq!(set.provider.asked(DISCOVERY), 2);
}

#[tokio::test]
async fn a_provider_that_does_not_do_its_work_is_named_with_what_it_does_and_forgiven_when_it_is_back() {
    let faults = [
        (Fault::Status(500), Outage::Failing),
        (Fault::Status(503), Outage::Failing),
        (Fault::Silent, Outage::Slow),
        (Fault::Stuck, Outage::Slow),
        (Fault::Endless, Outage::TooLarge),
        (Fault::Text("<html>"), Outage::Unreadable),
        (Fault::Text("{}"), Outage::Unreadable),
        // Nobody is sent where the provider does not say that it is.
        (Fault::Redirect("http://127.0.0.1:1/"), Outage::Failing),
    ];
    let paths = [DISCOVERY, "/jwks", "/token", "/userinfo"];
    // At once, because some of them wait.
    let cases = faults.into_iter().flat_map(|(fault, outage)| paths.map(|path| (path, fault, outage)));
    futures::future::join_all(cases.map(|(path, fault, outage)| fails_and_recovers(path, fault, outage))).await;
}

async fn fails_and_recovers(path: &'static str, fault: Fault, outage: Outage) {
    let set = set().await;
    set.provider.claims(|claims| drop(claims.as_object_mut().unwrap().remove("groups")));
    set.provider.fault(path, fault);
    let refusal = set.sign_in().await.unwrap_err();
    assert!(refusal.to_string().contains("try again"), "{refusal}");
    match (path, outage) {
        // Its failures are an `error` in JSON; whatever else it says is not understood.
        ("/token", Outage::Failing) => assert_eq!(refusal, Refusal::Outage(Outage::Unreadable), "{fault:?}"),
        _ => assert_eq!(refusal, Refusal::Outage(outage), "{path} {fault:?}"),
    }
    set.provider.heal();
    assert!(set.sign_in().await.is_ok(), "{path} {fault:?}");
}

#[tokio::test]
async fn a_provider_that_is_gone_cannot_be_reached() {
    let set = set().await;
    let begun = set.server.begin("/", None).await.unwrap();
    let callback = set.provider.authorize(&begun.authorization_url);
    set.provider.stop();
    let unreachable = Refusal::Outage(Outage::Unreachable);
    assert_eq!(set.server.finish(callback, Some(begun.browser)).await, Err(unreachable.clone()));
    let other = server(set.provider.settings(), &set.store);
    assert_eq!(other.begin("/", None).await.unwrap_err(), unreachable);
    assert_eq!(other.sign_out_url(&"token".into()).await, None);
}

#[tokio::test]
async fn those_who_come_while_the_provider_is_silent_wait_together_and_once() {
    let set = Set::with(|settings| settings.limits.request_timeout = Duration::from_millis(300)).await;
    set.provider.fault(DISCOVERY, Fault::Silent);
    let all = futures::future::join_all((0..20).map(|_| set.server.begin("/", None))).await;
    assert!(all.into_iter().all(|begun| begun.unwrap_err() == Refusal::Outage(Outage::Slow)));
    assert_eq!(set.provider.asked(DISCOVERY), 1);
}
