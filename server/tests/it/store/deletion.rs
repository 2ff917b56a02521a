use domain::{Action, ActivityFilter, Caller, HistoryPage, Outcome, VersionState, access::Visible};
use krt::Document;
use server::store::{Deletion, NewVersion, Store, StoreError, VersionRecord};

use super::{Db, samples::*};

fn deletion(second: i64) -> Deletion {
    let (comment, detail) = (Some("not needed".to_owned()), Some("at last".to_owned()));
    Deletion { caller: mira(), comment, detail, at: at(second) }
}

async fn delete(store: &Store, version: &VersionRecord) {
    store.delete_version(&version.runtime, &version.name, deletion(60)).await.unwrap();
}

/// With a documentation, and the file that all versions of this letter have.
fn of_file(runtime: &str, version: &str, file: &str) -> NewVersion {
    let mut new = new_version(runtime, version);
    new.file.sha256 = file.repeat(64);
    new.file.object = format!("krt/{}", new.file.sha256);
    let page = |name: &str| Document { path: format!("docs/{name}"), content: b"# It echoes".to_vec() };
    new.documents = vec![page("README.md"), page("more.md")];
    new
}

pub(super) async fn a_deleted_version_is_gone_and_what_was_done_to_it_stays(db: Db) {
    let store = &*db.store;
    store.create_runtime(new_runtime("demo")).await.unwrap();
    let new = wanting(new_version("demo", "v1"), &["KEY"], &[]);
    let v1 = store.create_version(new).await.unwrap();
    let set = values(&[("KEY", Some("value"))]);
    store.set_config(&v1.runtime, &v1.name, set, &Caller::local(), None, at(5)).await.unwrap();
    let v1 = bring_to(store, &v1, VersionState::Archived).await;
    let before = store.activity(&ActivityFilter::default(), Visible::All).await.unwrap();
    assert!(before.iter().all(|entry| !entry.version_deleted && !entry.runtime_deleted));

    let file = store.delete_version(&v1.runtime, &v1.name, deletion(60)).await.unwrap();
    assert_eq!(file.object, v1.file.object);
    assert!(!store.object_in_use(&file.object).await.unwrap());
    assert_eq!(store.version(&v1.runtime, &v1.name).await.unwrap(), None);
    let gone = store.history(&v1.runtime, &v1.name, &HistoryPage::default()).await.unwrap_err();
    assert!(matches!(gone, StoreError::NotFound(_)), "{gone}");
    let runtime = store.runtime(&v1.runtime).await.unwrap().unwrap();
    assert!(runtime.revision > v1.revision);

    let after = store.activity(&ActivityFilter::default(), Visible::All).await.unwrap();
    let (deleted, rest) = after.split_first().unwrap();
    assert_eq!((deleted.entry.action, &deleted.entry.outcome), (Action::Delete, &Outcome::Reached));
    assert_eq!(
        (deleted.entry.who.to_string().as_str(), deleted.entry.comment.as_deref()),
        ("mira", Some("not needed (at last)"))
    );
    assert_eq!((&deleted.runtime, deleted.version.as_ref()), (&v1.runtime, Some(&v1.name)));
    let entries = |all: &[domain::ActivityEntry]| all.iter().map(|one| one.entry.clone()).collect::<Vec<_>>();
    assert_eq!(entries(rest), entries(&before), "word for word");
    assert!(after.iter().all(|entry| entry.version_deleted && !entry.runtime_deleted));
    let of_v1 =
        ActivityFilter { version: Some(v1.name.clone()), runtime: Some(id("demo")), ..ActivityFilter::default() };
    assert_eq!(store.activity(&of_v1, Visible::All).await.unwrap(), after);
    let page = ActivityFilter { before: Some(before[0].entry.id), ..ActivityFilter::default() };
    assert_eq!(store.activity(&page, Visible::All).await.unwrap(), after[2..], "a page goes on from any of them");
    assert_eq!(store.last_activity(&runtime).await.unwrap().as_ref(), Some(deleted));
}

pub(super) async fn only_an_archived_version_is_deleted(db: Db) {
    let store = &*db.store;
    let [first] = demo(store, ["v0"]).await;
    for state in VersionState::ALL.into_iter().filter(|state| *state != VersionState::Archived) {
        let runtime = format!("r-{state}");
        store.create_runtime(new_runtime(&runtime)).await.unwrap();
        let version = store.create_version(new_version(&runtime, "v1")).await.unwrap();
        let version = bring_to(store, &version, state).await;
        let before = all_of(store, &version).await;
        let refused = store.delete_version(&version.runtime, &version.name, deletion(60)).await.unwrap_err();
        assert!(matches!(refused, StoreError::Refused { state: told, .. } if told == state), "{refused}");
        assert_eq!(all_of(store, &version).await, before, "nothing was written");
    }
    let missing = store.delete_version(&first.runtime, &name("v9"), deletion(60)).await.unwrap_err();
    assert!(matches!(missing, StoreError::NotFound(_)), "{missing}");
}

pub(super) async fn another_version_of_a_deleted_ones_name_has_a_history_of_its_own(db: Db) {
    let store = &*db.store;
    let [old] = demo(store, ["v1"]).await;
    let old = bring_to(store, &old, VersionState::Archived).await;
    delete(store, &old).await;
    let new = store.create_version(NewVersion { at: at(70), ..new_version("demo", "v1") }).await.unwrap();
    assert!(new.key > old.key && new.revision > old.revision, "{} after {}", new.key, old.key);
    assert_eq!(new.state(), VersionState::Stopped);
    let told = store.history(&new.runtime, &new.name, &HistoryPage::default()).await.unwrap();
    assert_eq!(told.len(), 1);
    let all = store.activity(&ActivityFilter::default(), Visible::All).await.unwrap();
    let gone: Vec<_> = all.iter().map(|entry| entry.version_deleted).collect();
    assert_eq!(gone, [false, true, true, true]);
}

