//! One look at one runtime: read the intent, observe, plan, apply, until nothing is left to do now.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use domain::{Desired, RuntimeId, Timestamp, VersionState};

use super::{
    Inner,
    apply::Writer,
    failure, health,
    observed::Observed,
    plan::{Plan, Purpose, Situation, Step, Verdict, plan},
    repairs, words,
};
use crate::{
    cluster::{in_words, retry_after},
    store::{RuntimeIntent, StoreError},
};

/// A pass that still finds something to do after this many rounds makes room for others; the next one goes on.
const MOST_ROUNDS: usize = 16;

#[derive(Debug, thiserror::Error)]
pub(super) enum PassError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the cluster refuses: {}", in_words(.0))]
    Cluster(#[source] kube::Error),
    #[error("it was not done within {0:?}; the next look goes on")]
    TimedOut(Duration),
    #[error("a defect of this program; its panic is in the log")]
    Panicked,
}

impl PassError {
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Cluster(error) => retry_after(error),
            Self::Store(_) | Self::TimedOut(_) | Self::Panicked => None,
        }
    }
}

/// How a pass ended that found nothing more to do now.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// The runtime's revision that it found; none when there is more to do at it.
    pub(super) revision: Option<u64>,
    /// When there is something to decide even if nothing happens until then.
    pub(super) again_at: Option<Timestamp>,
}

pub(super) async fn run(inner: &Arc<Inner>, runtime: &RuntimeId) -> Result<Looked, PassError> {
    // Learned before anything is looked at.
    let Some(&installation) = inner.installation.get() else { return Ok(Looked::default()) };
    for _ in 0..MOST_ROUNDS {
        let Some(intent) = inner.store.intent(runtime).await? else { return Ok(Looked::default()) };
        let namespace = inner.settings.namespace(runtime);
        let observed = Observed::whole(&inner.watches, &namespace, installation);
        let plan = make_plan(inner, &intent, &observed);
        if !plan.verdicts.is_empty() {
            let fails = |v: &Verdict| matches!(v, Verdict::StartFailed { .. } | Verdict::PublishFailed { .. });
            // Time that ran out while the cluster was away, and nobody had noticed, is no reason to fail anything.
            if plan.verdicts.iter().any(fails) && !inner.cluster.answers_now().await {
                return Ok(Looked::default());
            }
            for verdict in plan.verdicts {
                record(inner, &intent, &namespace, verdict).await?;
            }
            inner.changed.touch(runtime);
            continue;
        }
        set_delayed(inner, runtime, &plan);
        words::listen(inner, &intent, &observed, &namespace);
        let health_at = health::record(inner, &intent, &observed).await?;
        // Before the objects are written: were it after, an end of this program in between would leave no trace.
        record_repairs(inner, &intent, &observed, &plan).await?;
        let writer = Writer {
            cluster: &inner.cluster,
            watches: &inner.watches,
            memory: &inner.memory,
            runtime,
            namespace: &namespace,
            installation,
        };
        if plan.steps.is_empty() {
            if intent.versions.iter().any(|version| version.desired == Desired::Started) {
                writer.adopt().await;
            }
            set_trouble(inner, runtime, BTreeMap::new());
            let times = [plan.look_again_at, health_at, overdue_at(inner, &intent)];
            let revision = Some(intent.runtime.revision);
            return Ok(Looked { revision, again_at: times.into_iter().flatten().min() });
        }
        let outcomes = carry_out(&writer, plan.steps).await;
        if let Some(error) = conclude(inner, runtime, outcomes).await {
            return Err(PassError::Cluster(error));
        }
    }
    inner.wake.touch(runtime);
    Ok(Looked::default())
}

async fn record_repairs(
    inner: &Inner,
    intent: &RuntimeIntent,
    observed: &Observed,
    plan: &Plan,
) -> Result<(), StoreError> {
    // Nothing is put back in there; what is under way stays so until something can be.
    if observed.namespace_closed.is_some() {
        return Ok(());
    }
    let found = {
        let mut memory = inner.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.previews.look(intent, observed, &inner.settings);
        repairs::of_plan(intent, observed, &memory.previews, plan)
    };
    for (version, generation, repairs) in repairs::changed(intent, &found) {
        if inner.store.set_repairs(version, generation, repairs, Timestamp::now()).await? {
            inner.changed.touch(&intent.runtime.id);
        }
    }
    Ok(())
}

/// When the next stop will be overdue, which is shown from then on.
fn overdue_at(inner: &Inner, intent: &RuntimeIntent) -> Option<Timestamp> {
    let now = Timestamp::now();
    let stopping = intent.versions.iter().filter(|version| version.state() == VersionState::Stopping);
    let (past, ahead): (Vec<_>, Vec<_>) =
        stopping.filter_map(|version| version.deadline).partition(|deadline| *deadline <= now);
    if !past.is_empty() {
        inner.changed.touch(&intent.runtime.id);
    }
    ahead.into_iter().min()
}

