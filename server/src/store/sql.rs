//! What little lies between the store's statements and the two databases.
//!
//! The statements are written once, in the SQL that SQLite and PostgreSQL share (`$1` placeholders, `RETURNING`,
//! `ON CONFLICT`). Only how a connection is had and how a transaction begins differs, and that is all in here and in
//! `open`. Not sqlx's `Any`: its types are fewer than what both databases have.

use domain::Timestamp;
use sqlx::{
    Arguments, Decode, PgPool, Pool, Postgres, Row as _, Sqlite, SqlitePool, Transaction, Type, postgres::PgArguments,
    postgres::PgRow, sqlite::SqliteArguments, sqlite::SqliteRow,
};

use super::StoreError;

/// Where transactions begin.
#[derive(Clone)]
pub(super) enum Database {
    /// SQLite has one writer at a time. A pool of one connection makes writers of this process wait in line for it,
    /// which is fair and never "busy", while readers go on beside.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Postgres(PgPool),
}

impl Database {
    /// All that is read in it was true at one time.
    pub(super) async fn read(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Tx::Sqlite(begin(readers, "BEGIN DEFERRED").await?),
            Self::Postgres(pool) => Tx::Postgres(begin(pool, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?),
        })
    }

    /// In SQLite it holds the database's write lock from its beginning. In PostgreSQL it has to begin with taking the
    /// row of the runtime that it is about ([`super::runtimes::claim`]); each statement then sees what was committed
    /// before that.
    pub(super) async fn write(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite { writer, .. } => Tx::Sqlite(begin(writer, "BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Tx::Postgres(begin(pool, "BEGIN ISOLATION LEVEL READ COMMITTED").await?),
        })
    }
}

/// Begins to its end even if nobody waits for it any more, as when a browser goes away.
///
/// sqlx closes a connection that is given up while it is taken from the pool, and a database in memory is gone with its
/// one connection. And it knows of a transaction only once PostgreSQL has answered: one given up before that would stay
/// open on its connection, and the next on it would begin inside it, a write inside a read-only one, which refuses it.
async fn begin<DB: sqlx::Database>(pool: &Pool<DB>, how: &'static str) -> Result<Transaction<'static, DB>, StoreError> {
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin_with(how).await });
    match begun.await {
        Ok(begun) => Ok(begun?),
        // Only when this program ends or has panicked in there.
        Err(_) => Err(sqlx::Error::WorkerCrashed.into()),
    }
}

/// A transaction. Dropped without `commit` it is rolled back.
pub(super) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    pub(super) async fn fetch_all(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        Ok(match self {
            Self::Sqlite(tx) => {
                let rows = sqlx::query_with(sql, sqlite_arguments(values)?).fetch_all(&mut **tx).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(tx) => {
                let rows = sqlx::query_with(sql, postgres_arguments(values)?).fetch_all(&mut **tx).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
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
    pub(super) async fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        Ok(match self {
            Self::Sqlite(tx) => {
                sqlx::query_with(sql, sqlite_arguments(values)?).execute(&mut **tx).await?.rows_affected()
            }
            Self::Postgres(tx) => {
                sqlx::query_with(sql, postgres_arguments(values)?).execute(&mut **tx).await?.rows_affected()
            }
        })
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    pub(super) async fn rollback(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.rollback().await?,
            Self::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
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
}

/// What is bound to a placeholder. PostgreSQL wants the type of a NULL too.
pub(super) enum Value<'a> {
    Int(Option<i64>),
    Text(Option<&'a str>),
    Bool(bool),
    Bytes(&'a [u8]),
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<u64> for Value<'_> {
    /// Sizes, revisions and generations: none of them comes near 2^63.
    fn from(value: u64) -> Self {
        Self::Int(Some(i64::try_from(value).unwrap_or(i64::MAX)))
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(value: Timestamp) -> Self {
        Self::Int(Some(value.as_microsecond()))
    }
}

impl From<Option<Timestamp>> for Value<'_> {
    fn from(value: Option<Timestamp>) -> Self {
        Self::Int(value.map(Timestamp::as_microsecond))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Some(value))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(Some(value))
    }
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(value: Option<&'a str>) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(value)
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

/// The values of a statement's placeholders, in their order.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::store::sql::Value::from($value)),*] };
}
pub(super) use values;

fn sqlite_arguments(values: &[Value<'_>]) -> Result<SqliteArguments, StoreError> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        match *value {
            Value::Int(int) => Arguments::add(&mut arguments, int),
            Value::Text(text) => Arguments::add(&mut arguments, text.map(str::to_owned)),
            Value::Bool(bool) => Arguments::add(&mut arguments, bool),
            Value::Bytes(bytes) => Arguments::add(&mut arguments, bytes.to_vec()),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

fn postgres_arguments(values: &[Value<'_>]) -> Result<PgArguments, StoreError> {
    let mut arguments = PgArguments::default();
    for value in values {
        match *value {
            Value::Int(int) => Arguments::add(&mut arguments, int),
            Value::Text(text) => Arguments::add(&mut arguments, text),
            Value::Bool(bool) => Arguments::add(&mut arguments, bool),
            Value::Bytes(bytes) => Arguments::add(&mut arguments, bytes),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// A row of an answer.
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// A column as `i64`, `String`, `bool`, bytes, or an `Option` of them.
    pub(super) fn get<T>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>,
    {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub(super) fn count(&self, column: &'static str) -> Result<u64, StoreError> {
        let int: i64 = self.get(column)?;
        u64::try_from(int).map_err(|e| corrupt(column, e))
    }

    pub(super) fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        time(column, self.get(column)?)
    }

    pub(super) fn optional_time(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        self.get::<Option<i64>>(column)?.map(|micros| time(column, micros)).transpose()
    }

    /// A column that holds a name or another checked text.
    pub(super) fn parsed<T>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        self.get::<String>(column)?.parse().map_err(|e| corrupt(column, e))
    }

    /// A column that holds JSON.
    pub(super) fn json<T: serde::de::DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        serde_json::from_str(&self.get::<String>(column)?).map_err(|e| corrupt(column, e))
    }

    /// A column that holds JSON or NULL.
    pub(super) fn optional_json<T: serde::de::DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        let text: Option<String> = self.get(column)?;
        text.map(|text| serde_json::from_str(&text).map_err(|e| corrupt(column, e))).transpose()
    }

    /// A column that holds one of an enumeration's words.
    pub(super) fn word<T: serde::de::DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        serde_json::from_value(serde_json::Value::String(self.get(column)?)).map_err(|e| corrupt(column, e))
    }
}

pub(super) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    Ok(serde_json::to_string(value).map_err(|e| sqlx::Error::Encode(e.into()))?)
}

pub(super) fn corrupt(what: &'static str, detail: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt { what, detail: detail.to_string() }
}

fn time(column: &'static str, micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|e| corrupt(column, e))
}
