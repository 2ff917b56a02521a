//! From an upload to a version (invariant 10): the bytes are counted, hashed, stored and checked in one pass as they
//! arrive, in bounded memory; then the version appears in one transaction, or nothing is left.

mod feed;
mod source;
pub mod sweep;

use std::{num::NonZeroU16, sync::Arc};

use axum::extract::Request;
use domain::{Actor, ApiError, RuntimeId, VersionView};
use futures::StreamExt;
use krt::{CheckError, Checked, Limits};
use rand::RngCore;
use sha2::{Digest, Sha256};
use tokio::{
    sync::{Semaphore, oneshot},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::task::TaskTracker;

use crate::{
    config::setting_of,
    files::{Files, Incoming},
    service::{NewVersion, Service, chain, from_files},
    store::{CarryOver, Content, StoredFile},
};
use source::{Chunks, STALL, Source};

/// What takes uploads in. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    service: Arc<Service>,
    files: Files,
    limits: Arc<Limits>,
    tasks: TaskTracker,
    /// Memory is bounded by how many are taken in at once.
    turns: Arc<Semaphore>,
}

/// What an upload is to become.
#[derive(Debug, Clone)]
pub struct Order {
    pub by: Actor,
    pub runtime: RuntimeId,
    /// Which configuration values the version takes over from the runtime's others.
    pub carry_over: CarryOver,
}

/// A file that has arrived whole and is a valid KRT.
struct Received {
    checked: Checked,
    sha256: String,
    size_bytes: u64,
}

impl Intake {
    /// Takes in at most so many files at once.
    pub fn new(service: Arc<Service>, files: Files, limits: Limits, at_once: NonZeroU16) -> Self {
        let turns = Arc::new(Semaphore::new(at_once.get().into()));
        Self { service, files, limits: Arc::new(limits), tasks: TaskTracker::new(), turns }
    }

