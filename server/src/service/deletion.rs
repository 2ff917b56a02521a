//! Deleting versions and runtimes, on somebody's behalf or because a version has been archived for long enough.

use std::time::Duration;

use domain::{ApiError, Caller, Deleted, RuntimeId, Timestamp, VersionName, access::Permission};

use super::{Service, error_chain, errors::from_store, input};
use crate::store::Deletion;

impl Service {
    pub(super) async fn delete_with(
        &self,
        runtime: &RuntimeId,
        version: &VersionName,
        deletion: Deletion,
    ) -> Result<(), ApiError> {
        let file = self.store.delete_version(runtime, version, deletion).await.map_err(from_store)?;
        // The version is gone whatever becomes of its file: one that is left is removed at the next start.
        if let Err(error) = self.remove_unused(&file.object).await {
            tracing::warn!("could not remove {} of the deleted version {runtime}/{version}: {error}", file.object);
        }
        self.notify_deleted(Deleted { runtime: runtime.clone(), version: Some(version.clone()) });
        Ok(())
    }

    /// An upload of an identical file puts it in its place before it adds its version. Until it has, nothing is removed.
    async fn remove_unused(&self, object: &str) -> Result<(), ApiError> {
        let _additions_blocked = self.files.block_additions().await;
        if !self.object_in_use(object).await? {
            self.files.remove(object).await.map_err(super::from_files)?;
        }
        Ok(())
    }

    pub(crate) async fn delete_runtime(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        comment: Option<String>,
    ) -> Result<(), ApiError> {
        self.allow(caller, Permission::DeleteRuntime, Some(runtime))?;
        // With the runtime it would be forgotten whose they are.
        if let Some(left) = self.reconciler.messages_left(runtime) {
            let reason = format!("runtime `{runtime}` cannot be deleted yet: {left}");
            return Err(ApiError::Busy { reason, retry_after_secs: 5 });
        }
        let namespace = self.objects.namespace(runtime);
        let detail = Some(format!("namespace {namespace} stays in the cluster"));
        let deletion =
            Deletion { caller: caller.clone(), comment: input::comment(comment)?, detail, at: Timestamp::now() };
        self.store.delete_runtime(runtime, deletion).await.map_err(from_store)?;
        self.summaries.remove(runtime);
        self.notify_deleted(Deleted { runtime: runtime.clone(), version: None });
        Ok(())
    }

    /// Deletes the versions that were archived this long ago, or longer.
    ///
    /// # Errors
    /// When the database fails. What cannot be deleted by itself is logged, and left to the next time.
    pub async fn delete_archived(&self, retention: Duration) -> Result<(), ApiError> {
        let now = Timestamp::now();
        let before = now.checked_sub(retention).unwrap_or(Timestamp::MIN);
        for (runtime, version) in self.store.archived_before(before).await.map_err(from_store)? {
            let kept = humantime::format_duration(retention);
            let detail = Some(format!("archived for longer than {kept} (KAI_ARCHIVED_RETENTION)"));
            let deletion = Deletion { caller: Caller::server(), comment: None, detail, at: now };
            match self.delete_with(&runtime, &version, deletion).await {
                Ok(()) => tracing::info!("deleted {runtime}/{version}, archived for longer than {kept}"),
                // Somebody was quicker.
                Err(ApiError::NotFound { .. }) => {}
                Err(error) => tracing::warn!("could not delete {runtime}/{version}: {}", error_chain(&error)),
            }
        }
        Ok(())
    }

    fn notify_deleted(&self, deleted: Deleted) {
        self.notify_changed(&deleted.runtime);
        // Nobody listening is no error.
        let _ = self.deletions.send(deleted);
    }
}
