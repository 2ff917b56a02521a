//! Where transactions begin and end, on either database, and how long each of their requests may take.
//!
//! Not sqlx's own `Transaction`. It counts how deep it is nested, and SQLite ends a transaction by itself when a disk is
//! full: the count then never comes back to zero, and each later transaction on that connection is refused. And a
//! connection that hangs would go back to the pool, which pings it and waits. Here a connection whose
//! transaction cannot be rolled back in time is closed, and the pool opens another.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::{PgPool, Postgres, SqlSafeStr, Sqlite, SqlitePool, pool::PoolConnection};
use tokio::time::timeout;

use super::{
    StoreError,
    sql::{Row, Value, postgres_arguments, sqlite_arguments, values},
};

/// Where transactions begin.
pub(super) enum Database {
    /// SQLite has one writer at a time. A pool of one connection makes writers of this process wait in line for it,
    /// which is fair and never "busy", while readers go on beside.
    Sqlite { writer: SqlitePool, readers: SqlitePool, answer: Duration },
    Postgres {
        pool: PgPool,
        answer: Duration,
        /// False while the connection that holds the server's lock is lost: another server may have it now.
        locked: Arc<AtomicBool>,
    },
}

impl Database {
    /// All that is read in it was true at one time.
    pub(super) async fn read(&self) -> Result<Tx, StoreError> {
        match self {
            Self::Sqlite { readers, answer, .. } => begin_sqlite(readers, "BEGIN DEFERRED", *answer).await,
            Self::Postgres { .. } => self.begin_postgres("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await,
        }
    }

    /// In SQLite it holds the database's write lock from its beginning. In PostgreSQL it has to begin with taking the
    /// row of the runtime that it is about ([`super::runtimes::claim`]); each statement then sees what was committed
    /// before that.
    pub(super) async fn write(&self) -> Result<Tx, StoreError> {
        match self {
            Self::Sqlite { writer, answer, .. } => begin_sqlite(writer, "BEGIN IMMEDIATE", *answer).await,
            Self::Postgres { .. } => self.begin_postgres("BEGIN ISOLATION LEVEL READ COMMITTED").await,
        }
    }

    async fn begin_postgres(&self, how: &'static str) -> Result<Tx, StoreError> {
        let Self::Postgres { pool, answer, locked } = self else { return Err(StoreError::LockLost) };
        if !locked.load(Ordering::SeqCst) {
            return Err(StoreError::LockLost);
        }
        let (pool, answer) = (pool.clone(), *answer);
        run_to_completion(async move { Tx::begin(Connection::Postgres(pool.acquire().await?), how, answer).await })
            .await
    }
}

async fn begin_sqlite(pool: &SqlitePool, how: &'static str, answer: Duration) -> Result<Tx, StoreError> {
    let pool = pool.clone();
    run_to_completion(async move { Tx::begin(Connection::Sqlite(pool.acquire().await?), how, answer).await }).await
}

/// Runs to the end even if its caller goes away, as a browser may. sqlx closes a connection whose acquisition is cancelled,
/// and a database in memory is gone with its one connection; and a cancelled commit may or may not have happened.
async fn run_to_completion<T: Send + 'static>(
    work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    // An error only when this program ends or has panicked in there.
    tokio::spawn(work).await.unwrap_or_else(|_| Err(sqlx::Error::WorkerCrashed.into()))
}

/// A transaction. Dropped without `commit` it is rolled back.
pub(super) struct Tx {
    /// None once it has ended.
    connection: Option<Connection>,
    /// How long each request may take.
    answer: Duration,
    /// A request was not answered in time, so neither will a rollback be.
    silent: bool,
}

enum Connection {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

impl Tx {
    async fn begin(connection: Connection, how: &'static str, answer: Duration) -> Result<Self, StoreError> {
        let mut tx = Self { connection: Some(connection), answer, silent: false };
        tx.run(how).await?;
        Ok(tx)
    }

    pub(super) async fn fetch_all(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        let answer = match self.connection.as_mut() {
            Some(Connection::Sqlite(connection)) => {
                let query = sqlx::query_with(sql, sqlite_arguments(values)?);
                let rows = timeout(self.answer, query.fetch_all(&mut **connection)).await;
                rows.map(|rows| rows.map(|rows| rows.into_iter().map(Row::Sqlite).collect()))
            }
            Some(Connection::Postgres(connection)) => {
                let query = sqlx::query_with(sql, postgres_arguments(values)?);
                let rows = timeout(self.answer, query.fetch_all(&mut **connection)).await;
                rows.map(|rows| rows.map(|rows| rows.into_iter().map(Row::Postgres).collect()))
            }
            None => return Err(ended()),
        };
        self.answered(answer)
    }

