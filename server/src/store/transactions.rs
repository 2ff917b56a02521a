//! [`Store`]: the only way to the database. The statements are in the modules beside this one.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use domain::{
    ActivityEntry, ActivityFilter, Caller, Failure, Generation, HistoryEntry, HistoryPage, InheritedValue, RuntimeId,
    Timestamp, VersionName, access::Visible,
};

use super::{
    CallRecord, CommandRecord, Content, Deletion, HealthTransition, InstallationId, NewRuntimeRecord, NewVersion,
    Repair, RuntimeIntent, RuntimeRecord, StoreError, StoredFile, VersionKey, VersionRecord, activity, calls, commands,
    config, content, deletion, generation, health, history, inherit, installation, measurements, messaging, reconcile,
    repairs, runtimes, sql::Database, versions,
};
use crate::secret::Secret;

/// State in a database: SQLite or PostgreSQL. Each method is one transaction.
///
/// What the reconciler records (`settle`, `fail_start`, `set_repairs`, `record_health`, `settle_publication`,
/// `fail_publish`) answers whether it still applied. `false` means that the intent has changed since it was read, and that
/// nothing was written.
pub struct Store {
    pub(super) database: Database,
}

impl Store {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Gives the database an identity unless it has one.
    pub(super) async fn identify(&self) -> Result<(), StoreError> {
        let mut tx = self.database.write().await?;
        installation::ensure(&mut tx, InstallationId::random()).await?;
        tx.commit().await
    }

    /// Asks the database whether it is there and can be written to, by writing the time down.
    pub async fn probe(&self, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.database.write().await?;
        installation::mark_written(&mut tx, at).await?;
        tx.commit().await
    }

    /// The identity of this database. It never changes.
    pub async fn installation_id(&self) -> Result<InstallationId, StoreError> {
        let mut tx = self.database.read().await?;
        installation::id(&mut tx).await
    }

    /// `Taken` when the id or the name is.
    pub async fn create_runtime(&self, new: NewRuntimeRecord) -> Result<RuntimeRecord, StoreError> {
        let mut tx = self.database.write().await?;
        let runtime = runtimes::create(&mut tx, &new).await?;
        tx.commit().await?;
        Ok(runtime)
    }

    /// All, by name.
    pub async fn runtimes(&self) -> Result<Vec<RuntimeRecord>, StoreError> {
        let mut tx = self.database.read().await?;
        runtimes::list(&mut tx).await
    }

    /// The revision of each, which tells whether anything of it has changed, without reading what.
    pub async fn revisions(&self) -> Result<BTreeMap<RuntimeId, u64>, StoreError> {
        let mut tx = self.database.read().await?;
        runtimes::revisions(&mut tx).await
    }

    pub async fn runtime(&self, id: &RuntimeId) -> Result<Option<RuntimeRecord>, StoreError> {
        let mut tx = self.database.read().await?;
        runtimes::get(&mut tx, id).await
    }

    /// Adds a stopped version, with the configuration that it inherits and its `create` history entry, which names
    /// that. A value that is too large ([`CONFIG_MAX_BYTES`],
    /// [`super::ENVIRONMENT_STRING_MAX_BYTES`]) is left out with a warning. `Taken` when the runtime has one of that name,
    /// `NotFound` when there is no such runtime.
    pub async fn create_version(&self, new: NewVersion) -> Result<VersionRecord, StoreError> {
        let mut tx = self.database.write().await?;
        let version = versions::create(&mut tx, &new).await?;
        tx.commit().await?;
        Ok(version)
    }

    /// None for a version that was added before this was kept, and for one that there is not.
    pub async fn content(&self, runtime: &RuntimeId, version: &VersionName) -> Result<Option<Content>, StoreError> {
        let mut tx = self.database.read().await?;
        content::get(&mut tx, runtime, version).await
    }

