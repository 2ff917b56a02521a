//! What the server does by itself, in the history.

use domain::{Action, Actor, Command, HistoryEntry, HistoryPage, Outcome, VersionState};
use server::store::{HealthTransition, Repair, Store, VersionRecord};

use super::{Db, samples::*};

fn gone(object: &str) -> Repair {
    Repair { object: object.to_owned(), what: format!("{object} was missing") }
}

fn degraded(reason: &str) -> HealthTransition {
    HealthTransition::Degraded { reason: reason.to_owned() }
}

fn healed() -> HealthTransition {
    HealthTransition::Healed { after: "after 5 s".to_owned() }
}

async fn history(store: &Store, version: &VersionRecord) -> Vec<HistoryEntry> {
    store.history(&version.runtime, &version.name, &HistoryPage::default()).await.unwrap()
}

async fn set(store: &Store, version: &VersionRecord, repairs: &[Repair], second: i64) -> bool {
    store.set_repairs(version.key, version.generation, repairs.to_vec(), at(second)).await.unwrap()
}

pub(super) async fn a_repair_is_pending_until_it_is_seen_done(db: Db) {
    let store = &*db.store;
    let [v1, _] = demo(store, ["v1", "v2"]).await;
    let v1 = start(store, &v1).await;
    let both = [gone("Secret v1-config"), gone("Service v1-entrypoint")];
    assert!(set(store, &v1, &both, 100).await);
    let after = now(store, &v1).await;
    assert!(after.revision > v1.revision, "who shows it has to look again");
    let before = all_of(store, &v1).await;
    assert!(!set(store, &v1, &both, 101).await, "they are known");
    assert_eq!(all_of(store, &v1).await, before);

    let intent = db.open_again().await.intent(&v1.runtime).await.unwrap().unwrap();
    let known: Vec<_> = intent.repairs[&v1.key].iter().map(|repair| repair.object.as_str()).collect();
    assert_eq!(known, ["Secret v1-config", "Service v1-entrypoint"], "also to the next process");

    assert!(set(store, &v1, &both[1..], 102).await);
    assert!(set(store, &v1, &[], 103).await);
    let told: Vec<_> = history(store, &v1).await.into_iter().take(2).collect();
    let entry = |nth: usize, repair: &Repair, end| HistoryEntry {
        id: told[nth].id,
        at: at(100),
        who: Actor::Server,
        action: Action::Repair,
        comment: Some(repair.what.clone()),
        outcome: Outcome::Reached,
        finished_at: Some(at(end)),
    };
    assert_eq!(told, [entry(0, &both[1], 103), entry(1, &both[0], 102)]);
    assert!(store.intent(&v1.runtime).await.unwrap().unwrap().repairs.is_empty());
}

pub(super) async fn one_object_that_is_put_back_again_and_again_is_one_entry(db: Db) {
    let store = &*db.store;
    let [v1] = demo(store, ["v1"]).await;
    let v1 = start(store, &v1).await;
    let entries = history(store, &v1).await.len();
    for second in [100, 130, 189] {
        assert!(set(store, &v1, &[gone("Secret v1-config")], second).await);
        assert!(set(store, &v1, &[], second + 1).await);
    }
    let told = history(store, &v1).await;
    assert_eq!(told.len(), entries + 1);
    assert_eq!(told[0].comment.as_deref(), Some("Secret v1-config was missing, 3 times"));
    assert_eq!((told[0].at, told[0].finished_at), (at(100), Some(at(190))));

    assert!(set(store, &v1, &[gone("Service v1-entrypoint")], 191).await, "another object is another entry");
    assert!(set(store, &v1, &[], 192).await);
    assert!(set(store, &v1, &[gone("Secret v1-config")], 300).await, "and so is another time");
    assert_eq!(history(store, &v1).await.len(), entries + 3);
}

pub(super) async fn different_edits_of_one_object_are_entries_of_their_own_with_their_own_counts(db: Db) {
    let store = &*db.store;
    let [v1] = demo(store, ["v1"]).await;
    let v1 = start(store, &v1).await;
    let edited = |field: &str| {
        [Repair { object: "Deployment v1-a".to_owned(), what: format!("Deployment v1-a was edited: {field}") }]
    };
    for (field, second) in [("spec.image", 100), ("spec.replicas", 102), ("spec.image", 104)] {
        assert!(set(store, &v1, &edited(field), second).await);
        assert!(set(store, &v1, &[], second + 1).await);
    }
    // One that is followed by another before it has been put back.
    assert!(set(store, &v1, &edited("spec.replicas"), 106).await);
    assert!(set(store, &v1, &edited("spec.paused"), 107).await);
    let told: Vec<_> = history(store, &v1).await.into_iter().filter(|entry| entry.action == Action::Repair).collect();
    let told: Vec<_> = told.into_iter().map(|entry| (entry.comment.unwrap(), entry.at, entry.finished_at)).collect();
    let expected = [
        ("Deployment v1-a was edited: spec.paused".to_owned(), at(107), None),
        ("Deployment v1-a was edited: spec.replicas, 2 times".to_owned(), at(102), Some(at(107))),
        ("Deployment v1-a was edited: spec.image, 2 times".to_owned(), at(100), Some(at(105))),
    ];
    assert_eq!(told, expected);
}

