//! What is kept of a runtime's versions for as long as its revision stands: a list of a thousand runtimes need not read
//! all their versions each time.

use std::collections::BTreeMap;

use domain::{ActivityEntry, Health, Timestamp, VersionName, VersionState};

use crate::store::{RuntimeRecord, VersionRecord};

/// What summaries of a runtime and looking for versions take from its records.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Digest {
    pub(super) runtime_created_at: Timestamp,
    pub(super) published: Option<VersionName>,
    pub(super) switching: bool,
    pub(super) states: BTreeMap<VersionState, u32>,
    /// All, with their states.
    pub(super) names: Vec<(VersionName, VersionState)>,
    /// The records of those that are neither stopped nor archived, without what only their own screens show: how they
    /// are doing depends on what is observed now.
    pub(super) running: Vec<VersionRecord>,
    pub(super) last_activity: Option<ActivityEntry>,
}

impl Digest {
    pub(super) fn of(runtime: &RuntimeRecord, versions: &[VersionRecord], last: Option<ActivityEntry>) -> Self {
        let mut digest = Self {
            runtime_created_at: runtime.created_at,
            published: None,
            switching: runtime.publication.switching(),
            states: BTreeMap::new(),
            names: Vec::with_capacity(versions.len()),
            running: Vec::new(),
            last_activity: last,
        };
        for version in versions {
            let state = version.state();
            *digest.states.entry(state).or_default() += 1;
            if Some(version.key) == runtime.publication.serving {
                digest.published = Some(version.name.clone());
            }
            if !matches!(state, VersionState::Archived | VersionState::Stopped) {
                digest.running.push(without_content(version));
            }
            digest.names.push((version.name.clone(), state));
        }
        digest
    }

    /// Versions that are not archived.
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

/// The worst of these, with the name of the version that it is of.
pub(super) fn worst<'a>(of: impl Iterator<Item = (&'a VersionName, Health)>) -> Health {
    let rank = |health: &Health| match health {
        Health::None => 0,
        Health::Healthy => 1,
        Health::Unknown => 2,
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
        assert_eq!(of([Health::Healthy, Health::Unknown, Health::None]), Health::Unknown);
        assert_eq!(of([Health::Healthy, degraded("it crashes"), degraded("no memory")]), degraded("v2: it crashes"));
    }
}
