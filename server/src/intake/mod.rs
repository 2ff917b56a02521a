//! From an upload to a version (invariant 10): the bytes are counted, hashed, stored and checked as they arrive, in bounded
//! memory; then the version appears in one transaction, or nothing is left. Only a large source that comes before the
//! manifest is read once more, from the file store.

mod feed;
mod permits;
mod source;
pub mod sweep;

use std::{collections::BTreeSet, num::NonZeroU16, sync::Arc};

use axum::extract::{Multipart, Request};
use domain::{ApiError, Caller, RuntimeId, Timestamp, VersionView};
use futures::StreamExt;
use krt::{CheckError, Checked, FileDigest, Limits};
use tokio::{sync::oneshot, task::JoinHandle};
use tokio_util::task::TaskTracker;

use crate::{
    config::{UploadLimits, setting_of},
    files::{Files, Incoming},
    service::{Service, error_chain, from_files},
    store::{Content, InheritConfig, NewVersion, StoredFile, download_token},
};
use feed::Hasher;
use permits::{EndReason, UploadPermits};
use source::{Chunks, OtherFields, Source};

/// Handles uploads. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    service: Arc<Service>,
    files: Files,
    limits: Arc<Limits>,
    tasks: TaskTracker,
    permits: Arc<UploadPermits>,
}

/// What an upload is to become.
#[derive(Debug, Clone)]
pub struct UploadRequest {
    pub caller: Caller,
    pub runtime: RuntimeId,
    /// Which configuration values the version inherits from the runtime's others.
    pub inherit_config: InheritConfig,
}

/// A file that has arrived whole and is a valid KRT.
struct Received {
    checked: Checked,
    sha256: String,
    size_bytes: u64,
}

impl Intake {
    /// At most so many uploads run at once.
    pub fn new(
        service: Arc<Service>,
        files: Files,
        limits: Limits,
        at_once: NonZeroU16,
        upload_limits: UploadLimits,
    ) -> Self {
        let permits = Arc::new(UploadPermits::new(at_once, upload_limits));
        Self { service, files, limits: Arc::new(limits), tasks: TaskTracker::new(), permits }
    }

    /// The limits for a KRT file.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Adds the request's file as a stopped version of the runtime, once there is a permit. Until then nothing of it is
    /// read, so the client waits.
    ///
    /// The work is a task of its own. A client that goes away ends the request, but must not end the cleaning up after
    /// it; and what is refused early is read on for a while, because a browser that is still sending would otherwise
    /// see its connection break instead of the refusal.
    ///
    /// # Errors
    /// All that is wrong with the file, its size or its name; no permit in time, or a permit that was lost; the file store
    /// or the database failing.
    pub async fn receive(&self, upload: UploadRequest, request: Request) -> Result<VersionView, ApiError> {
        let (mut answer, answered) = oneshot::channel();
        let intake = self.clone();
        self.tasks.spawn(async move {
            let end_reason = EndReason::default();
            let request = request.map(|body| permits::rate_limited(body, intake.permits.clone(), end_reason.clone()));
            let mut source = match Source::of(request, intake.limits.max_packed_bytes).await {
                Ok(source) => source,
                Err((error, body)) => {
                    // The client may be gone.
                    let _ = answer.send(Err(error));
                    return body.drain().await;
                }
            };
            let permit = tokio::select! {
                permit = intake.permits.take() => permit,
                // The client is gone.
                () = answer.closed() => return,
            };
            let result = match permit {
                Ok(_permit) => intake.ingest(upload, &mut source).await,
                Err(none) => Err(none),
            };
            // Why its bytes ended says more than that they ended.
            let result = result.map_err(|error| end_reason.get().cloned().unwrap_or(error));
            let _ = answer.send(result);
            source.drain().await;
        });
        // Only a panic of the task leaves no answer.
        answered.await.unwrap_or(Err(ApiError::Internal))
    }