pub(super) async fn a_command_leaves_a_repair_and_a_stop_cancels_it(db: Db) {
    let store = &*db.store;
    let [v1] = demo(store, ["v1"]).await;
    let v1 = start(store, &v1).await;
    assert!(set(store, &v1, &[gone("Secret v1-config")], 100).await);
    publish(store, &v1).await;
    command(store, &v1, Command::Unpublish).await;
    assert!(store.settle_publication(&v1.runtime, None, at(110)).await.unwrap());
    let repair = |told: &[HistoryEntry]| told.iter().find(|entry| entry.action == Action::Repair).unwrap().clone();
    assert_eq!(repair(&history(store, &v1).await).outcome, Outcome::Pending);
    store.command(&v1.runtime, &v1.name, asked(Command::Stop, 120)).await.unwrap();
    let told = repair(&history(store, &v1).await);
    assert_eq!((told.outcome, told.finished_at), (Outcome::Cancelled, Some(at(120))));
}

pub(super) async fn a_version_degrades_and_recovers_again_and_again(db: Db) {
    let store = &*db.store;
    let [v1] = demo(store, ["v1"]).await;
    let v1 = start(store, &v1).await;
    let transition =
        async |transition, second| store.record_health(v1.key, v1.generation, transition, at(second)).await.unwrap();
    assert!(!transition(healed(), 99).await, "it has not failed");
    assert!(transition(degraded("entrypoint: it crashed"), 100).await);
    assert!(!transition(degraded("entrypoint: it crashed"), 101).await, "that is recorded");
    assert_eq!(now(store, &v1).await.degraded_since, Some(at(100)));
    let again = db.open_again().await;
    assert_eq!(now(&again, &v1).await.degraded_since, Some(at(100)));
    assert_eq!(now(store, &v1).await.state(), VersionState::Started, "its state is what was asked and reached");
    assert!(transition(healed(), 110).await);
    assert_eq!(now(store, &v1).await.degraded_since, None);
    assert!(transition(degraded("greeting/echo: not ready"), 120).await);
    let told: Vec<_> = history(store, &v1).await.into_iter().take(3).map(|e| (e.action, e.at, e.comment)).collect();
    let said = |text: &str| Some(text.to_owned());
    let expected = [
        (Action::Degraded, at(120), said("greeting/echo: not ready")),
        (Action::Healed, at(110), said("after 5 s")),
        (Action::Degraded, at(100), said("entrypoint: it crashed")),
    ];
    assert_eq!(told, expected);
    assert_eq!(store.times_degraded(v1.key, at(0)).await.unwrap(), 2);
    assert_eq!(store.times_degraded(v1.key, at(101)).await.unwrap(), 1);
}

pub(super) async fn a_start_begins_a_health_of_its_own(db: Db) {
    let store = &*db.store;
    let [v1] = demo(store, ["v1"]).await;
    let started = start(store, &v1).await;
    assert!(store.record_health(v1.key, started.generation, degraded("it crashed"), at(30)).await.unwrap());
    let stopping = command(store, &v1, Command::Stop).await;
    assert_eq!(stopping.degraded_since, None);
    assert!(store.settle(v1.key, stopping.generation, at(40)).await.unwrap());
    let started = start(store, &v1).await;
    assert_eq!(started.degraded_since, None);
    assert!(!store.record_health(v1.key, started.generation, healed(), at(50)).await.unwrap());
}

pub(super) async fn what_runs_no_more_gets_no_entry(db: Db) {
    let store = &*db.store;
    let [v1] = demo(store, ["v1"]).await;
    let starting = command(store, &v1, Command::Start).await;
    let repairs = || vec![gone("Secret v1-config")];
    let refused = async |generation| {
        assert!(!store.record_health(v1.key, generation, degraded("x"), at(50)).await.unwrap());
        assert!(!store.set_repairs(v1.key, generation, repairs(), at(50)).await.unwrap());
        assert!(!store.set_repairs(v1.key + 1000, generation, repairs(), at(50)).await.unwrap());
    };
    refused(starting.generation).await;
    assert!(store.settle(v1.key, starting.generation, at(20)).await.unwrap());
    let stopping = command(store, &v1, Command::Stop).await;
    refused(starting.generation).await;
    refused(stopping.generation).await;
    assert!(history(store, &v1).await.iter().all(|entry| entry.who == Actor::Local));
}
