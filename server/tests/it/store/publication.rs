use domain::{Action, Actor, Command, HistoryEntry, HistoryPage, Outcome, Publication, Refusal, Role, VersionState};
use server::store::{RuntimeRecord, Store, StoreError, VersionRecord};

use super::{Db, samples::*};

async fn runtime(store: &Store) -> RuntimeRecord {
    store.runtime(&id("demo")).await.unwrap().unwrap()
}

async fn last(store: &Store, version: &VersionRecord) -> (Action, Outcome) {
    let entry = store.history(&version.runtime, &version.name, &HistoryPage::default()).await.unwrap().swap_remove(0);
    (entry.action, entry.outcome)
}

async fn two_started(db: &Db) -> [VersionRecord; 2] {
    let [v1, v2] = demo(&db.store, ["v1", "v2"]).await;
    [start(&db.store, &v1).await, start(&db.store, &v2).await]
}

pub(super) async fn a_publish_is_pending_until_it_is_seen_to_serve(db: Db) {
    let store = &*db.store;
    let [v1, v2] = two_started(&db).await;
    let publishing = command(store, &v1, Command::Publish).await;
    assert_eq!((publishing.state(), publishing.role), (VersionState::Publishing, Role::Incoming));
    assert_eq!((publishing.generation, publishing.settled), (v1.generation, true), "it runs as before");
    let r = runtime(store).await;
    assert_eq!(r.publication, Publication { target: Some(v1.key), serving: None });
    assert_eq!(r.publish_deadline, Some(at(310)));
    assert_eq!(last(store, &v1).await, (Action::Publish, Outcome::Pending));
    let other = now(store, &v2).await;
    assert!(other.switching);
    assert_eq!(other.revision, r.revision, "what the other one allows has changed too");

    assert!(store.settle_publication(&v1.runtime, Some(v1.key), at(30)).await.unwrap());
    let published = now(store, &v1).await;
    assert_eq!((published.state(), published.role), (VersionState::Published, Role::Serving));
    assert_eq!((published.published_at, published.switching), (Some(at(30)), false));
    let r = runtime(store).await;
    assert_eq!(r.publication, Publication { target: Some(v1.key), serving: Some(v1.key) });
    assert_eq!(r.publish_deadline, None);
    assert_eq!(published.revision, r.revision);
    assert_eq!(last(store, &v1).await, (Action::Publish, Outcome::Reached));
}

pub(super) async fn publishing_another_moves_the_publication_and_both_versions_revisions(db: Db) {
    let store = &*db.store;
    let [v1, v2] = two_started(&db).await;
    publish(store, &v1).await;
    command(store, &v2, Command::Publish).await;
    let outgoing = now(store, &v1).await;
    assert_eq!((outgoing.state(), outgoing.role), (VersionState::Published, Role::Outgoing));
    assert_eq!(now(store, &v2).await.state(), VersionState::Publishing);

    assert!(store.settle_publication(&v1.runtime, Some(v2.key), at(31)).await.unwrap());
    let (before, after) = (now(store, &v1).await, now(store, &v2).await);
    assert_eq!((before.state(), after.state()), (VersionState::Started, VersionState::Published));
    let revision = runtime(store).await.revision;
    assert_eq!((before.revision, after.revision), (revision, revision));
    assert_eq!((before.published_at, after.published_at), (Some(at(30)), Some(at(31))));
    let entry = store.history(&v1.runtime, &v1.name, &HistoryPage::default()).await.unwrap().swap_remove(0);
    let replaced = HistoryEntry {
        id: entry.id,
        at: at(10),
        who: Actor::Local,
        action: Action::Unpublish,
        comment: Some("replaced by `v2`".to_owned()),
        outcome: Outcome::Superseded,
        finished_at: Some(at(31)),
    };
    assert_eq!(entry, replaced, "by whoever published the other, for as long as that took");
    command(store, &v1, Command::Stop).await;
}

pub(super) async fn unpublishing_leads_back_to_started(db: Db) {
    let store = &*db.store;
    let [v1, _] = two_started(&db).await;
    publish(store, &v1).await;
    let outgoing = command(store, &v1, Command::Unpublish).await;
    assert_eq!((outgoing.state(), outgoing.role), (VersionState::Published, Role::Outgoing));
    let r = runtime(store).await;
    assert_eq!(r.publication, Publication { target: None, serving: Some(v1.key) });
    assert_eq!(r.publish_deadline, None, "an unpublish may take its time");
    assert_eq!(last(store, &v1).await, (Action::Unpublish, Outcome::Pending));

    assert!(store.settle_publication(&v1.runtime, None, at(40)).await.unwrap());
    let started = now(store, &v1).await;
    assert_eq!((started.state(), started.role, started.switching), (VersionState::Started, Role::None, false));
    assert_eq!(started.published_at, Some(at(30)), "when it was last published");
    assert_eq!(started.revision, runtime(store).await.revision);
    assert_eq!(last(store, &v1).await, (Action::Unpublish, Outcome::Reached));
}

pub(super) async fn nobody_else_moves_the_entrypoint_while_it_is_switched_over(db: Db) {
    let store = &*db.store;
    let [v1, v2] = two_started(&db).await;
    publish(store, &v1).await;
    command(store, &v2, Command::Publish).await;
    match try_command(store, &v1, Command::Unpublish).await {
        Err(StoreError::Refused { state, refusal: Refusal::Switching { command }, .. }) => {
            assert_eq!((state, command), (VersionState::Published, Command::Unpublish));
        }
        other => panic!("{other:?}"),
    }
    let v3 = store.create_version(new_version("demo", "v3")).await.unwrap();
    start(store, &v3).await;
    match try_command(store, &v3, Command::Publish).await {
        Err(StoreError::Refused { state, refusal: Refusal::Switching { command }, .. }) => {
            assert_eq!((state, command), (VersionState::Started, Command::Publish));
        }
        other => panic!("{other:?}"),
    }
    command(store, &v3, Command::Stop).await;
}

