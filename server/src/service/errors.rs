//! The errors of the database and of the file store as people and programs get them.

use std::error::Error;

use domain::ApiError;

use crate::{files::FilesError, store::StoreError};

/// What cannot be told to the caller is logged here, once, with all its causes.
pub(super) fn from_store(error: StoreError) -> ApiError {
    match error {
        StoreError::NotFound(what) => ApiError::NotFound { what },
        StoreError::Taken(what) => ApiError::NameTaken { what },
        StoreError::Refused { version, state, refusal, .. } => ApiError::Refused { version, state, refusal },
        StoreError::ConfigIncomplete { version, missing, .. } => ApiError::ConfigIncomplete { version, missing },
        StoreError::Database(ref cause) if is_outage(cause) => {
            tracing::warn!("{}", chain(&error));
            ApiError::Unavailable { what: "the database".to_owned() }
        }
        StoreError::Corrupt { .. }
        | StoreError::UnknownScheme(_)
        | StoreError::File { .. }
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
    ApiError::Unavailable { what: "the file store".to_owned() }
}

/// The error with its causes, in one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}

fn is_outage(cause: &sqlx::Error) -> bool {
    use sqlx::Error as E;
    matches!(cause, E::Io(_) | E::Tls(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed)
}