    /// The first row.
    pub(super) async fn fetch_optional(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch_all(sql, values).await?.into_iter().next())
    }

    pub(super) async fn fetch_one(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<Row, StoreError> {
        Ok(self.fetch_optional(sql, values).await?.ok_or(sqlx::Error::RowNotFound)?)
    }

    /// How many rows it changed.
    pub(super) async fn execute(
        &mut self,
        sql: impl SqlSafeStr + Send,
        values: &[Value<'_>],
    ) -> Result<u64, StoreError> {
        let answer = match self.connection.as_mut() {
            Some(Connection::Sqlite(connection)) => {
                let query = sqlx::query_with(sql, sqlite_arguments(values)?);
                timeout(self.answer, query.execute(&mut **connection)).await.map(|done| done.map(|d| d.rows_affected()))
            }
            Some(Connection::Postgres(connection)) => {
                let query = sqlx::query_with(sql, postgres_arguments(values)?);
                timeout(self.answer, query.execute(&mut **connection)).await.map(|done| done.map(|d| d.rows_affected()))
            }
            None => return Err(ended()),
        };
        self.answered(answer)
    }

    /// Waits for the lock of this name, and has it until this transaction ends. SQLite has one writer at a time anyway.
    pub(super) async fn lock(&mut self, name: &str) -> Result<(), StoreError> {
        if let Some(Connection::Postgres(_)) = self.connection {
            self.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", values![name]).await?;
        }
        Ok(())
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        run_to_completion(self.end("COMMIT")).await
    }

    pub(super) async fn rollback(self) -> Result<(), StoreError> {
        run_to_completion(self.end("ROLLBACK")).await
    }

    /// Commits when `applied`, rolls back otherwise, and says which.
    pub(super) async fn commit_if(self, applied: bool) -> Result<bool, StoreError> {
        if applied {
            self.commit().await?
        } else {
            self.rollback().await?
        }
        Ok(applied)
    }

    async fn end(mut self, how: &'static str) -> Result<(), StoreError> {
        self.run(how).await?;
        if let Some(connection) = self.connection.take() {
            tokio::spawn(connection.release(self.answer));
        }
        Ok(())
    }

    /// What begins and ends a transaction.
    async fn run(&mut self, sql: &'static str) -> Result<(), StoreError> {
        let answer = match self.connection.as_mut() {
            Some(connection) => timeout(self.answer, connection.run(sql)).await,
            None => return Err(ended()),
        };
        self.answered(answer)
    }

    fn answered<T>(
        &mut self,
        answer: Result<Result<T, sqlx::Error>, tokio::time::error::Elapsed>,
    ) -> Result<T, StoreError> {
        match answer {
            Ok(answer) => Ok(answer?),
            Err(_) => {
                self.silent = true;
                Err(StoreError::Timeout(self.answer))
            }
        }
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        match self.connection.take() {
            Some(connection) if self.silent => connection.close(),
            Some(connection) => {
                tokio::spawn(connection.roll_back(self.answer));
            }
            None => {}
        }
    }
}

impl Connection {
    async fn run(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(connection) => sqlx::raw_sql(sql).execute(&mut **connection).await.map(drop),
            Self::Postgres(connection) => sqlx::raw_sql(sql).execute(&mut **connection).await.map(drop),
        }
    }

    async fn roll_back(mut self, answer: Duration) {
        match timeout(answer, self.run("ROLLBACK")).await {
            Ok(Ok(())) => self.release(answer).await,
            Ok(Err(error)) => {
                tracing::debug!("could not roll back a transaction; closing its connection: {error}");
                self.close();
            }
            Err(_) => self.close(),
        }
    }

    /// Gives it back to the pool, which asks it first whether it is still there. Given up, it is closed.
    async fn release(mut self, answer: Duration) {
        let released = match &mut self {
            Self::Sqlite(connection) => timeout(answer, connection.return_to_pool()).await,
            Self::Postgres(connection) => timeout(answer, connection.return_to_pool()).await,
        };
        if released.is_err() {
            tracing::debug!("closing a database connection that does not respond");
        }
    }

    /// At once, without a word to the database. The pool opens another when it needs one.
    fn close(self) {
        match self {
            Self::Sqlite(connection) => drop(connection.detach()),
            Self::Postgres(connection) => drop(connection.detach()),
        }
    }
}

fn ended() -> StoreError {
    sqlx::Error::WorkerCrashed.into()
}
