//! One reconcile of one runtime: read the intent, observe, plan, apply, until nothing is left to do now.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use domain::{Desired, Reachability, RuntimeId, Timestamp, VersionState};

use super::{
    Inner,
    apply::{StepError, Writer},
    crash_logs, failure, health,
    objects::messages,
    observed::{Observed, ObservedMessaging},
    plan::{Denial, Plan, Situation, Step, StepScope, Transition, plan, plan_unobserved},
    repairs,
};
use crate::{
    messaging::MessagingError,
    store::{RuntimeIntent, StoreError},
};

/// A reconcile that still finds something to do after this many rounds is queued again, behind others.
const MAX_ROUNDS: usize = 16;

#[derive(Debug, thiserror::Error)]
pub(super) enum ReconcileError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Step(#[from] StepError),
    #[error("cannot read the consumers: {0}")]
    Messaging(#[source] MessagingError),
    #[error("not finished within {0:?}; the next reconcile continues")]
    TimedOut(Duration),
    #[error("it panicked; see the log")]
    Panicked,
}

impl ReconcileError {
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Step(error) => error.retry_after(),
            Self::Messaging(_) | Self::Store(_) | Self::TimedOut(_) | Self::Panicked => None,
        }
    }
}

/// How a reconcile ended that found nothing more to do now.
#[derive(Debug, Default)]
pub(super) struct Reconciled {
    /// The runtime's revision that it found; none when there is more to do at it.
    pub(super) revision: Option<u64>,
    /// When there is something to decide even if nothing happens until then.
    pub(super) requeue_at: Option<Timestamp>,
}

pub(super) async fn run(inner: &Arc<Inner>, runtime: &RuntimeId) -> Result<Reconciled, ReconcileError> {
    // Read before the queue runs.
    let Some(&installation) = inner.installation.get() else { return Ok(Reconciled::default()) };
    for round in 0..MAX_ROUNDS {
        let Some(intent) = inner.store.intent(runtime).await? else { return Ok(Reconciled::default()) };
        let namespace = inner.settings.namespace(runtime);
        if round == 0 {
            look_at_consumers(inner, &intent).await?;
        }
        let messaging = ObservedMessaging::of(inner.messaging.as_ref(), runtime, installation);
        let observed = Observed::whole(&inner.watches, &namespace, installation).and(messaging);
        let plan = make_plan(inner, &intent, &observed);
        if !plan.transitions.is_empty() {
            let fails = |t: &Transition| matches!(t, Transition::StartFailed { .. } | Transition::PublishFailed { .. });
            // A deadline that passed during an outage that was not noticed is no reason to fail anything.
            if plan.transitions.iter().any(fails) && !inner.cluster.probe_now().await {
                return Ok(Reconciled::default());
            }
            for transition in plan.transitions {
                record(inner, &intent, &namespace, transition).await?;
            }
            inner.changed.mark_dirty(runtime);
            continue;
        }
        set_delayed(inner, runtime, &plan);
        crash_logs::fetch(inner, &intent, &observed, &namespace);
        let health_at = health::record(inner, &intent, &observed).await?;
        // Before the objects are written, so that a crash in between leaves a record.
        record_repairs(inner, &intent, &observed, &plan).await?;
        let writer = Writer {
            cluster: &inner.cluster,
            watches: &inner.watches,
            messaging: inner.messaging.as_ref(),
            memory: &inner.memory,
            runtime,
            namespace: &namespace,
            installation,
        };
        if plan.steps.is_empty() {
            if intent.versions.iter().any(|version| version.desired == Desired::Started) {
                writer.adopt().await;
            }
            set_last_errors(inner, runtime, BTreeMap::new());
            let times = [plan.requeue_at, health_at, overdue_at(inner, &intent)];
            let revision = Some(intent.runtime.revision);
            return Ok(Reconciled { revision, requeue_at: times.into_iter().flatten().min() });
        }
        let outcomes = execute(&writer, plan.steps).await;
        if let Some(error) = record_errors(inner, runtime, outcomes).await {
            return Err(error.into());
        }
    }
    inner.wake.mark_dirty(runtime);
    Ok(Reconciled::default())
}

