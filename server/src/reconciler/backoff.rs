//! Applies that do not last: somebody changes a field back each time, or the cluster's admission changes it on its way in.
//!
//! To apply again at once changes nothing, so each object is given a growing pause, and people are told who changes what.
//! Kept in memory alone: after a restart it takes a few more applies to know it again.

use std::{collections::BTreeMap, time::Duration};

use super::{apply::FIELD_MANAGER, diff};
use domain::{RuntimeId, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;

/// The first applies against one change are never delayed: what one person edits is put back at once.
const FREE_ATTEMPTS: u32 = 2;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(300);
/// An apply that is not followed by another for this long, or for twice its pause, has lasted.
const LASTED: Duration = Duration::from_secs(60);
const MAX_NAMED_FIELDS: usize = 4;

/// The attempts to apply each object, by its kind and name as [`object_key`] has them.
#[derive(Debug, Default)]
pub(super) struct ApplyBackoff(BTreeMap<(RuntimeId, String), Attempts>);

#[derive(Debug)]
struct Attempts {
    count: u32,
    at: Timestamp,
    attempt: Attempt,
    by: Option<String>,
}

/// One apply, as it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attempt {
    /// Of what was applied; another wanted object starts the count again.
    pub(super) fingerprint: String,
    /// The fields that were not as wanted before it; another set starts the count again. Empty when the object was not there.
    pub(super) fields: Vec<String>,
    /// The fields that the API server's answer has otherwise than they were sent.
    pub(super) overridden: Vec<String>,
}

/// An object that is not applied again before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delay {
    pub(crate) fingerprint: String,
    pub(crate) until: Timestamp,
    /// The fields that no apply of ours can change, for the cluster's admission changes them.
    pub(crate) overridden: Vec<String>,
    /// Who changes what; for people.
    pub(crate) reason: String,
}

/// `Deployment v1-entrypoint`.
pub(crate) fn object_key(kind: &str, name: &str) -> String {
    format!("{kind} {name}")
}

impl ApplyBackoff {
    /// Records what has been applied, and by whom it had been changed when that is known.
    pub(super) fn record(
        &mut self,
        runtime: &RuntimeId,
        object: &str,
        attempt: Attempt,
        by: Option<String>,
        now: Timestamp,
    ) {
        self.0.retain(|_, attempts| !attempts.has_lasted(now));
        let key = (runtime.clone(), object.to_owned());
        let before = self.0.get(&key).filter(|before| before.attempt.is_same_attempt(&attempt));
        let count = before.map_or(1, |before| before.count.saturating_add(1));
        let by = by.or_else(|| before.and_then(|before| before.by.clone()));
        self.0.insert(key, Attempts { count, at: now, attempt, by });
    }

    /// What we delete ourselves is missing next time because of us.
    pub(super) fn forget(&mut self, runtime: &RuntimeId, object: &str) {
        self.0.remove(&(runtime.clone(), object.to_owned()));
    }

    /// Whether the same has been applied against the same change a moment ago.
    pub(super) fn is_repeated(&self, runtime: &RuntimeId, object: &str, fields: &[String], now: Timestamp) -> bool {
        let known = self.0.get(&(runtime.clone(), object.to_owned()));
        known.is_some_and(|known| known.attempt.fields == fields && !known.has_lasted(now))
    }

    /// By object, what is not applied again before its time.
    pub(super) fn delays(&self, runtime: &RuntimeId, now: Timestamp) -> BTreeMap<String, Delay> {
        let from = (runtime.clone(), String::new());
        let of_runtime = self.0.range(from..).take_while(|((of, _), _)| of == runtime);
        let delayed =
            of_runtime.filter(|(_, attempts)| !attempts.has_lasted(now)).filter_map(|((_, object), attempts)| {
                let Attempt { fingerprint, overridden, .. } = attempts.attempt.clone();
                let until = attempts.at + attempts.pause()?;
                let reason = format!("{object}: {}", attempts.reason());
                Some((object.clone(), Delay { fingerprint, until, overridden, reason }))
            });
        delayed.collect()
    }
}

impl Attempt {
    fn is_same_attempt(&self, other: &Self) -> bool {
        let is_same_change =
            self.fields == other.fields || (!self.overridden.is_empty() && self.overridden == other.overridden);
        self.fingerprint == other.fingerprint && is_same_change
    }
}

impl Attempts {
    fn has_lasted(&self, now: Timestamp) -> bool {
        let pause = self.pause().unwrap_or_default();
        self.at + LASTED.max(pause * 2) <= now
    }

    fn pause(&self) -> Option<Duration> {
        let free = if self.attempt.overridden.is_empty() { FREE_ATTEMPTS } else { 0 };
        let doublings = self.count.checked_sub(free + 1)?;
        Some(FIRST_PAUSE.saturating_mul(1 << doublings.min(16)).min(MAX_PAUSE))
    }

    fn reason(&self) -> String {
        match (self.attempt.overridden.as_slice(), self.attempt.fields.as_slice()) {
            ([], []) => "it keeps being deleted".to_owned(),
            ([], fields) => {
                let by = self.by.as_ref().map_or_else(|| "another client".to_owned(), |by| format!("`{by}`"));
                format!("{} changed back by {by}", named(fields))
            }
            (fields, _) => format!("{} changed back by an admission webhook", named(fields)),
        }
    }
}

/// The newest other manager of one of these fields (see [`diff`]); what has been removed has none.
pub(super) fn manager_of(fields: &[String], managers: &[ManagedFieldsEntry]) -> Option<String> {
    let others = managers.iter().filter(|entry| entry.manager.as_deref() != Some(FIELD_MANAGER));
    let of_fields = others.filter(|entry| {
        let owned = entry.fields_v1.as_ref().map(|owned| diff::field_paths(&owned.0)).unwrap_or_default();
        fields.iter().any(|field| owned.iter().any(|owned| is_within(field, owned)))
    });
    of_fields.max_by_key(|entry| entry.time.as_ref().map(|time| time.0))?.manager.clone()
}

