use domain::{Action, ActivityFilter, Caller, Command, HistoryPage, Outcome, access::Visible};
use server::store::{CONFIG_MAX_BYTES, StoreError, VersionRecord};

use super::{Db, samples::*};

async fn set(
    db: &Db,
    version: &VersionRecord,
    changes: &[(&str, Option<&str>)],
    comment: Option<&str>,
) -> VersionRecord {
    let comment = comment.map(str::to_owned);
    db.store.set_config(&version.runtime, &version.name, values(changes), &mira(), comment, at(5)).await.unwrap()
}

pub(super) async fn values_are_set_replaced_and_removed(db: Db) {
    let [v1, v2] = demo(&db.store, ["v1", "v2"]).await;
    set(&db, &v2, &[("A", Some("of another version"))], None).await;
    set(&db, &v1, &[("A", Some("1")), ("B", Some("2")), ("C", Some(""))], None).await;
    let after = set(&db, &v1, &[("A", Some("one\nand 'more' ✓")), ("B", None), ("D", None)], None).await;
    let config: Vec<_> = after.config.iter().map(|(n, v)| (n.as_str(), v.expose())).collect();
    assert_eq!(config, [("A", "one\nand 'more' ✓"), ("C", "")]);
    assert_eq!(now(&db.store, &v1).await, after);
    let listed = db.store.versions(&id("demo")).await.unwrap();
    assert_eq!(listed[1], after);
    assert_eq!(listed[0].config["A"].expose(), "of another version");
}

pub(super) async fn the_history_names_what_changed_and_no_value(db: Db) {
    let [v1] = demo(&db.store, ["v1"]).await;
    set(&db, &v1, &[("A", Some("secret-1")), ("B", Some("secret-2"))], None).await;
    set(&db, &v1, &[("A", Some("secret-3")), ("B", None)], Some("new account")).await;
    let history = db.store.history(&v1.runtime, &v1.name, &HistoryPage::default()).await.unwrap();
    assert_eq!(history[0].comment.as_deref(), Some("new account (set A; removed B)"));
    assert_eq!(history[1].comment.as_deref(), Some("set A, B"));
    for entry in &history[..2] {
        assert_eq!((entry.action, &entry.outcome), (Action::Configure, &Outcome::Reached));
        assert_eq!((&entry.who.to_string()[..], entry.at, entry.finished_at), ("mira", at(5), Some(at(5))));
    }
    assert!(!format!("{history:?}").contains("secret"));
}

pub(super) async fn setting_what_is_so_already_writes_nothing(db: Db) {
    let [v1] = demo(&db.store, ["v1"]).await;
    let after = set(&db, &v1, &[("A", Some("1"))], None).await;
    let before = all_of(&db.store, &v1).await;
    for changes in [&[][..], &[("A", Some("1"))], &[("B", None)], &[("A", Some("1")), ("B", None)]] {
        assert_eq!(set(&db, &v1, changes, Some("again")).await, after);
    }
    assert_eq!(all_of(&db.store, &v1).await, before);
}

pub(super) async fn configuring_moves_the_revision_and_leaves_the_generation(db: Db) {
    let [v1] = demo(&db.store, ["v1"]).await;
    let started = start(&db.store, &v1).await;
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
    match store.set_config(&v1.runtime, &v1.name, gone, &Caller::local(), None, at(6)).await {
        Err(StoreError::ConfigIncomplete { missing, .. }) => assert_eq!(missing, ["A"]),
        other => panic!("{other:?}"),
    }
    assert_eq!(all_of(store, &v1).await, before);
    assert_eq!(set(&db, &v1, &[("A", Some("2"))], None).await.config["A"].expose(), "2");

    command(store, &v1, Command::Stop).await;
    assert!(set(&db, &v1, &[("A", None)], None).await.config.is_empty());
}

pub(super) async fn what_is_archived_keeps_its_configuration(db: Db) {
    let [v1] = demo(&db.store, ["v1"]).await;
    set(&db, &v1, &[("A", Some("1"))], None).await;
    command(&db.store, &v1, Command::Archive).await;
    let before = all_of(&db.store, &v1).await;
    for change in [("A", Some("2")), ("A", None), ("A", Some("1"))] {
        let change = values(&[change]);
        let refused = db.store.set_config(&v1.runtime, &v1.name, change, &Caller::local(), None, at(6)).await;
        assert!(matches!(&refused, Err(StoreError::Archived(name)) if *name == v1.name), "{refused:?}");
    }
    assert_eq!(all_of(&db.store, &v1).await, before);
}

pub(super) async fn more_values_than_there_is_room_for_are_refused(db: Db) {
    let [v1] = demo(&db.store, ["v1"]).await;
    // With its name exactly what there is room for.
    let large = "x".repeat(CONFIG_MAX_BYTES - 1);
    set(&db, &v1, &[("A", Some(&large))], None).await;
    let before = all_of(&db.store, &v1).await;
    let more = values(&[("B", Some(""))]);
    match db.store.set_config(&v1.runtime, &v1.name, more, &Caller::local(), None, at(6)).await {
        Err(StoreError::ConfigTooLarge(bytes)) => assert_eq!(bytes, CONFIG_MAX_BYTES + 1),
        other => panic!("{other:?}"),
    }
    assert_eq!(all_of(&db.store, &v1).await, before);
    let other = set(&db, &v1, &[("A", None), ("B", Some(""))], None).await;
    assert_eq!(other.config.keys().collect::<Vec<_>>(), ["B"]);
}

pub(super) async fn a_value_that_somebody_sees_is_in_the_history_with_who(db: Db) {
    let [v1] = demo(&db.store, ["v1"]).await;
    let before = set(&db, &v1, &[("A", Some("secret-1"))], None).await;
    let (store, mira) = (&db.store, mira());
    let shown = store.reveal(&v1.runtime, &v1.name, "A", &mira, at(8)).await.unwrap();
    assert_eq!(shown, Some("secret-1".into()));
    let history = store.history(&v1.runtime, &v1.name, &HistoryPage::default()).await.unwrap();
    assert_eq!((history[0].action, &history[0].who, history[0].at), (Action::Reveal, &mira.actor(), at(8)));
    assert_eq!((history[0].comment.as_deref(), &history[0].outcome), (Some("A"), &Outcome::Reached));
    let all = store.activity(&ActivityFilter::default(), Visible::All).await.unwrap();
    assert_eq!(all[0].entry, history[0]);
    assert!(now(store, &v1).await.revision > before.revision, "whoever shows the history looks at it again");

    let before = all_of(store, &v1).await;
    assert_eq!(store.reveal(&v1.runtime, &v1.name, "B", &mira, at(9)).await.unwrap(), None);
    assert_eq!(all_of(store, &v1).await, before, "nothing was shown");
}

pub(super) async fn no_value_and_no_credential_is_printed(db: Db) {
    let [v1] = demo(&db.store, ["v1"]).await;
    let v1 = set(&db, &v1, &[("A", Some("secret-1"))], None).await;
    let printed = format!("{v1:?} {:?} {:?}", new_version("demo", "v2"), values(&[("A", Some("secret-1"))]));
    assert!(!printed.contains("secret-1") && !printed.contains("token-of"), "{printed}");
}
