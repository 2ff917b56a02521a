//! Lists that are answered part by part, and looking for a version among all.

use domain::{
    ApiError, Caller, Command, Health, MatchedVersion, RuntimeId, SearchResult, VersionPage, VersionQuery,
    VersionState, VersionSummary, access::Permission, allowed_actions,
};

use super::{Service, errors::from_store, input, summary_cache, views};
use crate::store::VersionRecord;

/// How many places are answered at most: more than a person reads.
const MAX_FOUND: usize = 40;
/// The most that one answer lists.
const MAX_PAGE: u32 = 1_000;

impl Service {
    pub(crate) async fn version_page(
        &self,
        caller: &Caller,
        id: &RuntimeId,
        query: &VersionQuery,
    ) -> Result<VersionPage, ApiError> {
        self.allow(caller, Permission::View, Some(id))?;
        input::without_nul("text", &query.text)?;
        let runtime = self.runtime_record(id).await?;
        let mut records = self.store.versions(id).await.map_err(from_store)?;
        // The store gives the newest first, and sorting keeps that order among equals.
        records.sort_by_key(|record| match record.state() {
            VersionState::Published => 0,
            VersionState::Archived => 2,
            _ => 1,
        });
        let observation = self.reconciler.observe(id);
        let summary = |record: &VersionRecord| views::version_summary(record, &observation.status(record));
        let matching: Vec<_> = records
            .iter()
            .filter(|record| query.matches(record.state(), &record.name, &record.manifest.description))
            .collect();
        let limit = usize::try_from(query.limit.clamp(1, MAX_PAGE)).unwrap_or(usize::MAX);
        let versions: Vec<VersionSummary> = matching.iter().take(limit).map(|record| summary(record)).collect();
        let serving = runtime.publication.serving;
        let published = records.iter().find(|record| Some(record.key) == serving);
        let previous = records
            .iter()
            .filter(|record| Some(record.key) != serving && record.state() != VersionState::Archived)
            .filter(|record| record.published_at.is_some())
            .max_by_key(|record| record.published_at);
        Ok(VersionPage {
            versions,
            matching: u32::try_from(matching.len()).unwrap_or(u32::MAX),
            published: published.map(summary),
            previous: previous.map(summary),
        })
    }

    /// Runtimes, versions and what their states allow, that have every word of `text` in their names. Runtimes first.
    pub(crate) async fn find(&self, caller: &Caller, text: &str) -> Result<Vec<SearchResult>, ApiError> {
        input::without_nul("text", text)?;
        let (mut runtimes, mut versions, mut commands) = (Vec::new(), Vec::new(), Vec::new());
        for runtime in self.visible_runtimes(caller).await? {
            let cached = self.cached_runtime(&runtime).await?;
            let found = |version| SearchResult {
                runtime: runtime.id.clone(),
                runtime_name: runtime.name.clone(),
                published: cached.published.clone(),
                version,
            };
            runtimes.extend(Some(found(None)).filter(|found| found.matches(text)));
            for (version, state) in &cached.names {
                let version_found = |command| MatchedVersion { name: version.clone(), state: *state, command };
                versions.extend(Some(found(Some(version_found(None)))).filter(|found| found.matches(text)));
                // Without a word there would be as many as there are versions.
                if text.trim().is_empty() {
                    continue;
                }
                let may = |command: &Command| caller.check((*command).into(), Some(&runtime.id)).is_ok();
                let allowed = allowed_actions(*state, cached.switching).into_iter().filter(may);
                let actions = allowed.map(|command| found(Some(version_found(Some(command)))));
                commands.extend(actions.filter(|found| found.matches(text)));
            }
            if runtimes.len() >= MAX_FOUND {
                break;
            }
        }
        // Some room for each kind, however many there are of another.
        let third = MAX_FOUND / 3;
        runtimes.truncate(third);
        versions.truncate(third.max(MAX_FOUND - runtimes.len() - commands.len().min(third)));
        commands.truncate(MAX_FOUND.saturating_sub(runtimes.len() + versions.len()));
        Ok(runtimes.into_iter().chain(versions).chain(commands).collect())
    }

    /// The worst health of the runtime's versions, as observed now.
    pub(super) fn health(&self, runtime: &RuntimeId, cached: &summary_cache::CachedRuntime) -> Health {
        let observation = self.reconciler.observe(runtime);
        summary_cache::worst(cached.running.iter().map(|record| (&record.name, observation.status(record).health)))
    }
}
