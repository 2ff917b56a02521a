//! Streams and consumers as NATS says that they are.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::mark::Mark;
#[cfg(test)]
use super::streams::{ACK_WAIT, ConsumerSpec, StreamSpec};

/// What is compared of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Shape {
    #[serde(default)]
    pub(super) subjects: Vec<String>,
    #[serde(default)]
    pub(super) retention: String,
    #[serde(default)]
    pub(super) max_msgs_per_subject: i64,
    #[serde(default)]
    pub(super) allow_rollup_hdrs: bool,
    #[serde(default)]
    pub(super) deny_delete: bool,
    #[serde(default)]
    pub(super) discard: String,
    #[serde(default)]
    pub(super) allow_direct: bool,
}

/// A stream as NATS has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedStream {
    pub name: String,
    pub mark: Option<Mark>,
    /// It has neither a description nor metadata.
    pub is_plain: bool,
    pub messages: u64,
    pub consumer_count: usize,
    /// When it was made: another one of its name has another time.
    pub created: String,
    /// The durable ones; none while they are not known.
    pub consumers: Option<Vec<ObservedConsumer>>,
    pub(crate) shape: Shape,
}

impl ObservedStream {
    /// One that was made like this, with its consumers, to which nobody listens.
    #[cfg(test)]
    pub(crate) fn made_by(spec: &StreamSpec) -> Self {
        Self {
            name: spec.name(),
            mark: Some(spec.mark.clone()),
            is_plain: false,
            messages: 0,
            consumer_count: 0,
            created: String::new(),
            consumers: Some(Vec::new()),
            shape: spec.shape(),
        }
    }

    #[cfg(test)]
    pub(crate) fn shape_like(&mut self, spec: &StreamSpec) {
        self.shape = spec.shape();
    }

    pub fn is_key_value(&self) -> bool {
        self.name.starts_with("KV_")
    }

    /// The durable consumer of a name, as far as it is known.
    pub fn consumer(&self, name: &str) -> Option<&ObservedConsumer> {
        self.consumers.iter().flatten().find(|consumer| consumer.name == name)
    }
}

/// A durable consumer as NATS has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ObservedConsumer {
    pub name: String,
    #[serde(default)]
    pub config: ConsumerConfig,
    /// Somebody listens to it.
    #[serde(default)]
    pub push_bound: bool,
    /// Delivered and not yet acknowledged.
    #[serde(default)]
    pub num_ack_pending: u64,
    #[serde(default)]
    pub num_redelivered: u64,
    /// Not delivered yet.
    #[serde(default)]
    pub num_pending: u64,
    #[serde(default)]
    pub delivered: Delivered,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Delivered {
    /// How many messages were delivered, again or for the first time.
    #[serde(default)]
    pub consumer_seq: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct ConsumerConfig {
    pub durable_name: Option<String>,
    pub description: Option<String>,
    pub deliver_subject: Option<String>,
    pub deliver_group: Option<String>,
    pub filter_subject: Option<String>,
    #[serde(default)]
    pub ack_policy: String,
    /// In nanoseconds.
    #[serde(default)]
    pub ack_wait: u64,
}

impl ObservedConsumer {
    #[cfg(test)]
    pub(crate) fn made_by(spec: &ConsumerSpec, mark: Option<&Mark>) -> Self {
        let config = ConsumerConfig {
            durable_name: Some(spec.name.clone()),
            description: mark.map(ToString::to_string),
            deliver_subject: Some("d".to_owned()),
            deliver_group: Some(spec.deliver_group.clone()),
            filter_subject: Some(spec.filter_subject.clone()),
            ack_policy: "explicit".to_owned(),
            ack_wait: u64::try_from(ACK_WAIT.as_nanos()).unwrap(),
        };
        let (num_ack_pending, num_redelivered, num_pending, delivered) = Default::default();
        let name = spec.name.clone();
        Self { name, config, push_bound: false, num_ack_pending, num_redelivered, num_pending, delivered }
    }

    pub fn mark(&self) -> Option<Mark> {
        self.config.description.as_deref()?.parse().ok()
    }
}

/// A stream in an answer.
#[derive(Deserialize)]
pub(super) struct StreamInfo {
    config: InfoConfig,
    #[serde(default)]
    created: String,
    state: InfoState,
}

#[derive(Deserialize)]
struct InfoConfig {
    name: String,
    description: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    #[serde(flatten)]
    shape: Shape,
}

#[derive(Deserialize)]
struct InfoState {
    #[serde(default)]
    messages: u64,
    #[serde(default)]
    consumer_count: usize,
}

impl From<StreamInfo> for ObservedStream {
    fn from(info: StreamInfo) -> Self {
        let StreamInfo { config, created, state } = info;
        let description = config.description.as_deref().unwrap_or_default();
        Self {
            mark: description.parse().ok(),
            // Newer servers add some of their own.
            is_plain: description.is_empty() && config.metadata.keys().all(|key| key.starts_with("_nats.")),
            name: config.name,
            messages: state.messages,
            consumer_count: state.consumer_count,
            created,
            consumers: None,
            shape: config.shape,
        }
    }
}