    /// Waits until no upload is under way any more.
    pub async fn finish(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    async fn ingest(&self, upload: UploadRequest, source: &mut Source) -> Result<VersionView, ApiError> {
        self.service.may_upload(&upload.caller, &upload.runtime).await?;
        let mut incoming = self.files.begin().await.map_err(from_files)?;
        let received = match source {
            Source::Body(body) => self.fill(&mut incoming, source::body_chunks(body)).await,
            Source::Form(form) => self.fill_from(&mut incoming, form).await,
        };
        let mut received = match received {
            Ok(received) => received,
            Err(error) => {
                if let Err(left) = incoming.abort().await {
                    tracing::warn!("could not remove an unfinished upload: {}", error_chain(&left));
                }
                return Err(error);
            }
        };
        let arrived = incoming.finish().await.map_err(from_files)?;
        let added = match self.missing_digests(&arrived, &received.checked.unhashed).await {
            Ok(digests) => {
                received.checked.digests.extend(digests);
                self.add_version(upload, &arrived, received).await
            }
            Err(error) => Err(error),
        };
        if let Err(left) = self.files.remove(&arrived).await {
            tracing::warn!("could not remove a temporary file: {}", error_chain(&left));
        }
        added
    }

    /// A form has one file in it, and little else.
    async fn fill_from(&self, incoming: &mut Incoming, form: &mut Multipart) -> Result<Received, ApiError> {
        let mut others = OtherFields::default();
        let received = loop {
            let Some(field) = source::next_field(form).await? else { return Err(source::no_file()) };
            if source::is_file(&field) {
                break self.fill(incoming, source::field_chunks(field)).await?;
            }
            others.skip(field).await?;
        };
        while let Some(field) = source::next_field(form).await? {
            if source::is_file(&field) {
                return Err(source::two_files());
            }
            others.skip(field).await?;
        }
        Ok(received)
    }

    /// Counts, hashes, stores and checks the bytes as they arrive.
    async fn fill(&self, incoming: &mut Incoming, mut chunks: Chunks<'_>) -> Result<Received, ApiError> {
        let (feed, reader) = feed::channel();
        let limits = self.limits.clone();
        let check = tokio::task::spawn_blocking(move || krt::check(reader, &limits));
        let hasher = Hasher::start();
        let mut size_bytes = 0u64;
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            size_bytes = size_bytes.saturating_add(chunk.len() as u64);
            if size_bytes > self.limits.max_packed_bytes {
                return Err(source::too_large(self.limits.max_packed_bytes));
            }
            hasher.update(chunk.clone()).await;
            if feed.send(chunk.clone()).await.is_err() {
                // A check that passes reads to the end; one that ended before has refused, so the rest is not wanted.
                return Err(check_result(check).await.err().unwrap_or(ApiError::Internal));
            }
            incoming.write(chunk).await.map_err(from_files)?;
        }
        drop(feed);
        let checked = check_result(check).await?;
        let sha256 = hasher.finish().await.map_err(|panicked| {
            tracing::error!("hashing an upload panicked: {panicked}");
            ApiError::Internal
        })?;
        Ok(Received { checked, sha256, size_bytes })
    }

    /// Digests of files that came before the manifest named them, from the file that has arrived.
    async fn missing_digests(&self, arrived: &str, paths: &BTreeSet<String>) -> Result<Vec<FileDigest>, ApiError> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let mut stored = self.files.read(arrived, None).await.map_err(from_files)?;
        let (feed, reader) = feed::channel();
        let (limits, paths) = (self.limits.clone(), paths.clone());
        let digests = tokio::task::spawn_blocking(move || krt::digests_of(reader, &limits, &paths));
        while let Some(chunk) = stored.next().await {
            if feed.send(chunk.map_err(from_files)?).await.is_err() {
                // All of them are found.
                break;
            }
        }
        drop(feed);
        check_result(digests).await
    }

    /// Puts the file in its place and adds the version; without a version nothing stays.
    ///
    /// A version that is being deleted waits with its file until this is done. Another upload of the same bytes, by this
    /// server or another, may put or remove the same object between any two of these steps. So an upload
    /// checks after adding its version whether the object is there, and after removing an object whether a version has come
    /// to need it; it still has the arrived file and puts it back.
    async fn add_version(
        &self,
        upload: UploadRequest,
        arrived: &str,
        received: Received,
    ) -> Result<VersionView, ApiError> {
        let object = Files::object_of(&received.sha256);
        let _addition = self.files.begin_addition().await;
        let made = self.files.promote(arrived, &object).await.map_err(from_files)?;
        let file = StoredFile {
            object: object.clone(),
            sha256: received.sha256,
            size_bytes: received.size_bytes,
            download_token: download_token(),
        };
        let Checked { manifest, manifest_text, warnings, documents, digests, protos, .. } = received.checked;
        let content = Content { digests, protos: Some(protos), proto_text: None };
        let UploadRequest { caller, runtime, inherit_config } = upload;
        let at = Timestamp::now();
        let new = NewVersion {
            runtime,
            manifest,
            manifest_text,
            warnings,
            file,
            inherit_config,
            content,
            documents,
            at,
            caller,
        };
        let added = self.service.add_version(new).await;
        if let Err(error) = self.reconcile_object(arrived, &object, made && added.is_err()).await {
            tracing::warn!("could not clean up {object}: {error}");
        }
        added
    }

    async fn reconcile_object(&self, arrived: &str, object: &str, unwanted: bool) -> Result<(), ApiError> {
        if unwanted && !self.service.object_in_use(object).await? {
            self.files.remove(object).await.map_err(from_files)?;
        }
        if self.service.object_in_use(object).await? {
            self.files.promote(arrived, object).await.map_err(from_files)?;
        }
        Ok(())
    }
}

async fn check_result<T>(check: JoinHandle<Result<T, CheckError>>) -> Result<T, ApiError> {
    match check.await {
        Ok(Ok(checked)) => Ok(checked),
        Ok(Err(CheckError::Refused { problems, .. })) => Err(ApiError::InvalidKrt { problems }),
        Ok(Err(CheckError::TooLarge { limit, message })) => {
            let raised_by = setting_of(limit).map_or_else(String::new, |setting| format!(" ({setting})"));
            Err(ApiError::TooLarge { limit: format!("{message}{raised_by}") })
        }
        Ok(Err(error @ CheckError::Read(_))) => {
            tracing::error!("could not check a KRT: {}", error_chain(&error));
            Err(ApiError::Internal)
        }
        Err(panicked) => {
            tracing::error!("the check of a KRT panicked: {panicked}");
            Err(ApiError::Internal)
        }
    }
}
