//! What pages, API and uploads ask for: the store's records and the reconciler's observations, put together.
//!
//! The only place that reads a clock for what is stored. It parses what people send, changes the store, and then says
//! "look again" to the reconciler and the announcer; it never touches the cluster itself.

mod backend;
mod content;
mod deletion;
mod digest;
mod errors;
mod input;
mod lists;
mod logs;
mod long_work;
mod nodes;
mod views;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{
    Actor, ApiError, ClusterInfo, Deleted, RuntimeId, RuntimeSummary, Timestamp, VersionName, VersionSummary,
    VersionView,
};
use krt::{Document, model::Manifest};
use tokio::sync::{broadcast, watch};

use digest::Digest;
use errors::from_store;
pub(crate) use errors::{chain, from_files};
pub(crate) use logs::{LogForm, LogsAsked, LogsFound};
use long_work::LongWork;

use crate::{
    changes::Changes,
    cluster::Cluster,
    files::Files,
    reconciler::{ObjectSettings, Reconciler, Status},
    store::{CarryOver, Content, NewVersionRecord, RuntimeRecord, Store, StoredFile, VersionRecord},
};

/// Of more deletions than this that nobody has announced yet, browsers do not hear one by one.
const DELETIONS_BEHIND: usize = 1024;

/// What an upload leads to, once its file is in its place.
pub struct NewVersion {
    pub runtime: RuntimeId,
    pub manifest: Manifest,
    pub manifest_text: String,
    pub warnings: Vec<domain::Problem>,
    pub file: StoredFile,
    pub carry_over: CarryOver,
    pub content: Content,
    pub documents: Vec<Document>,
}

/// How long what people ask may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// After which a start or a publish has failed.
    pub start: Duration,
    /// After which a stop is overdue; it goes on.
    pub stop: Duration,
}

/// A version as it is now: what is shown of it, and what was observed of its nodes.
pub struct Observed {
    pub record: VersionRecord,
    pub summary: VersionSummary,
    pub status: Status,
}

pub struct Service {
    store: Arc<dyn Store>,
    reconciler: Reconciler,
    cluster: Cluster,
    objects: ObjectSettings,
    changed: Changes,
    timeouts: Timeouts,
    digests: Mutex<HashMap<RuntimeId, (u64, Arc<Digest>)>>,
    files: Files,
    deletions: broadcast::Sender<Deleted>,
    long_work: LongWork,
}

impl Service {
    /// `changed` is touched after every change that this service makes.
    pub fn new(
        store: Arc<dyn Store>,
        files: Files,
        reconciler: Reconciler,
        cluster: Cluster,
        objects: ObjectSettings,
        changed: Changes,
        timeouts: Timeouts,
    ) -> Self {
        Self {
            store,
            files,
            reconciler,
            cluster,
            objects,
            changed,
            timeouts,
            digests: Mutex::default(),
            deletions: broadcast::Sender::new(DELETIONS_BEHIND),
            long_work: LongWork::default(),
        }
    }

    pub fn cluster_info(&self) -> ClusterInfo {
        self.cluster.info()
    }

    /// Tells of every change of [`Service::cluster_info`].
    pub fn cluster_changed(&self) -> watch::Receiver<ClusterInfo> {
        self.cluster.changed()
    }

    /// Tells of every version and runtime that is deleted from now on.
    pub fn deletions(&self) -> broadcast::Receiver<Deleted> {
        self.deletions.subscribe()
    }

    /// Whether the server can do its work: the database answers and takes what is written to it.
    ///
    /// # Errors
    /// What to tell whoever asks when it does not.
    pub async fn ready(&self) -> Result<(), ApiError> {
        self.store.probe(Timestamp::now()).await.map_err(from_store)
    }

    /// Adds a stopped version.
    ///
    /// # Errors
    /// `NameTaken` when the runtime has one of that name, `NotFound` when there is no such runtime.
    pub async fn add_version(&self, actor: &Actor, new: NewVersion) -> Result<VersionView, ApiError> {
        let record = NewVersionRecord {
            runtime: new.runtime,
            manifest: new.manifest,
            manifest_text: new.manifest_text,
            warnings: new.warnings,
            file: new.file,
            carry_over: new.carry_over,
            content: new.content,
            documents: new.documents,
            at: Timestamp::now(),
            by: actor.clone(),
        };
        let added = self.store.create_version(record).await.map_err(from_store)?;
        self.touch(&added.runtime);
        self.view(&added).await
    }