/// While the cluster denies access: only what has run out of time is dealt with.
pub(super) async fn run_unobserved(
    inner: &Inner,
    runtime: &RuntimeId,
    denial: &Denial,
) -> Result<Reconciled, ReconcileError> {
    for _ in 0..MAX_ROUNDS {
        let Some(intent) = inner.store.intent(runtime).await? else { return Ok(Reconciled::default()) };
        let plan = plan_unobserved(&intent, denial, inner.timings.start_timeout, Timestamp::now());
        if plan.transitions.is_empty() {
            return Ok(Reconciled { revision: Some(intent.runtime.revision), requeue_at: plan.requeue_at });
        }
        // Access may have been granted, or an outage begun, without notice.
        inner.cluster.probe_now().await;
        if !matches!(inner.cluster.info().reachability, Reachability::Forbidden { .. }) {
            return Ok(Reconciled::default());
        }
        let namespace = inner.settings.namespace(runtime);
        for transition in plan.transitions {
            record(inner, &intent, &namespace, transition).await?;
        }
        inner.changed.mark_dirty(runtime);
    }
    inner.wake.mark_dirty(runtime);
    Ok(Reconciled::default())
}

/// Asks NATS for the consumers of what runs or is about to stop; they tell who listens. A reconcile comes when something
/// has changed, so a NATS at rest is asked nothing.
async fn look_at_consumers(inner: &Inner, intent: &RuntimeIntent) -> Result<(), ReconcileError> {
    let Some(messaging) = &inner.messaging else { return Ok(()) };
    let wanted = intent.versions.iter().flat_map(messages::workflow_streams).collect();
    messaging.want(&intent.runtime.id, wanted);
    if !messaging.state().is_read {
        return Ok(());
    }
    let changing = intent.versions.iter().filter(|version| version.desired == Desired::Started || !version.settled);
    let streams: Vec<String> = changing.flat_map(messages::workflow_streams).collect();
    match messaging.refresh_consumers(&streams).await {
        // Then it is shown as unreachable, and what the cluster needs goes on.
        Err(error) if !error.is_answer() => Ok(()),
        Err(error) => Err(ReconcileError::Messaging(error)),
        Ok(()) => Ok(()),
    }
}

async fn record_repairs(
    inner: &Inner,
    intent: &RuntimeIntent,
    observed: &Observed,
    plan: &Plan,
) -> Result<(), StoreError> {
    // Nothing is repaired in there.
    if observed.namespace_closed.is_some() {
        return Ok(());
    }
    let found = {
        let mut memory = inner.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.previews.observe(intent, observed, &inner.settings);
        repairs::of_plan(intent, observed, &memory.previews, plan)
    };
    for (version, generation, repairs) in repairs::changed(intent, &found) {
        if inner.store.set_repairs(version, generation, repairs, Timestamp::now()).await? {
            inner.changed.mark_dirty(&intent.runtime.id);
        }
    }
    Ok(())
}

/// When the next stop becomes overdue, which is shown from then on.
fn overdue_at(inner: &Inner, intent: &RuntimeIntent) -> Option<Timestamp> {
    let now = Timestamp::now();
    let stopping = intent.versions.iter().filter(|version| version.state() == VersionState::Stopping);
    let (past, ahead): (Vec<_>, Vec<_>) =
        stopping.filter_map(|version| version.deadline).partition(|deadline| *deadline <= now);
    if !past.is_empty() {
        inner.changed.mark_dirty(&intent.runtime.id);
    }
    ahead.into_iter().min()
}

fn make_plan(inner: &Inner, intent: &RuntimeIntent, observed: &Observed) -> Plan {
    let memory = inner.memory.lock().unwrap_or_else(PoisonError::into_inner);
    let (runtime, now) = (&intent.runtime.id, Timestamp::now());
    let of_versions = intent.versions.iter().map(|version| StepScope::Version(version.key));
    let scopes = of_versions.chain([StepScope::Publication, StepScope::Archived]);
    let last_errors = scopes.filter_map(|scope| Some((scope, memory.last_error_in(runtime, scope)?))).collect();
    plan(&Situation {
        intent,
        observed,
        settings: &inner.settings,
        now,
        last_errors: &last_errors,
        delays: &memory.backoff.delays(runtime, now),
        reachable_since: memory.reachable_since,
        up_since: memory.up_since,
        start_timeout: inner.timings.start_timeout,
    })
}

type Outcomes = BTreeMap<StepScope, Result<(), StepError>>;

