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
use futures::FutureExt;
use rand::Rng;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{Inner, pass};

/// How many runtimes are looked at at once.
const AT_ONCE: usize = 8;
/// The shortest time between two passes over one runtime: a burst of watch events is one look, not many.
const PACE: Duration = Duration::from_millis(20);
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LONGEST_RETRY: Duration = Duration::from_secs(30);

pub(super) async fn run(inner: &Arc<Inner>) {
    let mut due: BTreeMap<RuntimeId, Instant> = BTreeMap::new();
    let mut failures: BTreeMap<RuntimeId, u32> = BTreeMap::new();
    let mut busy: BTreeSet<RuntimeId> = BTreeSet::new();
    // Tasks of their own: a pass that holds a connection of the store must go on while this loop waits for one.
    let mut passes = JoinSet::new();
    let mut interval = tokio::time::interval(inner.interval);
    let mut cluster = inner.cluster.changed();
    cluster.mark_changed();
    let mut ready = false;

    loop {
        let now = Instant::now();
        let next = due.iter().filter(|(runtime, _)| !busy.contains(*runtime)).min_by_key(|(_, at)| **at);
        let next = next.map(|(runtime, at)| (runtime.clone(), *at));
        if ready
            && busy.len() < AT_ONCE
            && let Some((runtime, at)) = &next
            && *at <= now
        {
            due.remove(runtime);
            busy.insert(runtime.clone());
            let (inner, runtime) = (inner.clone(), runtime.clone());
            passes.spawn(async move {
                let result = AssertUnwindSafe(pass::run(&inner, &runtime)).catch_unwind().await;
                (runtime, result.unwrap_or(Err(pass::PassError::Panicked)))
            });
            continue;
        }
        let sleep = async {
            match next {
                Some((_, at)) if ready && busy.len() < AT_ONCE => sleep_until(at).await,
                _ => pending().await,
            }
        };
        tokio::select! {
            () = sleep => {}
            touched = inner.wake.take() => {
                for runtime in touched {
                    soonest(&mut due, runtime, Instant::now());
                }
                ready = ready || inner.watches.synced();
            }
            Some(Ok((runtime, result))) = passes.join_next() => {
                busy.remove(&runtime);
                // Woken while it was looked at: not before a moment has passed.
                if let Some(at) = due.get_mut(&runtime) {
                    *at = (*at).max(Instant::now() + PACE);
                }
                match result {
                    Ok(look_again_at) => {
                        failures.remove(&runtime);
                        if let Some(at) = look_again_at {
                            soonest(&mut due, runtime, Instant::now() + until(at));
                        }
                    }
                    Err(error) => {
                        let count = failures.entry(runtime.clone()).or_default();
                        let pause = retry_after(*count, &error);
                        *count = count.saturating_add(1);
                        tracing::warn!(%runtime, error = error.to_string(), ?pause, "a look at a runtime failed");
                        // Other reasons to look wait too: the cluster has said that it does not want this now.
                        due.insert(runtime, Instant::now() + pause);
                    }
                }
            }
            _ = interval.tick() => {
                for runtime in all(inner).await {
                    soonest(&mut due, runtime, Instant::now());
                }
                ready = ready || inner.watches.synced();
            }
            Ok(()) = cluster.changed() => {
                remember(inner, &cluster.borrow_and_update().reachability);
                for runtime in all(inner).await {
                    inner.changed.touch(&runtime);
                    soonest(&mut due, runtime, Instant::now());
                }
                ready = ready || inner.watches.synced();
            }
            // A watch whose list is empty touches no runtime, so what has been synced is asked for until it is.
            () = tokio::time::sleep(PACE), if !ready => {
                ready = inner.watches.synced();
                if ready {
                    for runtime in all(inner).await {
                        inner.changed.touch(&runtime);
                        soonest(&mut due, runtime, Instant::now());
                    }
                }
            }
        }
    }
}

fn soonest(due: &mut BTreeMap<RuntimeId, Instant>, runtime: RuntimeId, at: Instant) {
    due.entry(runtime).and_modify(|known| *known = (*known).min(at)).or_insert(at);
}

async fn all(inner: &Inner) -> Vec<RuntimeId> {
    match inner.store.runtimes().await {
        Ok(runtimes) => runtimes.into_iter().map(|runtime| runtime.id).collect(),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the runtimes cannot be read");
            Vec::new()
        }
    }
}

fn remember(inner: &Inner, reachability: &Reachability) {
    let mut memory = inner.memory.lock().unwrap_or_else(PoisonError::into_inner);
    match reachability {
        Reachability::Connecting => {}
        Reachability::Unreachable { .. } => memory.reachable_since = Some(Timestamp::MAX),
        // Only after a time away: a server that starts does not make deadlines longer.
        Reachability::Reachable if memory.reachable_since == Some(Timestamp::MAX) => {
            memory.reachable_since = Some(Timestamp::now());
        }
        Reachability::Reachable => {}
    }
}

fn until(at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default()
}

/// Grows with every failure in a row, with some chance in it so that many do not ask at once; never shorter than what
/// the cluster asked for.
fn retry_after(failures: u32, error: &pass::PassError) -> Duration {
    let pause = FIRST_RETRY.saturating_mul(1 << failures.min(10)).min(LONGEST_RETRY);
    let pause = pause.mul_f64(rand::rng().random_range(0.75..1.25));
    pause.max(error.retry_after().unwrap_or_default())
}