pub(super) async fn a_failed_publish_leaves_what_was_serving(db: Db) {
    let store = &*db.store;
    let [v1, v2] = two_started(&db).await;
    publish(store, &v1).await;
    command(store, &v2, Command::Publish).await;
    assert!(store.fail_publish(&v1.runtime, v2.key, failure("not ready in time")).await.unwrap());
    let r = runtime(store).await;
    assert_eq!(r.publication, Publication { target: Some(v1.key), serving: Some(v1.key) });
    assert_eq!(r.publish_deadline, None);
    let (serving, failed) = (now(store, &v1).await, now(store, &v2).await);
    assert_eq!((serving.state(), failed.state()), (VersionState::Published, VersionState::Started));
    assert_eq!((serving.revision, failed.revision), (r.revision, r.revision));
    assert_eq!((serving.failure, failed.failure), (None, Some(failure("not ready in time"))));
    let reason = "greeting/echo: not ready in time".to_owned();
    assert_eq!(last(store, &v2).await, (Action::Publish, Outcome::Failed { reason }));
}

pub(super) async fn a_failed_first_publish_leaves_nothing_published(db: Db) {
    let store = &*db.store;
    let [v1, _] = two_started(&db).await;
    command(store, &v1, Command::Publish).await;
    assert!(store.fail_publish(&v1.runtime, v1.key, failure("no ingress")).await.unwrap());
    assert_eq!(runtime(store).await.publication, Publication { target: None, serving: None });
    assert_eq!(now(store, &v1).await.state(), VersionState::Started);
}

pub(super) async fn a_publish_failure_is_cleared_by_a_publish_that_is_reached(db: Db) {
    let store = &*db.store;
    let [v1, _] = two_started(&db).await;
    command(store, &v1, Command::Publish).await;
    assert!(store.fail_publish(&v1.runtime, v1.key, failure("no ingress")).await.unwrap());
    assert_eq!(command(store, &v1, Command::Publish).await.failure, Some(failure("no ingress")));
    assert!(store.settle_publication(&v1.runtime, Some(v1.key), at(99)).await.unwrap());
    assert_eq!(now(store, &v1).await.failure, None);
}

pub(super) async fn a_publish_failure_outlives_the_stop_and_is_cleared_by_the_next_start(db: Db) {
    let store = &*db.store;
    let [v1, _] = two_started(&db).await;
    command(store, &v1, Command::Publish).await;
    assert!(store.fail_publish(&v1.runtime, v1.key, failure("no ingress")).await.unwrap());
    let stopping = command(store, &v1, Command::Stop).await;
    assert!(store.settle(v1.key, stopping.generation, at(50)).await.unwrap());
    assert_eq!(now(store, &v1).await.failure, Some(failure("no ingress")));
    assert_eq!(command(store, &v1, Command::Start).await.failure, None);
}

pub(super) async fn a_stale_target_writes_nothing(db: Db) {
    let store = &*db.store;
    let [v1, v2] = two_started(&db).await;
    let before = all_of(store, &v1).await;
    assert!(!store.settle_publication(&v1.runtime, None, at(30)).await.unwrap(), "nothing is being switched");
    assert!(!store.settle_publication(&v1.runtime, Some(v1.key), at(30)).await.unwrap());
    assert!(!store.fail_publish(&v1.runtime, v1.key, failure("x")).await.unwrap());
    assert_eq!(all_of(store, &v1).await, before);

    command(store, &v1, Command::Publish).await;
    let before = all_of(store, &v1).await;
    assert!(!store.settle_publication(&v1.runtime, None, at(30)).await.unwrap());
    assert!(!store.settle_publication(&v1.runtime, Some(v2.key), at(30)).await.unwrap());
    assert!(!store.fail_publish(&v1.runtime, v2.key, failure("x")).await.unwrap());
    assert_eq!(all_of(store, &v1).await, before);

    assert!(store.settle_publication(&v1.runtime, Some(v1.key), at(30)).await.unwrap());
    let before = all_of(store, &v1).await;
    assert!(!store.settle_publication(&v1.runtime, Some(v1.key), at(31)).await.unwrap(), "it is serving already");
    assert!(!store.fail_publish(&v1.runtime, v1.key, failure("x")).await.unwrap(), "it is serving already");
    assert_eq!(all_of(store, &v1).await, before);
}

/// The one thing here that no command can ask for; the schema refuses it all the same.
pub(super) async fn a_runtime_publishes_only_its_own_versions(db: Db) {
    let [v1, _] = two_started(&db).await;
    db.store.create_runtime(new_runtime("other")).await.unwrap();
    const STEAL: &str = "UPDATE runtimes SET target = $1 WHERE id = $2";
    let error = if db.url.starts_with("sqlite:") {
        let pool = sqlx::SqlitePool::connect(&db.url).await.unwrap();
        sqlx::query(STEAL).bind(v1.key).bind("other").execute(&pool).await.unwrap_err()
    } else {
        let pool = sqlx::PgPool::connect(&db.url).await.unwrap();
        sqlx::query(STEAL).bind(v1.key).bind("other").execute(&pool).await.unwrap_err()
    };
    assert!(error.as_database_error().is_some_and(|e| e.is_foreign_key_violation()), "{error}");
}
