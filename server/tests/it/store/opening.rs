use std::{collections::BTreeMap, os::unix::fs::PermissionsExt as _, sync::Arc};

use domain::{ActivityFilter, Caller, Command, VersionState, access::Visible};
use futures::future::join_all;
use server::store::{self, StoreError};

use super::{Db, samples::*};

pub(super) async fn what_was_written_is_there_when_opened_again(db: Db) {
    let [v1, v2] = demo(&db.store, ["v1", "v2"]).await;
    start(&db.store, &v1).await;
    publish(&db.store, &v1).await;
    command(&db.store, &v2, Command::Start).await;
    let given = values(&[("A", Some("1"))]);
    db.store.set_config(&v2.runtime, &v2.name, given, &Caller::local(), None, at(5)).await.unwrap();
    let (first, second) = (all_of(&db.store, &v1).await, all_of(&db.store, &v2).await);

    let reopened = db.open_again().await;
    drop(db.store);
    assert_eq!(all_of(&reopened, &v1).await, first);
    assert_eq!(all_of(&reopened, &v2).await, second);
    assert_eq!(now(&reopened, &v2).await.state(), VersionState::Starting);
}

pub(super) async fn opening_again_and_again_changes_nothing(db: Db) {
    let [v1] = demo(&db.store, ["v1"]).await;
    let before = all_of(&db.store, &v1).await;
    for _ in 0..3 {
        assert_eq!(all_of(&*db.open_again().await, &v1).await, before);
    }
}

pub(super) async fn the_database_answers(db: Db) {
    db.store.probe(at(1)).await.unwrap();
}

pub(super) async fn a_database_keeps_the_identity_that_its_first_opening_made(db: Db) {
    let id = db.store.installation_id().await.unwrap();
    assert_eq!(db.open_again().await.installation_id().await.unwrap(), id);
    let another = store::open("sqlite::memory:").await.unwrap();
    assert_ne!(another.installation_id().await.unwrap(), id);
}

pub(super) async fn text_with_a_nul_is_refused_alike(db: Db) {
    let [v1] = demo(&db.store, ["v1"]).await;
    let before = all_of(&db.store, &v1).await;
    let (runtime, version) = (&v1.runtime, &v1.name);
    let nul = || "a\0b".to_owned();
    let given = || BTreeMap::from([(nul(), None), ("A".to_owned(), Some(nul().into()))]);
    let mut named = new_runtime("other");
    named.name = nul();
    let mut uploaded = new_version("demo", "v2");
    uploaded.manifest_text = nul();
    let mut commented = asked(Command::Start, 5);
    commented.comment = Some(nul());
    let filter = ActivityFilter { who: Some(nul()), ..ActivityFilter::default() };
    for (what, answer) in [
        ("a name", db.store.create_runtime(named).await.map(drop)),
        ("a manifest", db.store.create_version(uploaded).await.map(drop)),
        ("a comment", db.store.command(runtime, version, commented).await.map(drop)),
        ("a value", db.store.set_config(runtime, version, given(), &Caller::local(), None, at(5)).await.map(drop)),
        ("who", db.store.activity(&filter, Visible::All).await.map(drop)),
        ("a path", db.store.document("0", "docs/\0").await.map(drop)),
    ] {
        assert!(matches!(answer, Err(StoreError::Nul)), "{what}: {answer:?}");
    }
    assert_eq!(all_of(&db.store, &v1).await, before);
}

#[tokio::test]
async fn a_url_of_another_kind_is_refused_without_being_repeated() {
    for url in ["mysql://kai:pass-phrase@localhost/kai", "pass-phrase.db", "", "/pass-phrase/kai.db"] {
        let error = store::open(url).await.err().unwrap();
        assert!(matches!(error, StoreError::UnknownScheme(_)), "{url}: {error}");
        let message = error.to_string();
        assert!(message.contains("`sqlite:`") && message.contains("`postgres:`"), "{message}");
        assert!(!message.contains("pass-phrase"), "{message}");
    }
}

#[tokio::test]
async fn no_error_about_a_url_has_its_password() {
    for (user, rest) in [
        ("kai:pass-phrase", "localhost:notaport/kai"),
        ("kai:pass-phrase", "[::1/kai"),
        ("kai:pass-phrase", "localhost/kai?sslmode=nonsense"),
        ("kai:pass-phrase", "127.0.0.1:1/kai"),
        ("kai:pass-phrase", "127.0.0.1:1/kai?password=pass-phrase"),
        ("kai:pass/pass-phrase", "localhost/kai"),
        ("kai:pass-phrase%", "local host/kai"),
    ] {
        let error = anyhow::Error::from(store::open(&format!("postgres://{user}@{rest}")).await.err().unwrap());
        let printed = format!("{error:#} {error:?}");
        assert!(!printed.contains("pass-phrase"), "{printed}");
    }
}

#[tokio::test]
async fn nobody_else_on_the_machine_can_read_a_new_sqlite_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("kai.db");
    let store = store::open(&format!("sqlite:{}", file.display())).await.unwrap();
    demo(&store, ["v1"]).await;
    for path in std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()) {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", path.display());
    }
}

#[tokio::test]
async fn a_sqlite_file_in_no_folder_is_named_in_the_error() {
    let error = store::open("sqlite:/nowhere/at/all/kai.db").await.err().unwrap();
    assert!(error.to_string().contains("/nowhere/at/all/kai.db"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_open_an_empty_postgres_at_once_migrate_it_once() {
    let url = super::postgres::new_database().await;
    let stores = join_all((0..4).map(|_| store::open(&url))).await;
    for (n, store) in stores.into_iter().enumerate() {
        store.unwrap().create_runtime(new_runtime(&format!("r{n}"))).await.unwrap();
    }
}

#[tokio::test]
async fn a_postgres_that_does_not_answer_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("postgres://kai@localhost/kai?host={}", dir.path().display());
    let error = store::open(&url).await.err().unwrap();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_in_memory_is_one_store_for_all_who_use_it_at_once() {
    let store = store::open("sqlite::memory:").await.unwrap();
    let [v1] = demo(&store, ["v1"]).await;
    let started = (0..16).map(|_| {
        let (store, v1) = (Arc::clone(&store), v1.clone());
        tokio::spawn(async move {
            let answer = try_command(&store, &v1, Command::Start).await.is_ok();
            (answer, now(&store, &v1).await.state())
        })
    });
    let answers: Vec<_> = join_all(started).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|(won, _)| *won).count(), 1);
    assert!(answers.iter().all(|(_, state)| *state == VersionState::Starting));

    let another = store::open("sqlite::memory:").await.unwrap();
    assert_eq!(another.runtimes().await.unwrap(), [], "another memory is another store");
}
