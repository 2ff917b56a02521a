use domain::{Caller, Command, HistoryPage, Publication};
use server::store::{NewRuntimeRecord, RuntimeRecord, StoreError};

use super::{Db, samples::*};

pub(super) async fn a_created_runtime_is_found_and_listed(db: Db) {
    let created = db.store.create_runtime(new_runtime("demo")).await.unwrap();
    let expected = RuntimeRecord {
        id: id("demo"),
        name: "Runtime demo".to_owned(),
        description: "answers".to_owned(),
        created_at: at(0),
        revision: 1,
        publication: Publication { target: None, serving: None },
        publish_deadline: None,
    };
    assert_eq!(created, expected);
    assert_eq!(db.store.runtime(&id("demo")).await.unwrap(), Some(expected.clone()));
    assert_eq!(db.store.runtimes().await.unwrap(), [expected]);
}

pub(super) async fn runtimes_are_listed_by_name_whatever_the_case(db: Db) {
    for (id, name) in [("a", "zebra"), ("b", "Ärger"), ("c", "Apple"), ("d", "banana"), ("e", "_")] {
        let new = NewRuntimeRecord { name: name.to_owned(), ..new_runtime(id) };
        db.store.create_runtime(new).await.unwrap();
    }
    let names: Vec<_> = db.store.runtimes().await.unwrap().into_iter().map(|r| r.name).collect();
    assert_eq!(names, ["_", "Apple", "banana", "zebra", "Ärger"]);
}

pub(super) async fn a_taken_id_is_refused(db: Db) {
    db.store.create_runtime(new_runtime("demo")).await.unwrap();
    let new = NewRuntimeRecord { name: "Another".to_owned(), ..new_runtime("demo") };
    let error = db.store.create_runtime(new).await.unwrap_err();
    assert!(matches!(&error, StoreError::Taken { what, .. } if what == "a runtime with the id `demo`"), "{error}");
    assert_eq!(db.store.runtimes().await.unwrap().len(), 1);
}

pub(super) async fn a_taken_name_is_refused(db: Db) {
    db.store.create_runtime(new_runtime("demo")).await.unwrap();
    let new = NewRuntimeRecord { name: "Runtime demo".to_owned(), ..new_runtime("other") };
    let error = db.store.create_runtime(new).await.unwrap_err();
    assert!(matches!(&error, StoreError::Taken { what, .. } if what == "a runtime named `Runtime demo`"), "{error}");
    assert_eq!(db.store.runtime(&id("other")).await.unwrap(), None);
}

pub(super) async fn what_there_is_not_is_none_or_not_found(db: Db) {
    let store = &*db.store;
    let (runtime, version) = (id("demo"), name("v1"));
    assert_eq!(store.runtimes().await.unwrap(), []);
    assert_eq!(store.runtime(&runtime).await.unwrap(), None);
    assert_eq!(store.versions(&runtime).await.unwrap(), []);
    assert_eq!(store.version(&runtime, &version).await.unwrap(), None);
    assert!(store.intent(&runtime).await.unwrap().is_none());
    assert!(!store.settle(1, 1, at(0)).await.unwrap());
    assert!(!store.fail_start(1, 1, failure("x"), at(500)).await.unwrap());
    assert!(!store.settle_publication(&runtime, None, at(0)).await.unwrap());
    assert!(!store.fail_publish(&runtime, 1, failure("x")).await.unwrap());

    let not_found = |error: StoreError, expected: &str| {
        assert!(matches!(&error, StoreError::NotFound(what) if what == expected), "{error}");
    };
    let error = store.command(&runtime, &version, asked(Command::Start, 0)).await.unwrap_err();
    not_found(error, "runtime `demo`");
    let error = store.set_config(&runtime, &version, values(&[]), &Caller::local(), None, at(0)).await.unwrap_err();
    not_found(error, "runtime `demo`");

    store.create_runtime(new_runtime("demo")).await.unwrap();
    let error = store.command(&runtime, &version, asked(Command::Start, 0)).await.unwrap_err();
    not_found(error, "version `v1` in runtime `demo`");
    let error = store.set_config(&runtime, &version, values(&[]), &Caller::local(), None, at(0)).await.unwrap_err();
    not_found(error, "version `v1` in runtime `demo`");
    let error = store.history(&runtime, &version, &HistoryPage::default()).await.unwrap_err();
    not_found(error, "version `v1` in runtime `demo`");
    assert_eq!(store.runtime(&runtime).await.unwrap().unwrap().revision, 1, "what is refused is no change");
}
