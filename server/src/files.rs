//! The object store: where KRT files are. A folder by default, S3 by URL.
//!
//! A file that is still arriving is under `incoming/`; a version's file is under `krt/`, named by its content, so that
//! identical files are kept once. Nothing here knows what a version is.

use std::{
    ops::Range,
    path::{Path as FsPath, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, StreamExt, stream, stream::BoxStream};
use object_store::{
    ClientOptions, Error as ObjectError, GetOptions, GetRange, ObjectStore, ObjectStoreExt, ObjectStoreScheme, PutMode,
    RetryConfig, WriteMultipart,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    local::LocalFileSystem,
    path::Path,
    prefix::PrefixStore,
};
use reqwest::Url;
use tokio::{
    sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock},
    time::timeout,
};
use uuid::Uuid;

use crate::{
    config::{FileTimeouts, without_password},
    file_lock::{FileLock, FileLockError},
    private::tighten,
};

#[cfg(test)]
mod tests;

pub(crate) const INCOMING: &str = "incoming";
pub(crate) const STORED: &str = "krt";
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
    #[error("`{0}` is not a file store: use a folder, file:///<folder> or s3://<bucket>/<prefix>")]
    Url(String),
    #[error("cannot create the folder {}", .folder.display())]
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
    #[error("the file store did not {what} within {after:?}")]
    Timeout { what: String, after: Duration },
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
    timeouts: FileTimeouts,
}

/// The content of a file, or of a part of it.
pub type FileStream = BoxStream<'static, Result<Bytes, FilesError>>;

/// A file that is arriving.
pub(crate) struct Incoming {
    path: Path,
    upload: WriteMultipart,
    timeouts: FileTimeouts,
}

