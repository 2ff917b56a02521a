//! The errors of the database and of the file store as people and programs get them.

use std::{error::Error, io};

use domain::{ApiError, Problem, RuntimeId, access::Denied};

use crate::{files::FilesError, store::StoreError};

/// What cannot be told to the caller is logged here, once, with all its causes.
pub(crate) fn from_store(error: StoreError) -> ApiError {
    match error {
        StoreError::NotFound(what) => ApiError::NotFound { what },
        StoreError::Taken { what, field } => ApiError::NameTaken { what, field: field.to_owned() },
        StoreError::Refused { version, state, refusal, .. } => ApiError::Refused { version, state, refusal },
        StoreError::NotEmpty { runtime, refusal } => ApiError::RuntimeNotEmpty { runtime, versions: refusal.versions },
        StoreError::ConfigIncomplete { version, missing, .. } => ApiError::ConfigIncomplete { version, missing },
        StoreError::Denied(denied) => denied_error(denied, None),
        StoreError::Oneself => ApiError::Forbidden { reason: error.to_string() },
        StoreError::Nul | StoreError::Archived(_) | StoreError::ConfigTooLarge(_) => {
            ApiError::InvalidInput { problems: vec![Problem::error("", error.to_string())] }
        }
        StoreError::NotStopped { .. } => {
            ApiError::InvalidInput { problems: vec![Problem::error("generation", error.to_string())] }
        }
        StoreError::Full(_) => {
            tracing::warn!("{}", error_chain(&error));
            ApiError::Unavailable { what: "the database (its disk is full)".to_owned() }
        }
        StoreError::Unavailable(_) | StoreError::Timeout(_) | StoreError::LockLost | StoreError::Locked(_) => {
            tracing::warn!("{}", error_chain(&error));
            ApiError::Unavailable { what: "the database".to_owned() }
        }
        StoreError::Corrupt { .. }
        | StoreError::UnknownScheme(_)
        | StoreError::File { .. }
        | StoreError::FileLock(_)
        | StoreError::Database(_)
        | StoreError::Migration(_) => {
            tracing::error!("{}", error_chain(&error));
            ApiError::Internal
        }
    }
}

/// What somebody may not see is answered as if it did not exist.
pub(crate) fn denied_error(denied: Denied, runtime: Option<&RuntimeId>) -> ApiError {
    match (denied, runtime) {
        (Denied::Hidden, Some(runtime)) => ApiError::NotFound { what: format!("runtime `{runtime}`") },
        (denied, _) => ApiError::Forbidden { reason: denied.to_string() },
    }
}

/// As with the store: logged here, once.
pub(crate) fn from_files(error: FilesError) -> ApiError {
    tracing::error!("{}", error_chain(&error));
    let what = if is_full(&error) { "the file store (it is full)" } else { "the file store" };
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
pub(crate) fn error_chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes
        .map(ToString::to_string)
        .fold(error.to_string(), |line, cause| if line.contains(&cause) { line } else { format!("{line}: {cause}") })
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
        assert_eq!(error_chain(&error), "upload failed: store failed: refused");
    }

    #[test]
    fn what_the_caller_cannot_know_is_not_told() {
        let lost = StoreError::LockLost;
        assert!(matches!(from_store(lost), ApiError::Unavailable { what } if what == "the database"));
        let corrupt = StoreError::Corrupt { what: "manifest", detail: "secret".to_owned() };
        assert_eq!(from_store(corrupt), ApiError::Internal);
    }
}