    /// The paths (`docs/…`) of the documentation in the KRT file of this SHA-256, sorted.
    pub async fn documents(&self, sha256: &str) -> Result<Vec<String>, StoreError> {
        let mut tx = self.database.read().await?;
        content::documents(&mut tx, sha256).await
    }

    /// One of them.
    pub async fn document(&self, sha256: &str, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let mut tx = self.database.read().await?;
        content::document(&mut tx, sha256, path).await
    }

    /// What is stored of a version's measurements from one minute (since 1970) to before another, in order.
    pub async fn measurements(
        &self,
        version: VersionKey,
        from: i64,
        until: i64,
    ) -> Result<Vec<(i64, String)>, StoreError> {
        let mut tx = self.database.read().await?;
        measurements::list(&mut tx, version, from, until).await
    }

    /// Stores for each of these minutes what `add` makes of its place in the list and of what is stored, and removes all
    /// minutes before `oldest`, of whatever version. A version that is gone is left out.
    pub async fn add_measurements(
        &self,
        minutes: &[(VersionKey, i64)],
        add: impl FnMut(usize, Option<&str>) -> String + Send,
        oldest: i64,
    ) -> Result<(), StoreError> {
        let mut tx = self.database.write().await?;
        measurements::add(&mut tx, minutes, add, oldest).await?;
        tx.commit().await
    }

    /// What [`Store::create_version`] takes over at most, by name.
    pub async fn inheritable_config(&self, runtime: &RuntimeId) -> Result<Vec<InheritedValue>, StoreError> {
        let mut tx = self.database.read().await?;
        inherit::offered(&mut tx, runtime).await
    }

    /// Those of one runtime, archived ones too, newest first.
    pub async fn versions(&self, runtime: &RuntimeId) -> Result<Vec<VersionRecord>, StoreError> {
        let mut tx = self.database.read().await?;
        versions::list(&mut tx, runtime).await
    }

    pub async fn version(&self, runtime: &RuntimeId, name: &VersionName) -> Result<Option<VersionRecord>, StoreError> {
        let mut tx = self.database.read().await?;
        versions::get(&mut tx, runtime, name).await
    }

    /// Whether a version uses this object; an unused one may be deleted.
    pub async fn object_in_use(&self, object: &str) -> Result<bool, StoreError> {
        let mut tx = self.database.read().await?;
        versions::object_in_use(&mut tx, object).await
    }

    /// All objects that versions use.
    pub async fn objects(&self) -> Result<BTreeSet<String>, StoreError> {
        let mut tx = self.database.read().await?;
        versions::objects(&mut tx).await
    }

    /// Decides (domain's `decide`), changes the intent, and writes the history, all or nothing. A `start` is refused with
    /// `ConfigIncomplete` when a value is missing; it clears the failure. `publish` and `unpublish` set the runtime's
    /// publication target. Each change of `desired` begins a new, unsettled generation, but for `archive`, which is
    /// settled at once. A pending history entry of the same version that this cuts short becomes `Cancelled`.
    pub async fn command(
        &self,
        runtime: &RuntimeId,
        version: &VersionName,
        command: CommandRecord,
    ) -> Result<VersionRecord, StoreError> {
        let mut tx = self.database.write().await?;
        let version = commands::command(&mut tx, runtime, version, &command).await?;
        tx.commit().await?;
        Ok(version)
    }

    /// Sets (or with `None` removes) values, with a `configure` entry that names them but not their values. The names
    /// have been checked against the manifest. Values that are so already are left out; when none is left, nothing is
    /// written. `ConfigIncomplete` when it would take a value from a version that is meant to run, `ConfigTooLarge` when
    /// there would be more than [`CONFIG_MAX_BYTES`], `Archived` when the version is.
    pub async fn set_config(
        &self,
        runtime: &RuntimeId,
        version: &VersionName,
        values: BTreeMap<String, Option<Secret>>,
        caller: &Caller,
        comment: Option<String>,
        at: Timestamp,
    ) -> Result<VersionRecord, StoreError> {
        let mut tx = self.database.write().await?;
        let (version, changed) =
            config::set(&mut tx, (runtime, version), &values, caller, comment.as_deref(), at).await?;
        tx.commit_if(changed).await?;
        Ok(version)
    }

