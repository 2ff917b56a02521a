//! Minutes of measurements: added to, removed when they are old or their version goes.

use domain::VersionState;
use server::store::{Deletion, Store, VersionKey};

use super::{Db, samples::*};

/// Adds a text to each of these minutes.
async fn add(store: &Store, minutes: &[(VersionKey, i64)], text: &str, oldest: i64) {
    let add = |index: usize, before: Option<&str>| format!("{}{text}{index}", before.unwrap_or_default());
    store.add_measurements(minutes, add, oldest).await.unwrap();
}

async fn stored(store: &Store, version: VersionKey) -> Vec<(i64, String)> {
    store.measurements(version, i64::MIN, i64::MAX).await.unwrap()
}

fn minutes(minutes: &[(i64, &str)]) -> Vec<(i64, String)> {
    minutes.iter().map(|(minute, content)| (*minute, (*content).to_owned())).collect()
}

pub(super) async fn minutes_are_added_to_and_old_ones_removed(db: Db) {
    let store = &*db.store;
    let [v1, v2] = demo(store, ["v1", "v2"]).await;
    add(store, &[(v1.key, 11), (v1.key, 10), (v2.key, 10)], "a", 0).await;
    add(store, &[(v1.key, 10)], "b", 0).await;
    assert_eq!(stored(store, v1.key).await, minutes(&[(10, "a1b0"), (11, "a0")]));
    assert_eq!(store.measurements(v1.key, 10, 11).await.unwrap(), minutes(&[(10, "a1b0")]));

    add(store, &[(v1.key, 12)], "c", 11).await;
    assert_eq!(stored(store, v1.key).await, minutes(&[(11, "a0"), (12, "c0")]));
    assert_eq!(stored(store, v2.key).await, [], "of whatever version");
    assert_eq!(stored(&*db.open_again().await, v1.key).await.len(), 2);
}

pub(super) async fn measurements_go_with_their_version(db: Db) {
    let store = &*db.store;
    let [v1] = demo(store, ["v1"]).await;
    let v1 = bring_to(store, &v1, VersionState::Archived).await;
    add(store, &[(v1.key, 10)], "a", 0).await;
    let deletion = Deletion { caller: mira(), comment: None, detail: None, at: at(60) };
    store.delete_version(&v1.runtime, &v1.name, deletion).await.unwrap();
    assert_eq!(stored(store, v1.key).await, []);
    // What its last pods told comes too late.
    add(store, &[(v1.key, 11)], "a", 0).await;
    assert_eq!(stored(store, v1.key).await, []);
}
