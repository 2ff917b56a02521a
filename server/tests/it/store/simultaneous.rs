//! Two servers with some people each, all at once.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{Action, Caller, Command, HistoryPage, Outcome, Refusal, VersionState};
use futures::{
    FutureExt,
    future::{FusedFuture, join_all},
};
use server::store::{CONFIG_MAX_BYTES, Store, StoreError};

use super::{Db, samples::*};

const PEOPLE: usize = 8;

/// A connection for each, half of them by another server.
async fn people(db: &Db) -> Vec<Arc<Store>> {
    let other = db.open_again().await;
    (0..PEOPLE).map(|n| if n % 2 == 0 { db.store.clone() } else { other.clone() }).collect()
}

/// Runs each on a task of its own and gives back what they answered.
async fn at_once<T: Send + 'static>(all: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    join_all(all.into_iter().map(tokio::spawn)).await.into_iter().map(Result::unwrap).collect()
}

fn one_succeeded<T>(answers: Vec<Result<T, StoreError>>) -> Vec<StoreError> {
    let answered = answers.len();
    let errors: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    assert_eq!(errors.len(), answered - 1, "{errors:?}");
    errors
}

pub(super) async fn of_those_who_create_one_runtime_one_succeeds(db: Db) {
    let answers = at_once(people(&db).await.into_iter().enumerate().map(|(n, store)| async move {
        let mut new = new_runtime("demo");
        // Half of them collide by the name alone.
        if n % 2 == 1 {
            new.id = id(&format!("demo{n}"));
        }
        store.create_runtime(new).await
    }))
    .await;
    for error in one_succeeded(answers) {
        assert!(matches!(error, StoreError::Taken { .. }), "{error}");
    }
    assert_eq!(db.store.runtimes().await.unwrap().len(), 1);
}

pub(super) async fn of_those_who_add_one_version_one_succeeds(db: Db) {
    db.store.create_runtime(new_runtime("demo")).await.unwrap();
    let answers = at_once(people(&db).await.into_iter().enumerate().map(|(n, store)| async move {
        let mut new = new_version("demo", "v1");
        new.file.download_token = format!("token {n}").into();
        store.create_version(new).await
    }))
    .await;
    for error in one_succeeded(answers) {
        assert!(matches!(error, StoreError::Taken { .. }), "{error}");
    }
    assert_eq!(db.store.versions(&id("demo")).await.unwrap().len(), 1);
    assert_eq!(db.store.history(&id("demo"), &name("v1"), &HistoryPage::default()).await.unwrap().len(), 1);
}

pub(super) async fn of_those_who_start_one_version_one_succeeds_and_the_others_are_told_the_state(db: Db) {
    let [v1] = demo(&db.store, ["v1"]).await;
    let answers = at_once(people(&db).await.into_iter().map(|store| {
        let v1 = v1.clone();
        async move { try_command(&store, &v1, Command::Start).await }
    }))
    .await;
    for error in one_succeeded(answers) {
        match error {
            StoreError::Refused { state, refusal: Refusal::WrongState { state: told, command }, .. } => {
                assert_eq!((state, told, command), (VersionState::Starting, VersionState::Starting, Command::Start));
            }
            other => panic!("{other}"),
        }
    }
    let after = now(&db.store, &v1).await;
    assert_eq!((after.generation, after.revision), (v1.generation + 1, v1.revision + 1));
    assert_eq!(db.store.history(&id("demo"), &name("v1"), &HistoryPage::default()).await.unwrap().len(), 2);
}

pub(super) async fn of_those_who_publish_one_entrypoint_one_succeeds(db: Db) {
    let [v1, v2] = demo(&db.store, ["v1", "v2"]).await;
    let versions = [start(&db.store, &v1).await, start(&db.store, &v2).await];
    let answers = at_once(people(&db).await.into_iter().enumerate().map(|(n, store)| {
        // Each server is asked for both.
        let version = versions[(n / 2) % 2].clone();
        async move { try_command(&store, &version, Command::Publish).await }
    }))
    .await;
    for error in one_succeeded(answers) {
        assert!(matches!(error, StoreError::Refused { .. }), "{error}");
    }
    let states: Vec<_> = db.store.versions(&id("demo")).await.unwrap().iter().map(|v| v.state()).collect();
    assert!(states.contains(&VersionState::Publishing) && states.contains(&VersionState::Started), "{states:?}");
}

pub(super) async fn of_a_stop_and_a_settling_both_orders_end_alike(db: Db) {
    let other = db.open_again().await;
    db.store.create_runtime(new_runtime("demo")).await.unwrap();
    for n in 0..10 {
        let version = db.store.create_version(new_version("demo", &format!("v{n}"))).await.unwrap();
        let starting = command(&db.store, &version, Command::Start).await;
        let (settled, stopped) = tokio::join!(
            other.settle(version.key, starting.generation, at(20)),
            try_command(&db.store, &version, Command::Stop)
        );
        assert_eq!(stopped.unwrap().state(), VersionState::Stopping);
        let after = now(&db.store, &version).await;
        assert_eq!((after.state(), after.generation), (VersionState::Stopping, starting.generation + 1));
        let history = db.store.history(&version.runtime, &version.name, &HistoryPage::default()).await.unwrap();
        let start = if settled.unwrap() { Outcome::Reached } else { Outcome::Cancelled };
        assert_eq!((history[1].action, &history[1].outcome), (Action::Start, &start));
        assert_eq!((history[0].action, &history[0].outcome), (Action::Stop, &Outcome::Pending));
    }
}

