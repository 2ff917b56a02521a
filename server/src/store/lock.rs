//! One server at a time has a database ([decision 16](../../../docs/decisions/0016-one-server-at-a-time.md)).
//!
//! In PostgreSQL it is a session's advisory lock on a connection of its own, so it ends with its holder. While that
//! connection is lost another server may have the lock, so the store answers nothing until it has been taken again.

use std::{
    fmt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use domain::Timestamp;
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use super::{StoreError, Timings};
use crate::file_lock::FileLock;

/// "KAI lock", as a number; PostgreSQL keeps such locks apart by database.
const KEY: i64 = 0x4b41_4920_6c6f_636b;
/// PostgreSQL keeps so much of a name (NAMEDATALEN).
const MAX_APPLICATION_NAME: usize = 63;

/// The server that has a lock, for the one that comes second.
#[derive(Debug, Clone)]
pub struct Holder {
    process: u32,
    host: String,
    since: Timestamp,
}

impl Holder {
    /// This process.
    pub fn this() -> Self {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self { process: std::process::id(), host, since: Timestamp::now() }
    }

    /// As the name of a connection, which PostgreSQL cuts off.
    pub(super) fn as_application(&self) -> String {
        format!("kai-server, process {} on {}", self.process, self.host).chars().take(MAX_APPLICATION_NAME).collect()
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kai-server, process {} on {}, since {:.0}", self.process, self.host, self.since)
    }
}

/// Held until dropped.
pub enum Lock {
    /// Nobody else can come to the database, or nobody asked for the lock.
    None,
    File(FileLock),
    Postgres(LockWatch),
}

/// The task that has the lock's connection and tries it. It ends when another server has the lock.
pub struct LockWatch(JoinHandle<StoreError>);

impl Drop for LockWatch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The lock's connection.
pub(super) struct LockConnection {
    pub(super) connection: PgConnection,
    options: PgConnectOptions,
}

impl Lock {
    pub(super) fn file(path: &Path, holder: &Holder) -> Result<Self, StoreError> {
        Ok(Self::File(FileLock::take(path, &holder.to_string())?))
    }

    /// `locked` is false while the connection is lost.
    pub(super) fn postgres(lock_connection: LockConnection, locked: Arc<AtomicBool>, timings: Timings) -> Self {
        Self::Postgres(LockWatch(tokio::spawn(watch(lock_connection, locked, timings))))
    }

    /// Returns only when another server has taken the lock, and names it. This one may do nothing more then.
    pub async fn lost(&mut self) -> StoreError {
        match self {
            Self::None | Self::File(_) => std::future::pending().await,
            Self::Postgres(watched) => (&mut watched.0).await.unwrap_or(StoreError::LockLost),
        }
    }
}

/// Takes the lock, for which it waits a little: the connection of a server that was just killed may still be there.
pub(super) async fn take(options: PgConnectOptions, timings: Timings) -> Result<LockConnection, StoreError> {
    let until = Instant::now() + timings.lock_wait;
    loop {
        match try_take(&options, timings).await {
            Err(StoreError::Locked(_)) if Instant::now() < until => sleep(timings.lock_wait / 10).await,
            answer => return answer.map(|connection| LockConnection { connection, options }),
        }
    }
}

async fn try_take(options: &PgConnectOptions, timings: Timings) -> Result<PgConnection, StoreError> {
    let attempt = async {
        let mut connection = PgConnection::connect_with(options).await?;
        let lock = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(KEY);
        if lock.fetch_one(&mut connection).await? {
            return Ok(connection);
        }
        let holder = sqlx::query_scalar(
            "SELECT concat_ws(', ', nullif(a.application_name, ''), 'from ' || host(a.client_addr),
                'since ' || to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'))
             FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
             WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND ((l.classid::bigint << 32) | l.objid::bigint) = $1",
        );
        // None when it has let go meanwhile; the next attempt gets the lock.
        let holder: Option<String> = holder.bind(KEY).fetch_optional(&mut connection).await?;
        Err(StoreError::Locked(holder.unwrap_or_default()))
    };
    timeout(timings.acquire, attempt).await.unwrap_or(Err(StoreError::Timeout(timings.acquire)))
}

async fn watch(lock_connection: LockConnection, locked: Arc<AtomicBool>, timings: Timings) -> StoreError {
    let LockConnection { mut connection, options } = lock_connection;
    // How this server is named: the lock may seem held by its own connection that was lost.
    let own_name = options.get_application_name().unwrap_or_default().to_owned();
    loop {
        while let Ok(Ok(())) = timeout(timings.statement, connection.ping()).await {
            sleep(timings.lock_check).await;
        }
        locked.store(false, Ordering::SeqCst);
        tracing::error!(
            "lost the connection that holds the database lock; the server does nothing until it holds the lock again"
        );
        drop(connection);
        connection = loop {
            match try_take(&options, timings).await {
                Ok(connection) => break connection,
                Err(StoreError::Locked(holder)) if !holder.is_empty() && !holder.starts_with(&own_name) => {
                    return StoreError::Locked(holder);
                }
                Err(error) => tracing::debug!("cannot take the database lock yet: {error}"),
            }
            sleep(timings.lock_check).await;
        };
        locked.store(true, Ordering::SeqCst);
        tracing::info!("holding the database lock again");
    }
}
