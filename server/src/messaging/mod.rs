//! NATS JetStream, by which the nodes of a version exchange messages: the connection, whether it answers, what streams and
//! consumers there are, and steps that change them.
//!
//! Requests are JetStream's own API in JSON, so that nothing is lost of what a newer server says of a stream. This module
//! decides nothing: which streams there should be, and whose they are, is the planner's.

mod api;
mod apply;
mod cache;
mod connection;
mod mark;
mod observe;
mod observed;
mod streams;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{Reachability, RuntimeId, Timestamp};
use tokio::{sync::watch, time::Instant};

use crate::config::{MessagingTimeouts, NatsSettings};
use api::Api;
use cache::Cache;
use connection::ConnectionEvents;

pub use api::MessagingError;
pub use apply::MessagingStep;
pub use mark::Mark;
pub use observed::{ObservedConsumer, ObservedStream};
pub use streams::{ACK_WAIT, ConsumerSpec, StreamKind, StreamSpec, deliver_subject};

/// A connection to NATS. Cheap to clone.
#[derive(Clone)]
pub struct Messaging(Arc<Inner>);

struct Inner {
    api: Api,
    timeouts: MessagingTimeouts,
    born: Instant,
    events: Arc<ConnectionEvents>,
    state: watch::Sender<MessagingState>,
    cache: Mutex<Cache>,
}

/// Whether NATS answers, and whether it is known what it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct MessagingState {
    pub reachability: Reachability,
    /// All streams have been seen since it last became reachable.
    pub is_read: bool,
    /// What the last outage means for those that run is recorded ([`Messaging::outage_recorded`]).
    pub is_outage_recorded: bool,
}

impl MessagingState {
    fn unread(reachability: Reachability) -> Self {
        Self { reachability, is_read: false, is_outage_recorded: false }
    }
}

impl Messaging {
    /// Makes the client, which connects in the background for as long as it takes.
    ///
    /// # Errors
    /// When the URL or the credentials cannot be used at all.
    pub async fn connect(settings: &NatsSettings, timeouts: MessagingTimeouts) -> Result<Self, MessagingError> {
        let events = Arc::new(ConnectionEvents::default());
        let client = connection::connect(settings, timeouts, events.clone()).await?;
        let state = MessagingState::unread(Reachability::Connecting);
        Ok(Self(Arc::new(Inner {
            api: Api::new(client, timeouts),
            timeouts,
            born: Instant::now(),
            events,
            state: watch::Sender::new(state),
            cache: Mutex::default(),
        })))
    }

    pub fn state(&self) -> MessagingState {
        self.0.state.borrow().clone()
    }

    /// Notifies of every change of [`Messaging::state`].
    pub fn changed(&self) -> watch::Receiver<MessagingState> {
        self.0.state.subscribe()
    }

    /// Probes NATS and follows what it holds, until dropped. `on_change` gets each runtime of which something changed.
    pub async fn run(&self, on_change: impl Fn(&RuntimeId) + Sync) {
        tokio::join!(self.run_probe(), self.run_observation(&on_change));
    }

    /// From now on streams of these names, and no others, are of the runtime whether they are marked or not.
    pub fn want(&self, runtime: &RuntimeId, names: BTreeSet<String>) {
        self.cache().want(runtime, names);
    }

    /// The streams that are marked as a runtime's, and those that it [wants](Self::want), by name. None while it is not known
    /// what there is, or what the last outage means is not recorded.
    pub fn streams(&self, runtime: &RuntimeId) -> Option<BTreeMap<String, Arc<ObservedStream>>> {
        let state = self.state();
        (state.is_read && state.is_outage_recorded).then(|| self.cache().of_runtime(runtime))
    }

    /// It is stored which pods have to restart because of an outage that is over. Nothing is said of NATS before, so that
    /// nobody takes nodes that have to restart for healthy.
    pub fn outage_recorded(&self) {
        self.0.state.send_if_modified(|state| {
            let modified = !state.is_outage_recorded && state.reachability == Reachability::Reachable;
            state.is_outage_recorded |= modified;
            modified
        });
    }

    /// Asks for the consumers of these streams, as far as there are such streams.
    pub async fn refresh_consumers(&self, streams: &[String]) -> Result<(), MessagingError> {
        for stream in streams {
            if !self.cache().knows(stream) {
                continue;
            }
            match self.0.api.consumers(stream).await {
                Ok(consumers) => self.cache().set_consumers(stream, consumers),
                Err(error) if error.is_not_found() => self.cache().gone(stream),
                Err(error) => return Err(self.lost(error)),
            }
        }
        Ok(())
    }

    /// The consumers of a stream as they are now.
    ///
    /// # Errors
    /// When NATS does not answer, or there is no such stream.
    pub async fn consumers(&self, stream: &str) -> Result<Vec<ObservedConsumer>, MessagingError> {
        self.0.api.consumers(stream).await
    }

    /// Carries a step out. It is idempotent, and what it did is observed at once.
    ///
    /// # Errors
    /// What NATS answers, or that it does not.
    pub async fn execute(&self, step: &MessagingStep) -> Result<(), MessagingError> {
        let done = apply::execute(&self.0.api, &self.0.cache, step).await;
        done.map_err(|error| self.lost(error))
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.0.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One lost request does not mean that NATS is unreachable, but that one has to look.
    fn lost(&self, error: MessagingError) -> MessagingError {
        if !error.is_answer() {
            self.0.events.wanted.notify_one();
        }
        error
    }

    /// Whether the first connection may still come.
    fn is_connecting(&self) -> bool {
        self.state().reachability == Reachability::Connecting && self.0.born.elapsed() < self.0.timeouts.connect
    }

    fn set_unreachable(&self, since: Timestamp, reason: &str) {
        self.0.state.send_if_modified(|state| {
            let since = match &state.reachability {
                Reachability::Unreachable { since, .. } => *since,
                _ => since,
            };
            let now = Reachability::Unreachable { since, reason: reason.to_owned() };
            let modified = state.reachability != now || state.is_read;
            *state = MessagingState::unread(now);
            modified
        });
    }

    fn set_reachable(&self) {
        self.0.state.send_if_modified(|state| {
            let modified = state.reachability != Reachability::Reachable;
            state.reachability = Reachability::Reachable;
            modified
        });
    }

    fn set_read(&self) {
        self.0.state.send_if_modified(|state| {
            let modified = !state.is_read && state.reachability == Reachability::Reachable;
            state.is_read |= modified;
            modified
        });
    }
}
