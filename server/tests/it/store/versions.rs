use std::collections::BTreeMap;

use domain::{Action, Actor, Command, Desired, HistoryEntry, HistoryPage, Outcome, Problem, Role, VersionState};
use server::store::{NewVersion, StoreError, StoredFile, VersionRecord};

use super::{Db, samples::*};

pub(super) async fn a_created_version_is_stopped_and_has_all_that_was_given(db: Db) {
    db.store.create_runtime(new_runtime("demo")).await.unwrap();
    let mut new = wanting(new_version("demo", "v1"), &["TOKEN"], &["model.cfg"]);
    new.warnings = vec![Problem::error("workflows[0]", "is \"odd\", and 'quoted' ✓")];
    new.manifest_text = "version: v1 # ünïcode ✓\n".to_owned();
    let created = db.store.create_version(new.clone()).await.unwrap();
    let expected = VersionRecord {
        key: created.key,
        runtime: id("demo"),
        name: name("v1"),
        manifest: new.manifest,
        manifest_text: new.manifest_text,
        warnings: new.warnings,
        file: new.file,
        created_at: at(1),
        created_by: Actor::Local,
        published_at: None,
        revision: 2,
        desired: Desired::Stopped,
        generation: 1,
        settled: true,
        deadline: None,
        failure: None,
        degraded_since: None,
        chosen_generation: None,
        pods_restarted_at: None,
        config: BTreeMap::new(),
        role: Role::None,
        switching: false,
    };
    assert_eq!(created, expected);
    assert_eq!(created.state(), VersionState::Stopped);
    assert_eq!(now(&db.store, &created).await, expected);
    assert_eq!(db.store.versions(&id("demo")).await.unwrap(), [expected]);
    assert_eq!(db.store.runtime(&id("demo")).await.unwrap().unwrap().revision, 2);
}

pub(super) async fn creating_a_version_is_the_first_line_of_its_history(db: Db) {
    demo(&db.store, ["v1"]).await;
    let told = db.store.history(&id("demo"), &name("v1"), &HistoryPage::default()).await.unwrap();
    let entry = HistoryEntry {
        id: told[0].id,
        at: at(1),
        who: Actor::Local,
        action: Action::Create,
        comment: None,
        outcome: Outcome::Reached,
        finished_at: Some(at(1)),
    };
    assert_eq!(told, [entry]);
}

pub(super) async fn a_taken_name_is_refused_and_nothing_is_written(db: Db) {
    let [v1] = demo(&db.store, ["v1"]).await;
    let before = all_of(&db.store, &v1).await;
    let mut again = new_version("demo", "v1");
    again.file.download_token = "another".into();
    let error = db.store.create_version(again).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Taken { what, .. } if what == "a version named `v1` in runtime `demo`"),
        "{error}"
    );
    assert_eq!(all_of(&db.store, &v1).await, before);
}

pub(super) async fn two_runtimes_may_have_versions_of_one_name(db: Db) {
    demo(&db.store, ["v1"]).await;
    db.store.create_runtime(new_runtime("other")).await.unwrap();
    let other = db.store.create_version(new_version("other", "v1")).await.unwrap();
    assert_eq!(db.store.versions(&id("other")).await.unwrap(), [other]);
    assert_eq!(db.store.versions(&id("demo")).await.unwrap().len(), 1);
}

pub(super) async fn a_version_needs_its_runtime(db: Db) {
    let error = db.store.create_version(new_version("nowhere", "v1")).await.unwrap_err();
    assert!(matches!(&error, StoreError::NotFound(what) if what == "runtime `nowhere`"), "{error}");
    assert!(!db.store.object_in_use("nowhere/v1.krt").await.unwrap());
}

pub(super) async fn versions_are_listed_newest_first_with_the_archived_ones(db: Db) {
    let [_, second] = demo(&db.store, ["first", "second"]).await;
    let late = NewVersion { at: at(9), ..new_version("demo", "late") };
    db.store.create_version(late).await.unwrap();
    let early = NewVersion { at: at(0), ..new_version("demo", "early") };
    db.store.create_version(early).await.unwrap();
    command(&db.store, &second, Command::Archive).await;
    let listed = db.store.versions(&id("demo")).await.unwrap();
    let names: Vec<_> = listed.iter().map(|v| v.name.as_str()).collect();
    assert_eq!(names, ["late", "second", "first", "early"]);
}

pub(super) async fn the_intent_leaves_out_what_is_archived(db: Db) {
    let [v1, v2] = demo(&db.store, ["v1", "v2"]).await;
    command(&db.store, &v1, Command::Archive).await;
    let starting = command(&db.store, &v2, Command::Start).await;
    let intent = db.store.intent(&id("demo")).await.unwrap().unwrap();
    assert_eq!(intent.versions, [starting]);
    assert_eq!(Some(intent.runtime), db.store.runtime(&id("demo")).await.unwrap());
}

pub(super) async fn an_object_is_in_use_while_a_version_has_it(db: Db) {
    let [v1] = demo(&db.store, ["v1"]).await;
    let shared = StoredFile { download_token: "another".into(), ..v1.file.clone() };
    db.store.create_version(NewVersion { file: shared, ..new_version("demo", "v2") }).await.unwrap();
    assert!(db.store.object_in_use(&v1.file.object).await.unwrap());
    assert!(!db.store.object_in_use("demo/nothing.krt").await.unwrap());
}
