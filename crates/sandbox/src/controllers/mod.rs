//! The controllers: each observes every change of the kinds it watches, and reconciles one object at a time. They sleep
//! while nothing changes and no timer is due.

mod container;
mod deployment;
mod endpoints;
mod gc;
mod namespace;
mod pod;
mod recorder;
mod replicaset;
mod rollout;
mod runs;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::time::Instant;

pub(crate) use self::runs::Timing;
use crate::{
    kinds::Kind,
    shutdown::Shutdown,
    store::{Event, Key, Store},
};

/// How long a controller runs before it yields to other tasks.
const MAX_RUN: Duration = Duration::from_millis(5);

/// How many objects one step creates or deletes while it holds the lock.
const MAX_BATCH: usize = 64;

/// One controller.
trait Controller: Send + 'static {
    /// The kinds it watches.
    fn kinds(&self) -> &'static [Kind];

    /// Queues the objects that a change affects.
    fn observe(&mut self, event: &Event, queue: &mut Queue);

    /// Moves an object one step towards its desired state. Called again when something it observes changes.
    fn reconcile(&mut self, store: &Store, key: &Key, queue: &mut Queue);
}

/// The objects to reconcile, now or later.
#[derive(Debug, Default)]
struct Queue {
    now: BTreeSet<Key>,
    later: BTreeSet<(Instant, Key)>,
}

impl Queue {
    fn add(&mut self, key: Key) {
        self.now.insert(key);
    }

    fn add_at(&mut self, due: Instant, key: Key) {
        self.later.insert((due, key));
    }

    fn add_after(&mut self, delay: Duration, key: Key) {
        self.add_at(Instant::now() + delay, key);
    }

    fn next(&mut self, now: Instant) -> Option<Key> {
        while self.later.first().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, key)) = self.later.pop_first() {
                self.now.insert(key);
            }
        }
        self.now.pop_first()
    }
}

/// Starts all controllers on the current runtime; they end with the sandbox.
pub(crate) fn start(store: &Arc<Store>, shutdown: &Shutdown, timing: Timing) {
    spawn(deployment::Deployments, store, shutdown);
    spawn(replicaset::ReplicaSets, store, shutdown);
    spawn(pod::Pods::new(timing), store, shutdown);
    spawn(endpoints::Endpoints::default(), store, shutdown);
    spawn(gc::Collector, store, shutdown);
    spawn(namespace::Namespaces, store, shutdown);
}

fn spawn(controller: impl Controller, store: &Arc<Store>, shutdown: &Shutdown) {
    tokio::spawn(run(controller, store.clone(), shutdown.clone()));
}

async fn run(mut controller: impl Controller, store: Arc<Store>, mut shutdown: Shutdown) {
    let mut notifier = store.notifier();
    let mut queue = Queue::default();
    let mut position = 0;
    while !shutdown.is_triggered() {
        notifier.mark_unchanged();
        position = catch_up(&mut controller, &store, position, &mut queue);
        let run_ends = Instant::now() + MAX_RUN;
        while let Some(key) = queue.next(Instant::now()) {
            controller.reconcile(&store, &key, &mut queue);
            if Instant::now() >= run_ends {
                break;
            }
        }
        if !queue.now.is_empty() {
            tokio::task::yield_now().await;
            continue;
        }
        let due = queue.later.first().map(|(due, _)| *due);
        tokio::select! {
            _ = notifier.changed() => {}
            () = shutdown.triggered() => return,
            () = async { tokio::time::sleep_until(due.unwrap_or_else(Instant::now)).await }, if due.is_some() => {}
        }
    }
}

/// Passes on what has changed, or everything when the history does not reach back far enough.
fn catch_up(controller: &mut impl Controller, store: &Store, position: u64, queue: &mut Queue) -> u64 {
    let (events, revision) = store.read(|state| {
        let of_kind =
            |kind: &Kind| state.events_after(*kind, position).unwrap_or_else(|_| state.as_events(*kind).collect());
        let events: Vec<Event> = controller.kinds().iter().flat_map(of_kind).collect();
        (events, state.revision())
    });
    events.iter().for_each(|event| controller.observe(event, queue));
    revision
}
