//! Follows what NATS holds: all streams are listed when it becomes reachable and from time to time, and between that NATS
//! tells of streams and consumers that are made and deleted (advisories). So a NATS at rest is asked next to nothing,
//! whatever the number of versions.

use std::{collections::BTreeSet, time::Duration};

use domain::{Reachability, RuntimeId};
use futures::{StreamExt, stream::select_all};
use tokio::time::{Instant, sleep};

use super::{Messaging, MessagingError};

const STREAMS: &str = "$JS.EVENT.ADVISORY.STREAM.*.>";
/// Not of consumers that are made: each request makes one, and we know of our own.
const CONSUMERS: &str = "$JS.EVENT.ADVISORY.CONSUMER.DELETED.>";
/// After a failure that is no outage.
const RETRY: Duration = Duration::from_secs(1);
/// Changes within that time are looked at together; more of them than that are looked at by listing all streams.
const GATHER: Duration = Duration::from_millis(50);
const MANY: usize = 20;

/// What NATS tells.
enum Advisory {
    Stream(String),
    ConsumerDeleted { stream: String, consumer: String },
}

impl Messaging {
    pub(super) async fn run_observation(&self, on_change: &(impl Fn(&RuntimeId) + Sync)) {
        let mut state = self.changed();
        loop {
            // Its other end is in here.
            if state.wait_for(|state| state.reachability == Reachability::Reachable).await.is_err() {
                return;
            }
            let epoch = self.observe_while_reachable(on_change);
            if let Err(error) = epoch.await {
                tracing::warn!("cannot read the streams of NATS: {error}");
                sleep(RETRY).await;
            }
        }
    }

    /// Returns when NATS has been away, however shortly.
    async fn observe_while_reachable(&self, on_change: &(impl Fn(&RuntimeId) + Sync)) -> Result<(), MessagingError> {
        let mut state = self.changed();
        let client = self.0.api.client();
        let mut subscriptions = Vec::new();
        for subject in [STREAMS, CONSUMERS] {
            let subscription = client.subscribe(subject).await;
            subscriptions.push(subscription.map_err(|error| MessagingError::NoConnection(error.to_string()))?);
        }
        let mut advisories = select_all(subscriptions);
        // Who listened before says nothing now.
        self.cache().forget_consumers();
        self.relist(on_change).await?;
        self.set_read();
        let mut relist_at = Instant::now() + self.0.timeouts.relist;
        let mut pending: BTreeSet<String> = BTreeSet::new();
        let mut gathered_at = None;
        loop {
            let next = gathered_at.unwrap_or(relist_at);
            tokio::select! {
                changed = state.changed() => {
                    let lost = !matches!(state.borrow_and_update().reachability, Reachability::Reachable);
                    if changed.is_err() || lost || !self.state().is_read {
                        return Ok(());
                    }
                }
                Some(message) = advisories.next() => match advisory(&message.subject) {
                    Some(Advisory::Stream(stream)) => {
                        pending.insert(stream);
                        gathered_at.get_or_insert_with(|| Instant::now() + GATHER);
                    }
                    Some(Advisory::ConsumerDeleted { stream, consumer }) => {
                        let runtimes = self.cache().remove_consumer(&stream, &consumer);
                        runtimes.iter().for_each(on_change);
                    }
                    None => {}
                },
                () = tokio::time::sleep_until(next) => {
                    gathered_at = None;
                    let streams = std::mem::take(&mut pending);
                    if streams.is_empty() || streams.len() > MANY {
                        self.relist(on_change).await?;
                        relist_at = Instant::now() + self.0.timeouts.relist;
                    } else {
                        self.look_at(&streams, on_change).await?;
                    }
                }
            }
        }
    }

    async fn relist(&self, on_change: &(impl Fn(&RuntimeId) + Sync)) -> Result<(), MessagingError> {
        let all = self.0.api.streams().await.map_err(|error| self.lost(error))?;
        let changed = self.cache().replace(all);
        changed.iter().for_each(on_change);
        Ok(())
    }

    async fn look_at(
        &self,
        streams: &BTreeSet<String>,
        on_change: &(impl Fn(&RuntimeId) + Sync),
    ) -> Result<(), MessagingError> {
        for name in streams {
            let found = self.0.api.stream(name).await.map_err(|error| self.lost(error))?;
            let changed = match found {
                Some(stream) => self.cache().seen(stream),
                None => self.cache().remove(name),
            };
            changed.iter().for_each(on_change);
        }
        Ok(())
    }
}

/// What an advisory's subject says; its text says no more that matters here.
fn advisory(subject: &str) -> Option<Advisory> {
    let rest = subject.strip_prefix("$JS.EVENT.ADVISORY.")?;
    let parts: Vec<&str> = rest.split('.').collect();
    match parts[..] {
        ["STREAM", "CREATED" | "UPDATED" | "DELETED", stream] => Some(Advisory::Stream(stream.to_owned())),
        ["CONSUMER", "DELETED", stream, consumer] => {
            Some(Advisory::ConsumerDeleted { stream: stream.to_owned(), consumer: consumer.to_owned() })
        }
        _ => None,
    }
}
