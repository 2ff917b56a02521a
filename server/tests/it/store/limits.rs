//! A PostgreSQL that falls silent or takes the server's lock away.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use domain::Command;
use futures::future::join_all;
use server::store::{self, Holder, StoreError, Timings};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
    time::timeout,
};

use super::{postgres, samples::*};
use crate::support::server::MAX_WAIT;

const QUICK: Timings = Timings {
    acquire: Duration::from_secs(5),
    statement: Duration::from_millis(500),
    lock_check: Duration::from_millis(50),
    lock_wait: Duration::from_millis(100),
};

/// Stands between a server and PostgreSQL. Connections that were there when it was silenced stay open and say nothing,
/// for good.
struct Proxy {
    url: String,
    silent: watch::Sender<bool>,
    silenced: Arc<AtomicU64>,
}

impl Proxy {
    async fn before(url: &str) -> Self {
        let (plain, folder) = url.split_once("?host=").unwrap();
        let database = plain.rsplit('/').next().unwrap();
        let socket = format!("{folder}/.s.PGSQL.5432");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("postgres://kai@{}/{database}?sslmode=disable", listener.local_addr().unwrap());
        let silent = watch::Sender::new(false);
        let silenced = Arc::new(AtomicU64::new(0));
        let (told, count) = (silent.clone(), silenced.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&socket).await.unwrap();
                tokio::spawn(pass_on(client, server, told.subscribe(), count.clone()));
            }
        });
        Self { url, silent, silenced }
    }
}

