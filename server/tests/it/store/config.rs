use domain::{Action, Actor, Command, HistoryPage, Outcome};
use server::store::{StoreError, VersionRecord};

use super::{Db, samples::*};

async fn set(
    db: &Db,
    version: &VersionRecord,
    changes: &[(&str, Option<&str>)],
    comment: Option<&str>,
) -> VersionRecord {
    let comment = comment.map(str::to_owned);
    let by = Actor("mira".to_owned());
    db.store.set_config(&version.runtime, &version.name, values(changes), by, comment, at(5)).await.unwrap()
}

pub(super) async fn values_are_set_replaced_and_removed(db: Db) {
    let [v1, v2] = demo(&*db.store, ["v1", "v2"]).await;
    set(&db, &v2, &[("A", Some("of another version"))], None).await;
    set(&db, &v1, &[("A", Some("1")), ("B", Some("2")), ("C", Some(""))], None).await;
    let after = set(&db, &v1, &[("A", Some("one\nand 'more' ✓")), ("B", None), ("D", None)], None).await;
    let config: Vec<_> = after.config.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(config, [("A", "one\nand 'more' ✓"), ("C", "")]);
    assert_eq!(now(&*db.store, &v1).await, after);
    let listed = db.store.versions(&id("demo")).await.unwrap();
    assert_eq!(listed[1], after);
    assert_eq!(listed[0].config["A"], "of another version");
}

pub(super) async fn the_history_names_what_changed_and_no_value(db: Db) {
    let [v1] = demo(&*db.store, ["v1"]).await;
    set(&db, &v1, &[("A", Some("secret-1")), ("B", Some("secret-2"))], None).await;
    set(&db, &v1, &[("A", Some("secret-3")), ("B", None)], Some("new account")).await;
    let history = db.store.history(&v1.runtime, &v1.name, &HistoryPage::default()).await.unwrap();
    assert_eq!(history[0].comment.as_deref(), Some("new account (set A; removed B)"));
    assert_eq!(history[1].comment.as_deref(), Some("set A, B"));
    for entry in &history[..2] {
        assert_eq!((entry.action, &entry.outcome), (Action::Configure, &Outcome::Reached));
        assert_eq!((&entry.who.0[..], entry.at, entry.finished_at), ("mira", at(5), Some(at(5))));
    }
    assert!(!format!("{history:?}").contains("secret"));
}

pub(super) async fn setting_what_is_so_already_writes_nothing(db: Db) {
    let [v1] = demo(&*db.store, ["v1"]).await;
    let after = set(&db, &v1, &[("A", Some("1"))], None).await;
    let before = all_of(&*db.store, &v1).await;
    for changes in [&[][..], &[("A", Some("1"))], &[("B", None)], &[("A", Some("1")), ("B", None)]] {
        assert_eq!(set(&db, &v1, changes, Some("again")).await, after);
    }
    assert_eq!(all_of(&*db.store, &v1).await, before);
}

pub(super) async fn configuring_moves_the_revision_and_leaves_the_generation(db: Db) {
    let [v1] = demo(&*db.store, ["v1"]).await;
    let started = start(&*db.store, &v1).await;
    let after = set(&db, &v1, &[("A", Some("1"))], None).await;
    assert_eq!(after.revision, db.store.runtime(&id("demo")).await.unwrap().unwrap().revision);
    assert_eq!(after.revision, started.revision + 1);
    assert_eq!((after.generation, after.settled), (started.generation, true));
}

pub(super) async fn a_version_that_runs_keeps_its_configuration_complete(db: Db) {
    let store = &*db.store;
    store.create_runtime(new_runtime("demo")).await.unwrap();
    let v1 = store.create_version(wanting(new_version("demo", "v1"), &["A"], &[])).await.unwrap();
    set(&db, &v1, &[("A", Some("1"))], None).await;
    start(store, &v1).await;
    let before = all_of(store, &v1).await;
    let gone = values(&[("A", None)]);
    match store.set_config(&v1.runtime, &v1.name, gone, Actor::local(), None, at(6)).await {
        Err(StoreError::ConfigIncomplete { missing, .. }) => assert_eq!(missing, ["A"]),
        other => panic!("{other:?}"),
    }
    assert_eq!(all_of(store, &v1).await, before);
    assert_eq!(set(&db, &v1, &[("A", Some("2"))], None).await.config["A"], "2");

    command(store, &v1, Command::Stop).await;
    assert!(set(&db, &v1, &[("A", None)], None).await.config.is_empty());
}
