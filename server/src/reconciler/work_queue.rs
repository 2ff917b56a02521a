//! When to reconcile which runtime: after commands and watch events, at deadlines, and at an interval. A bounded number of
//! runtimes is reconciled concurrently; one that fails is retried with backoff and delays no other.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::pending,
    panic::AssertUnwindSafe,
    sync::{Arc, PoisonError},
    time::Duration,
};

use domain::{Reachability, RuntimeId, Timestamp};
use futures::{FutureExt, future::Either};
use rand::Rng;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};

use crate::messaging::Messaging;

use super::{
    Inner, STORE_TIMEOUT,
    plan::Denial,
    reconcile::{self, ReconcileError, Reconciled},
};

/// How many runtimes are reconciled at once.
const MAX_CONCURRENT: usize = 8;
/// The shortest time between two reconciles of one runtime: a burst of watch events causes one.
const DEBOUNCE: Duration = Duration::from_millis(20);
const FIRST_RETRY_DELAY: Duration = Duration::from_millis(250);
const MAX_RETRY_DELAY: Duration = Duration::from_secs(30);

/// Never waits for the database or the cluster: tasks beside it do.
pub(super) async fn run(inner: &Arc<Inner>) {
    let mut queue = WorkQueue::default();
    // Tasks of their own: a reconcile that holds a connection of the store must continue while this loop waits for one.
    let mut reconciles = JoinSet::new();
    let mut scans = JoinSet::new();
    let mut pending_scan = Some(Scan::All);
    let mut reconciled = BTreeMap::new();
    let mut interval = tokio::time::interval(inner.timings.interval);
    let mut cluster = inner.cluster.changed();
    cluster.mark_changed();
    let mut messaging = inner.messaging.as_ref().map(Messaging::changed);
    let mut was_ready = false;

    loop {
        // What has not been observed cannot be compared with the intent, and what was observed before an outage says
        // nothing about what the cluster holds after it.
        let reachability = cluster.borrow().reachability.clone();
        let reachable = reachability == Reachability::Reachable;
        let ready = reachable && inner.watches.synced();
        let denial = match reachability {
            Reachability::Forbidden { since, reason } => Some(Denial { since, reason }),
            Reachability::Connecting | Reachability::Reachable | Reachability::Unreachable { .. } => None,
        };
        let may_reconcile = ready || denial.is_some();
        if ready && !was_ready {
            pending_scan = Some(Scan::All);
            let mut memory = inner.memory.lock().unwrap_or_else(PoisonError::into_inner);
            memory.up_since.get_or_insert_with(Timestamp::now);
        }
        was_ready = ready;
        if scans.is_empty()
            && let Some(scan) = pending_scan.take()
        {
            let inner = inner.clone();
            scans.spawn(async move { (scan, revisions(&inner).await) });
        }
        while may_reconcile && let Some(runtime) = queue.take(Instant::now()) {
            let (inner, denial) = (inner.clone(), denial.clone());
            reconciles.spawn(async move {
                let result = reconcile_runtime(&inner, &runtime, denial.as_ref()).await;
                (runtime, result)
            });
        }
        let next = queue.next().filter(|_| may_reconcile);
        let due = async { next.map_or_else(|| Either::Left(pending()), |at| Either::Right(sleep_until(at))).await };
        tokio::select! {
            () = due => {}
            changed_runtimes = inner.wake.take() => {
                for runtime in changed_runtimes {
                    queue.add(runtime, Instant::now());
                }
            }
            Some(Ok((runtime, result))) = reconciles.join_next() => match result {
                Ok(Reconciled { revision, requeue_at }) => {
                    queue.done(&runtime, requeue_at.map(|at| Instant::now() + until(at)));
                    match revision {
                        Some(revision) => drop(reconciled.insert(runtime, revision)),
                        None => drop(reconciled.remove(&runtime)),
                    }
                }
                Err(error) => {
                    let pause = queue.failed(&runtime, error.retry_after());
                    tracing::warn!(%runtime, error = error.to_string(), ?pause, "a reconcile failed");
                }
            },
            Some(Ok((scan, revisions))) = scans.join_next() => {
                reconciled.retain(|runtime, _| revisions.contains_key(runtime));
                for (runtime, revision) in revisions {
                    if scan == Scan::All || reconciled.get(&runtime) != Some(&revision) {
                        inner.changed.mark_dirty(&runtime);
                        queue.add(runtime, Instant::now());
                    }
                }
            }
            _ = interval.tick() => pending_scan = pending_scan.max(Some(Scan::Changed)),
            Ok(()) = cluster.changed() => {
                remember(inner, &cluster.borrow_and_update().reachability);
                pending_scan = Some(Scan::All);
            }
            // What is shown of all that run depends on whether NATS answers, and what is done on what it holds.
            Ok(()) = async {
                match &mut messaging {
                    Some(messaging) => messaging.changed().await,
                    None => pending().await,
                }
            } => pending_scan = Some(Scan::All),
            // A watch whose list is empty marks no runtime, so this polls until all are synced.
            () = sleep(DEBOUNCE), if reachable && !ready => {}
        }
    }
}

