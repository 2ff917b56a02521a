//! From a URL to a store that is ready: connections and migrations.

use std::{path::Path, str::FromStr, sync::Arc, time::Duration};

use sqlx::{
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Store, StoreError, sql::Database, sql_store::SqlStore};

/// How long to wait for a connection, or for another process that writes to the same SQLite file. Long enough for a
/// thousand commands at once, each of which waits for SQLite's one writer to reach the disk.
const WAIT: Duration = Duration::from_secs(30);
const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 10;

/// Opens the store at `url` and brings its schema up to date: `sqlite:PATH` (the file is created, not its folder),
/// `sqlite::memory:` (gone with the store), or `postgres://…`.
///
/// # Errors
/// `UnknownScheme`, or what the database says. The URL is never in an error, for it may hold a password.
pub async fn open(url: &str) -> Result<Arc<dyn Store>, StoreError> {
    let database = match url.split_once(':') {
        Some(("sqlite", _)) => open_sqlite(url).await?,
        Some(("postgres" | "postgresql", _)) => open_postgres(url).await?,
        Some((scheme, _)) => return Err(StoreError::UnknownScheme(format!("begins with `{scheme}:`"))),
        None => return Err(StoreError::UnknownScheme("has no scheme".to_owned())),
    };
    let store = SqlStore::new(database);
    store.identify().await?;
    Ok(Arc::new(store))
}

async fn open_sqlite(url: &str) -> Result<Database, StoreError> {
    let options = SqliteConnectOptions::from_str(url)?
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A command that was answered is not lost with the power.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(WAIT)
        .create_if_missing(true);
    let in_memory = url.contains(":memory:") || url.contains("mode=memory");
    if !in_memory {
        create_private(options.get_filename())?;
    }
    // A database in memory lives as long as its one connection.
    let writer = SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(WAIT)
        .connect_with(options.clone())
        .await?;
    sqlx::migrate!("../migrations/sqlite").run(&writer).await?;
    let readers = if in_memory {
        writer.clone()
    } else {
        SqlitePoolOptions::new().max_connections(SQLITE_READERS).acquire_timeout(WAIT).connect_with(options).await?
    };
    Ok(Database::Sqlite { writer, readers })
}

async fn open_postgres(url: &str) -> Result<Database, StoreError> {
    let options = PgConnectOptions::from_str(url)?.application_name("kai-server");
    let pool =
        PgPoolOptions::new().max_connections(POSTGRES_CONNECTIONS).acquire_timeout(WAIT).connect_with(options).await?;
    sqlx::migrate!("../migrations/postgres").run(&pool).await?;
    Ok(Database::Postgres(pool))
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
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(StoreError::File { path: path.to_owned(), source }),
    }
}