    /// What a file may cost.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Takes in the request's file as a stopped version of the runtime, as soon as it is its turn. Until then nothing of
    /// it is read, so whoever sends it waits.
    ///
    /// The work is a task of its own. A client that goes away ends the request, but must not end the cleaning up after
    /// it; and what is refused early is read on for a while, because a browser that is still sending would otherwise
    /// see its connection break instead of the refusal.
    ///
    /// # Errors
    /// All that is wrong with the file, its size or its name; the file store or the database failing.
    pub async fn receive(&self, order: Order, request: Request) -> Result<VersionView, ApiError> {
        let (mut answer, answered) = oneshot::channel();
        let intake = self.clone();
        self.tasks.spawn(async move {
            let mut source = match Source::of(request, intake.limits.max_packed_bytes).await {
                Ok(source) => source,
                Err((error, body)) => {
                    // Whoever asked may be gone.
                    let _ = answer.send(Err(error));
                    return body.drain().await;
                }
            };
            let turn = tokio::select! {
                turn = intake.turns.acquire() => turn,
                // Whoever asked is gone.
                () = answer.closed() => return,
            };
            let result = intake.take_in(order, &mut source).await;
            drop(turn);
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

    async fn take_in(&self, order: Order, source: &mut Source) -> Result<VersionView, ApiError> {
        self.service.runtime_record(&order.runtime).await?;
        let form = match source {
            Source::Body(body) => return self.take_file(order, source::body_chunks(body)).await,
            Source::Form(form) => form,
        };
        loop {
            let field = source::next_field(form).await?;
            if source::is_file(&field) {
                return self.take_file(order, source::field_chunks(field)).await;
            }
            source::pass_over(field).await?;
        }
    }

    async fn take_file(&self, order: Order, chunks: Chunks<'_>) -> Result<VersionView, ApiError> {
        let mut incoming = self.files.begin().await.map_err(from_files)?;
        let received = match self.fill(&mut incoming, chunks).await {
            Ok(received) => received,
            Err(error) => {
                if let Err(left) = incoming.abort().await {
                    tracing::warn!("an unfinished upload was left behind: {}", chain(&left));
                }
                return Err(error);
            }
        };
        let arrived = incoming.finish().await.map_err(from_files)?;
        let added = self.adopt(order, &arrived, received).await;
        if let Err(left) = self.files.remove(&arrived).await {
            tracing::warn!("a finished upload was left behind: {}", chain(&left));
        }
        added
    }

    /// The one pass over the bytes.
    async fn fill(&self, incoming: &mut Incoming, mut chunks: Chunks<'_>) -> Result<Received, ApiError> {
        let (feed, reader) = feed::channel();
        let limits = self.limits.clone();
        let check = tokio::task::spawn_blocking(move || krt::check(reader, &limits));
        let mut hasher = Sha256::new();
        let mut size_bytes = 0u64;
        while let Some(chunk) = timeout(STALL, chunks.next()).await.map_err(|_| source::stalled())? {
            let chunk = chunk?;
            size_bytes = size_bytes.saturating_add(chunk.len() as u64);
            if size_bytes > self.limits.max_packed_bytes {
                return Err(source::too_large(self.limits.max_packed_bytes));
            }
            hasher.update(&chunk);
            if feed.send(chunk.clone()).await.is_err() {
                // A check that passes reads to the end; one that ended before has refused, so the rest is not wanted.
                return Err(verdict(check).await.err().unwrap_or(ApiError::Internal));
            }
            incoming.write(chunk).await.map_err(from_files)?;
        }
        drop(feed);
        let checked = verdict(check).await?;
        Ok(Received { checked, sha256: hex::encode(hasher.finalize()), size_bytes })
    }

    /// Puts the file in its place and adds the version; without a version nothing stays.
    ///
    /// A version that is being deleted waits with its file until this is done. Another upload of the same bytes, by this
    /// server or another, may put or remove the same object between any two of these steps. So whoever adds a version
    /// looks afterwards whether its object is there, and whoever removes an object looks afterwards whether a version
    /// came to need it; both still hold the arrived file and put it back.
    async fn adopt(&self, order: Order, arrived: &str, received: Received) -> Result<VersionView, ApiError> {
        let object = Files::object_of(&received.sha256);
        let _adding = self.files.adding().await;
        let made = self.files.keep(arrived, &object).await.map_err(from_files)?;
        let file = StoredFile {
            object: object.clone(),
            sha256: received.sha256,
            size_bytes: received.size_bytes,
            download_token: download_token(),
        };
        let Checked { manifest, manifest_text, warnings, documents, facts, proto_text, .. } = received.checked;
        let content = Content { facts, proto_text };
        let Order { by, runtime, carry_over } = order;
        let new = NewVersion { runtime, manifest, manifest_text, warnings, file, carry_over, content, documents };
        let added = self.service.add_version(&by, new).await;
        if let Err(error) = self.settle_object(arrived, &object, made && added.is_err()).await {
            tracing::warn!("{object} could not be looked after: {error}");
        }
        added
    }

    async fn settle_object(&self, arrived: &str, object: &str, unwanted: bool) -> Result<(), ApiError> {
        if unwanted && !self.service.object_in_use(object).await? {
            self.files.remove(object).await.map_err(from_files)?;
        }
        if self.service.object_in_use(object).await? {
            self.files.keep(arrived, object).await.map_err(from_files)?;
        }
        Ok(())
    }
}

async fn verdict(check: JoinHandle<Result<Checked, CheckError>>) -> Result<Checked, ApiError> {
    match check.await {
        Ok(Ok(checked)) => Ok(checked),
        Ok(Err(CheckError::Refused { problems, .. })) => Err(ApiError::InvalidKrt { problems }),
        Ok(Err(CheckError::TooLarge { limit, message })) => {
            let raised_by = setting_of(limit).map_or_else(String::new, |setting| format!(" ({setting})"));
            Err(ApiError::TooLarge { limit: format!("{message}{raised_by}") })
        }
        Ok(Err(error @ CheckError::Read(_))) => {
            tracing::error!("a KRT could not be checked: {}", chain(&error));
            Err(ApiError::Internal)
        }
        Err(panicked) => {
            tracing::error!("the check of a KRT panicked: {panicked}");
            Err(ApiError::Internal)
        }
    }
}

/// What opens one file on the internal listener: nobody can guess it.
fn download_token() -> String {
    let mut bytes = [0u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    hex::encode(bytes)
}