impl Files {
    /// Opens the store at a folder, a `file://` or an `s3://` URL; a folder is made when it is not there. What S3 needs
    /// besides is taken from the `AWS_*` variables.
    ///
    /// # Errors
    /// When the URL is none of these or the folder cannot be made.
    pub async fn open(url: &str, timeouts: FileTimeouts) -> Result<Self, FilesError> {
        let folder = match Url::parse(url) {
            Ok(parsed) if parsed.scheme() == "file" => {
                parsed.to_file_path().map_err(|()| FilesError::Url(url.to_owned()))?
            }
            Ok(parsed) => return Self::open_remote(&parsed, std::env::vars(), timeouts),
            Err(_) => PathBuf::from(url),
        };
        let failed = |source| FilesError::Folder { folder: folder.clone(), source };
        tokio::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).await.map_err(failed)?;
        tighten(&folder);
        let store = LocalFileSystem::new_with_prefix(&folder).map_err(|source| stored("open its folder", source))?;
        let place = folder.display().to_string();
        let (store, additions) = (Arc::new(store.with_fsync(true)), Arc::default());
        Ok(Self { store, folder: Some(folder), place, additions, timeouts })
    }

    fn open_remote(
        url: &Url,
        variables: impl IntoIterator<Item = (String, String)>,
        timeouts: FileTimeouts,
    ) -> Result<Self, FilesError> {
        if url.scheme() != "s3" {
            return Err(FilesError::Url(without_password(url.as_str())));
        }
        let not_opened = |source| stored("be opened", source);
        let (_, prefix) = ObjectStoreScheme::parse(url).map_err(|error| not_opened(error.into()))?;
        // The client's own limit is of a request from its beginning to its end, which would cut a long download; ours
        // are around each request.
        let client = ClientOptions::new().with_timeout_disabled();
        let retry = RetryConfig { retry_timeout: timeouts.transfer, ..RetryConfig::default() };
        let builder = AmazonS3Builder::new().with_url(url.as_str()).with_client_options(client).with_retry(retry);
        let settings = variables.into_iter().filter(|(name, _)| name.starts_with("AWS_"));
        let builder = settings.fold(builder, |builder, (name, value)| {
            match name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
                Ok(key) => builder.with_config(key, value),
                // Other programs' settings begin so, too.
                Err(_) => builder,
            }
        });
        let store = builder.build().map_err(not_opened)?;
        let place = without_password(url.as_str());
        let (store, additions) = (Arc::new(PrefixStore::new(store, prefix)), Arc::default());
        Ok(Self { store, folder: None, place, additions, timeouts })
    }

    /// To be held from before a file is put into its place until the version that has it is stored.
    pub(crate) async fn begin_addition(&self) -> OwnedRwLockReadGuard<()> {
        self.additions.clone().read_owned().await
    }

    /// Waits for all additions ([`Files::begin_addition`]) and blocks new ones: an object that no version has now stays
    /// unused until this is dropped.
    pub(crate) async fn block_additions(&self) -> OwnedRwLockWriteGuard<()> {
        self.additions.clone().write_owned().await
    }

    /// A store that is not a folder, as S3 is.
    #[cfg(test)]
    pub(crate) fn remote(store: Arc<dyn ObjectStore>) -> Self {
        Self {
            store,
            folder: None,
            place: "s3://bucket/".to_owned(),
            additions: Arc::default(),
            timeouts: FileTimeouts::DEFAULT,
        }
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
        let path = Path::from(MARKER);
        let request = async { self.store.get(&path).await?.bytes().await };
        match within(self.timeouts.request, &format!("read `{MARKER}`"), request).await {
            Ok(text) => Ok(Some(String::from_utf8_lossy(&text).into_owned())),
            Err(FilesError::Store { source: ObjectError::NotFound { .. }, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Adds the [`MARKER`]; one that is there stays.
    pub(crate) async fn mark(&self, text: &str) -> Result<(), FilesError> {
        let (path, content) = (Path::from(MARKER), format!("{text}\n").into_bytes());
        let put = self.store.put_opts(&path, content.into(), PutMode::Create.into());
        match within(self.timeouts.request, &format!("write `{MARKER}`"), put).await {
            Ok(_) | Err(FilesError::Store { source: ObjectError::AlreadyExists { .. }, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A stream of the object's bytes, or of a part of them. Opening it already fails when there is no such object.
    ///
    /// # Errors
    /// When the store fails, has no such object, or has no such part of it.
    pub async fn read(&self, object: &str, part: Option<Range<u64>>) -> Result<FileStream, FilesError> {
        let options = GetOptions { range: part.map(GetRange::Bounded), ..GetOptions::default() };
        let what = format!("read `{object}`");
        let path = Path::from(object);
        let found = within(self.timeouts.request, &what, self.store.get_opts(&path, options)).await?;
        Ok(with_timeout(found.into_stream(), self.timeouts.transfer, what).boxed())
    }

    pub(crate) async fn exists(&self, object: &str) -> Result<bool, FilesError> {
        let path = Path::from(object);
        match within(self.timeouts.request, &format!("look for `{object}`"), self.store.head(&path)).await {
            Ok(_) => Ok(true),
            Err(FilesError::Store { source: ObjectError::NotFound { .. }, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Begins a file under a unique temporary name.
    pub(crate) async fn begin(&self) -> Result<Incoming, FilesError> {
        let path = Path::from(format!("{INCOMING}/{}", Uuid::now_v7()));
        let upload = within(self.timeouts.request, "begin a file", self.store.put_multipart(&path)).await?;
        let upload = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        Ok(Incoming { path, upload, timeouts: self.timeouts })
    }

    /// The name of a version's file, by the SHA-256 of its content.
    pub(crate) fn object_of(sha256: &str) -> String {
        format!("{STORED}/{sha256}")
    }

    /// Makes `object` a copy of a file that has arrived; in a folder that is a link and copies no bytes. One that is
    /// there already is left: it is named by its content. Answers whether it was made here.
    pub(crate) async fn promote(&self, arrived: &str, object: &str) -> Result<bool, FilesError> {
        if self.exists(object).await? {
            return Ok(false);
        }
        let (from, to) = (Path::from(arrived), Path::from(object));
        within(self.timeouts.completion, &format!("store `{object}`"), self.store.copy(&from, &to)).await?;
        Ok(true)
    }

    /// Removes an object; one that is not there is as good as removed.
    pub(crate) async fn remove(&self, object: &str) -> Result<(), FilesError> {
        let path = Path::from(object);
        match within(self.timeouts.request, &format!("remove `{object}`"), self.store.delete(&path)).await {
            Ok(()) | Err(FilesError::Store { source: ObjectError::NotFound { .. }, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The names of what is under `incoming/` or `krt/`.
    pub(crate) async fn list(&self, under: &str) -> Result<Vec<String>, FilesError> {
        let what = format!("list `{under}`");
        let mut listed = self.store.list(Some(&Path::from(under)));
        let mut named = Vec::new();
        while let Some(meta) = within(self.timeouts.request, &what, async { listed.next().await.transpose() }).await? {
            named.push(meta.location.to_string());
        }
        Ok(named)
    }
}

impl Incoming {
    /// Adds bytes; waits while too many are on their way.
    pub(crate) async fn write(&mut self, bytes: Bytes) -> Result<(), FilesError> {
        let room = self.upload.wait_for_capacity(PARTS_IN_FLIGHT);
        within(self.timeouts.transfer, TAKE_IN, room).await?;
        self.upload.put(bytes);
        Ok(())
    }

    /// Ends the file and gives its name. When that fails nothing is left of it.
    pub(crate) async fn finish(self) -> Result<String, FilesError> {
        within(self.timeouts.completion, TAKE_IN, self.upload.finish()).await?;
        Ok(self.path.to_string())
    }

    /// Leaves nothing of the file.
    pub(crate) async fn abort(self) -> Result<(), FilesError> {
        within(self.timeouts.request, "drop a file", self.upload.abort()).await
    }
}

const TAKE_IN: &str = "receive a file";

/// The store's answer, or an error when it takes too long.
async fn within<T>(
    limit: Duration,
    what: &str,
    request: impl Future<Output = Result<T, ObjectError>>,
) -> Result<T, FilesError> {
    match timeout(limit, request).await {
        Ok(answer) => answer.map_err(|source| stored(what, source)),
        Err(_) => Err(FilesError::Timeout { what: what.to_owned(), after: limit }),
    }
}

/// A download that fails when nothing comes for this long. Time in which the reader asks for nothing does not count.
fn with_timeout(
    chunks: impl Stream<Item = Result<Bytes, ObjectError>> + Send + 'static,
    limit: Duration,
    what: String,
) -> impl Stream<Item = Result<Bytes, FilesError>> + Send {
    stream::try_unfold((chunks.boxed(), what), move |(mut chunks, what)| async move {
        let chunk = within(limit, &what, async { chunks.next().await.transpose() }).await?;
        Ok(chunk.map(|chunk| (chunk, (chunks, what))))
    })
}

fn stored(what: impl Into<String>, source: ObjectError) -> FilesError {
    FilesError::Store { what: what.into(), source }
}
