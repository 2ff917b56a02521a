//! Summaries of runtimes, cached by revision: a list of a thousand runtimes does not read all their versions each time.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use domain::{ActivityEntry, Health, RuntimeId, Timestamp, VersionName, VersionState};

use crate::store::{RuntimeRecord, VersionRecord};

/// The last [`CachedRuntime`] of each runtime, with the revision that it was read at.
#[derive(Default)]
pub(super) struct RuntimeSummaryCache(Mutex<HashMap<RuntimeId, (u64, Arc<CachedRuntime>)>>);

impl RuntimeSummaryCache {
    /// None when the runtime has changed since.
    pub(super) fn get(&self, runtime: &RuntimeRecord) -> Option<Arc<CachedRuntime>> {
        let (revision, cached) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&runtime.id).cloned()?;
        // A runtime that was deleted may have had the same id.
        let is_current = revision == runtime.revision && cached.runtime_created_at == runtime.created_at;
        is_current.then_some(cached)
    }

    /// Derives the runtime's entry from its versions, and keeps it.
    pub(super) fn update(
        &self,
        runtime: &RuntimeRecord,
        versions: &[VersionRecord],
        last_activity: Option<ActivityEntry>,
    ) -> Arc<CachedRuntime> {
        let cached = Arc::new(CachedRuntime::of(runtime, versions, last_activity));
        // The versions were read after the runtime. If one of them is newer, this mixes two revisions: not kept, so that
        // nobody takes it for the older one.
        if versions.iter().all(|version| version.revision <= runtime.revision) {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(runtime.id.clone(), (runtime.revision, Arc::clone(&cached)));
        }
        cached
    }

    pub(super) fn remove(&self, runtime: &RuntimeId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(runtime);
    }
}

/// What summaries and the search take from a runtime's records.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CachedRuntime {
    pub(super) runtime_created_at: Timestamp,
    pub(super) published: Option<VersionName>,
    pub(super) switching: bool,
    pub(super) states: BTreeMap<VersionState, u32>,
    /// All versions with their states.
    pub(super) names: Vec<(VersionName, VersionState)>,
    /// The versions that are neither stopped nor archived, whose health depends on what is observed now. Without the
    /// fields that only their own pages show.
    pub(super) running: Vec<VersionRecord>,
    pub(super) last_activity: Option<ActivityEntry>,
}

impl CachedRuntime {
    fn of(runtime: &RuntimeRecord, versions: &[VersionRecord], last_activity: Option<ActivityEntry>) -> Self {
        let mut cached = Self {
            runtime_created_at: runtime.created_at,
            published: None,
            switching: runtime.publication.switching(),
            states: BTreeMap::new(),
            names: Vec::with_capacity(versions.len()),
            running: Vec::new(),
            last_activity,
        };
        for version in versions {
            let state = version.state();
            *cached.states.entry(state).or_default() += 1;
            if Some(version.key) == runtime.publication.serving {
                cached.published = Some(version.name.clone());
            }
            if !matches!(state, VersionState::Archived | VersionState::Stopped) {
                cached.running.push(without_content(version));
            }
            cached.names.push((version.name.clone(), state));
        }
        cached
    }

    /// How many versions are not archived.
    pub(super) fn versions(&self) -> u32 {
        self.states.iter().filter(|(state, _)| **state != VersionState::Archived).map(|(_, count)| count).sum()
    }
}

fn without_content(version: &VersionRecord) -> VersionRecord {
    VersionRecord {
        manifest_text: String::new(),
        warnings: Vec::new(),
        config: BTreeMap::new(),
        failure: None,
        ..version.clone()
    }
}

/// The worst health of these versions; its reason names the version.
pub(super) fn worst<'a>(of: impl Iterator<Item = (&'a VersionName, Health)>) -> Health {
    let rank = |health: &Health| match health {
        Health::None => 0,
        Health::Healthy => 1,
        Health::Unknown { .. } => 2,
        Health::Degraded { .. } => 3,
    };
    of.fold(Health::None, |worst, (name, health)| {
        if rank(&health) <= rank(&worst) {
            return worst;
        }
        match health {
            Health::Degraded { reason } => Health::Degraded { reason: format!("{name}: {reason}") },
            other => other,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_is_as_healthy_as_the_worst_of_its_versions() {
        let names: Vec<VersionName> = ["v1", "v2", "v3"].iter().map(|name| name.parse().unwrap()).collect();
        let degraded = |reason: &str| Health::Degraded { reason: reason.to_owned() };
        let of = |healths: [Health; 3]| worst(names.iter().zip(healths));
        assert_eq!(of([Health::None, Health::None, Health::None]), Health::None);
        assert_eq!(of([Health::Healthy, Health::None, Health::Healthy]), Health::Healthy);
        let unknown = || Health::Unknown { reason: "access denied".to_owned() };
        assert_eq!(of([Health::Healthy, unknown(), Health::None]), unknown());
        assert_eq!(of([Health::Healthy, degraded("it crashes"), degraded("no memory")]), degraded("v2: it crashes"));
    }
}