    /// Chooses the generation of a stopped version's runner images, or with none leaves it to the manifest and the images,
    /// with a `configure` entry. `NotStopped` in any other state.
    pub async fn choose_generation(
        &self,
        runtime: &RuntimeId,
        version: &VersionName,
        chosen: Option<Generation>,
        caller: &Caller,
        at: Timestamp,
    ) -> Result<VersionRecord, StoreError> {
        let mut tx = self.database.write().await?;
        let (version, changed) = generation::choose(&mut tx, (runtime, version), chosen, caller, at).await?;
        tx.commit_if(changed).await?;
        Ok(version)
    }

    /// Deletes an archived version with its configuration and what is kept of its file, and returns which file that is:
    /// the caller removes it when [`Store::object_in_use`] says that no other version has it. `Refused` when it is not
    /// archived.
    pub async fn delete_version(
        &self,
        runtime: &RuntimeId,
        version: &VersionName,
        deletion: Deletion,
    ) -> Result<StoredFile, StoreError> {
        let mut tx = self.database.write().await?;
        let file = deletion::version(&mut tx, runtime, version, &deletion).await?;
        tx.commit().await?;
        Ok(file)
    }

    /// `NotEmpty` while it has versions.
    pub async fn delete_runtime(&self, runtime: &RuntimeId, deletion: Deletion) -> Result<(), StoreError> {
        let mut tx = self.database.write().await?;
        deletion::runtime(&mut tx, runtime, &deletion).await?;
        tx.commit().await
    }

    /// The archived versions that became so before this time.
    pub async fn archived_before(&self, before: Timestamp) -> Result<Vec<(RuntimeId, VersionName)>, StoreError> {
        let mut tx = self.database.read().await?;
        deletion::archived_before(&mut tx, before).await
    }

    /// A value, for somebody who is to see it, with a `reveal` entry that names it. None, and nothing written, when it is
    /// not set.
    pub async fn reveal(
        &self,
        runtime: &RuntimeId,
        version: &VersionName,
        name: &str,
        caller: &Caller,
        at: Timestamp,
    ) -> Result<Option<Secret>, StoreError> {
        let mut tx = self.database.write().await?;
        let value = config::reveal(&mut tx, (runtime, version), name, caller, at).await?;
        tx.commit_if(value.is_some()).await?;
        Ok(value)
    }

    /// Adds a call to the history of the version, unless that is gone.
    pub async fn add_call(&self, version: VersionKey, call: CallRecord) -> Result<(), StoreError> {
        let mut tx = self.database.write().await?;
        let added = calls::add(&mut tx, version, &call).await?;
        tx.commit_if(added).await.map(drop)
    }

    /// Newest first. A `configure` entry's comment ends with which names were set and removed. `NotFound` when there is
    /// no such version.
    pub async fn history(
        &self,
        runtime: &RuntimeId,
        version: &VersionName,
        page: &HistoryPage,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let mut tx = self.database.read().await?;
        let version = versions::require(&mut tx, runtime, version).await?;
        history::list(&mut tx, version.key, page).await
    }

    /// What happened to all versions and what became of it, newest first, as far as the filter lets it through. What
    /// follows an entry that does not exist (`before`) is nothing.
    pub async fn activity(
        &self,
        filter: &ActivityFilter,
        visible: Visible<'_>,
    ) -> Result<Vec<ActivityEntry>, StoreError> {
        let mut tx = self.database.read().await?;
        activity::visible_page(&mut tx, filter, visible).await
    }

    /// The newest entry of this runtime and its versions, deleted ones too.
    pub async fn last_activity(&self, runtime: &RuntimeRecord) -> Result<Option<ActivityEntry>, StoreError> {
        let mut tx = self.database.read().await?;
        activity::last(&mut tx, runtime).await
    }