async fn execute(writer: &Writer<'_>, steps: BTreeMap<StepScope, Vec<Step>>) -> Outcomes {
    let mut outcomes = Outcomes::new();
    let mut has_namespace = false;
    for (scope, steps) in steps {
        let outcome = execute_in_order(writer, steps, &mut has_namespace).await;
        // Retry-After concerns all of this server's writes.
        let is_told_to_wait = outcome.as_ref().is_err_and(|error| error.retry_after().is_some());
        // The next plan knows whether NATS is away, and asks it nothing then.
        let is_nats_silent = matches!(&outcome, Err(StepError::Messaging(error)) if !error.is_answer());
        outcomes.insert(scope, outcome);
        if is_told_to_wait || is_nats_silent {
            break;
        }
    }
    outcomes
}

async fn execute_in_order(writer: &Writer<'_>, steps: Vec<Step>, has_namespace: &mut bool) -> Result<(), StepError> {
    for step in steps {
        // What is deleted is in one that is there, if it is not gone in this very moment.
        let is_in_namespace = match step {
            Step::Apply(_) => true,
            Step::Delete { .. } => writer.knows_namespace(),
            Step::Message(_) => false,
        };
        if !*has_namespace && is_in_namespace {
            writer.ensure_namespace().await?;
            *has_namespace = true;
        }
        writer.execute(step).await?;
    }
    Ok(())
}

/// Remembers what the cluster rejected, to be shown, and returns one of the errors if there is any.
async fn record_errors(inner: &Inner, runtime: &RuntimeId, outcomes: Outcomes) -> Option<StepError> {
    let mut last_errors = BTreeMap::new();
    let mut first = None;
    let mut is_lost = false;
    for (scope, outcome) in outcomes {
        let Err(error) = outcome else { continue };
        match (error.answer(), &error) {
            (Some(answer), _) => drop(last_errors.insert(scope, answer)),
            (None, StepError::Cluster(_)) => is_lost = true,
            // It has looked by itself whether it is there.
            (None, StepError::Messaging(_)) => {}
        }
        // The last one may have said how long to wait.
        if first.is_none() || error.retry_after().is_some() {
            first = Some(error);
        }
    }
    set_last_errors(inner, runtime, last_errors);
    // One lost request does not mean that the cluster is unreachable.
    if is_lost {
        inner.cluster.probe_now().await;
    }
    first
}

async fn record(
    inner: &Inner,
    intent: &RuntimeIntent,
    namespace: &str,
    transition: Transition,
) -> Result<(), StoreError> {
    let now = Timestamp::now();
    let runtime = &intent.runtime.id;
    // Whether it still applied makes no difference here: if not, the intent is read again and says something else.
    let applied = match transition {
        Transition::Settled { version, generation } => inner.store.settle(version, generation, now).await?,
        Transition::StartFailed { version, generation, cause } => {
            let failure = failure::explain(inner.cluster.client(), namespace, cause, now).await;
            {
                let stop_by = failure.at.checked_add(inner.timings.stop_timeout).unwrap_or(Timestamp::MAX);
                inner.store.fail_start(version, generation, failure, stop_by).await?
            }
        }
        Transition::PublicationSettled { target } => inner.store.settle_publication(runtime, target, now).await?,
        Transition::PublishFailed { target, cause } => {
            let failure = failure::explain(inner.cluster.client(), namespace, cause, now).await;
            inner.store.fail_publish(runtime, target, failure).await?
        }
    };
    tracing::info!(%runtime, applied, "recorded a transition");
    Ok(())
}

/// Remembers who reverts which fields, to be shown.
fn set_delayed(inner: &Inner, runtime: &RuntimeId, plan: &Plan) {
    let mut delayed: BTreeMap<StepScope, String> = BTreeMap::new();
    for (scope, _, reason) in &plan.delayed {
        delayed.entry(*scope).or_insert_with(|| reason.clone());
    }
    let mut memory = inner.memory.lock().unwrap_or_else(PoisonError::into_inner);
    let before = memory.delayed.remove(runtime).unwrap_or_default();
    let changed = before != delayed;
    if !delayed.is_empty() {
        memory.delayed.insert(runtime.clone(), delayed);
    }
    drop(memory);
    if changed {
        inner.changed.mark_dirty(runtime);
    }
}

fn set_last_errors(inner: &Inner, runtime: &RuntimeId, last_errors: BTreeMap<StepScope, String>) {
    let mut memory = inner.memory.lock().unwrap_or_else(PoisonError::into_inner);
    let before = memory.last_errors.remove(runtime).unwrap_or_default();
    let changed = before != last_errors;
    if !last_errors.is_empty() {
        memory.last_errors.insert(runtime.clone(), last_errors);
    }
    drop(memory);
    if changed {
        inner.changed.mark_dirty(runtime);
    }
}
