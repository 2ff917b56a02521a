//! The controllers: each is told of every change of the kinds that it watches, and brings one object at a time to
//! where it should be. They sleep while nothing changes and no timer is due.

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
    ending::Ending,
    kinds::Kind,
    store::{Event, Key, Store},
};

/// How long a controller works before other tasks get their turn.
const TURN: Duration = Duration::from_millis(5);

/// How many objects one step creates or deletes: others wait for the lock meanwhile.
const AT_ONCE: usize = 64;

/// One controller.
trait Controller: Send + 'static {
    /// The kinds whose changes it wants to know of.
    fn kinds(&self) -> &'static [Kind];

    /// Queues what a change concerns.
    fn observe(&mut self, event: &Event, queue: &mut Queue);

    /// Brings an object one step on. It is called again when something that it observes changes.
    fn reconcile(&mut self, store: &Store, key: &Key, queue: &mut Queue);
}

/// What is to be looked at, now or later.
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
pub(crate) fn start(store: &Arc<Store>, ending: &Ending, timing: Timing) {
    spawn(deployment::Deployments, store, ending);
    spawn(replicaset::ReplicaSets, store, ending);
    spawn(pod::Pods::new(timing), store, ending);
    spawn(endpoints::Endpoints::default(), store, ending);
    spawn(gc::Collector, store, ending);
    spawn(namespace::Namespaces, store, ending);
}

fn spawn(controller: impl Controller, store: &Arc<Store>, ending: &Ending) {
    tokio::spawn(run(controller, store.clone(), ending.clone()));
}

async fn run(mut controller: impl Controller, store: Arc<Store>, mut ending: Ending) {
    let mut bell = store.bell();
    let mut queue = Queue::default();
    let mut position = 0;
    while !ending.has_come() {
        bell.mark_unchanged();
        position = catch_up(&mut controller, &store, position, &mut queue);
        let turn_ends = Instant::now() + TURN;
        while let Some(key) = queue.next(Instant::now()) {
            controller.reconcile(&store, &key, &mut queue);
            if Instant::now() >= turn_ends {
                break;
            }
        }
        if !queue.now.is_empty() {
            tokio::task::yield_now().await;
            continue;
        }
        let due = queue.later.first().map(|(due, _)| *due);
        tokio::select! {
            _ = bell.changed() => {}
            () = ending.comes() => return,
            () = async { tokio::time::sleep_until(due.unwrap_or_else(Instant::now)).await }, if due.is_some() => {}
        }
    }
}

/// Tells the controller what has changed; when too much has, of everything there is.
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