    /// Whether any version uses this object of the file store.
    pub(crate) async fn object_in_use(&self, object: &str) -> Result<bool, ApiError> {
        self.store.object_in_use(object).await.map_err(from_store)
    }

    /// A version's record.
    ///
    /// # Errors
    /// `NotFound`, saying whether the runtime or the version is missing.
    pub(crate) async fn record(&self, runtime: &RuntimeId, version: &VersionName) -> Result<VersionRecord, ApiError> {
        if let Some(record) = self.store.version(runtime, version).await.map_err(from_store)? {
            return Ok(record);
        }
        self.runtime_record(runtime).await?;
        Err(ApiError::NotFound { what: format!("version `{version}` in runtime `{runtime}`") })
    }

    pub(crate) async fn runtime_record(&self, id: &RuntimeId) -> Result<RuntimeRecord, ApiError> {
        let found = self.store.runtime(id).await.map_err(from_store)?;
        found.ok_or_else(|| ApiError::NotFound { what: format!("runtime `{id}`") })
    }

    /// A runtime with all its versions, archived ones too, as they are now.
    pub(crate) async fn observe(&self, id: &RuntimeId) -> Result<(RuntimeSummary, Vec<Observed>), ApiError> {
        let runtime = self.runtime_record(id).await?;
        let records = self.store.versions(id).await.map_err(from_store)?;
        let digest = self.remember(&runtime, &records).await?;
        let observation = self.reconciler.observe(id);
        let versions = records.into_iter().map(|record| {
            let status = observation.status(&record);
            Observed { summary: views::version_summary(&record, &status), record, status }
        });
        let versions: Vec<_> = versions.collect();
        let health = digest::worst(versions.iter().map(|seen| (&seen.record.name, seen.status.health.clone())));
        Ok((views::runtime_summary(&runtime, &digest, health, &self.objects), versions))
    }

    async fn runtime_summary(&self, runtime: &RuntimeRecord) -> Result<RuntimeSummary, ApiError> {
        let digest = self.digest(runtime).await?;
        Ok(views::runtime_summary(runtime, &digest, self.health(&runtime.id, &digest), &self.objects))
    }

    async fn view(&self, record: &VersionRecord) -> Result<VersionView, ApiError> {
        let runtime = self.runtime_record(&record.runtime).await?;
        let published = self.digest(&runtime).await?.published.clone();
        Ok(views::version_view(record, &self.reconciler.status(record), published, &self.objects))
    }

    async fn digest(&self, runtime: &RuntimeRecord) -> Result<Arc<Digest>, ApiError> {
        let known = self.digests.lock().unwrap_or_else(PoisonError::into_inner).get(&runtime.id).cloned();
        if let Some((revision, digest)) = known
            && revision == runtime.revision
            // Not of another runtime that had this id.
            && digest.runtime_created_at == runtime.created_at
        {
            return Ok(digest);
        }
        let records = self.store.versions(&runtime.id).await.map_err(from_store)?;
        self.remember(runtime, &records).await
    }

    async fn remember(&self, runtime: &RuntimeRecord, records: &[VersionRecord]) -> Result<Arc<Digest>, ApiError> {
        let last = self.store.last_activity(runtime).await.map_err(from_store)?;
        let digest = Arc::new(Digest::of(runtime, records, last));
        // The versions were read after the runtime: when one of them is newer, this mixes two revisions, and must not
        // be kept as if it were the older.
        if records.iter().all(|record| record.revision <= runtime.revision) {
            let mut digests = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
            digests.insert(runtime.id.clone(), (runtime.revision, Arc::clone(&digest)));
        }
        Ok(digest)
    }

    /// To be called after every change of the store: the reconciler acts on it, and browsers hear of it.
    fn touch(&self, runtime: &RuntimeId) {
        self.reconciler.wake(runtime);
        self.changed.touch(runtime);
    }
}
