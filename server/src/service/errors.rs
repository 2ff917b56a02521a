//! The errors of the database and of the file store as people and programs get them.

use std::{error::Error, io};

use domain::{ApiError, Problem};

use crate::{files::FilesError, store::StoreError};

/// What cannot be told to the caller is logged here, once, with all its causes.
pub(super) fn from_store(error: StoreError) -> ApiError {
    match error {
        StoreError::NotFound(what) => ApiError::NotFound { what },
        StoreError::Taken(what) => ApiError::NameTaken { what },
        StoreError::Refused { version, state, refusal, .. } => ApiError::Refused { version, state, refusal },
        StoreError::NotEmpty { runtime, refusal } => ApiError::RuntimeNotEmpty { runtime, versions: refusal.versions },
        StoreError::ConfigIncomplete { version, missing, .. } => ApiError::ConfigIncomplete { version, missing },
        StoreError::Nul | StoreError::Archived(_) | StoreError::ConfigTooLarge(_) => {
            ApiError::InvalidInput { problems: vec![Problem::error("", error.to_string())] }
        }
        StoreError::Database(ref cause) if outage(cause).is_some() => {
            tracing::warn!("{}", chain(&error));
            let full = outage(cause) == Some(Outage::Full);
            ApiError::Unavailable {
                what: if full { "the database, which is full," } else { "the database" }.to_owned(),
            }
        }
        StoreError::Timeout(_) | StoreError::LockLost | StoreError::Locked(_) => {
            tracing::warn!("{}", chain(&error));
            ApiError::Unavailable { what: "the database".to_owned() }
        }
        StoreError::Corrupt { .. }
        | StoreError::UnknownScheme(_)
        | StoreError::File { .. }
        | StoreError::FileLock(_)
        | StoreError::Database(_)
        | StoreError::Migration(_) => {
            tracing::error!("{}", chain(&error));
            ApiError::Internal
        }
    }
}

/// As with the store: logged here, once.
pub(crate) fn from_files(error: FilesError) -> ApiError {
    tracing::error!("{}", chain(&error));
    let what = if is_full(&error) { "the file store, which is full," } else { "the file store" };
    ApiError::Unavailable { what: what.to_owned() }
}

/// Whether there was no room: a disk, a quota or the largest file is reached.
fn is_full(error: &(dyn Error + 'static)) -> bool {
    let kinds = std::iter::successors(Some(error), |&cause| cause.source())
        .filter_map(|cause| cause.downcast_ref::<io::Error>().map(io::Error::kind));
    let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded, io::ErrorKind::FileTooLarge];
    kinds.into_iter().any(|kind| full.contains(&kind))
}

/// The error with its causes, in one line. Some libraries' errors say their causes themselves; those are not repeated.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes
        .map(ToString::to_string)
        .fold(error.to_string(), |line, cause| if line.contains(&cause) { line } else { format!("{line}: {cause}") })
}

#[derive(Debug, PartialEq, Eq)]
enum Outage {
    /// There is no room for what is to be written.
    Full,
    Other,
}

/// Whether the database is to blame, and not what was asked of it.
fn outage(cause: &sqlx::Error) -> Option<Outage> {
    use sqlx::Error as E;
    match cause {
        E::Database(error) => outage_of(&error.code()?),
        E::Io(_) | E::Tls(_) | E::Protocol(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed | E::BeginFailed => {
            Some(Outage::Other)
        }
        _ => None,
    }
}

/// PostgreSQL's codes have five characters (its manual's appendix A), SQLite's are numbers whose last byte says what
/// kind (its "result and error codes").
fn outage_of(code: &str) -> Option<Outage> {
    if code.len() == 5 {
        return match code {
            "53100" => Some(Outage::Full),
            // A lock or a transaction took too long.
            "55P03" | "25P03" | "25P04" => Some(Outage::Other),
            _ => ["08", "53", "57", "58"].contains(&&code[..2]).then_some(Outage::Other),
        };
    }
    match code.parse::<u32>().ok()? & 0xff {
        13 => Some(Outage::Full),
        // Busy, locked, an error of the disk, a file that cannot be opened.
        5 | 6 | 10 | 14 => Some(Outage::Other),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{said}")]
    struct Said {
        said: &'static str,
        source: Option<Box<Said>>,
    }

    #[test]
    fn a_chain_has_every_cause_once() {
        let said = |said, source: Option<Said>| Said { said, source: source.map(Box::new) };
        let error = said("upload failed", Some(said("store failed: refused", Some(said("refused", None)))));
        assert_eq!(chain(&error), "upload failed: store failed: refused");
    }

    #[test]
    fn what_the_caller_cannot_know_is_not_told() {
        let lost = StoreError::Database(sqlx::Error::PoolTimedOut);
        assert!(matches!(from_store(lost), ApiError::Unavailable { what } if what == "the database"));
        let corrupt = StoreError::Corrupt { what: "manifest", detail: "secret".to_owned() };
        assert_eq!(from_store(corrupt), ApiError::Internal);
    }

    #[test]
    fn a_code_of_either_database_says_whether_it_is_full_or_away() {
        for (code, expected) in [
            ("13", Some(Outage::Full)),
            ("53100", Some(Outage::Full)),
            ("5", Some(Outage::Other)),
            ("517", Some(Outage::Other)),
            ("778", Some(Outage::Other)),
            ("57014", Some(Outage::Other)),
            ("57P01", Some(Outage::Other)),
            ("55P03", Some(Outage::Other)),
            ("2067", None),
            ("23505", None),
            ("42601", None),
        ] {
            assert_eq!(outage_of(code), expected, "{code}");
        }
    }
}
