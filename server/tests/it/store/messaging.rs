//! Outages of messaging, and what restarts after them.

use std::{collections::BTreeSet, time::Duration};

use domain::{Action, Actor, Caller, Generation, HistoryPage, Outcome};
use server::store::StoreError;

use super::{Db, samples::*};

const SURVIVED: Duration = Duration::from_secs(10);

pub(super) async fn after_a_long_outage_what_runs_restarts_once(db: Db) {
    let store = &*db.store;
    let [v1, v2] = demo(store, ["v1", "v2"]).await;
    let v1 = start(store, &v1).await;
    store.messaging_lost(at(100)).await.unwrap();
    // Told again, by this server or the next.
    db.open_again().await.messaging_lost(at(105)).await.unwrap();
    let restarted = db.open_again().await.messaging_back(at(111), SURVIVED).await.unwrap();
    assert_eq!(restarted, BTreeSet::from([id("demo")]));
    let after = now(store, &v1).await;
    assert_eq!(after.pods_restarted_at, Some(at(111)));
    assert!(after.revision > v1.revision, "who shows it has to look again");
    assert_eq!((after.generation, after.settled), (v1.generation, v1.settled), "nothing else was asked");
    let told = store.history(&v1.runtime, &v1.name, &HistoryPage::default()).await.unwrap();
    assert_eq!((told[0].action, &told[0].who, &told[0].outcome), (Action::Repair, &Actor::Server, &Outcome::Reached));
    let said = told[0].comment.as_deref().unwrap();
    assert_eq!(said, "pods were restarted one after another, because messaging was unreachable for 11 s");
    assert_eq!(now(store, &v2).await, v2, "what does not run has nothing to restart");

    assert_eq!(store.messaging_back(at(200), SURVIVED).await.unwrap(), BTreeSet::new(), "it is over");
    assert_eq!(now(store, &v1).await, after);
}

pub(super) async fn after_an_outage_that_runners_survive_nothing_restarts(db: Db) {
    let store = &*db.store;
    let [v1] = demo(store, ["v1"]).await;
    let v1 = start(store, &v1).await;
    store.messaging_lost(at(100)).await.unwrap();
    assert_eq!(store.messaging_back(at(110), SURVIVED).await.unwrap(), BTreeSet::new());
    assert_eq!(now(store, &v1).await, v1);
    // The next one counts by itself.
    store.messaging_lost(at(115)).await.unwrap();
    assert_eq!(store.messaging_back(at(120), SURVIVED).await.unwrap(), BTreeSet::new());
}

pub(super) async fn a_generation_is_chosen_while_a_version_is_stopped_and_inherited_by_its_like(db: Db) {
    let store = &*db.store;
    let [v1] = demo(store, ["v1"]).await;
    let detected = v1.generation_of_runners();
    let caller = Caller::local();
    let choose = async |chosen| store.choose_generation(&v1.runtime, &v1.name, chosen, &caller, at(50)).await;
    let chosen = choose(Some(Generation::C1)).await.unwrap();
    assert_eq!((chosen.generation_of_runners(), chosen.chosen_generation), (Generation::C1, Some(Generation::C1)));
    assert_eq!(choose(Some(Generation::C1)).await.unwrap().revision, chosen.revision, "nothing was written");
    let v2 = store.create_version(new_version("demo", "v2")).await.unwrap();
    assert_eq!(v2.chosen_generation, Some(Generation::C1));
    assert_eq!(choose(None).await.unwrap().generation_of_runners(), detected);
    start(store, &v1).await;
    let refused = choose(Some(Generation::A)).await;
    assert!(matches!(refused, Err(StoreError::NotStopped { .. })), "{refused:?}");
}
