//! Streams and consumers as they should be.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use super::{
    mark::Mark,
    observed::{ObservedConsumer, ObservedStream, Shape},
};

/// How long a node may take for a message before it is delivered again. Go nodes refuse a durable with another time.
pub const ACK_WAIT: Duration = Duration::from_secs(22 * 60 * 60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamKind {
    /// The messages of a workflow.
    Workflow,
    /// The same of generation B: its entrypoint fails where it has a description, so what is marked are its consumers.
    PlainWorkflow,
    KeyValue,
    ObjectStore,
}

impl StreamKind {
    /// As people call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workflow | Self::PlainWorkflow => "Stream",
            Self::KeyValue => "Key-value bucket",
            Self::ObjectStore => "Object store",
        }
    }
}

/// A stream as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSpec {
    pub kind: StreamKind,
    /// The workflow's stream, or the bucket without its prefix.
    pub title: String,
    pub subjects: Vec<String>,
    pub mark: Mark,
    /// By name.
    pub consumers: BTreeMap<String, ConsumerSpec>,
}

/// A durable push consumer as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerSpec {
    pub name: String,
    pub filter_subject: String,
    pub deliver_group: String,
}

/// Where a consumer's messages go; its node listens there. The same each time that the consumer is made, so that a node
/// that listens goes on listening when the consumer is made again.
pub fn deliver_subject(stream: &str, consumer: &str) -> String {
    format!("_kai.deliver.{stream}.{consumer}")
}

impl StreamSpec {
    pub fn key_value(title: String, mark: Mark) -> Self {
        let subjects = vec![format!("$KV.{title}.>")];
        Self { kind: StreamKind::KeyValue, title, subjects, mark, consumers: BTreeMap::new() }
    }

    pub fn object_store(title: String, mark: Mark) -> Self {
        let subjects = vec![format!("$O.{title}.C.>"), format!("$O.{title}.M.>")];
        Self { kind: StreamKind::ObjectStore, title, subjects, mark, consumers: BTreeMap::new() }
    }

    /// What NATS calls it.
    pub fn name(&self) -> String {
        let title = &self.title;
        match self.kind {
            StreamKind::Workflow | StreamKind::PlainWorkflow => title.clone(),
            StreamKind::KeyValue => format!("KV_{title}"),
            StreamKind::ObjectStore => format!("OBJ_{title}"),
        }
    }

    /// As people call it, with its kind.
    pub fn label(&self) -> String {
        format!("{} {}", self.kind.as_str(), self.title)
    }

    pub(super) fn shape(&self) -> Shape {
        // As the clients of NATS make them (NATS architecture decisions 8 and 20).
        let bucket = Shape {
            subjects: self.subjects.clone(),
            retention: "limits".to_owned(),
            max_msgs_per_subject: -1,
            allow_rollup_hdrs: true,
            deny_delete: false,
            discard: "new".to_owned(),
            allow_direct: true,
        };
        match self.kind {
            StreamKind::Workflow | StreamKind::PlainWorkflow => Shape {
                subjects: self.subjects.clone(),
                retention: "interest".to_owned(),
                max_msgs_per_subject: -1,
                allow_rollup_hdrs: false,
                deny_delete: false,
                discard: "old".to_owned(),
                allow_direct: false,
            },
            StreamKind::KeyValue => Shape { max_msgs_per_subject: 1, deny_delete: true, ..bucket },
            StreamKind::ObjectStore => bucket,
        }
    }

    /// The configuration to make it with.
    pub(super) fn config(&self) -> Value {
        let shape = self.shape();
        json!({
            "name": self.name(),
            "description": self.mark.to_string(),
            "subjects": shape.subjects,
            "retention": shape.retention,
            "storage": "file",
            "max_consumers": -1,
            "max_msgs": -1,
            "max_bytes": -1,
            "max_age": 0,
            "max_msgs_per_subject": shape.max_msgs_per_subject,
            "max_msg_size": -1,
            "discard": shape.discard,
            "num_replicas": 1,
            "allow_rollup_hdrs": shape.allow_rollup_hdrs,
            "deny_delete": shape.deny_delete,
            "allow_direct": shape.allow_direct,
        })
    }

    /// The fields in which an existing stream differs and can be changed.
    pub fn differences(&self, live: &ObservedStream) -> Vec<&'static str> {
        let (wanted, live) = (self.shape(), &live.shape);
        let mut subjects = live.subjects.clone();
        subjects.sort_unstable();
        let mut wanted_subjects = wanted.subjects.clone();
        wanted_subjects.sort_unstable();
        [
            ("subjects", wanted_subjects != subjects),
            ("max_msgs_per_subject", wanted.max_msgs_per_subject != live.max_msgs_per_subject),
            ("allow_rollup_hdrs", wanted.allow_rollup_hdrs != live.allow_rollup_hdrs),
            ("discard", wanted.discard != live.discard),
            ("allow_direct", wanted.allow_direct != live.allow_direct),
        ]
        .into_iter()
        .filter_map(|(field, differs)| differs.then_some(field))
        .collect()
    }

    /// Whether a stream is just like what this one is, but for whose it is and what is in it.
    pub fn is_like(&self, live: &ObservedStream) -> bool {
        self.differences(live).is_empty() && self.shape().retention == live.shape.retention
    }
}

impl ConsumerSpec {
    pub(super) fn config(&self, stream: &str, mark: &Mark) -> Value {
        json!({
            "durable_name": self.name,
            "description": mark.to_string(),
            "deliver_subject": deliver_subject(stream, &self.name),
            "deliver_group": self.deliver_group,
            "filter_subject": self.filter_subject,
            "deliver_policy": "new",
            "ack_policy": "explicit",
            "ack_wait": u64::try_from(ACK_WAIT.as_nanos()).unwrap_or(u64::MAX),
            "max_deliver": -1,
            "max_ack_pending": -1,
            "replay_policy": "instant",
        })
    }

    /// Whether a node takes a consumer for the one that it would make itself.
    pub fn is_met_by(&self, live: &ObservedConsumer) -> bool {
        let config = &live.config;
        config.filter_subject.as_deref() == Some(&self.filter_subject)
            && config.deliver_group.as_deref() == Some(&self.deliver_group)
            && config.deliver_subject.is_some()
            && config.ack_policy == "explicit"
            && u128::from(config.ack_wait) == ACK_WAIT.as_nanos()
    }
}