fn make_plan(inner: &Inner, intent: &RuntimeIntent, observed: &Observed) -> Plan {
    let memory = inner.memory.lock().unwrap_or_else(PoisonError::into_inner);
    let (runtime, now) = (&intent.runtime.id, Timestamp::now());
    let of_versions = intent.versions.iter().map(|version| Purpose::Version(version.key));
    let purposes = of_versions.chain([Purpose::Publication]);
    let trouble = purposes.filter_map(|purpose| Some((purpose, memory.trouble_with(runtime, purpose)?))).collect();
    plan(&Situation {
        intent,
        observed,
        settings: &inner.settings,
        now,
        trouble: &trouble,
        delays: &memory.backoff.delays(runtime, now),
        reachable_since: memory.reachable_since,
        up_since: memory.up_since,
        start_timeout: inner.pace.start_timeout,
    })
}

type Outcomes = BTreeMap<Purpose, Result<(), kube::Error>>;

async fn carry_out(writer: &Writer<'_>, steps: BTreeMap<Purpose, Vec<Step>>) -> Outcomes {
    let mut outcomes = Outcomes::new();
    let mut has_namespace = false;
    for (purpose, steps) in steps {
        let outcome = carry_out_in_order(writer, steps, &mut has_namespace).await;
        // A cluster that wants to be left alone for a while means all of this server's writes.
        let is_told_to_wait = outcome.as_ref().is_err_and(|error| retry_after(error).is_some());
        outcomes.insert(purpose, outcome);
        if is_told_to_wait {
            break;
        }
    }
    outcomes
}

async fn carry_out_in_order(
    writer: &Writer<'_>,
    steps: Vec<Step>,
    has_namespace: &mut bool,
) -> Result<(), kube::Error> {
    for step in steps {
        // What is deleted is in one that is there, if it is not gone in this very moment.
        if !*has_namespace && (matches!(step, Step::Apply(_)) || writer.knows_namespace()) {
            writer.ensure_namespace().await?;
            *has_namespace = true;
        }
        writer.carry_out(step).await?;
    }
    Ok(())
}

/// Keeps what the cluster refused for people to see, and returns one of the errors if there is any.
async fn conclude(inner: &Inner, runtime: &RuntimeId, outcomes: Outcomes) -> Option<kube::Error> {
    let mut trouble = BTreeMap::new();
    let mut first = None;
    let mut is_lost = false;
    for (purpose, outcome) in outcomes {
        let Err(error) = outcome else { continue };
        match &error {
            kube::Error::Api(_) => drop(trouble.insert(purpose, in_words(&error))),
            _ => is_lost = true,
        }
        // The last one may have said how long to wait.
        if first.is_none() || retry_after(&error).is_some() {
            first = Some(error);
        }
    }
    set_trouble(inner, runtime, trouble);
    // One request that is lost does not mean that the cluster is away.
    if is_lost {
        inner.cluster.answers_now().await;
    }
    first
}

async fn record(inner: &Inner, intent: &RuntimeIntent, namespace: &str, verdict: Verdict) -> Result<(), StoreError> {
    let now = Timestamp::now();
    let runtime = &intent.runtime.id;
    // Whether it still applied makes no difference here: if not, the intent is read again and says something else.
    let applied = match verdict {
        Verdict::Settled { version, generation } => inner.store.settle(version, generation, now).await?,
        Verdict::StartFailed { version, generation, blame } => {
            let failure = failure::explain(inner.cluster.client(), namespace, blame, now).await;
            {
                let stop_by = failure.at.checked_add(inner.pace.stop_timeout).unwrap_or(Timestamp::MAX);
                inner.store.fail_start(version, generation, failure, stop_by).await?
            }
        }
        Verdict::PublicationSettled { target } => inner.store.settle_publication(runtime, target, now).await?,
        Verdict::PublishFailed { target, blame } => {
            let failure = failure::explain(inner.cluster.client(), namespace, blame, now).await;
            inner.store.fail_publish(runtime, target, failure).await?
        }
    };
    tracing::info!(%runtime, applied, "recorded what was observed");
    Ok(())
}

/// Keeps who changes what back, for people to see.
fn set_delayed(inner: &Inner, runtime: &RuntimeId, plan: &Plan) {
    let mut delayed: BTreeMap<Purpose, String> = BTreeMap::new();
    for (purpose, _, reason) in &plan.delayed {
        delayed.entry(*purpose).or_insert_with(|| reason.clone());
    }
    let mut memory = inner.memory.lock().unwrap_or_else(PoisonError::into_inner);
    let before = memory.delayed.remove(runtime).unwrap_or_default();
    let changed = before != delayed;
    if !delayed.is_empty() {
        memory.delayed.insert(runtime.clone(), delayed);
    }
    drop(memory);
    if changed {
        inner.changed.touch(runtime);
    }
}

fn set_trouble(inner: &Inner, runtime: &RuntimeId, trouble: BTreeMap<Purpose, String>) {
    let mut memory = inner.memory.lock().unwrap_or_else(PoisonError::into_inner);
    let before = memory.trouble.remove(runtime).unwrap_or_default();
    let changed = before != trouble;
    if !trouble.is_empty() {
        memory.trouble.insert(runtime.clone(), trouble);
    }
    drop(memory);
    if changed {
        inner.changed.touch(runtime);
    }
}
