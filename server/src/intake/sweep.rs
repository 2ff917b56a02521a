//! Removes what interrupted uploads left behind, and files that no version uses.
//!
//! Only in a folder, and only in one that this server has to itself and that carries its database's identity: nothing is
//! ever removed from a file store that is remote. What goes is moved to the folder's `trash/` first, under the time at
//! which that was done, and is deleted after a while.

use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use domain::Timestamp;
use tokio::fs;
use tokio_util::sync::CancellationToken;

use crate::{
    files::{Files, INCOMING, MARKER, STORED},
    service::error_chain,
    store::{Store, StoreError},
};

const TRASH: &str = "trash";
/// How often the trash is looked through, unless what is in it is kept for a shorter time.
const TRASH_INTERVAL: Duration = Duration::from_secs(60 * 60);

#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    #[error("could not sweep {}", .path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("could not sweep the file store")]
    Store(#[from] StoreError),
}

/// Moves unfinished uploads and files that no version uses to the trash. Must have ended before the first upload begins:
/// so none is under way, here or, as the folder is this server's alone, elsewhere. What is older than the store's
/// identity stays: it may be of a time when another database used the folder.
///
/// # Errors
/// When the folder or the database fails; what was moved until then stays where it is.
pub async fn sweep(files: &Files, store: &Store) -> Result<(), SweepError> {
    let Some(folder) = files.folder() else { return Ok(()) };
    let used = store.objects().await?;
    let marked = modified(&folder.join(MARKER)).await?;
    let trash = folder.join(TRASH).join(format!("{:.0}", Timestamp::now()));
    for under in [INCOMING, STORED] {
        for path in entries(&folder.join(under)).await? {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if used.contains(&format!("{under}/{name}")) || modified(&path).await? < marked {
                continue;
            }
            let aside = trash.join(under);
            tracing::info!("moving {} to {}: no version uses it", path.display(), aside.display());
            let moved = async {
                fs::create_dir_all(&aside).await?;
                fs::rename(&path, aside.join(name)).await
            };
            moved.await.map_err(|source| failed(&path, source))?;
        }
    }
    Ok(())
}

/// Deletes what has been in the trash for this long, now and from time to time until it is told to stop.
pub async fn empty_trash(files: Files, retention: Duration, stop: CancellationToken) {
    let Some(trash) = files.folder().map(|folder| folder.join(TRASH)) else { return stop.cancelled().await };
    loop {
        if let Err(error) = delete_old(&trash, retention).await {
            tracing::warn!("could not empty the trash: {}", error_chain(&error));
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(TRASH_INTERVAL.min(retention.max(Duration::from_secs(1)))) => {}
        }
    }
}

async fn delete_old(trash: &Path, retention: Duration) -> Result<(), SweepError> {
    let before = Timestamp::now().checked_sub(retention).unwrap_or(Timestamp::MIN);
    for path in entries(trash).await? {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        // Nothing else than what was moved here has a time for its name.
        if name.parse().is_ok_and(|moved: Timestamp| moved <= before) {
            tracing::info!("deleting {}", path.display());
            fs::remove_dir_all(&path).await.map_err(|source| failed(&path, source))?;
        }
    }
    Ok(())
}

/// The entries of a folder; none when it does not exist.
async fn entries(folder: &Path) -> Result<Vec<PathBuf>, SweepError> {
    let list = async {
        let mut found = Vec::new();
        let mut entries = fs::read_dir(folder).await?;
        while let Some(entry) = entries.next_entry().await? {
            found.push(entry.path());
        }
        Ok::<_, io::Error>(found)
    };
    match list.await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        answer => answer.map_err(|source| failed(folder, source)),
    }
}

async fn modified(path: &Path) -> Result<SystemTime, SweepError> {
    let read = async { fs::metadata(path).await?.modified() };
    read.await.map_err(|source| failed(path, source))
}

fn failed(path: &Path, source: io::Error) -> SweepError {
    SweepError::Folder { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::{ObjectStore as _, ObjectStoreExt as _, memory::InMemory, path::Path as ObjectPath};

    use super::*;
    use crate::{
        identity::{IdentityError, ensure_one},
        store,
    };

    async fn objects(bucket: &InMemory) -> Vec<String> {
        use futures::TryStreamExt as _;
        let mut all: Vec<_> = bucket.list(None).map_ok(|meta| meta.location.to_string()).try_collect().await.unwrap();
        all.sort();
        all
    }

    #[tokio::test]
    async fn nothing_is_ever_removed_from_a_remote_store_and_it_carries_the_identity_too() {
        let bucket = Arc::new(InMemory::new());
        let files = Files::remote(bucket.clone());
        let store = store::open("sqlite::memory:").await.unwrap();
        ensure_one(&store, &files, "sqlite::memory:").await.unwrap();
        for object in ["incoming/unfinished", "krt/unused"] {
            bucket.put(&ObjectPath::from(object), "x".into()).await.unwrap();
        }
        sweep(&files, &store).await.unwrap();
        let stop = CancellationToken::new();
        stop.cancel();
        empty_trash(files.clone(), Duration::ZERO, stop).await;
        assert_eq!(objects(&bucket).await, ["incoming/unfinished", MARKER, "krt/unused"]);

        ensure_one(&store, &files, "sqlite::memory:").await.unwrap();
        let other = store::open("sqlite::memory:").await.unwrap();
        let refused = ensure_one(&other, &files, "postgres://kai@db/other").await.unwrap_err();
        let said = refused.to_string();
        for word in ["postgres://kai@db/other", "s3://bucket/", "KAI_DATABASE_URL", "KAI_STORAGE_URL"] {
            assert!(said.contains(word), "no {word}: {said}");
        }
        bucket.delete(&ObjectPath::from(MARKER)).await.unwrap();
        let refused = ensure_one(&other, &files, "other").await.unwrap_err();
        assert!(matches!(refused, IdentityError::UnknownFiles { .. }), "{refused}");
        assert_eq!(objects(&bucket).await, ["incoming/unfinished", "krt/unused"]);
    }
}
