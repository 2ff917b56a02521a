use std::time::Duration;

use domain::{Action, Caller, Command, Desired, HistoryEntry, HistoryPage, Outcome, VersionState};
use server::store::{CommandRecord, StoreError};

use super::{Db, samples::*};

pub(super) async fn each_command_in_each_state_does_what_the_lifecycle_says(db: Db) {
    let store = &*db.store;
    for (s, state) in VersionState::ALL.into_iter().enumerate() {
        for (c, asked) in Command::ALL.into_iter().enumerate() {
            // A runtime for each, so that one's publication does not stand in another's way.
            let runtime = format!("r{s}{c}");
            store.create_runtime(new_runtime(&runtime)).await.unwrap();
            let version = store.create_version(new_version(&runtime, "v1")).await.unwrap();
            let version = bring_to(store, &version, state).await;
            let before = all_of(store, &version).await;
            match (domain::decide(state, version.switching, asked), try_command(store, &version, asked).await) {
                (Ok(next), Ok(after)) => {
                    // The published one stays so until the cluster has let go of it.
                    let shown = if asked == Command::Unpublish { VersionState::Published } else { next };
                    assert_eq!(after.state(), shown, "{asked} when {state}");
                    assert_eq!(after, now(store, &version).await);
                    assert!(after.revision > version.revision);
                }
                (Err(expected), Err(StoreError::Refused { state: told, refusal, runtime, version: which })) => {
                    assert_eq!((told, refusal), (state, expected));
                    assert_eq!((&runtime, &which), (&version.runtime, &version.name));
                    assert_eq!(all_of(store, &version).await, before, "{asked} when {state}");
                }
                (expected, got) => panic!("{asked} when {state}: {expected:?}, but {got:?}"),
            }
        }
    }
}

pub(super) async fn a_start_begins_an_unsettled_generation_with_a_deadline(db: Db) {
    let [v1] = demo(&db.store, ["v1"]).await;
    let starting = command(&db.store, &v1, Command::Start).await;
    assert_eq!((starting.desired, starting.settled), (Desired::Started, false));
    assert_eq!(starting.generation, v1.generation + 1);
    assert_eq!(starting.deadline, Some(at(310)));
    assert_eq!(starting.revision, db.store.runtime(&id("demo")).await.unwrap().unwrap().revision);
    let stopping = command(&db.store, &v1, Command::Stop).await;
    assert_eq!((stopping.desired, stopping.settled), (Desired::Stopped, false));
    assert_eq!(stopping.generation, starting.generation + 1);
    assert_eq!(stopping.deadline, Some(at(310)), "after which it is overdue");
}

pub(super) async fn a_start_that_lacks_configuration_is_refused_with_what_is_missing(db: Db) {
    let store = &*db.store;
    store.create_runtime(new_runtime("demo")).await.unwrap();
    let new = wanting(new_version("demo", "v1"), &["ZONE", "TOKEN"], &["model.cfg"]);
    let v1 = store.create_version(new).await.unwrap();
    let given = values(&[("TOKEN", Some("x"))]);
    store.set_config(&v1.runtime, &v1.name, given, &Caller::local(), None, at(2)).await.unwrap();
    let before = all_of(store, &v1).await;
    match try_command(store, &v1, Command::Start).await {
        Err(StoreError::ConfigIncomplete { missing, .. }) => assert_eq!(missing, ["ZONE", "model.cfg"]),
        other => panic!("{other:?}"),
    }
    assert_eq!(all_of(store, &v1).await, before);

    let rest = values(&[("ZONE", Some("")), ("model.cfg", Some("a = 1\n"))]);
    store.set_config(&v1.runtime, &v1.name, rest, &Caller::local(), None, at(3)).await.unwrap();
    let starting = command(store, &v1, Command::Start).await;
    assert_eq!(starting.state(), VersionState::Starting, "an empty value is one too");
    assert_eq!(starting.config.len(), 3);
}

pub(super) async fn a_stop_cancels_the_pending_start(db: Db) {
    let [v1] = demo(&db.store, ["v1"]).await;
    command(&db.store, &v1, Command::Start).await;
    let stopping = db.store.command(&v1.runtime, &v1.name, asked(Command::Stop, 15)).await.unwrap();
    let history = db.store.history(&v1.runtime, &v1.name, &HistoryPage::default()).await.unwrap();
    let told: Vec<_> = history.iter().map(|e| (e.action, e.outcome.clone(), e.finished_at)).collect();
    let expected = [
        (Action::Stop, Outcome::Pending, None),
        (Action::Start, Outcome::Cancelled, Some(at(15))),
        (Action::Create, Outcome::Reached, Some(at(1))),
    ];
    assert_eq!(told, expected);
    assert!(db.store.settle(v1.key, stopping.generation, at(40)).await.unwrap());
    let history = db.store.history(&v1.runtime, &v1.name, &HistoryPage::default()).await.unwrap();
    assert_eq!((&history[0].outcome, history[0].finished_at), (&Outcome::Reached, Some(at(40))));
    assert_eq!(history[1].outcome, Outcome::Cancelled);
}

pub(super) async fn an_archived_version_is_settled_at_once(db: Db) {
    let [v1] = demo(&db.store, ["v1"]).await;
    let archived = command(&db.store, &v1, Command::Archive).await;
    assert_eq!((archived.desired, archived.settled, archived.deadline), (Desired::Archived, true, None));
    let history = db.store.history(&v1.runtime, &v1.name, &HistoryPage::default()).await.unwrap();
    assert_eq!((history[0].action, &history[0].outcome), (Action::Archive, &Outcome::Reached));
    assert_eq!(history[0].finished_at, Some(at(10)));
}

pub(super) async fn the_history_tells_who_when_and_why(db: Db) {
    let [v1] = demo(&db.store, ["v1"]).await;
    let record = CommandRecord {
        command: Command::Start,
        caller: mira(),
        comment: Some("for the demo; it's \"urgent\"".to_owned()),
        at: at(5) + Duration::from_micros(123_456),
        deadline: at(300),
    };
    db.store.command(&v1.runtime, &v1.name, record).await.unwrap();
    let told = db.store.history(&v1.runtime, &v1.name, &HistoryPage::default()).await.unwrap();
    let expected = HistoryEntry {
        id: told[0].id,
        at: at(5) + Duration::from_micros(123_456),
        who: mira().actor(),
        action: Action::Start,
        comment: Some("for the demo; it's \"urgent\"".to_owned()),
        outcome: Outcome::Pending,
        finished_at: None,
    };
    assert_eq!(told[0], expected);
}

pub(super) async fn each_start_makes_a_new_credential(db: Db) {
    let store = &*db.store;
    let [v1, v2] = demo(store, ["v1", "v2"]).await;
    let mut seen = vec![v1.file.download_token.clone(), v2.file.download_token.clone()];
    for _ in 0..3 {
        let started = start(store, &v1).await;
        assert!(!seen.contains(&started.file.download_token), "it was told before");
        seen.push(started.file.download_token);
        let stopping = command(store, &v1, Command::Stop).await;
        assert!(store.settle(stopping.key, stopping.generation, at(30)).await.unwrap());
    }
    assert_eq!(now(store, &v2).await.file, v2.file, "another's stays");
}
