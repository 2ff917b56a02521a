//! What waits for the nodes of a version, as NATS says. Asked only while somebody looks, and for many who look at once.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use domain::{LiveQueue, NodeName, WorkflowName};

use super::{
    Reconciler,
    objects::messages::{durables, stream},
};
use crate::store::{VersionKey, VersionRecord};

/// How old an answer may be.
const FRESH: Duration = Duration::from_secs(2);

/// The consumer of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeQueue {
    pub(crate) workflow: WorkflowName,
    /// As the manifest writes it.
    pub(crate) subscription: String,
    pub(crate) node: NodeName,
    pub(crate) queue: LiveQueue,
}

/// The last answers, by version, with when they came.
#[derive(Default)]
pub(super) struct Queues(Mutex<HashMap<VersionKey, Answer>>);

type Answer = (Instant, Vec<NodeQueue>);

impl Reconciler {
    /// Of each subscription whose consumer is there. None of them while messaging is off or does not answer.
    pub(crate) async fn queues(&self, version: &VersionRecord) -> Vec<NodeQueue> {
        let Some(messaging) = &self.0.messaging else { return Vec::new() };
        if let Some(fresh) = self.0.queues.fresh(version.key) {
            return fresh;
        }
        let mut queues = Vec::new();
        for workflow in &version.manifest.workflows {
            // What cannot be asked is said elsewhere: here it is only a number less.
            let Ok(consumers) = messaging.consumers(&stream(version, workflow)).await else { continue };
            for node in &workflow.nodes {
                for (subscription, durable) in node.subscriptions.iter().zip(durables(version, workflow, node)) {
                    let Some(consumer) = consumers.iter().find(|consumer| consumer.name == durable.name) else {
                        continue;
                    };
                    queues.push(NodeQueue {
                        workflow: workflow.name.clone(),
                        subscription: subscription.to_string(),
                        node: node.name.clone(),
                        queue: LiveQueue {
                            waiting: consumer.num_pending,
                            in_progress: consumer.num_ack_pending,
                            redelivered: consumer.num_redelivered,
                        },
                    });
                }
            }
        }
        self.0.queues.known().insert(version.key, (Instant::now(), queues.clone()));
        queues
    }
}

impl Queues {
    fn fresh(&self, version: VersionKey) -> Option<Vec<NodeQueue>> {
        let mut known = self.known();
        known.retain(|_, (at, _)| at.elapsed() < FRESH);
        known.get(&version).map(|(_, queues)| queues.clone())
    }

    fn known(&self) -> MutexGuard<'_, HashMap<VersionKey, Answer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
