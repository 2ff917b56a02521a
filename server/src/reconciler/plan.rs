//! What has to be done next, from what is wanted and what is there. Pure: no client and no clock;
//! whatever it depends on is in [`Situation`].
//!
//! A plan holds only what may be done now. What has to wait for an effect of it is left to the next plan, which sees that
//! effect; so the process may end between any two steps, and the next run goes on from what it finds.

pub(super) mod messaging;
mod object;
mod publication;
mod unobserved;
mod version;

use std::{collections::BTreeMap, time::Duration};

use super::{ObjectSettings, backoff::Delay, observed::Observed};
use crate::{
    messaging::MessagingStep,
    store::{RuntimeIntent, VersionKey},
};
use domain::Timestamp;

pub(super) use object::Object;
pub(super) use unobserved::{Denial, plan_unobserved};
pub(super) use version::has_preview;

/// Everything that a plan depends on.
pub(crate) struct Situation<'a> {
    pub(crate) intent: &'a RuntimeIntent,
    pub(crate) observed: &'a Observed,
    pub(crate) settings: &'a ObjectSettings,
    pub(crate) now: Timestamp,
    /// What the cluster answered when it last refused a step; the reason that is given when time runs out.
    pub(crate) last_errors: &'a BTreeMap<StepScope, String>,
    /// By [`super::backoff::object_key`], what is not to be applied again before its time.
    pub(crate) delays: &'a BTreeMap<String, Delay>,
    /// Since when the cluster is reachable again after an outage: deadlines do not run while it is unreachable.
    pub(crate) reachable_since: Option<Timestamp>,
    /// Since when this process can do anything at all; none when that is longer ago than any deadline.
    pub(crate) up_since: Option<Timestamp>,
    /// How long a start has from when it can be tried.
    pub(crate) start_timeout: Duration,
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Plan {
    /// What has been seen, to be recorded before anything else is done.
    pub(crate) transitions: Vec<Transition>,
    /// By scope, each in its order. A step that fails ends the steps of its scope, and delays no other scope.
    pub(crate) steps: BTreeMap<StepScope, Vec<Step>>,
    /// What is not as it should be and is not applied before its time, with the reason.
    pub(crate) delayed: Vec<(StepScope, Object, String)>,
    /// When there is something to decide even if nothing happens.
    pub(crate) requeue_at: Option<Timestamp>,
}

/// What a step is for: one version, or the runtime's publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StepScope {
    Version(VersionKey),
    Publication,
    /// What versions leave behind that are archived.
    Archived,
}

/// One idempotent change of the cluster, or of NATS.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// Server-side apply. An object that carries a resource version is only changed if it still has that one.
    Apply(Object),
    Delete {
        kind: Kind,
        name: String,
        /// So that a successor of the same name is left alone.
        uid: Option<String>,
    },
    Message(MessagingStep),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Deployment,
    Service,
    Secret,
    ConfigMap,
    Ingress,
}

/// Something seen that changes what the store holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Transition {
    Settled { version: VersionKey, generation: u64 },
    StartFailed { version: VersionKey, generation: u64, cause: FailureCause },
    PublicationSettled { target: Option<VersionKey> },
    PublishFailed { target: VersionKey, cause: FailureCause },
}

/// Why something failed, and where more is to be learned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FailureCause {
    /// `workflow/node`, or `entrypoint`.
    pub(crate) node: Option<String>,
    pub(crate) reason: String,
    /// The pod in which it shows, whose events may say more.
    pub(crate) pod: Option<String>,
    /// The container of that pod whose log explains it.
    pub(crate) container: Option<String>,
}

pub(crate) fn plan(situation: &Situation<'_>) -> Plan {
    let mut plan = Plan::default();
    for version in &situation.intent.versions {
        let steps = version::plan_version(situation, version, &mut plan);
        plan.add(StepScope::Version(version.key), steps);
    }
    let steps = publication::plan_publication(situation, &mut plan);
    plan.add(StepScope::Publication, steps);
    plan.add(StepScope::Archived, messaging::of_archived(situation.observed, situation.intent));
    // The cluster takes away all that is in a namespace that is being deleted, and takes nothing in; in another
    // installation's nothing is ours.
    if situation.observed.namespace_closed.is_some() {
        plan.steps.clear();
    }
    plan
}

impl Situation<'_> {
    /// Whether `deadline` has passed, not counting time in which the cluster was unreachable. Otherwise requests a reconcile
    /// at that time.
    fn is_past(&self, deadline: Option<Timestamp>, plan: &mut Plan) -> bool {
        let Some(deadline) = deadline else { return false };
        // After an outage a change gets some time to be observed as done.
        let grace = self.reachable_since.map(|since| since + RECOVERY);
        let deadline = grace.map_or(deadline, |grace| grace.max(deadline));
        if self.now >= deadline {
            return true;
        }
        plan.requeue(deadline);
        false
    }
}

impl Plan {
    fn add(&mut self, scope: StepScope, steps: Vec<Step>) {
        if !steps.is_empty() {
            self.steps.insert(scope, steps);
        }
    }

    fn requeue(&mut self, at: Timestamp) {
        self.requeue_at = Some(self.requeue_at.map_or(at, |known| known.min(at)));
    }
}

/// How long a change may take after an outage, whatever its deadline was.
const RECOVERY: jiff::SignedDuration = jiff::SignedDuration::from_secs(120);

#[cfg(test)]
mod tests;
