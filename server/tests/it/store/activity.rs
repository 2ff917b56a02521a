use domain::{Action, ActivityEntry, ActivityFilter, Command, HistoryPage, OutcomeKind, access::Visible};
use server::store::{Repair, Store};

use super::{Db, samples::*};

/// Two runtimes with a version each, one of which was started and had an object put back.
async fn two_runtimes(store: &Store) {
    let [v1] = demo(store, ["v1"]).await;
    store.create_runtime(new_runtime("other")).await.unwrap();
    let mut v2 = new_version("other", "v2");
    v2.caller = mira();
    v2.at = at(15);
    store.create_version(v2).await.unwrap();
    let v1 = start(store, &v1).await;
    let repair = Repair { object: "Secret v1-config".to_owned(), what: "Secret v1-config was missing".to_owned() };
    assert!(store.set_repairs(v1.key, v1.generation, vec![repair], at(40)).await.unwrap());
}

fn told(entries: &[ActivityEntry]) -> Vec<(&str, &str, Action)> {
    entries
        .iter()
        .map(|e| (e.runtime.as_str(), e.version.as_ref().map_or("", |version| version.as_str()), e.entry.action))
        .collect()
}

pub(super) async fn all_versions_entries_are_in_one_list_newest_first(db: Db) {
    let store = &*db.store;
    assert_eq!(store.activity(&ActivityFilter::default(), Visible::All).await.unwrap(), []);
    two_runtimes(store).await;
    let all = store.activity(&ActivityFilter::default(), Visible::All).await.unwrap();
    let expected = [
        ("demo", "v1", Action::Repair),
        ("other", "v2", Action::Create),
        ("demo", "v1", Action::Start),
        ("demo", "v1", Action::Create),
    ];
    assert_eq!(told(&all), expected, "by when it was, whatever was written first");
    let (demo, v1) = (id("demo"), name("v1"));
    let of_v1: Vec<_> = all.iter().filter(|e| e.version.as_ref() == Some(&v1)).map(|e| e.entry.clone()).collect();
    assert_eq!(of_v1, store.history(&demo, &v1, &HistoryPage::default()).await.unwrap());
}

pub(super) async fn each_filter_lets_through_what_it_is_about(db: Db) {
    let store = &*db.store;
    two_runtimes(store).await;
    let none = ActivityFilter::default;
    let cases = [
        (ActivityFilter { runtime: Some(id("demo")), ..none() }, 3),
        (ActivityFilter { runtime: Some(id("nowhere")), ..none() }, 0),
        (ActivityFilter { version: Some(name("v2")), ..none() }, 1),
        (ActivityFilter { runtime: Some(id("other")), version: Some(name("v1")), ..none() }, 0),
        (ActivityFilter { who: Some("mira".to_owned()), ..none() }, 1),
        (ActivityFilter { who: Some("mir".to_owned()), ..none() }, 0),
        (ActivityFilter { action: Some(Action::Create), ..none() }, 2),
        (ActivityFilter { outcome: Some(OutcomeKind::Pending), ..none() }, 1),
        (ActivityFilter { outcome: Some(OutcomeKind::Superseded), ..none() }, 0),
        (ActivityFilter { from: Some(at(10)), ..none() }, 3),
        (ActivityFilter { to: Some(at(10)), ..none() }, 1),
        (ActivityFilter { from: Some(at(10)), to: Some(at(40)), action: Some(Action::Start), ..none() }, 1),
        (ActivityFilter { limit: Some(2), ..none() }, 2),
        (ActivityFilter { before: Some(i64::MAX), ..none() }, 0),
    ];
    for (filter, expected) in cases {
        assert_eq!(store.activity(&filter, Visible::All).await.unwrap().len(), expected, "{filter:?}");
    }
}

pub(super) async fn a_list_is_read_page_by_page_with_nothing_twice_and_nothing_missing(db: Db) {
    let store = &*db.store;
    let [v1] = demo(store, ["v1"]).await;
    // All at one time, as from a program.
    for _ in 0..5 {
        let starting = command(store, &v1, Command::Start).await;
        assert!(store.settle(v1.key, starting.generation, at(10)).await.unwrap());
        let stopping = command(store, &v1, Command::Stop).await;
        assert!(store.settle(v1.key, stopping.generation, at(10)).await.unwrap());
    }
    let all = store.activity(&ActivityFilter::default(), Visible::All).await.unwrap();
    assert_eq!(all.len(), 11);
    let mut read: Vec<ActivityEntry> = Vec::new();
    loop {
        let before = read.last().map(|read| read.entry.id);
        let page = store
            .activity(&ActivityFilter { before, limit: Some(4), ..ActivityFilter::default() }, Visible::All)
            .await
            .unwrap();
        if page.is_empty() {
            break;
        }
        read.extend(page);
    }
    assert_eq!(read, all);
}

pub(super) async fn a_versions_history_is_read_page_by_page(db: Db) {
    let store = &*db.store;
    let [v1, v2] = demo(store, ["v1", "v2"]).await;
    for version in [&v1, &v2, &v1, &v1] {
        let starting = command(store, version, Command::Start).await;
        assert!(store.settle(version.key, starting.generation, at(10)).await.unwrap());
        let stopping = command(store, version, Command::Stop).await;
        assert!(store.settle(version.key, stopping.generation, at(10)).await.unwrap());
    }
    let whole = store.history(&v1.runtime, &v1.name, &HistoryPage::default()).await.unwrap();
    assert_eq!(whole.len(), 7);
    let mut before = None;
    for expected in [&whole[..3], &whole[3..6], &whole[6..], &[]] {
        let page = HistoryPage { before, limit: Some(3) };
        let read = store.history(&v1.runtime, &v1.name, &page).await.unwrap();
        assert_eq!(read, expected);
        before = read.last().map(|entry| entry.id).or(before);
    }
}