/// Which runtimes to queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scan {
    /// Those that have changed in the database since their last reconcile: one small query. The watches report what changes
    /// in the cluster.
    Changed,
    /// All, because the cluster has become observable, or stopped being so.
    All,
}

/// A reconcile that ends, whatever happens in it.
async fn reconcile_runtime(
    inner: &Arc<Inner>,
    runtime: &RuntimeId,
    denial: Option<&Denial>,
) -> Result<Reconciled, ReconcileError> {
    let limit = inner.timings.reconcile_timeout;
    let reconcile = async {
        match denial {
            Some(denial) => reconcile::run_unobserved(inner, runtime, denial).await,
            None => reconcile::run(inner, runtime).await,
        }
    };
    match timeout(limit, AssertUnwindSafe(reconcile).catch_unwind()).await {
        Ok(result) => result.unwrap_or(Err(ReconcileError::Panicked)),
        Err(_) => Err(ReconcileError::TimedOut(limit)),
    }
}

/// The runtimes that there are, with their revisions; none when they cannot be read now.
async fn revisions(inner: &Inner) -> BTreeMap<RuntimeId, u64> {
    match timeout(STORE_TIMEOUT, inner.store.revisions()).await {
        Ok(Ok(revisions)) => return revisions,
        Ok(Err(error)) => tracing::error!(error = &error as &dyn std::error::Error, "cannot read the runtimes"),
        Err(_) => tracing::error!("cannot read the runtimes: the database did not answer within {STORE_TIMEOUT:?}"),
    }
    BTreeMap::new()
}

/// The runtimes to reconcile, and when.
#[derive(Default)]
struct WorkQueue {
    due: BTreeMap<RuntimeId, Instant>,
    active: BTreeSet<RuntimeId>,
    failures: BTreeMap<RuntimeId, u32>,
    /// Until when the cluster asked to be left alone (Retry-After).
    not_before: BTreeMap<RuntimeId, Instant>,
}

impl WorkQueue {
    fn add(&mut self, runtime: RuntimeId, at: Instant) {
        self.due.entry(runtime).and_modify(|known| *known = (*known).min(at)).or_insert(at);
    }

    /// When the next one may be taken; none while none is queued or too many are active.
    fn next(&self) -> Option<Instant> {
        self.first().map(|(at, _)| at)
    }

    /// The next one that is due; it is active from now on.
    fn take(&mut self, now: Instant) -> Option<RuntimeId> {
        let runtime = self.first().filter(|(at, _)| *at <= now)?.1.clone();
        self.due.remove(&runtime);
        self.not_before.remove(&runtime);
        self.active.insert(runtime.clone());
        Some(runtime)
    }

    fn first(&self) -> Option<(Instant, &RuntimeId)> {
        if self.active.len() >= MAX_CONCURRENT {
            return None;
        }
        let waiting = self.due.iter().filter(|(runtime, _)| !self.active.contains(*runtime));
        waiting.map(|(runtime, at)| ((*at).max(self.not_before.get(runtime).copied().unwrap_or(*at)), runtime)).min()
    }

    fn done(&mut self, runtime: &RuntimeId, requeue_at: Option<Instant>) {
        self.failures.remove(runtime);
        self.release(runtime);
        if let Some(at) = requeue_at {
            self.add(runtime.clone(), at);
        }
    }

    /// Returns the delay until the retry: exponential with jitter, and never shorter than the cluster asked for.
    fn failed(&mut self, runtime: &RuntimeId, retry_after: Option<Duration>) -> Duration {
        self.release(runtime);
        let count = self.failures.entry(runtime.clone()).or_default();
        let pause = FIRST_RETRY_DELAY.saturating_mul(1 << (*count).min(10)).min(MAX_RETRY_DELAY);
        *count = count.saturating_add(1);
        let pause = pause.mul_f64(rand::rng().random_range(0.75..1.25)).max(retry_after.unwrap_or_default());
        if let Some(retry_after) = retry_after {
            self.not_before.insert(runtime.clone(), Instant::now() + retry_after);
        }
        self.add(runtime.clone(), Instant::now() + pause);
        pause
    }

    fn release(&mut self, runtime: &RuntimeId) {
        self.active.remove(runtime);
        // Queued while it was active: debounced.
        if let Some(at) = self.due.get_mut(runtime) {
            *at = (*at).max(Instant::now() + DEBOUNCE);
        }
    }
}

fn remember(inner: &Inner, reachability: &Reachability) {
    let mut memory = inner.memory.lock().unwrap_or_else(PoisonError::into_inner);
    match reachability {
        Reachability::Connecting | Reachability::Forbidden { .. } => {}
        Reachability::Unreachable { .. } => memory.was_unreachable = true,
        // Only after an outage: a server that starts extends only those deadlines that nobody could keep.
        Reachability::Reachable if std::mem::take(&mut memory.was_unreachable) => {
            memory.reachable_since = Some(Timestamp::now());
        }
        Reachability::Reachable => {}
    }
}

fn until(at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default()
}