async fn pass_on(
    mut client: TcpStream,
    mut server: UnixStream,
    mut silent: watch::Receiver<bool>,
    count: Arc<AtomicU64>,
) {
    let (mut to, mut from) = ([0; 8192], [0; 8192]);
    loop {
        tokio::select! {
            biased;
            () = async { drop(silent.wait_for(|silent| *silent).await) } => {
                count.fetch_add(1, Ordering::SeqCst);
                return std::future::pending().await;
            }
            read = client.read(&mut to) => match read {
                Ok(n) if n > 0 => server.write_all(&to[..n]).await.unwrap(),
                _ => return,
            },
            read = server.read(&mut from) => match read {
                Ok(n) if n > 0 => client.write_all(&from[..n]).await.unwrap_or_default(),
                _ => return,
            },
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_never_answers_is_said_in_time_and_forgotten_connections_hold_nobody_up() {
    let proxy = Proxy::before(&postgres::new_database().await).await;
    let holder = Holder::this();
    let (store, _lock) = store::open_alone(&proxy.url, &holder, QUICK).await.unwrap();
    let all = || join_all((0..12).map(|_| store.runtimes()));
    assert!(all().await.iter().all(Result::is_ok), "all of the pool's connections are open");

    proxy.silent.send_replace(true);
    let asked = Instant::now();
    let answers = join_all((0..12).map(|n| {
        let store = &store;
        async move {
            // Readers and writers, so that some are in the middle of a transaction.
            if n % 2 == 0 { store.runtimes().await.map(drop) } else { store.probe(at(n)).await }
        }
    }));
    let answers = answers.await;
    assert!(answers.iter().all(Result::is_err), "{answers:?}");
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());

    proxy.silent.send_replace(false);
    assert!(proxy.silenced.load(Ordering::SeqCst) > 0, "connections were silenced");
    // The lock was lost with its connection, and is taken again once PostgreSQL ends the connection that it still sees.
    // It does so by itself for one that comes by TCP, after half a minute.
    let mut control = PgConnection::connect(&proxy.url).await.unwrap();
    until(async || {
        end_lock_connections(&mut control).await;
        store.create_runtime(new_runtime("demo")).await.is_ok()
    })
    .await;
    assert!(all().await.iter().all(Result::is_ok));
}

async fn end_lock_connections(control: &mut PgConnection) {
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'kai-server, process%'
            AND state = 'idle' AND state_change < now() - interval '1 second'",
    )
    .execute(control)
    .await
    .unwrap();
}

async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + MAX_WAIT;
    while !holds().await {
        assert!(Instant::now() < end, "never");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn backends_with_the_lock(control: &mut PgConnection) -> Vec<i32> {
    let pids = sqlx::query_scalar(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    );
    pids.fetch_all(control).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_whose_connection_ended_is_taken_again_and_keeps_others_out() {
    let url = postgres::new_database().await;
    let (store, mut lock) = store::open_alone(&url, &Holder::this(), QUICK).await.unwrap();
    let mut control = PgConnection::connect(&url).await.unwrap();
    let [before] = backends_with_the_lock(&mut control).await[..] else { panic!("one lock") };
    let ended = format!("SELECT pg_terminate_backend({before})");
    sqlx::query(AssertSqlSafe(ended)).execute(&mut control).await.unwrap();

    until(async || matches!(backends_with_the_lock(&mut control).await[..], [pid] if pid != before)).await;
    until(async || store.runtimes().await.is_ok()).await;
    match store::open_alone(&url, &Holder::this(), QUICK).await {
        Err(StoreError::Locked(holder)) => {
            assert!(holder.contains(&format!("process {}", std::process::id())), "{holder}");
        }
        other => panic!("{:?}", other.err()),
    }
    assert!(timeout(Duration::from_millis(200), lock.lost()).await.is_err(), "it is this server's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_lock_another_has_taken_does_nothing_more() {
    let url = postgres::new_database().await;
    let (store, mut lock) = store::open_alone(&url, &Holder::this(), QUICK).await.unwrap();
    let mut control = PgConnection::connect(&url).await.unwrap();
    let [pid] = backends_with_the_lock(&mut control).await[..] else { panic!("one lock") };
    let key: i64 = sqlx::query_scalar(
        "SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND pid = $1",
    )
    .bind(pid)
    .fetch_one(&mut control)
    .await
    .unwrap();
    // Another waits in line, so that it is the next to have it.
    let mut other = PgConnection::connect(&format!("{url}&application_name=the-other")).await.unwrap();
    let waiting = tokio::spawn(async move {
        sqlx::query("SELECT pg_advisory_lock($1)").bind(key).execute(&mut other).await.unwrap();
        other
    });
    let queued = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    until(async || sqlx::query_scalar::<_, i64>(queued).fetch_one(&mut control).await.unwrap() == 1).await;

    sqlx::query(AssertSqlSafe(format!("SELECT pg_terminate_backend({pid})"))).execute(&mut control).await.unwrap();
    let lost = timeout(MAX_WAIT, lock.lost()).await.expect("it is noticed");

    assert!(matches!(&lost, StoreError::Locked(holder) if holder.contains("the-other")), "{lost}");
    assert!(matches!(store.runtimes().await, Err(StoreError::LockLost)));
    assert!(matches!(store.create_runtime(new_runtime("demo")).await, Err(StoreError::LockLost)));
    drop(waiting.await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_holds_is_waited_for_no_longer_than_the_limit_and_its_connection_goes_on() {
    let url = postgres::new_database().await;
    let (store, _lock) = store::open_alone(&url, &Holder::this(), QUICK).await.unwrap();
    let [v1] = demo(&store, ["v1"]).await;
    let mut other = PgConnection::connect(&url).await.unwrap();
    let mut held = other.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM runtimes FOR UPDATE").execute(&mut *held).await.unwrap();

    let answer = timeout(MAX_WAIT, try_command(&store, &v1, Command::Start)).await.expect("it has an end");
    let Err(StoreError::Unavailable(sqlx::Error::Database(error))) = answer else { panic!("{answer:?}") };
    // lock_not_available, or query_canceled when the limit of the statement came first.
    assert!(["55P03", "57014"].contains(&&*error.code().unwrap()), "{error}");

    held.rollback().await.unwrap();
    command(&store, &v1, Command::Start).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_takes_a_database_does_nothing_to_it_before_it_has_the_lock() {
    let url = postgres::new_database().await;
    let (_store, _lock) = store::open_alone(&url, &Holder::this(), QUICK).await.unwrap();
    let mut control = PgConnection::connect(&url).await.unwrap();
    // As if the second were of a later release, whose migrations the first does not know.
    sqlx::query("DELETE FROM _sqlx_migrations WHERE version > 1").execute(&mut control).await.unwrap();
    let refused = store::open_alone(&url, &Holder::this(), QUICK).await.err().unwrap();
    assert!(matches!(refused, StoreError::Locked(_)), "{refused}");
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations").fetch_one(&mut control).await.unwrap();
    assert_eq!(left, 1);
}
