use domain::{Action, Actor, Command, Desired, HistoryEntry, HistoryPage, Outcome, VersionState};

use super::{Db, samples::*};

pub(super) async fn a_settled_start_is_started_and_reached(db: Db) {
    let [v1] = demo(&db.store, ["v1"]).await;
    let starting = command(&db.store, &v1, Command::Start).await;
    assert!(db.store.settle(v1.key, starting.generation, at(20)).await.unwrap());
    let started = now(&db.store, &v1).await;
    assert_eq!(started.state(), VersionState::Started);
    assert_eq!((started.generation, started.deadline), (starting.generation, None));
    assert_eq!(started.revision, starting.revision + 1);
    assert_eq!(started.revision, db.store.runtime(&id("demo")).await.unwrap().unwrap().revision);
    let last = &db.store.history(&v1.runtime, &v1.name, &HistoryPage::default()).await.unwrap()[0];
    assert_eq!((last.action, &last.outcome, last.at), (Action::Start, &Outcome::Reached, at(10)));
    assert_eq!(last.finished_at, Some(at(20)));
}

pub(super) async fn a_settled_stop_is_stopped_and_reached(db: Db) {
    let [v1] = demo(&db.store, ["v1"]).await;
    start(&db.store, &v1).await;
    let stopping = command(&db.store, &v1, Command::Stop).await;
    assert!(db.store.settle(v1.key, stopping.generation, at(50)).await.unwrap());
    assert_eq!(now(&db.store, &v1).await.state(), VersionState::Stopped);
    let last = &db.store.history(&v1.runtime, &v1.name, &HistoryPage::default()).await.unwrap()[0];
    assert_eq!((last.action, &last.outcome, last.finished_at), (Action::Stop, &Outcome::Reached, Some(at(50))));
}

pub(super) async fn a_failed_start_goes_back_to_stopped_with_the_reason(db: Db) {
    let [v1] = demo(&db.store, ["v1"]).await;
    let starting = command(&db.store, &v1, Command::Start).await;
    assert!(db.store.fail_start(v1.key, starting.generation, failure("ImagePullBackOff"), at(500)).await.unwrap());
    let failed = now(&db.store, &v1).await;
    assert_eq!((failed.desired, failed.settled, failed.deadline), (Desired::Stopped, false, Some(at(500))));
    assert_eq!((failed.generation, failed.revision), (starting.generation + 1, starting.revision + 1));
    assert_eq!(failed.failure, Some(failure("ImagePullBackOff")));

    let history = db.store.history(&v1.runtime, &v1.name, &HistoryPage::default()).await.unwrap();
    assert_eq!(history[1].outcome, Outcome::Failed { reason: "greeting/echo: ImagePullBackOff".to_owned() });
    assert_eq!((history[1].action, history[1].finished_at), (Action::Start, Some(at(90))));
    let stop = HistoryEntry {
        id: history[0].id,
        at: at(90),
        who: Actor::Server,
        action: Action::Stop,
        comment: Some("because the start failed".to_owned()),
        outcome: Outcome::Pending,
        finished_at: None,
    };
    assert_eq!(history[0], stop, "nobody asked for it");

    assert!(db.store.settle(v1.key, failed.generation, at(95)).await.unwrap());
    let stopped = now(&db.store, &v1).await;
    assert_eq!(stopped.state(), VersionState::Stopped);
    assert_eq!(stopped.failure, Some(failure("ImagePullBackOff")));
    let ended = HistoryEntry { outcome: Outcome::Reached, finished_at: Some(at(95)), ..stop };
    assert_eq!(db.store.history(&v1.runtime, &v1.name, &HistoryPage::default()).await.unwrap()[0], ended);
    assert_eq!(stopped.deadline, None);
}

pub(super) async fn the_reason_stays_until_the_next_start(db: Db) {
    let [v1] = demo(&db.store, ["v1"]).await;
    let starting = command(&db.store, &v1, Command::Start).await;
    assert!(db.store.fail_start(v1.key, starting.generation, failure("no room"), at(500)).await.unwrap());
    let stopping = now(&db.store, &v1).await;
    assert!(db.store.settle(v1.key, stopping.generation, at(95)).await.unwrap());
    assert_eq!(command(&db.store, &v1, Command::Start).await.failure, None);
}

pub(super) async fn a_stale_generation_writes_nothing(db: Db) {
    let [v1] = demo(&db.store, ["v1"]).await;
    let starting = command(&db.store, &v1, Command::Start).await;
    command(&db.store, &v1, Command::Stop).await;
    let before = all_of(&db.store, &v1).await;
    for generation in [0, v1.generation, starting.generation, starting.generation + 2] {
        assert!(!db.store.settle(v1.key, generation, at(20)).await.unwrap(), "{generation}");
        assert!(!db.store.fail_start(v1.key, generation, failure("x"), at(500)).await.unwrap(), "{generation}");
    }
    assert!(!db.store.settle(v1.key + 1000, starting.generation, at(20)).await.unwrap());
    assert_eq!(all_of(&db.store, &v1).await, before);
}

pub(super) async fn what_has_settled_neither_settles_again_nor_fails(db: Db) {
    let [v1] = demo(&db.store, ["v1"]).await;
    let started = start(&db.store, &v1).await;
    let before = all_of(&db.store, &v1).await;
    assert!(!db.store.settle(v1.key, started.generation, at(60)).await.unwrap());
    assert!(!db.store.fail_start(v1.key, started.generation, failure("crashed later"), at(500)).await.unwrap());
    assert_eq!(all_of(&db.store, &v1).await, before);
}

pub(super) async fn a_stop_is_not_failed_as_a_start(db: Db) {
    let [v1] = demo(&db.store, ["v1"]).await;
    start(&db.store, &v1).await;
    let stopping = command(&db.store, &v1, Command::Stop).await;
    let before = all_of(&db.store, &v1).await;
    assert!(!db.store.fail_start(v1.key, stopping.generation, failure("x"), at(500)).await.unwrap());
    assert_eq!(all_of(&db.store, &v1).await, before);
}