pub(super) async fn values_set_at_once_are_all_kept(db: Db) {
    let [v1] = demo(&db.store, ["v1"]).await;
    let answers = at_once(people(&db).await.into_iter().enumerate().map(|(n, store)| {
        let v1 = v1.clone();
        let own = format!("V{n}");
        async move {
            let values = values(&[(&own, Some("1")), ("COMMON", Some(&own))]);
            store.set_config(&v1.runtime, &v1.name, values, &Caller::local(), None, at(5)).await
        }
    }))
    .await;
    let mut revisions: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().revision).collect();
    revisions.sort_unstable();
    let one_each: Vec<_> = (1..=PEOPLE as u64).map(|n| v1.revision + n).collect();
    assert_eq!(revisions, one_each);
    assert_eq!(now(&db.store, &v1).await.config.len(), PEOPLE + 1);
}

pub(super) async fn of_values_for_which_there_is_no_room_together_one_is_kept(db: Db) {
    let [v1] = demo(&db.store, ["v1"]).await;
    let large: Arc<str> = "x".repeat(CONFIG_MAX_BYTES * 2 / 3).into();
    let answers = at_once(people(&db).await.into_iter().enumerate().map(|(n, store)| {
        let (v1, large) = (v1.clone(), large.clone());
        async move {
            let values = values(&[(&format!("V{n}"), Some(&large))]);
            store.set_config(&v1.runtime, &v1.name, values, &Caller::local(), None, at(5)).await
        }
    }))
    .await;
    for error in one_succeeded(answers) {
        assert!(matches!(error, StoreError::ConfigTooLarge(_)), "{error}");
    }
    assert_eq!(now(&db.store, &v1).await.config.len(), 1);
}

pub(super) async fn a_value_set_while_its_version_is_archived_is_kept_or_refused(db: Db) {
    let other = db.open_again().await;
    db.store.create_runtime(new_runtime("demo")).await.unwrap();
    for n in 0..10 {
        let version = db.store.create_version(new_version("demo", &format!("v{n}"))).await.unwrap();
        let given = values(&[("A", Some("1"))]);
        let local = Caller::local();
        let (set, archived) = tokio::join!(
            other.set_config(&version.runtime, &version.name, given, &local, None, at(5)),
            try_command(&db.store, &version, Command::Archive),
        );
        archived.unwrap();
        let kept = !now(&db.store, &version).await.config.is_empty();
        let last =
            db.store.history(&version.runtime, &version.name, &HistoryPage::default()).await.unwrap().remove(0).action;
        match set {
            Ok(_) => assert!(kept && last == Action::Archive, "{last:?}"),
            Err(StoreError::Archived(_)) => assert!(!kept),
            Err(other) => panic!("{other}"),
        }
    }
}

pub(super) async fn runtimes_do_not_wait_for_each_other(db: Db) {
    for n in 0..PEOPLE {
        db.store.create_runtime(new_runtime(&format!("r{n}"))).await.unwrap();
    }
    let all = at_once(people(&db).await.into_iter().enumerate().map(|(n, store)| async move {
        let version = store.create_version(new_version(&format!("r{n}"), "v1")).await.unwrap();
        let started = start(&store, &version).await;
        publish(&store, &started).await.state()
    }));
    let states = tokio::time::timeout(Duration::from_secs(30), all).await.expect("no deadlock");
    assert_eq!(states, [VersionState::Published; PEOPLE]);
}

/// As when a browser goes away in the midst of a request: what it asked for ends wherever it is.
pub(super) async fn what_nobody_waits_for_any_more_leaves_no_trace(db: Db) {
    let store = &*db.store;
    for round in 1..40 {
        let mut reads: Vec<_> = (0..10).map(|_| Box::pin(store.runtimes()).fuse()).collect();
        // Each time a little further: to a connection, into a transaction, to the answer.
        let end = Instant::now() + round * Duration::from_micros(25);
        while Instant::now() < end {
            for read in reads.iter_mut().filter(|read| !read.is_terminated()) {
                let _ = futures::poll!(read);
            }
            tokio::task::yield_now().await;
        }
        drop(reads);
        let names: Vec<_> = (0..10).map(|n| format!("after-{round}-{n}")).collect();
        let writes = names.iter().map(|name| store.create_runtime(new_runtime(name)));
        for written in join_all(writes).await {
            written.unwrap();
        }
    }
}

/// Its one connection is the database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_in_memory_outlives_those_who_wait_no_more() {
    what_nobody_waits_for_any_more_leaves_no_trace(Db::in_memory().await).await;
}
