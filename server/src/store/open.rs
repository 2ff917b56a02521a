//! From a URL to a store that is ready: the lock, connections, migrations and the database's identity.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use sqlx::{
    Connection as _,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::time::timeout;

use super::{
    Store, StoreError,
    lock::{self, Holder, Lock},
    sql::Database,
};
use crate::private::tighten;

const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 10;
/// How long after its own limit a PostgreSQL still may answer.
const NETWORK_ALLOWANCE: Duration = Duration::from_secs(5);

/// How long the database may take. Nothing asked of it has no limit.
#[derive(Debug, Clone, Copy)]
pub struct Timings {
    /// For a connection, or for another process that writes to the same SQLite file. Long enough for a thousand commands
    /// at once, each of which waits for SQLite's one writer to reach the disk.
    pub acquire: Duration,
    /// For one statement. PostgreSQL ends it by itself; a connection on which nothing is heard five seconds later is
    /// closed.
    pub statement: Duration,
    /// How often the connection that holds the server's lock is tried.
    pub lock_check: Duration,
    /// How long a server that starts waits for the lock: one that was just killed may still seem to have it.
    pub lock_wait: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            acquire: Duration::from_secs(30),
            statement: Duration::from_secs(10),
            lock_check: Duration::from_secs(2),
            lock_wait: Duration::from_secs(3),
        }
    }
}

/// Opens the store at `url`, which others may have open, too, and brings its schema up to date: `sqlite:PATH` (the file is
/// created, not its folder), `sqlite::memory:` (gone with the store), or `postgres://…`.
///
/// # Errors
/// `UnknownScheme`, or what the database says. The URL is never in an error, for it may hold a password.
pub async fn open(url: &str) -> Result<Arc<Store>, StoreError> {
    Ok(open_with(url, None, Timings::default()).await?.0)
}

/// Opens the store at `url` as the only server that may: nothing is done to the database before its lock is held.
///
/// # Errors
/// As [`open`], and `Locked` or `FileLock`, which name the server that has it.
pub async fn open_alone(url: &str, holder: &Holder, timings: Timings) -> Result<(Arc<Store>, Lock), StoreError> {
    open_with(url, Some(holder), timings).await
}

async fn open_with(url: &str, holder: Option<&Holder>, timings: Timings) -> Result<(Arc<Store>, Lock), StoreError> {
    let (database, lock) = match url.split_once(':') {
        Some(("sqlite", _)) => open_sqlite(url, holder, timings).await?,
        Some(("postgres" | "postgresql", _)) => open_postgres(url, holder, timings).await?,
        Some((scheme, _)) => return Err(StoreError::UnknownScheme(format!("begins with `{scheme}:`"))),
        None => return Err(StoreError::UnknownScheme("has no scheme".to_owned())),
    };
    let store = Store::new(database);
    store.identify().await?;
    Ok((Arc::new(store), lock))
}

async fn open_sqlite(url: &str, holder: Option<&Holder>, timings: Timings) -> Result<(Database, Lock), StoreError> {
    let options = SqliteConnectOptions::from_str(url)?
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A command that was answered is not lost with the power.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(timings.acquire)
        .create_if_missing(true);
    let in_memory = url.contains(":memory:") || url.contains("mode=memory");
    let mut lock = Lock::None;
    if !in_memory {
        let file = options.get_filename();
        create_private(file)?;
        if let Some(holder) = holder {
            // `kai.lock` beside `kai.db`.
            lock = Lock::file(&file.with_extension("lock"), holder)?;
        }
    }
    // A database in memory lives as long as its one connection.
    let writer = SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(timings.acquire)
        .connect_with(options.clone())
        .await?;
    sqlx::migrate!("../migrations/sqlite").run(&writer).await?;
    let readers = if in_memory {
        writer.clone()
    } else {
        let readers = SqlitePoolOptions::new().max_connections(SQLITE_READERS).acquire_timeout(timings.acquire);
        readers.connect_with(options).await?
    };
    Ok((Database::Sqlite { writer, readers, answer: timings.acquire + timings.statement }, lock))
}

async fn open_postgres(url: &str, holder: Option<&Holder>, timings: Timings) -> Result<(Database, Lock), StoreError> {
    let own = PgConnectOptions::from_str(url)?.options([
        ("lock_timeout", format!("{}ms", timings.statement.as_millis())),
        // So that the database, too, notices a server that is gone with its connections open.
        ("tcp_keepalives_idle", "10".to_owned()),
        ("tcp_keepalives_interval", "5".to_owned()),
        ("tcp_keepalives_count", "3".to_owned()),
    ]);
    let locked = Arc::new(AtomicBool::new(true));
    // Migrations may take as long as they have to, so their connection has no limit for a statement.
    let mut lock = Lock::None;
    if let Some(holder) = holder {
        let mut lock_connection = lock::take(own.clone().application_name(&holder.as_application()), timings).await?;
        sqlx::migrate!("../migrations/postgres").run(&mut lock_connection.connection).await?;
        lock = Lock::postgres(lock_connection, Arc::clone(&locked), timings);
    } else {
        let connect = sqlx::PgConnection::connect_with(&own);
        let mut connection = timeout(timings.acquire, connect).await.map_err(|_| sqlx::Error::PoolTimedOut)??;
        sqlx::migrate!("../migrations/postgres").run(&mut connection).await?;
        connection.close().await?;
    }
    let options = own.application_name("kai-server").options([
        ("statement_timeout", format!("{}ms", timings.statement.as_millis())),
        ("idle_in_transaction_session_timeout", format!("{}ms", 3 * timings.statement.as_millis())),
    ]);
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(timings.acquire)
        // sqlx's own test of an idle connection waits as long as a connection may take as a whole.
        .test_before_acquire(false)
        .before_acquire(move |connection, _| {
            Box::pin(async move {
                let answer = timeout(timings.lock_check, connection.ping()).await;
                answer.map_err(|_| sqlx::Error::PoolTimedOut)?.map(|()| true)
            })
        })
        .connect_with(options)
        .await?;
    Ok((Database::Postgres { pool, answer: timings.statement + NETWORK_ALLOWANCE, locked }, lock))
}

/// Makes the file before SQLite does, so that nobody else on the machine can read the configuration values in it.
/// SQLite gives its log the same permissions.
fn create_private(path: &Path) -> Result<(), StoreError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            for end in ["", "-wal", "-shm"] {
                let mut name = path.as_os_str().to_owned();
                name.push(end);
                tighten(&PathBuf::from(name));
            }
            Ok(())
        }
        Err(source) => Err(StoreError::File { path: path.to_owned(), source }),
    }
}
