//! The object store: where KRT files are. A folder by default, S3 by URL.
//!
//! A file that is still arriving is under `incoming/`; a version's file is under `krt/`, named by its content, so that
//! identical files are kept once. Nothing here knows what a version is.

use std::{
    ops::Range,
    path::{Path as FsPath, PathBuf},
    sync::Arc,
};

use axum::body::Body;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::{
    Error as ObjectError, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, WriteMultipart,
    local::LocalFileSystem, parse_url_opts, path::Path, prefix::PrefixStore,
};
use reqwest::Url;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};
use uuid::Uuid;

use crate::{
    config::without_password,
    file_lock::{FileLock, FileLockError},
    private::tighten,
};

pub(crate) const INCOMING: &str = "incoming";
pub(crate) const KEPT: &str = "krt";
/// The object whose text says which installation the files are of.
pub(crate) const MARKER: &str = "installation-id";
/// In a folder: the lock of the server that has it.
const LOCK: &str = "kai.lock";

/// S3 takes parts of at least 5 MiB.
const PART_BYTES: usize = 5 << 20;
/// Parts on their way at once. With the one being filled this bounds what an upload holds in memory.
const PARTS_IN_FLIGHT: usize = 2;

#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    #[error("`{0}` is no place for files: use a folder, file:///<folder> or s3://<bucket>/<prefix>")]
    Url(String),
    #[error("the folder {} cannot be made", .folder.display())]
    Folder {
        folder: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the file store cannot {what}")]
    Store {
        what: String,
        #[source]
        source: ObjectError,
    },
}

/// The file store. Cheap to clone.
#[derive(Clone)]
pub struct Files {
    store: Arc<dyn ObjectStore>,
    /// Where the files are when they are in a folder.
    folder: Option<PathBuf>,
    /// Where they are, for people.
    place: String,
    additions: Arc<RwLock<()>>,
}

/// A file that is arriving.
pub(crate) struct Incoming {
    path: Path,
    upload: WriteMultipart,
}

