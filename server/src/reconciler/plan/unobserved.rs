//! What can be decided while the cluster denies access, and what it holds is unknown: that a deadline has passed.

use std::time::Duration;

use domain::{Desired, Timestamp};

use super::{FailureCause, Plan, RECOVERY, Transition};
use crate::store::RuntimeIntent;

/// What the cluster denies, and since when.
#[derive(Debug, Clone)]
pub(crate) struct Denial {
    pub(crate) since: Timestamp,
    pub(crate) reason: String,
}

/// Unlike a cluster that does not answer, one that denies access does so until somebody changes that: deadlines run.
pub(crate) fn plan_unobserved(
    intent: &RuntimeIntent,
    denial: &Denial,
    start_timeout: Duration,
    now: Timestamp,
) -> Plan {
    let mut plan = Plan::default();
    let cause = |what: &str| FailureCause { reason: format!("{what}: {}", denial.reason), ..FailureCause::default() };
    let starting = intent.versions.iter().filter(|version| version.desired == Desired::Started && !version.settled);
    for version in starting {
        let from_denial = denial.since.checked_add(start_timeout).unwrap_or(Timestamp::MAX);
        if is_past(version.deadline, denial, from_denial, now, &mut plan) {
            plan.transitions.push(Transition::StartFailed {
                version: version.key,
                generation: version.generation,
                cause: cause("the start timed out"),
            });
        }
    }
    let runtime = &intent.runtime;
    if let Some(target) = runtime.publication.target.filter(|_| runtime.publication.switching()) {
        let from_denial = denial.since.checked_add(RECOVERY).unwrap_or(Timestamp::MAX);
        if is_past(runtime.publish_deadline, denial, from_denial, now, &mut plan) {
            plan.transitions.push(Transition::PublishFailed { target, cause: cause("the publication timed out") });
        }
    }
    plan
}

/// A deadline that had passed before access was denied could not be kept, or was about to be handled: it is extended.
fn is_past(
    deadline: Option<Timestamp>,
    denial: &Denial,
    from_denial: Timestamp,
    now: Timestamp,
    plan: &mut Plan,
) -> bool {
    let Some(deadline) = deadline else { return false };
    let deadline = if deadline <= denial.since { from_denial } else { deadline };
    if now < deadline {
        plan.requeue(deadline);
    }
    now >= deadline
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{reconciler::fixture, store::VersionRecord};

    const TIMEOUT: Duration = Duration::from_secs(300);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn denial() -> Denial {
        Denial { since: at(1000), reason: "no secrets for you".to_owned() }
    }

    fn starting(deadline: i64) -> VersionRecord {
        let deadline = Some(at(deadline));
        VersionRecord { desired: Desired::Started, settled: false, deadline, ..fixture::version(1, "one") }
    }

    fn plan_at(intent: &RuntimeIntent, now: i64) -> Plan {
        plan_unobserved(intent, &denial(), TIMEOUT, at(now))
    }

    #[test]
    fn a_start_fails_at_its_deadline_with_what_is_denied() {
        let intent = fixture::intent(vec![starting(1100), fixture::version(2, "two")]);
        let before = plan_at(&intent, 1099);
        assert_eq!((before.transitions, before.requeue_at), (Vec::new(), Some(at(1100))));
        let cause =
            FailureCause { reason: "the start timed out: no secrets for you".to_owned(), ..FailureCause::default() };
        let failed = Transition::StartFailed { version: 1, generation: 1, cause };
        assert_eq!(plan_at(&intent, 1100).transitions, [failed]);
    }

    #[test]
    fn a_start_that_nobody_could_try_before_its_deadline_gets_its_time_from_when_access_was_denied() {
        let intent = fixture::intent(vec![starting(900)]);
        let before = plan_at(&intent, 1299);
        assert_eq!((before.transitions, before.requeue_at), (Vec::new(), Some(at(1300))));
        assert_eq!(plan_at(&intent, 1300).transitions.len(), 1);
    }

    #[test]
    fn a_publication_fails_at_its_deadline_and_what_is_settled_stays() {
        let started = VersionRecord { desired: Desired::Started, ..fixture::version(1, "one") };
        let mut intent = fixture::intent(vec![started]);
        assert_eq!(plan_at(&intent, 9999), Plan::default());
        intent.runtime.publication.target = Some(1);
        intent.runtime.publish_deadline = Some(at(1100));
        assert_eq!(plan_at(&intent, 1099).requeue_at, Some(at(1100)));
        let transitions = plan_at(&intent, 1100).transitions;
        let reason = "the publication timed out: no secrets for you";
        assert!(
            matches!(&transitions[..], [Transition::PublishFailed { target: 1, cause }] if cause.reason == reason),
            "{transitions:?}"
        );
    }
}
