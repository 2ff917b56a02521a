//! What pages, API and uploads call: it combines the store's records with the reconciler's observations.
//!
//! It parses input, changes the store, and then notifies the reconciler and the event broadcaster. It never writes to the
//! cluster itself.

mod backend;
mod blocking_work;
mod calls;
mod content;
mod deletion;
mod errors;
mod input;
mod lists;
mod logs;
mod metrics;
mod nodes;
mod summary_cache;
mod views;
mod warnings;

use std::{sync::Arc, time::Duration};

use domain::{
    ApiError, Caller, ClusterInfo, Deleted, Desired, RuntimeId, RuntimeSummary, Timestamp, VersionName, VersionSummary,
    VersionView, access::Permission,
};
use sha2::{Digest as _, Sha256};
use tokio::sync::{broadcast, watch};

use blocking_work::BlockingWork;
use calls::Calls;
pub(crate) use errors::{denied_error, error_chain, from_files, from_store};
pub(crate) use logs::{LogFormat, LogStream, LogsParams};
use summary_cache::{CachedRuntime, RuntimeSummaryCache};

use crate::{
    changes::Changes,
    cluster::Cluster,
    config::CallLimits,
    files::Files,
    measurements::Measurements,
    reconciler::{ObjectSettings, Reconciler, Status},
    store::{NewVersion, RuntimeRecord, Store, StoredFile, VersionRecord},
};

/// How many deletions may wait to be broadcast. Beyond that, browsers reload everything.
const DELETIONS_BEHIND: usize = 1024;

/// How long what people ask may take, and what it may cost.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// After which a start or a publish has failed.
    pub start: Duration,
    /// After which a stop is overdue; it goes on.
    pub stop: Duration,
    pub calls: CallLimits,
}

/// A version as it is now: what is shown of it, and what was observed of its nodes.
pub struct Observed {
    pub record: VersionRecord,
    pub summary: VersionSummary,
    pub status: Status,
}

pub struct Service {
    store: Arc<Store>,
    reconciler: Reconciler,
    cluster: Cluster,
    objects: ObjectSettings,
    changed: Changes,
    timeouts: Timeouts,
    summaries: RuntimeSummaryCache,
    files: Files,
    deletions: broadcast::Sender<Deleted>,
    blocking_work: BlockingWork,
    calls: Calls,
    measurements: Arc<Measurements>,
}

/// What the service is put together from.
pub struct ServiceParts {
    pub store: Arc<Store>,
    pub files: Files,
    pub reconciler: Reconciler,
    pub cluster: Cluster,
    pub objects: ObjectSettings,
    /// Marked after every change that the service makes.
    pub changed: Changes,
    pub timeouts: Timeouts,
    pub measurements: Arc<Measurements>,
}

impl Service {
    pub fn new(parts: ServiceParts) -> Self {
        let ServiceParts { store, files, reconciler, cluster, objects, changed, timeouts, measurements } = parts;
        Self {
            store,
            files,
            reconciler,
            cluster,
            objects,
            changed,
            timeouts,
            summaries: RuntimeSummaryCache::default(),
            deletions: broadcast::Sender::new(DELETIONS_BEHIND),
            blocking_work: BlockingWork::default(),
            measurements,
            calls: Calls::new(timeouts.calls),
        }
    }

    pub fn cluster_info(&self) -> ClusterInfo {
        self.cluster.info()
    }

    /// Notifies of every change of [`Service::cluster_info`].
    pub fn cluster_changed(&self) -> watch::Receiver<ClusterInfo> {
        self.cluster.changed()
    }

    /// Notifies of every version and runtime that is deleted from now on.
    pub fn deletions(&self) -> broadcast::Receiver<Deleted> {
        self.deletions.subscribe()
    }

    /// Whether the server can do its work: the database answers and takes what is written to it.
    ///
    /// # Errors
    /// Names the part that does not work.
    pub async fn ready(&self) -> Result<(), ApiError> {
        self.store.probe(Timestamp::now()).await.map_err(from_store)
    }

    /// Adds a stopped version.
    ///
    /// # Errors
    /// `NameTaken` when the runtime has one of that name, `NotFound` when there is no such runtime.
    pub async fn add_version(&self, new: NewVersion) -> Result<VersionView, ApiError> {
        let added = self.store.create_version(new).await.map_err(from_store)?;
        self.notify_changed(&added.runtime);
        self.view(&added).await
    }

    /// Whether the caller may do this. What they may not see is answered as if it did not exist.
    fn allow(&self, caller: &Caller, permission: Permission, runtime: Option<&RuntimeId>) -> Result<(), ApiError> {
        caller.check(permission, runtime).map_err(|denied| denied_error(denied, runtime))
    }

    /// All that the caller may see, by name.
    async fn visible_runtimes(&self, caller: &Caller) -> Result<Vec<RuntimeRecord>, ApiError> {
        let mut runtimes = self.store.runtimes().await.map_err(from_store)?;
        runtimes.retain(|runtime| caller.rights().sees(&runtime.id));
        Ok(runtimes)
    }

