//! What little lies between the store's statements and the two databases.
//!
//! The statements are written once, in the SQL that SQLite and PostgreSQL share (`$1` placeholders, `RETURNING`,
//! `ON CONFLICT`). Only the types of values and rows differ, which are in here, and how a connection is had and a
//! transaction begins (`open`, `transaction`). Not sqlx's `Any`: its types are fewer than what both databases have.

use domain::Timestamp;
use sqlx::{
    Arguments, Decode, Postgres, Row as _, Sqlite, Type, postgres::PgArguments, postgres::PgRow,
    sqlite::SqliteArguments, sqlite::SqliteRow,
};

use super::StoreError;
pub(super) use super::transaction::{Database, Tx};

/// A value bound to a placeholder. PostgreSQL wants the type of a NULL too.
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

pub(super) fn sqlite_arguments(values: &[Value<'_>]) -> Result<SqliteArguments, StoreError> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        match *value {
            Value::Int(int) => Arguments::add(&mut arguments, int),
            Value::Text(text) => Arguments::add(&mut arguments, without_nul(text)?.map(str::to_owned)),
            Value::Bool(bool) => Arguments::add(&mut arguments, bool),
            Value::Bytes(bytes) => Arguments::add(&mut arguments, bytes.to_vec()),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

pub(super) fn postgres_arguments(values: &[Value<'_>]) -> Result<PgArguments, StoreError> {
    let mut arguments = PgArguments::default();
    for value in values {
        match *value {
            Value::Int(int) => Arguments::add(&mut arguments, int),
            Value::Text(text) => Arguments::add(&mut arguments, without_nul(text)?),
            Value::Bool(bool) => Arguments::add(&mut arguments, bool),
            Value::Bytes(bytes) => Arguments::add(&mut arguments, bytes),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// PostgreSQL takes no text with a NUL in it, so neither database does here.
fn without_nul(text: Option<&str>) -> Result<Option<&str>, StoreError> {
    if text.is_some_and(|text| text.contains('\0')) { Err(StoreError::Nul) } else { Ok(text) }
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

    /// A column that holds a variant of an enumeration.
    pub(super) fn variant<T: serde::de::DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        serde_json::from_value(serde_json::Value::String(self.get(column)?)).map_err(|e| corrupt(column, e))
    }

    /// The same, or NULL.
    pub(super) fn optional_variant<T: serde::de::DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        let text: Option<String> = self.get(column)?;
        let variant = |text| serde_json::from_value(serde_json::Value::String(text)).map_err(|e| corrupt(column, e));
        text.map(variant).transpose()
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