    pub async fn intent(&self, runtime: &RuntimeId) -> Result<Option<RuntimeIntent>, StoreError> {
        let mut tx = self.database.read().await?;
        versions::intent(&mut tx, runtime).await
    }

    /// The cluster has reached `desired` in this generation: the pending start or stop is `Reached`.
    pub async fn settle(&self, version: VersionKey, generation: u64, at: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.database.write().await?;
        let applied = reconcile::settle(&mut tx, version, generation, at).await?;
        tx.commit_if(applied).await
    }

    /// The start of this generation failed: `desired` becomes stopped in a new, unsettled generation with the deadline
    /// `stop_by`, the reason is kept, the pending start is `Failed`, and kai-server's stop is pending.
    pub async fn fail_start(
        &self,
        version: VersionKey,
        generation: u64,
        failure: Failure,
        stop_by: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.database.write().await?;
        let applied = reconcile::fail_start(&mut tx, version, generation, &failure, stop_by).await?;
        tx.commit_if(applied).await
    }

    /// Makes the repairs that are under way of a version that runs exactly these: entries by kai-server, pending until
    /// they are left out here. The same repair of an object that was put back a moment ago goes on in its last entry.
    pub async fn set_repairs(
        &self,
        version: VersionKey,
        generation: u64,
        repairs: Vec<Repair>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.database.write().await?;
        let applied = repairs::set(&mut tx, version, generation, &repairs, at).await?;
        tx.commit_if(applied).await
    }

    /// Messaging does not answer since then, if that is not known already.
    pub async fn messaging_lost(&self, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.database.write().await?;
        let changed = messaging::lost(&mut tx, at).await?;
        tx.commit_if(changed).await?;
        Ok(())
    }

    /// Messaging answers again. If it was away for longer than runners survive, the pods of all versions that are meant to
    /// run have to restart: each gets `pods_restarted_at` and an entry, and the answer is their runtimes.
    pub async fn messaging_back(&self, at: Timestamp, survived: Duration) -> Result<BTreeSet<RuntimeId>, StoreError> {
        let mut tx = self.database.write().await?;
        let restarted = messaging::back(&mut tx, at, survived).await?;
        tx.commit_if(restarted.is_some()).await?;
        Ok(restarted.unwrap_or_default())
    }

    /// Adds that a version that runs has begun to fail, or has recovered. Applies only when it is recorded otherwise.
    pub async fn record_health(
        &self,
        version: VersionKey,
        generation: u64,
        transition: HealthTransition,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.database.write().await?;
        let applied = health::record(&mut tx, version, generation, &transition, at).await?;
        tx.commit_if(applied).await
    }

    /// How often it is recorded as having begun to fail since then.
    pub async fn times_degraded(&self, version: VersionKey, since: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.database.read().await?;
        health::times_degraded(&mut tx, version, since).await
    }

    /// The entrypoint has been seen to serve exactly the publication's target: `serving` becomes `target`, the pending
    /// publish or unpublish is `Reached`, `published_at` is set, and the version that this one replaced gets a
    /// `Superseded` unpublish. Applies only while `target` is the given one.
    pub async fn settle_publication(
        &self,
        runtime: &RuntimeId,
        target: Option<VersionKey>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.database.write().await?;
        let applied = reconcile::settle_publication(&mut tx, runtime, target, at).await?;
        tx.commit_if(applied).await
    }

    /// The publish of `target` failed: the target becomes what is serving again, the reason is kept on the version, the
    /// pending publish is `Failed`. Applies only while `target` is the given one and not serving.
    pub async fn fail_publish(
        &self,
        runtime: &RuntimeId,
        target: VersionKey,
        failure: Failure,
    ) -> Result<bool, StoreError> {
        let mut tx = self.database.write().await?;
        let applied = reconcile::fail_publish(&mut tx, runtime, target, &failure).await?;
        tx.commit_if(applied).await
    }
}