fn is_within(field: &str, owned: &str) -> bool {
    field.strip_prefix(owned).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// ``` `a` is ```, ``` `a`, `b` and 3 more are ```.
fn named(fields: &[String]) -> String {
    let named: Vec<_> = fields.iter().take(MAX_NAMED_FIELDS).map(|field| format!("`{field}`")).collect();
    let more = fields.len() - named.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more} {}", named.join(", "), if fields.len() == 1 { "is" } else { "are" })
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, Time};
    use serde_json::{Value, json};

    use super::*;

    const OBJECT: &str = "Deployment v1-a";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn attempt(fields: &[&str], overridden: &[&str]) -> Attempt {
        let owned = |fields: &[&str]| fields.iter().map(|field| (*field).to_owned()).collect();
        Attempt { fingerprint: "f".to_owned(), fields: owned(fields), overridden: owned(overridden) }
    }

    fn runtime() -> RuntimeId {
        "demo".parse().unwrap()
    }

    #[test]
    fn what_is_changed_back_again_and_again_is_applied_ever_less_often_and_told() {
        let mut backoff = ApplyBackoff::default();
        let mut now = at(0);
        let mut pauses = Vec::new();
        for _ in 0..14 {
            let by =
                backoff.is_repeated(&runtime(), OBJECT, &["spec.replicas".to_owned()], now).then(|| "hpa".to_owned());
            backoff.record(&runtime(), OBJECT, attempt(&["spec.replicas"], &[]), by, now);
            let until = backoff.delays(&runtime(), now).get(OBJECT).map_or(now, |delay| delay.until);
            pauses.push(until.duration_since(now).as_secs());
            now = until;
        }
        assert_eq!(pauses, [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        let reason = "Deployment v1-a: `spec.replicas` is changed back by `hpa`";
        assert_eq!(backoff.delays(&runtime(), now)[OBJECT].reason, reason);
        assert!(backoff.delays(&runtime(), now + MAX_PAUSE * 2).is_empty(), "it has lasted");
        assert!(backoff.delays(&"other".parse().unwrap(), now).is_empty());
    }

    #[test]
    fn another_change_and_something_else_that_is_wanted_begin_anew() {
        let mut backoff = ApplyBackoff::default();
        let changes = [&["image"][..], &["image"], &["replicas"], &["image"], &[]];
        for (second, fields) in (0..).zip(changes) {
            backoff.record(&runtime(), OBJECT, attempt(fields, &[]), None, at(second));
            assert!(backoff.delays(&runtime(), at(second)).is_empty(), "{fields:?} at {second}");
        }
        for second in 10..13 {
            let other = Attempt { fingerprint: format!("{second}"), ..attempt(&[], &[]) };
            backoff.record(&runtime(), OBJECT, other, None, at(second));
        }
        assert!(backoff.delays(&runtime(), at(13)).is_empty());
        backoff.record(&runtime(), OBJECT, attempt(&["image"], &[]), None, at(80));
        assert!(!backoff.is_repeated(&runtime(), OBJECT, &["image".to_owned()], at(200)), "a minute is long ago");
    }

    #[test]
    fn what_we_delete_and_make_again_is_never_delayed() {
        let mut backoff = ApplyBackoff::default();
        for second in 0..10 {
            backoff.record(&runtime(), OBJECT, attempt(&[], &[]), None, at(second));
            assert!(backoff.delays(&runtime(), at(second)).is_empty(), "at {second}");
            backoff.forget(&runtime(), OBJECT);
        }
    }

    #[test]
    fn what_admission_changes_is_told_from_the_first_time_on() {
        let mut backoff = ApplyBackoff::default();
        let fields = ["a", "b", "c", "d", "e", "f"];
        backoff.record(&runtime(), OBJECT, attempt(&[], &fields), None, at(0));
        let delay = backoff.delays(&runtime(), at(0)).remove(OBJECT).unwrap();
        assert_eq!(delay.until, at(1));
        let reason = "Deployment v1-a: `a`, `b`, `c`, `d` and 2 more are changed back by an admission webhook";
        assert_eq!(delay.reason, reason);
        backoff.record(&runtime(), OBJECT, attempt(&fields, &fields), None, at(1));
        assert_eq!(backoff.delays(&runtime(), at(1))[OBJECT].until, at(3));
    }

    #[test]
    fn the_newest_manager_of_a_field_is_named() {
        let entry = |manager: &str, fields: Value, second: i64| ManagedFieldsEntry {
            manager: Some(manager.to_owned()),
            fields_v1: Some(FieldsV1(fields)),
            time: Some(Time(at(second))),
            ..ManagedFieldsEntry::default()
        };
        let image = json!({"f:spec": {"f:template": {"f:spec": {"f:containers": {
            r#"k:{"name":"node"}"#: {".": {}, "f:image": {}},
        }}}}});
        let managers = [
            entry("old", image.clone(), 1),
            entry("kubectl-set", image, 2),
            entry("other", json!({"f:spec": {"f:replicas": {}}}), 3),
            entry(FIELD_MANAGER, json!({"f:spec": {"f:paused": {}}}), 4),
        ];
        let of = |field: &str| manager_of(&[field.to_owned()], &managers);
        assert_eq!(of("spec.template.spec.containers[node].image").as_deref(), Some("kubectl-set"));
        assert_eq!(of("spec.replicas").as_deref(), Some("other"));
        assert_eq!(of("spec.paused"), None);
        assert_eq!(of("spec.template.spec.containers[node].env[A]"), None);
    }
}