pub(super) async fn documents_go_with_the_last_version_of_their_file(db: Db) {
    let store = &*db.store;
    for runtime in ["demo", "other"] {
        store.create_runtime(new_runtime(runtime)).await.unwrap();
        let version = store.create_version(of_file(runtime, "v1", "a")).await.unwrap();
        bring_to(store, &version, VersionState::Archived).await;
    }
    let [first, second] = [id("demo"), id("other")];
    let sha256 = "a".repeat(64);
    store.delete_version(&first, &name("v1"), deletion(60)).await.unwrap();
    assert!(store.object_in_use(&format!("krt/{sha256}")).await.unwrap());
    assert_eq!(store.documents(&sha256).await.unwrap(), ["docs/README.md", "docs/more.md"]);
    store.delete_version(&second, &name("v1"), deletion(61)).await.unwrap();
    assert!(!store.object_in_use(&format!("krt/{sha256}")).await.unwrap());
    assert_eq!(store.documents(&sha256).await.unwrap(), Vec::<String>::new());
}

pub(super) async fn a_version_that_comes_while_another_of_its_file_goes_has_its_documents(db: Db) {
    let store = &*db.store;
    let runtimes = ["demo", "other"];
    for runtime in runtimes {
        store.create_runtime(new_runtime(runtime)).await.unwrap();
    }
    let version = store.create_version(of_file("demo", "v1", "a")).await.unwrap();
    bring_to(store, &version, VersionState::Archived).await;
    for round in 0..20 {
        let (going, coming) = (id(runtimes[round % 2]), runtimes[(round + 1) % 2]);
        let v1 = name("v1");
        let (gone, come) = tokio::join!(
            store.delete_version(&going, &v1, deletion(60)),
            store.create_version(of_file(coming, "v1", "a"))
        );
        gone.unwrap();
        let come = come.unwrap();
        assert_eq!(store.documents(&come.file.sha256).await.unwrap().len(), 2, "round {round}");
        bring_to(store, &come, VersionState::Archived).await;
    }
}

pub(super) async fn many_documents_come_with_their_version(db: Db) {
    let store = &*db.store;
    store.create_runtime(new_runtime("demo")).await.unwrap();
    let mut new = of_file("demo", "v1", "a");
    new.documents =
        (0..2_345).map(|n| Document { path: format!("docs/{n:05}.md"), content: n.to_string().into_bytes() }).collect();
    store.create_version(new.clone()).await.unwrap();
    let paths = store.documents(&new.file.sha256).await.unwrap();
    assert_eq!(paths, new.documents.iter().map(|document| document.path.clone()).collect::<Vec<_>>());
    for nth in [0, 999, 1_000, 2_344] {
        let found = store.document(&new.file.sha256, &paths[nth]).await.unwrap().unwrap();
        assert_eq!(found, nth.to_string().into_bytes());
    }
}

pub(super) async fn an_empty_runtime_is_deleted_and_one_with_versions_is_not(db: Db) {
    let store = &*db.store;
    let [v1] = demo(store, ["v1"]).await;
    let v1 = bring_to(store, &v1, VersionState::Archived).await;
    let before = all_of(store, &v1).await;
    let refused = store.delete_runtime(&v1.runtime, deletion(60)).await.unwrap_err();
    assert!(matches!(refused, StoreError::NotEmpty { refusal, .. } if refusal.versions == 1), "{refused}");
    assert_eq!(all_of(store, &v1).await, before, "nothing was written");

    delete(store, &v1).await;
    store.delete_runtime(&v1.runtime, deletion(61)).await.unwrap();
    assert_eq!(store.runtime(&v1.runtime).await.unwrap(), None);
    let gone = store.delete_runtime(&v1.runtime, deletion(62)).await.unwrap_err();
    assert!(matches!(gone, StoreError::NotFound(_)), "{gone}");
    let all = store
        .activity(&ActivityFilter { runtime: Some(id("demo")), ..ActivityFilter::default() }, Visible::All)
        .await
        .unwrap();
    assert_eq!((all[0].entry.action, all[0].version.as_ref(), all.len()), (Action::Delete, None, 4));
    assert!(all.iter().all(|entry| entry.runtime_deleted));

    let again =
        store.create_runtime(server::store::NewRuntimeRecord { at: at(70), ..new_runtime("demo") }).await.unwrap();
    assert_eq!(store.last_activity(&again).await.unwrap(), None, "what was done to the other is not its");
    let all = store.activity(&ActivityFilter::default(), Visible::All).await.unwrap();
    assert!(all.len() == 4 && all.iter().all(|entry| entry.runtime_deleted));
}

pub(super) async fn versions_are_found_by_how_long_they_have_been_archived(db: Db) {
    let store = &*db.store;
    let [v1, v2, _] = demo(store, ["v1", "v2", "v3"]).await;
    for (version, second) in [(&v1, 100), (&v2, 200)] {
        let record = asked(domain::Command::Archive, second);
        store.command(&version.runtime, &version.name, record).await.unwrap();
    }
    for (second, expected) in [(100, &[][..]), (101, &["v1"]), (500, &["v1", "v2"])] {
        let found = store.archived_before(at(second)).await.unwrap();
        let names: Vec<_> = found.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, expected, "before second {second}");
    }
}
