//! Streams and consumers: as they should be, and as NATS says that they are.

use std::{collections::BTreeMap, fmt, str::FromStr, time::Duration};

use domain::{RuntimeId, VersionName};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::store::InstallationId;

/// How long a node may take for a message before it is delivered again. Go nodes refuse a durable with another time.
pub const ACK_WAIT: Duration = Duration::from_secs(22 * 60 * 60);

/// Whose a stream or a consumer is; its description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub installation: InstallationId,
    pub runtime: RuntimeId,
    pub version: VersionName,
}

const BY: &str = "managed by kai-server";

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{BY}, installation {}, runtime {}, version {}", self.installation, self.runtime, self.version)
    }
}

/// It is no mark of ours.
#[derive(Debug)]
pub struct NoMark;

impl FromStr for Mark {
    type Err = NoMark;

    fn from_str(text: &str) -> Result<Self, NoMark> {
        fn read(text: &str) -> Option<Mark> {
            let mut parts = text.split(", ");
            let mut value = |key: &str| parts.next()?.strip_prefix(key);
            value(BY).filter(|rest| rest.is_empty())?;
            Some(Mark {
                installation: value("installation ")?.parse().ok()?,
                runtime: value("runtime ")?.parse().ok()?,
                version: value("version ")?.parse().ok()?,
            })
        }
        read(text).ok_or(NoMark)
    }
}

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

    fn shape(&self) -> Shape {
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

/// What is compared of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Shape {
    #[serde(default)]
    subjects: Vec<String>,
    #[serde(default)]
    retention: String,
    #[serde(default)]
    max_msgs_per_subject: i64,
    #[serde(default)]
    allow_rollup_hdrs: bool,
    #[serde(default)]
    deny_delete: bool,
    #[serde(default)]
    discard: String,
    #[serde(default)]
    allow_direct: bool,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_is_written_and_nothing_else_is_one() {
        let mark = Mark {
            installation: InstallationId::random(),
            runtime: "demo".parse().unwrap(),
            version: "v1".parse().unwrap(),
        };
        let text = mark.to_string();
        assert_eq!(text.parse::<Mark>().ok(), Some(mark));
        for other in ["", "managed by kai-server", "mine", &text.replace("demo", "De mo"), &text.replace("by", "with")]
        {
            assert!(other.parse::<Mark>().is_err(), "{other}");
        }
    }
}
