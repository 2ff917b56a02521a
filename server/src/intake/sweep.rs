//! What uploads left behind when the server was killed in their midst.

use std::{path::Path, time::Duration};

use domain::Timestamp;

use crate::{
    files::{Files, FilesError, INCOMING, KEPT},
    service::chain,
    store::{Store, StoreError},
};

/// When other servers share the files, an upload that is under way there must not be swept away.
const GRACE: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    #[error("the file store could not be swept")]
    Files(#[from] FilesError),
    #[error("the file store could not be swept")]
    Store(#[from] StoreError),
}

/// Removes unfinished uploads, and when this is the only server also files that no version uses. Must have ended before
/// the first upload begins.
///
/// # Errors
/// When the file store or the database fails; what was removed until then stays removed.
pub async fn sweep(files: &Files, store: &dyn Store, only_server: bool) -> Result<(), SweepError> {
    let now = Timestamp::now().as_second();
    let before = if only_server { now } else { now.saturating_sub_unsigned(GRACE.as_secs()) };
    for (object, modified) in files.list(INCOMING).await? {
        if modified <= before {
            tracing::info!("removing the unfinished upload {object}");
            files.remove(&object).await?;
        }
    }
    if !only_server {
        return Ok(());
    }
    for (object, _) in files.list(KEPT).await? {
        if !store.object_in_use(&object).await? {
            tracing::info!("removing {object}, which no version uses");
            files.remove(&object).await?;
        }
    }
    if let Some(folder) = files.folder() {
        for under in [INCOMING, KEPT] {
            sweep_staged(&folder.join(under)).await;
        }
    }
    Ok(())
}

/// In a folder, the object store writes a file as `<name>#<number>` before it gives it its name, and does not list it.
async fn sweep_staged(folder: &Path) {
    let Ok(mut entries) = tokio::fs::read_dir(folder).await else {
        // Not there before the first upload.
        return;
    };
    while let Ok(Some(entry)) = entries.next_entry().await {
        if entry.file_name().to_string_lossy().contains('#')
            && let Err(error) = tokio::fs::remove_file(entry.path()).await
        {
            tracing::warn!("{} is left of an upload and cannot be removed: {}", entry.path().display(), chain(&error));
        }
    }
}
