//! When to look at which runtime: woken by commands, by watch events, by deadlines and by an interval. Runtimes are
//! looked at side by side, with a bound; one that fails is asked again later and holds up no other.

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

use super::{
    Inner, STORE_TIMEOUT,
    pass::{self, Looked, PassError},
};

/// How many runtimes are looked at at once.
const AT_ONCE: usize = 8;
/// The shortest time between two passes over one runtime: a burst of watch events is one look, not many.
const PACE: Duration = Duration::from_millis(20);
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// Nothing in here waits for the database or the cluster: both are asked in tasks beside it.
pub(super) async fn run(inner: &Arc<Inner>) {
    let mut agenda = Agenda::default();
    // Tasks of their own: a pass that holds a connection of the store must go on while this loop waits for one.
    let mut passes = JoinSet::new();
    let mut scans = JoinSet::new();
    let mut wanted = Some(Scan::All);
    let mut looked = BTreeMap::new();
    let mut interval = tokio::time::interval(inner.pace.interval);
    let mut cluster = inner.cluster.changed();
    cluster.mark_changed();
    let mut was_ready = false;

    loop {
        // What has not been seen cannot be compared with what is wanted, and what was seen of a cluster that is away
        // says nothing of what it holds when it is back.
        let reachable = cluster.borrow().reachability == Reachability::Reachable;
        let ready = reachable && inner.watches.synced();
        if ready && !was_ready {
            wanted = Some(Scan::All);
            let mut memory = inner.memory.lock().unwrap_or_else(PoisonError::into_inner);
            memory.up_since.get_or_insert_with(Timestamp::now);
        }
        was_ready = ready;
        if scans.is_empty()
            && let Some(scan) = wanted.take()
        {
            let inner = inner.clone();
            scans.spawn(async move { (scan, revisions(&inner).await) });
        }
        while ready && let Some(runtime) = agenda.take(Instant::now()) {
            let inner = inner.clone();
            passes.spawn(async move {
                let result = look(&inner, &runtime).await;
                (runtime, result)
            });
        }
        let next = agenda.next().filter(|_| ready);
        let due = async { next.map_or_else(|| Either::Left(pending()), |at| Either::Right(sleep_until(at))).await };
        tokio::select! {
            () = due => {}
            touched = inner.wake.take() => {
                for runtime in touched {
                    agenda.look_at(runtime, Instant::now());
                }
            }
            Some(Ok((runtime, result))) = passes.join_next() => match result {
                Ok(Looked { revision, again_at }) => {
                    agenda.done(&runtime, again_at.map(|at| Instant::now() + until(at)));
                    match revision {
                        Some(revision) => drop(looked.insert(runtime, revision)),
                        None => drop(looked.remove(&runtime)),
                    }
                }
                Err(error) => {
                    let pause = agenda.failed(&runtime, error.retry_after());
                    tracing::warn!(%runtime, error = error.to_string(), ?pause, "a look at a runtime failed");
                }
            },
            Some(Ok((scan, revisions))) = scans.join_next() => {
                looked.retain(|runtime, _| revisions.contains_key(runtime));
                for (runtime, revision) in revisions {
                    if scan == Scan::All || looked.get(&runtime) != Some(&revision) {
                        inner.changed.touch(&runtime);
                        agenda.look_at(runtime, Instant::now());
                    }
                }
            }
            _ = interval.tick() => wanted = wanted.max(Some(Scan::Changed)),
            Ok(()) = cluster.changed() => {
                remember(inner, &cluster.borrow_and_update().reachability);
                wanted = Some(Scan::All);
            }
            // A watch whose list is empty touches no runtime, so what has been synced is asked for until it is.
            () = sleep(PACE), if reachable && !ready => {}
        }
    }
}

/// Which runtimes to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scan {
    /// Those that the database has changed since they were looked at, by whomever: one small query. What changes in the
    /// cluster is told by the watches.
    Changed,
    /// All, because what is seen of the cluster has become worth something, or worth nothing.
    All,
}

/// A pass that ends, whatever happens in it.
async fn look(inner: &Arc<Inner>, runtime: &RuntimeId) -> Result<Looked, PassError> {
    let limit = inner.pace.pass_timeout;
    match timeout(limit, AssertUnwindSafe(pass::run(inner, runtime)).catch_unwind()).await {
        Ok(result) => result.unwrap_or(Err(PassError::Panicked)),
        Err(_) => Err(PassError::TimedOut(limit)),
    }
}

