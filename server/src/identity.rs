//! State and files belong together: a database and a file store carry one identity, and a server whose two differ does
//! not start ([decision 17](../../docs/decisions/0017-state-and-files-carry-one-identity.md)).

use crate::{
    files::{Files, FilesError, MARKER, STORED},
    store::{InstallationId, Store, StoreError},
};

/// Each says which is which and what to do.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error(
        "the database {database} and the file store {files} do not belong together: the database is that of \
         installation {database_id}, the files are those of installation {files_id}. Nothing was changed. Name two that \
         belong together with KAI_DATABASE_URL and KAI_STORAGE_URL (or KAI_DATA_DIR for both)"
    )]
    Differ { database: String, database_id: InstallationId, files: String, files_id: String },
    #[error(
        "the file store {files} has files (such as `{file}`), and the database {database} knows none of them. Nothing was \
         changed. Name the database that they belong to with KAI_DATABASE_URL, or another place for files with \
         KAI_STORAGE_URL"
    )]
    UnknownFiles { database: String, files: String, file: String },
    #[error(
        "the database {database} has versions, and the file store {files} has none of their files. Nothing was changed. \
         Name the place where they are with KAI_STORAGE_URL; only if they are lost for good, put an object `{MARKER}` \
         with the text {database_id} there, and the server starts without them"
    )]
    MissingFiles { database: String, database_id: InstallationId, files: String },
    #[error("cannot check whether the database and the file store belong together")]
    Store(#[from] StoreError),
    #[error("cannot check whether the database and the file store belong together")]
    Files(#[from] FilesError),
}

/// Returns when the two carry one identity. A file store that carries none yet gets the database's when it is as new as
/// the database, or when the database knows files in it: that is a store from before there were identities. `database`
/// names the database for people, without a password.
///
/// # Errors
/// When they do not belong together, or either does not answer. Nothing was changed then.
pub async fn ensure_one(store: &Store, files: &Files, database: &str) -> Result<(), IdentityError> {
    let id = store.installation_id().await?;
    let (database, place) = (database.to_owned(), files.place().to_owned());
    if files.marker().await?.is_none() {
        let known = store.objects().await?;
        let stored = files.list(STORED).await?;
        match stored.first() {
            Some(_) if stored.iter().any(|file| known.contains(file)) => {
                tracing::info!("the file store {place} belongs to the database {database} from now on");
            }
            Some(file) => return Err(IdentityError::UnknownFiles { database, files: place, file: file.clone() }),
            None if known.is_empty() => {}
            None => return Err(IdentityError::MissingFiles { database, database_id: id, files: place }),
        }
        files.mark(&id.to_string()).await?;
    }
    // Read again: of two servers that mark one store at once, one has lost.
    match files.marker().await? {
        Some(marker) if marker.parse().is_ok_and(|marked: InstallationId| marked == id) => Ok(()),
        marker => {
            let files_id = marker.unwrap_or_default().trim().chars().take(80).collect();
            Err(IdentityError::Differ { database, database_id: id, files: place, files_id })
        }
    }
}