impl Files {
    /// Opens the store at a folder, a `file://` or an `s3://` URL; a folder is made when it is not there. What S3 needs
    /// besides is taken from the `AWS_*` variables.
    ///
    /// # Errors
    /// When the URL is none of these or the folder cannot be made.
    pub async fn open(url: &str) -> Result<Self, FilesError> {
        let folder = match Url::parse(url) {
            Ok(parsed) if parsed.scheme() == "file" => {
                parsed.to_file_path().map_err(|()| FilesError::Url(url.to_owned()))?
            }
            Ok(parsed) => return Self::open_remote(&parsed),
            Err(_) => PathBuf::from(url),
        };
        let failed = |source| FilesError::Folder { folder: folder.clone(), source };
        tokio::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).await.map_err(failed)?;
        tighten(&folder);
        let store = LocalFileSystem::new_with_prefix(&folder).map_err(|source| stored("open its folder", source))?;
        let place = folder.display().to_string();
        Ok(Self { store: Arc::new(store.with_fsync(true)), folder: Some(folder), place, additions: Arc::default() })
    }

    fn open_remote(url: &Url) -> Result<Self, FilesError> {
        if url.scheme() != "s3" {
            return Err(FilesError::Url(url.to_string()));
        }
        let opened = parse_url_opts(url, std::env::vars().filter(|(name, _)| name.starts_with("AWS_")));
        let (store, prefix) = opened.map_err(|source| stored("be opened", source))?;
        let place = without_password(url.as_str());
        Ok(Self { store: Arc::new(PrefixStore::new(store, prefix)), folder: None, place, additions: Arc::default() })
    }

    /// To be held from before a file is put into its place until the version that has it is stored.
    pub(crate) async fn adding(&self) -> OwnedRwLockReadGuard<()> {
        self.additions.clone().read_owned().await
    }

    /// Waits until nobody is [`Files::adding`] and holds off whoever wants to: what no version has now, none will have
    /// until this is dropped.
    pub(crate) async fn no_additions(&self) -> OwnedRwLockWriteGuard<()> {
        self.additions.clone().write_owned().await
    }

    pub(crate) fn folder(&self) -> Option<&FsPath> {
        self.folder.as_deref()
    }

    /// Where the files are, for people.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Takes a folder for this server alone. A remote store needs no lock of its own: it carries the identity of its
    /// database, which one server has.
    pub(crate) fn lock(&self, holder: &str) -> Result<Option<FileLock>, FileLockError> {
        self.folder.as_ref().map(|folder| FileLock::take(&folder.join(LOCK), holder)).transpose()
    }

    /// The text of the [`MARKER`].
    pub(crate) async fn marker(&self) -> Result<Option<String>, FilesError> {
        let failed = |source| stored(format!("read `{MARKER}`"), source);
        match self.store.get(&Path::from(MARKER)).await {
            Ok(found) => Ok(Some(String::from_utf8_lossy(&found.bytes().await.map_err(failed)?).into_owned())),
            Err(ObjectError::NotFound { .. }) => Ok(None),
            Err(source) => Err(failed(source)),
        }
    }

    /// Adds the [`MARKER`]; one that is there stays.
    pub(crate) async fn mark(&self, text: &str) -> Result<(), FilesError> {
        let content = format!("{text}\n").into_bytes();
        match self.store.put_opts(&Path::from(MARKER), content.into(), PutMode::Create.into()).await {
            Ok(_) | Err(ObjectError::AlreadyExists { .. }) => Ok(()),
            Err(source) => Err(stored(format!("write `{MARKER}`"), source)),
        }
    }

    /// A stream of the object's bytes, or of a part of them. Opening it already fails when there is no such object.
    ///
    /// # Errors
    /// When the store fails, has no such object, or has no such part of it.
    pub async fn read(&self, object: &str, part: Option<Range<u64>>) -> Result<Body, FilesError> {
        let options = GetOptions { range: part.map(GetRange::Bounded), ..GetOptions::default() };
        let found = self.store.get_opts(&Path::from(object), options).await;
        let found = found.map_err(|source| stored(format!("read `{object}`"), source))?;
        Ok(Body::from_stream(found.into_stream()))
    }

    pub(crate) async fn exists(&self, object: &str) -> Result<bool, FilesError> {
        match self.store.head(&Path::from(object)).await {
            Ok(_) => Ok(true),
            Err(ObjectError::NotFound { .. }) => Ok(false),
            Err(source) => Err(stored(format!("look for `{object}`"), source)),
        }
    }

    /// Begins a file under a name of its own that nobody else knows.
    pub(crate) async fn begin(&self) -> Result<Incoming, FilesError> {
        let path = Path::from(format!("{INCOMING}/{}", Uuid::now_v7()));
        let upload = self.store.put_multipart(&path).await.map_err(|source| stored("begin a file", source))?;
        Ok(Incoming { path, upload: WriteMultipart::new_with_chunk_size(upload, PART_BYTES) })
    }

    /// The name of a version's file, by the SHA-256 of its content.
    pub(crate) fn object_of(sha256: &str) -> String {
        format!("{KEPT}/{sha256}")
    }

    /// Makes `object` a copy of a file that has arrived; in a folder that is a link and copies no bytes. One that is
    /// there already is left: it is named by its content. Answers whether it was made here.
    pub(crate) async fn keep(&self, arrived: &str, object: &str) -> Result<bool, FilesError> {
        if self.exists(object).await? {
            return Ok(false);
        }
        let copied = self.store.copy(&Path::from(arrived), &Path::from(object)).await;
        copied.map(|()| true).map_err(|source| stored(format!("keep `{object}`"), source))
    }

    /// Removes an object; one that is not there is as good as removed.
    pub(crate) async fn remove(&self, object: &str) -> Result<(), FilesError> {
        match self.store.delete(&Path::from(object)).await {
            Ok(()) | Err(ObjectError::NotFound { .. }) => Ok(()),
            Err(source) => Err(stored(format!("remove `{object}`"), source)),
        }
    }

    /// The names of what is under `incoming/` or `krt/`.
    pub(crate) async fn list(&self, under: &str) -> Result<Vec<String>, FilesError> {
        let listed = self.store.list(Some(&Path::from(under)));
        let named = listed.map_ok(|meta| meta.location.to_string());
        named.boxed().try_collect().await.map_err(|source| stored(format!("list `{under}`"), source))
    }
}

impl Incoming {
    /// Adds bytes; waits while too many are on their way.
    pub(crate) async fn write(&mut self, bytes: Bytes) -> Result<(), FilesError> {
        let room = self.upload.wait_for_capacity(PARTS_IN_FLIGHT).await;
        room.map_err(|source| stored("take in a file", source))?;
        self.upload.put(bytes);
        Ok(())
    }

    /// Ends the file and gives its name. When that fails nothing is left of it.
    pub(crate) async fn finish(self) -> Result<String, FilesError> {
        self.upload.finish().await.map_err(|source| stored("take in a file", source))?;
        Ok(self.path.to_string())
    }

    /// Leaves nothing of the file.
    pub(crate) async fn abort(self) -> Result<(), FilesError> {
        self.upload.abort().await.map_err(|source| stored("drop a file", source))
    }
}

fn stored(what: impl Into<String>, source: ObjectError) -> FilesError {
    FilesError::Store { what: what.into(), source }
}