/// The runtimes that there are, with their revisions; none when they cannot be read now.
async fn revisions(inner: &Inner) -> BTreeMap<RuntimeId, u64> {
    match timeout(STORE_TIMEOUT, inner.store.revisions()).await {
        Ok(Ok(revisions)) => return revisions,
        Ok(Err(error)) => tracing::error!(error = &error as &dyn std::error::Error, "the runtimes cannot be read"),
        Err(_) => tracing::error!("the runtimes cannot be read: the database did not answer within {STORE_TIMEOUT:?}"),
    }
    BTreeMap::new()
}

/// Who is to be looked at when.
#[derive(Default)]
struct Agenda {
    due: BTreeMap<RuntimeId, Instant>,
    busy: BTreeSet<RuntimeId>,
    failures: BTreeMap<RuntimeId, u32>,
    /// Until when the cluster asked not to be asked.
    not_before: BTreeMap<RuntimeId, Instant>,
}

impl Agenda {
    fn look_at(&mut self, runtime: RuntimeId, at: Instant) {
        self.due.entry(runtime).and_modify(|known| *known = (*known).min(at)).or_insert(at);
    }

    /// When the next one may be taken; none while nobody waits or too many are being looked at.
    fn next(&self) -> Option<Instant> {
        self.first().map(|(at, _)| at)
    }

    /// The next one if its time has come; it is busy from now on.
    fn take(&mut self, now: Instant) -> Option<RuntimeId> {
        let runtime = self.first().filter(|(at, _)| *at <= now)?.1.clone();
        self.due.remove(&runtime);
        self.not_before.remove(&runtime);
        self.busy.insert(runtime.clone());
        Some(runtime)
    }

    fn first(&self) -> Option<(Instant, &RuntimeId)> {
        if self.busy.len() >= AT_ONCE {
            return None;
        }
        let waiting = self.due.iter().filter(|(runtime, _)| !self.busy.contains(*runtime));
        waiting.map(|(runtime, at)| ((*at).max(self.not_before.get(runtime).copied().unwrap_or(*at)), runtime)).min()
    }

    fn done(&mut self, runtime: &RuntimeId, look_again_at: Option<Instant>) {
        self.failures.remove(runtime);
        self.free(runtime);
        if let Some(at) = look_again_at {
            self.look_at(runtime.clone(), at);
        }
    }

    /// Returns how long it pauses if nothing else happens. Grows with every failure in a row, with some chance in it so
    /// that many do not ask at once; never shorter than what the cluster asked for.
    fn failed(&mut self, runtime: &RuntimeId, retry_after: Option<Duration>) -> Duration {
        self.free(runtime);
        let count = self.failures.entry(runtime.clone()).or_default();
        let pause = FIRST_RETRY.saturating_mul(1 << (*count).min(10)).min(LONGEST_RETRY);
        *count = count.saturating_add(1);
        let pause = pause.mul_f64(rand::rng().random_range(0.75..1.25)).max(retry_after.unwrap_or_default());
        if let Some(asked) = retry_after {
            self.not_before.insert(runtime.clone(), Instant::now() + asked);
        }
        self.look_at(runtime.clone(), Instant::now() + pause);
        pause
    }

    fn free(&mut self, runtime: &RuntimeId) {
        self.busy.remove(runtime);
        // Woken while it was looked at: not before a moment has passed.
        if let Some(at) = self.due.get_mut(runtime) {
            *at = (*at).max(Instant::now() + PACE);
        }
    }
}

fn remember(inner: &Inner, reachability: &Reachability) {
    let mut memory = inner.memory.lock().unwrap_or_else(PoisonError::into_inner);
    match reachability {
        Reachability::Connecting => {}
        Reachability::Unreachable { .. } => memory.was_away = true,
        // Only after a time away: a server that starts makes only those deadlines longer that nobody could keep.
        Reachability::Reachable if std::mem::take(&mut memory.was_away) => {
            memory.reachable_since = Some(Timestamp::now());
        }
        Reachability::Reachable => {}
    }
}

fn until(at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default()
}
