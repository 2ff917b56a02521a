//! When the history says that a version has begun to fail, or has recovered.
//!
//! What is shown changes at once; the history waits a little, so that it has one entry for each time that something was
//! wrong and not one for each look. Whether a version is recorded as degraded is read from the store: only how long it
//! has been otherwise is remembered, so a server that ends meanwhile writes the entry later, and never twice.

use std::{sync::PoisonError, time::Duration};

use domain::{Health, Timestamp};

use super::{Inner, observed::Observed, status};
use crate::store::{HealthTransition, RuntimeIntent, StoreError, VersionRecord};

/// How long a version has to fail before it is recorded: Deployments are behind their pods for moments.
const DEGRADED_FOR: Duration = Duration::from_secs(1);
/// How long it has to run again before that is recorded, after the first time in [`EPISODE_WINDOW`]; twice as long after each
/// further time. A pod that crashes, runs and crashes again is one episode and not thousands.
const STABLE_FOR: Duration = Duration::from_secs(5);
const MAX_STABLE_FOR: Duration = Duration::from_secs(600);
const EPISODE_WINDOW: Duration = Duration::from_secs(3600);
/// Of a reason; a message of Kubernetes may be longer.
const MAX_REASON_CHARS: usize = 500;

/// Records what has to be, and returns when there may be more even if nothing happens.
pub(super) async fn record(
    inner: &Inner,
    intent: &RuntimeIntent,
    observed: &Observed,
) -> Result<Option<Timestamp>, StoreError> {
    let now = Timestamp::now();
    let mut next: Option<Timestamp> = None;
    for version in &intent.versions {
        let Some((transition, since)) = pending_health(inner, version, observed, now) else { continue };
        let wait = match &transition {
            HealthTransition::Degraded { .. } => DEGRADED_FOR,
            HealthTransition::Healed { .. } => {
                let remembered = now.checked_sub(EPISODE_WINDOW).unwrap_or(Timestamp::MIN);
                stable_for(inner.store.times_degraded(version.key, remembered).await?)
            }
        };
        let due = since.checked_add(wait).unwrap_or(Timestamp::MAX);
        if due > now {
            next = Some(next.map_or(due, |known| known.min(due)));
            continue;
        }
        if inner.store.record_health(version.key, version.generation, transition, since).await? {
            tracing::info!(runtime = %version.runtime, version = %version.name, "recorded how the version is doing");
            inner.changed.mark_dirty(&version.runtime);
        }
        forget(inner, version);
    }
    Ok(next)
}

/// What would have to be recorded if it stays like this, and since when it is.
fn pending_health(
    inner: &Inner,
    version: &VersionRecord,
    observed: &Observed,
    now: Timestamp,
) -> Option<(HealthTransition, Timestamp)> {
    let mut memory = inner.memory.lock().unwrap_or_else(PoisonError::into_inner);
    let status = status::derive(version, observed, memory.last_error_of(version).as_deref(), &memory.crash_logs, now);
    let (fails, recorded) = match (status.health, version.degraded_since) {
        (Health::Degraded { reason }, None) => (Some(reason), now),
        (Health::Healthy, Some(degraded)) => (None, degraded),
        _ => {
            memory.pending_health.remove(&version.key);
            return None;
        }
    };
    let since = *memory.pending_health.entry(version.key).or_insert(now);
    let transition = match fails {
        Some(reason) => HealthTransition::Degraded { reason: reason.chars().take(MAX_REASON_CHARS).collect() },
        None => HealthTransition::Healed { after: after(recorded, since) },
    };
    Some((transition, since))
}

fn forget(inner: &Inner, version: &VersionRecord) {
    let mut memory = inner.memory.lock().unwrap_or_else(PoisonError::into_inner);
    memory.pending_health.remove(&version.key);
}

fn stable_for(times_degraded: u64) -> Duration {
    let doublings = u32::try_from(times_degraded.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    STABLE_FOR.saturating_mul(1 << doublings).min(MAX_STABLE_FOR)
}

fn after(from: Timestamp, to: Timestamp) -> String {
    let secs = to.duration_since(from).as_secs().max(0);
    let (hours, minutes, secs) = (secs / 3600, secs / 60 % 60, secs % 60);
    match (hours, minutes) {
        (0, 0) => format!("after {secs} s"),
        (0, minutes) => format!("after {minutes} min {secs} s"),
        (hours, minutes) => format!("after {hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_often_it_failed_the_longer_it_has_to_run() {
        let waits = [0, 1, 2, 3, 8, 20, u64::MAX].map(|times| stable_for(times).as_secs());
        assert_eq!(waits, [5, 5, 10, 20, 600, 600, 600]);
    }

    #[test]
    fn how_long_it_failed_is_said_in_two_units_at_most() {
        let said = [0, 59, 60, 125, 3_600, 93_784]
            .map(|secs| after(Timestamp::UNIX_EPOCH, Timestamp::from_second(secs).unwrap()));
        let expected =
            ["after 0 s", "after 59 s", "after 1 min 0 s", "after 2 min 5 s", "after 1 h 0 min", "after 26 h 3 min"];
        assert_eq!(said, expected);
    }
}