    /// Whether the caller may add versions to the runtime, and there is one.
    pub(crate) async fn may_upload(&self, caller: &Caller, runtime: &RuntimeId) -> Result<(), ApiError> {
        self.allow(caller, Permission::Upload, Some(runtime))?;
        self.runtime_record(runtime).await.map(drop)
    }

    /// The file of a version that is started, for a pod that knows its credential; none for anybody else.
    pub(crate) async fn file_for_pod(
        &self,
        runtime: &RuntimeId,
        version: &VersionName,
        token: &[u8],
    ) -> Result<Option<StoredFile>, ApiError> {
        let Some(record) = self.store.version(runtime, version).await.map_err(from_store)? else { return Ok(None) };
        // Digests are compared, so how long that takes says nothing about the token.
        let opens = Sha256::digest(token) == Sha256::digest(record.file.download_token.expose());
        // Pods of a version that is to run download it, each time they are created; no other client does.
        Ok(Some(record.file).filter(|_| opens && record.desired == Desired::Started))
    }

    /// Where the version's KRT file is.
    pub(crate) async fn krt_file(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
    ) -> Result<StoredFile, ApiError> {
        self.allow(caller, Permission::View, Some(runtime))?;
        Ok(self.record(runtime, version).await?.file)
    }

    /// Whether any version uses this object of the file store.
    pub(crate) async fn object_in_use(&self, object: &str) -> Result<bool, ApiError> {
        self.store.object_in_use(object).await.map_err(from_store)
    }

    /// A version's record.
    ///
    /// # Errors
    /// `NotFound`, saying whether the runtime or the version is missing.
    async fn record(&self, runtime: &RuntimeId, version: &VersionName) -> Result<VersionRecord, ApiError> {
        if let Some(record) = self.store.version(runtime, version).await.map_err(from_store)? {
            return Ok(record);
        }
        self.runtime_record(runtime).await?;
        Err(ApiError::NotFound { what: format!("version `{version}` in runtime `{runtime}`") })
    }

    async fn runtime_record(&self, id: &RuntimeId) -> Result<RuntimeRecord, ApiError> {
        let found = self.store.runtime(id).await.map_err(from_store)?;
        found.ok_or_else(|| ApiError::NotFound { what: format!("runtime `{id}`") })
    }

    /// A runtime with all its versions, archived ones too, as they are now.
    pub(crate) async fn observe(
        &self,
        caller: &Caller,
        id: &RuntimeId,
    ) -> Result<(RuntimeSummary, Vec<Observed>), ApiError> {
        self.allow(caller, Permission::View, Some(id))?;
        let runtime = self.runtime_record(id).await?;
        let records = self.store.versions(id).await.map_err(from_store)?;
        let cached = self.cache_runtime(&runtime, &records).await?;
        let observation = self.reconciler.observe(id);
        let versions = records.into_iter().map(|record| {
            let status = observation.status(&record);
            Observed { summary: views::version_summary(&record, &status), record, status }
        });
        let versions: Vec<_> = versions.collect();
        let health = summary_cache::worst(versions.iter().map(|seen| (&seen.record.name, seen.status.health.clone())));
        Ok((views::runtime_summary(&runtime, &cached, health, &self.objects), versions))
    }

    async fn runtime_summary(&self, runtime: &RuntimeRecord) -> Result<RuntimeSummary, ApiError> {
        let cached = self.cached_runtime(runtime).await?;
        Ok(views::runtime_summary(runtime, &cached, self.health(&runtime.id, &cached), &self.objects))
    }

    async fn view(&self, record: &VersionRecord) -> Result<VersionView, ApiError> {
        let runtime = self.runtime_record(&record.runtime).await?;
        let published = self.cached_runtime(&runtime).await?.published.clone();
        let status = self.reconciler.status(record);
        let mut view = views::version_view(record, &status, published, &self.objects, self.timeouts.start);
        let of_settings = warnings::of_settings(record, &self.objects.runners, self.cluster.info().kind);
        view.warnings.extend(of_settings);
        Ok(view)
    }

    async fn cached_runtime(&self, runtime: &RuntimeRecord) -> Result<Arc<CachedRuntime>, ApiError> {
        if let Some(cached) = self.summaries.get(runtime) {
            return Ok(cached);
        }
        let records = self.store.versions(&runtime.id).await.map_err(from_store)?;
        self.cache_runtime(runtime, &records).await
    }

    async fn cache_runtime(
        &self,
        runtime: &RuntimeRecord,
        records: &[VersionRecord],
    ) -> Result<Arc<CachedRuntime>, ApiError> {
        let last_activity = self.store.last_activity(runtime).await.map_err(from_store)?;
        Ok(self.summaries.update(runtime, records, last_activity))
    }

    /// Call after every change of the store: wakes the reconciler and tells the browsers.
    fn notify_changed(&self, runtime: &RuntimeId) {
        self.reconciler.wake(runtime);
        self.changed.mark_dirty(runtime);
    }
}
