//! The store over either database: each method one transaction.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use domain::{
    ActivityEntry, ActivityFilter, Actor, CarriedValue, Failure, HistoryEntry, HistoryPage, RuntimeId, Timestamp,
    VersionName,
};

use super::{
    CommandRecord, Content, Deletion, InstallationId, NewRuntimeRecord, NewVersionRecord, Repair, RuntimeIntent,
    RuntimeRecord, Store, StoreError, StoredFile, Turn, VersionKey, VersionRecord, activity, carry, commands, config,
    content, deletion, health, history, installation, reconcile, repairs, runtimes, sql::Database, versions,
};
use crate::secret::Secret;

pub(super) struct SqlStore {
    database: Database,
}

impl SqlStore {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Makes the database's identity unless it has one.
    pub(super) async fn identify(&self) -> Result<(), StoreError> {
        let mut tx = self.database.write().await?;
        installation::ensure(&mut tx, InstallationId::random()).await?;
        tx.commit().await
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn probe(&self, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.database.write().await?;
        installation::mark_written(&mut tx, at).await?;
        tx.commit().await
    }

    async fn installation_id(&self) -> Result<InstallationId, StoreError> {
        let mut tx = self.database.read().await?;
        installation::id(&mut tx).await
    }

    async fn create_runtime(&self, new: NewRuntimeRecord) -> Result<RuntimeRecord, StoreError> {
        let mut tx = self.database.write().await?;
        let runtime = runtimes::create(&mut tx, &new).await?;
        tx.commit().await?;
        Ok(runtime)
    }

    async fn runtimes(&self) -> Result<Vec<RuntimeRecord>, StoreError> {
        let mut tx = self.database.read().await?;
        runtimes::list(&mut tx).await
    }

    async fn revisions(&self) -> Result<BTreeMap<RuntimeId, u64>, StoreError> {
        let mut tx = self.database.read().await?;
        runtimes::revisions(&mut tx).await
    }

    async fn runtime(&self, id: &RuntimeId) -> Result<Option<RuntimeRecord>, StoreError> {
        let mut tx = self.database.read().await?;
        runtimes::get(&mut tx, id).await
    }

    async fn create_version(&self, new: NewVersionRecord) -> Result<VersionRecord, StoreError> {
        let mut tx = self.database.write().await?;
        let version = versions::create(&mut tx, &new).await?;
        tx.commit().await?;
        Ok(version)
    }

    async fn content(&self, runtime: &RuntimeId, version: &VersionName) -> Result<Option<Content>, StoreError> {
        let mut tx = self.database.read().await?;
        content::get(&mut tx, runtime, version).await
    }

    async fn documents(&self, sha256: &str) -> Result<Vec<String>, StoreError> {
        let mut tx = self.database.read().await?;
        content::documents(&mut tx, sha256).await
    }

    async fn document(&self, sha256: &str, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let mut tx = self.database.read().await?;
        content::document(&mut tx, sha256, path).await
    }

    async fn carry_over(&self, runtime: &RuntimeId) -> Result<Vec<CarriedValue>, StoreError> {
        let mut tx = self.database.read().await?;
        carry::offered(&mut tx, runtime).await
    }

    async fn versions(&self, runtime: &RuntimeId) -> Result<Vec<VersionRecord>, StoreError> {
        let mut tx = self.database.read().await?;
        versions::list(&mut tx, runtime).await
    }

    async fn version(&self, runtime: &RuntimeId, name: &VersionName) -> Result<Option<VersionRecord>, StoreError> {
        let mut tx = self.database.read().await?;
        versions::get(&mut tx, runtime, name).await
    }

    async fn object_in_use(&self, object: &str) -> Result<bool, StoreError> {
        let mut tx = self.database.read().await?;
        versions::object_in_use(&mut tx, object).await
    }

    async fn objects(&self) -> Result<BTreeSet<String>, StoreError> {
        let mut tx = self.database.read().await?;
        versions::objects(&mut tx).await
    }

    async fn command(
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

    async fn set_config(
        &self,
        runtime: &RuntimeId,
        version: &VersionName,
        values: BTreeMap<String, Option<Secret>>,
        by: Actor,
        comment: Option<String>,
        at: Timestamp,
    ) -> Result<VersionRecord, StoreError> {
        let mut tx = self.database.write().await?;
        let (version, changed) = config::set(&mut tx, (runtime, version), &values, &by, comment.as_deref(), at).await?;
        tx.commit_if(changed).await?;
        Ok(version)
    }

    async fn delete_version(
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

    async fn delete_runtime(&self, runtime: &RuntimeId, deletion: Deletion) -> Result<(), StoreError> {
        let mut tx = self.database.write().await?;
        deletion::runtime(&mut tx, runtime, &deletion).await?;
        tx.commit().await
    }

    async fn archived_before(&self, before: Timestamp) -> Result<Vec<(RuntimeId, VersionName)>, StoreError> {
        let mut tx = self.database.read().await?;
        deletion::archived_before(&mut tx, before).await
    }

    async fn reveal(
        &self,
        runtime: &RuntimeId,
        version: &VersionName,
        name: &str,
        by: Actor,
        at: Timestamp,
    ) -> Result<Option<Secret>, StoreError> {
        let mut tx = self.database.write().await?;
        let value = config::reveal(&mut tx, (runtime, version), name, &by, at).await?;
        tx.commit_if(value.is_some()).await?;
        Ok(value)
    }

    async fn history(
        &self,
        runtime: &RuntimeId,
        version: &VersionName,
        page: &HistoryPage,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let mut tx = self.database.read().await?;
        let version = versions::require(&mut tx, runtime, version).await?;
        history::list(&mut tx, version.key, page).await
    }

    async fn activity(&self, filter: &ActivityFilter) -> Result<Vec<ActivityEntry>, StoreError> {
        let mut tx = self.database.read().await?;
        activity::page(&mut tx, filter).await
    }

    async fn last_activity(&self, runtime: &RuntimeRecord) -> Result<Option<ActivityEntry>, StoreError> {
        let mut tx = self.database.read().await?;
        activity::last(&mut tx, runtime).await
    }

    async fn intent(&self, runtime: &RuntimeId) -> Result<Option<RuntimeIntent>, StoreError> {
        let mut tx = self.database.read().await?;
        versions::intent(&mut tx, runtime).await
    }

    async fn settle(&self, version: VersionKey, generation: u64, at: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.database.write().await?;
        let applied = reconcile::settle(&mut tx, version, generation, at).await?;
        tx.commit_if(applied).await
    }

    async fn fail_start(
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

    async fn set_repairs(
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

    async fn turn(&self, version: VersionKey, generation: u64, turn: Turn, at: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.database.write().await?;
        let applied = health::turn(&mut tx, version, generation, &turn, at).await?;
        tx.commit_if(applied).await
    }

    async fn times_degraded(&self, version: VersionKey, since: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.database.read().await?;
        health::times_degraded(&mut tx, version, since).await
    }

    async fn settle_publication(
        &self,
        runtime: &RuntimeId,
        target: Option<VersionKey>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.database.write().await?;
        let applied = reconcile::settle_publication(&mut tx, runtime, target, at).await?;
        tx.commit_if(applied).await
    }

    async fn fail_publish(
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
