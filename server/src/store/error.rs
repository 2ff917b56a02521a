//! The store's errors. Its callers need to know nothing of sqlx.

use std::{path::PathBuf, time::Duration};

use domain::{NotEmpty, Refusal, RuntimeId, VersionName, VersionState, access::Denied};

use super::CONFIG_MAX_BYTES;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("there is no {0}")]
    NotFound(String),
    #[error("{what} already exists")]
    Taken {
        what: String,
        /// The field of the request that has the name.
        field: &'static str,
    },
    /// The caller may not do this.
    #[error(transparent)]
    Denied(Denied),
    /// What administrators do to others only.
    #[error("you cannot do this to yourself; ask another admin")]
    Oneself,
    #[error("version `{version}` of runtime `{runtime}` does not allow this")]
    Refused {
        runtime: RuntimeId,
        version: VersionName,
        state: VersionState,
        #[source]
        refusal: Refusal,
    },
    #[error("runtime `{runtime}` is not empty")]
    NotEmpty {
        runtime: RuntimeId,
        #[source]
        refusal: NotEmpty,
    },
    #[error("version `{version}` of runtime `{runtime}` has configuration values that are not set: {}", .missing.join(", "))]
    ConfigIncomplete { runtime: RuntimeId, version: VersionName, missing: Vec<String> },
    #[error("the generation can be changed only while the version is stopped, and `{version}` is {state}")]
    NotStopped { version: VersionName, state: VersionState },
    #[error("version `{0}` is archived; its configuration can no longer be changed")]
    Archived(VersionName),
    #[error(
        "the values have {0} bytes in total, and a Kubernetes Secret holds at most {CONFIG_MAX_BYTES}; put large files into \
         the KRT file"
    )]
    ConfigTooLarge(usize),
    #[error("a stored {what} cannot be read: {detail}")]
    Corrupt { what: &'static str, detail: String },
    /// Says what the URL has instead, and not the URL: it may hold a password.
    #[error("the database URL {0}; it must begin with `sqlite:` or `postgres:`")]
    UnknownScheme(String),
    #[error("cannot create the database file {path}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("another KAI Server uses the database: {0}")]
    Locked(String),
    /// The same where the database is a file.
    #[error("the database is in use")]
    FileLock(#[from] crate::file_lock::FileLockError),
    #[error("the connection that holds the database lock is lost")]
    LockLost,
    #[error("the database did not answer within {0:?}")]
    Timeout(Duration),
    #[error("the text contains a NUL character, which a database cannot store")]
    Nul,
    /// The database cannot be reached, or is too busy. A later retry may succeed.
    #[error("the database is unavailable")]
    Unavailable(#[source] sqlx::Error),
    /// The database has no space left for what is written.
    #[error("the database has no space left")]
    Full(#[source] sqlx::Error),
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
    #[error("the database migration failed")]
    Migration(#[from] sqlx::migrate::MigrateError),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match outage(&error) {
            Some(Outage::Full) => Self::Full(error),
            Some(Outage::Unavailable) => Self::Unavailable(error),
            None => Self::Database(error),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Outage {
    Full,
    Unavailable,
}

/// Whether the database is at fault rather than the statement.
fn outage(error: &sqlx::Error) -> Option<Outage> {
    use sqlx::Error as E;
    match error {
        E::Database(error) => outage_of(&error.code()?),
        E::Io(_) | E::Tls(_) | E::Protocol(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed | E::BeginFailed => {
            Some(Outage::Unavailable)
        }
        _ => None,
    }
}

/// PostgreSQL's codes have five characters (PostgreSQL manual, appendix A). SQLite's are numbers whose last byte is the
/// primary code (SQLite, "Result and Error Codes").
fn outage_of(code: &str) -> Option<Outage> {
    if code.len() == 5 {
        return match code {
            "53100" => Some(Outage::Full),
            // A lock or a transaction timed out.
            "55P03" | "25P03" | "25P04" => Some(Outage::Unavailable),
            _ => ["08", "53", "57", "58"].contains(&&code[..2]).then_some(Outage::Unavailable),
        };
    }
    match code.parse::<u32>().ok()? & 0xff {
        13 => Some(Outage::Full),
        // SQLITE_BUSY, SQLITE_LOCKED, SQLITE_IOERR, SQLITE_CANTOPEN.
        5 | 6 | 10 | 14 => Some(Outage::Unavailable),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_either_database_says_whether_it_is_full_or_unavailable() {
        for (code, expected) in [
            ("13", Some(Outage::Full)),
            ("53100", Some(Outage::Full)),
            ("5", Some(Outage::Unavailable)),
            ("517", Some(Outage::Unavailable)),
            ("778", Some(Outage::Unavailable)),
            ("57014", Some(Outage::Unavailable)),
            ("57P01", Some(Outage::Unavailable)),
            ("55P03", Some(Outage::Unavailable)),
            ("2067", None),
            ("23505", None),
            ("42601", None),
        ] {
            assert_eq!(outage_of(code), expected, "{code}");
        }
    }
}
