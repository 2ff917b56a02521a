//! A database of the first release, with data in it, becomes one of this release and loses nothing.

use std::{borrow::Cow, sync::Arc};

use domain::{
    Action, ActivityFilter, Actor, Command, HistoryPage, Outcome, Publication, VersionState, access::Visible,
};
use server::{
    secret::Secret,
    store::{self, HealthTransition, Store},
};
use sqlx::{AssertSqlSafe, PgPool, SqlitePool, migrate::Migrator};

use super::{postgres, samples::*};

/// A runtime that publishes `v1`, a version `v2` that is stopping, values and a history, as the first release writes them.
fn data(settled: [&str; 2]) -> String {
    let manifest = |name: &str| serde_json::to_string(&manifest(name, krt::model::ConfigSpec::default())).unwrap();
    let [yes, no] = settled;
    let t = |second| at(second).as_microsecond();
    format!(
        "INSERT INTO runtimes (id, name, description, created_at, revision) VALUES ('demo', 'Demo', '', {t0}, 9);
         INSERT INTO versions (runtime, name, manifest, manifest_text, warnings, object, sha256, size_bytes,
            download_token, created_at, created_by, published_at, revision, desired, generation, settled)
         VALUES ('demo', 'v1', '{m1}', 'version: v1', '[]', 'o1', 's1', 1, 't1', {t1}, 'mira', {t30}, 9, 'started', 2, {yes}),
            ('demo', 'v2', '{m2}', 'version: v2', '[]', 'o2', 's2', 2, 't2', {t2}, 'mira', NULL, 8, 'stopped', 3, {no});
         UPDATE runtimes SET target = (SELECT key FROM versions WHERE name = 'v1'),
            serving = (SELECT key FROM versions WHERE name = 'v1');
         INSERT INTO config_values (version_key, name, value) SELECT key, 'ZONE', 'north' FROM versions WHERE name = 'v1';
         INSERT INTO history (version_key, at, who, action, detail, comment, outcome, finished_at)
         SELECT key, {t1}, 'mira', 'configure', 'set ZONE', 'why not', 'reached', {t1} FROM versions WHERE name = 'v1';
         INSERT INTO history (version_key, at, who, action, outcome, reason, finished_at)
         SELECT key, {t2}, 'mira', 'start', 'failed', 'no such image', {t30} FROM versions WHERE name = 'v2';
         INSERT INTO history (version_key, at, who, action, outcome)
         SELECT key, {t30}, 'mira', 'stop', 'pending' FROM versions WHERE name = 'v2';",
        t0 = t(0),
        t1 = t(1),
        t2 = t(2),
        t30 = t(30),
        m1 = manifest("v1"),
        m2 = manifest("v2"),
    )
}

fn first_release(all: &Migrator) -> Migrator {
    let first = all.iter().filter(|migration| migration.version == 1).cloned().collect();
    Migrator { migrations: Cow::Owned(first), ..Migrator::DEFAULT }
}

async fn all_is_there(store: Arc<Store>) {
    let [v1, v2] = [name("v1"), name("v2")];
    let demo = id("demo");
    let first = store.version(&demo, &v1).await.unwrap().unwrap();
    let second = store.version(&demo, &v2).await.unwrap().unwrap();
    assert_eq!((first.state(), second.state()), (VersionState::Published, VersionState::Stopping));
    let runtime = store.runtime(&demo).await.unwrap().unwrap();
    assert_eq!(runtime.publication, Publication { target: Some(first.key), serving: Some(first.key) });
    assert_eq!((first.published_at, first.config.get("ZONE").map(Secret::expose)), (Some(at(30)), Some("north")));
    let told = store.history(&demo, &v1, &HistoryPage::default()).await.unwrap();
    assert_eq!(told[0].comment.as_deref(), Some("why not (set ZONE)"));
    let told = store.history(&demo, &v2, &HistoryPage::default()).await.unwrap();
    assert_eq!((told[0].action, &told[0].outcome), (Action::Stop, &Outcome::Pending));
    assert_eq!(told[1].outcome, Outcome::Failed { reason: "no such image".to_owned() });
    assert_eq!((told[1].at, told[1].who.to_string().as_str()), (at(2), "mira"));

    let all = store.activity(&ActivityFilter::default(), Visible::All).await.unwrap();
    let of: Vec<_> = all.iter().map(|entry| (entry.runtime.clone(), entry.version.clone().unwrap())).collect();
    assert_eq!(of, [&v2, &v2, &v1].map(|version| (demo.clone(), version.clone())), "entries name what they are about");
    assert!(all.iter().all(|entry| !entry.version_deleted && !entry.runtime_deleted));

    // And it works as one that was new.
    assert!(store.settle(second.key, second.generation, at(40)).await.unwrap());
    let transition = HealthTransition::Degraded { reason: "it crashed".to_owned() };
    assert!(store.record_health(first.key, first.generation, transition, at(50)).await.unwrap());
    let third = store.create_version(new_version("demo", "v3")).await.unwrap();
    assert!(third.key > second.key, "{} after {}", third.key, second.key);
    let stopping = command(&store, &start(&store, &third).await, Command::Stop).await;
    assert_eq!(stopping.deadline, Some(at(310)));
    let told = store.history(&demo, &v1, &HistoryPage::default()).await.unwrap();
    assert_eq!((told[0].action, &told[0].who), (Action::Degraded, &Actor::Server));
}

#[tokio::test]
async fn a_sqlite_file_of_the_first_release_keeps_all_that_it_holds() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}?mode=rwc", dir.path().join("kai.db").display());
    let pool = SqlitePool::connect(&url).await.unwrap();
    first_release(&sqlx::migrate!("../migrations/sqlite")).run(&pool).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(data(["1", "0"]))).execute(&pool).await.unwrap();
    pool.close().await;
    all_is_there(store::open(&url).await.unwrap()).await;
    let pool = SqlitePool::connect(&url).await.unwrap();
    let broken = sqlx::raw_sql("PRAGMA foreign_key_check").fetch_all(&pool).await.unwrap();
    assert!(broken.is_empty(), "all that refers to a version still does");
}

#[tokio::test]
async fn a_postgres_of_the_first_release_keeps_all_that_it_holds() {
    let url = postgres::new_database().await;
    let pool = PgPool::connect(&url).await.unwrap();
    first_release(&sqlx::migrate!("../migrations/postgres")).run(&pool).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(data(["true", "false"]))).execute(&pool).await.unwrap();
    pool.close().await;
    all_is_there(store::open(&url).await.unwrap()).await;
}
