use server::{
    secret::Secret,
    store::{OidcFlow, TakenFlow},
};

use super::{Db, samples::*};

fn flow(return_to: &str) -> OidcFlow {
    OidcFlow { nonce: "nonce".into(), verifier: "verifier".into(), return_to: return_to.to_owned() }
}

fn secret(text: &str) -> Secret {
    text.into()
}

pub(super) async fn a_sign_in_is_taken_once_and_by_its_browser(db: Db) {
    let (here, there) = (&*db.store, db.open_again().await);
    let begin = async |state: &str, browser: &str| {
        here.begin_oidc_flow(&secret(state), &secret(browser), &flow("/a"), at(10), at(0)).await.unwrap();
    };
    let take =
        async |state: &str, browser: &str| there.take_oidc_flow(&secret(state), &secret(browser), at(0)).await.unwrap();
    begin("s1", "b1").await;
    begin("s2", "b1").await;
    assert_eq!(take("s1", "b2").await, TakenFlow::OfAnotherBrowser);
    assert_eq!(take("s1", "b1").await, TakenFlow::Taken(flow("/a")));
    assert_eq!(take("s1", "b1").await, TakenFlow::Gone);
    assert_eq!(take("s1", "b2").await, TakenFlow::Gone);
    assert_eq!(take("s3", "b1").await, TakenFlow::Gone);
    assert_eq!(take("s2", "b1").await, TakenFlow::Taken(flow("/a")));
}

pub(super) async fn of_those_who_take_one_sign_in_one_gets_it(db: Db) {
    let (here, there) = (&*db.store, db.open_again().await);
    let (state, browser) = (secret("s1"), secret("b1"));
    here.begin_oidc_flow(&state, &browser, &flow("/a"), at(10), at(0)).await.unwrap();
    let (one, two) =
        tokio::join!(here.take_oidc_flow(&state, &browser, at(0)), there.take_oidc_flow(&state, &browser, at(0)));
    let mut both = [one.unwrap() == TakenFlow::Gone, two.unwrap() == TakenFlow::Gone];
    both.sort();
    assert_eq!(both, [false, true]);
}

pub(super) async fn an_expired_sign_in_is_gone(db: Db) {
    let store = &*db.store;
    let (state, browser) = (secret("s1"), secret("b1"));
    store.begin_oidc_flow(&state, &browser, &flow("/a"), at(10), at(0)).await.unwrap();
    assert_eq!(store.take_oidc_flow(&state, &browser, at(10)).await.unwrap(), TakenFlow::Gone);
    // The next one clears it away.
    store.begin_oidc_flow(&secret("s2"), &browser, &flow("/b"), at(20), at(10)).await.unwrap();
    assert_eq!(store.take_oidc_flow(&state, &browser, at(0)).await.unwrap(), TakenFlow::Gone);
}
