//! The streams and consumers of a version (docs/lifecycle.md §4.3): made before its Deployments, kept, and removed when its
//! pods are gone.
//!
//! What carries no mark of ours is never changed nor deleted, whatever it is called (decision 28).

use std::time::Duration;

use domain::VersionName;
use krt::model::{Node, Workflow};

use super::{Plan, Situation, Step};
use crate::{
    messaging::{ConsumerSpec, Mark, MessagingStep, ObservedStream, StreamKind, StreamSpec},
    reconciler::{
        objects::messages,
        observed::{Observed, ObservedMessaging, belongs_to},
    },
    store::{RuntimeIntent, VersionRecord},
};

/// How soon to look again at consumers that nobody listens to: during a start, and later.
const STARTING_POLL: Duration = Duration::from_secs(1);
const RUNNING_POLL: Duration = Duration::from_secs(5);

/// What is missing of a version's streams.
#[derive(Default)]
pub(super) struct MissingMessages {
    pub(super) steps: Vec<Step>,
    /// Why not all of it is there; none when it is, or when messaging is off.
    pub(super) reason: Option<String>,
}

pub(super) fn missing(situation: &Situation<'_>, version: &VersionRecord) -> MissingMessages {
    let observed = situation.observed;
    let ObservedMessaging::Known { installation, .. } = &observed.messaging else {
        return MissingMessages { steps: Vec::new(), reason: observed.messaging.outage() };
    };
    let mut missing = MissingMessages::default();
    for spec in messages::streams(version, *installation) {
        match steps_for(observed, version, &spec) {
            Ok(steps) if steps.is_empty() => {}
            Ok(steps) => {
                missing.steps.extend(steps.into_iter().map(Step::Message));
                missing.reason.get_or_insert_with(|| format!("{} is being made", spec.label()));
            }
            Err(in_the_way) => {
                missing.reason.get_or_insert(in_the_way);
            }
        }
    }
    missing
}

/// What makes one stream as it should be. An error is what stands in its way.
fn steps_for(observed: &Observed, version: &VersionRecord, spec: &StreamSpec) -> Result<Vec<MessagingStep>, String> {
    let (name, mark) = (spec.name(), &spec.mark);
    let create = |consumer: &ConsumerSpec| MessagingStep::CreateConsumer {
        stream: name.clone(),
        mark: mark.clone(),
        consumer: consumer.clone(),
    };
    let Some(live) = stream(observed, &name) else {
        let made = std::iter::once(MessagingStep::CreateStream(spec.clone()));
        return Ok(made.chain(spec.consumers.values().map(create)).collect());
    };
    check_ours(observed, version, spec, live)?;
    let mut steps = Vec::new();
    if !spec.differences(live).is_empty() && live.mark.is_some() {
        steps.push(MessagingStep::UpdateStream(spec.clone()));
    }
    if !spec.consumers.is_empty() && live.consumers.is_none() {
        // What runs is not in doubt because nobody has looked yet, as after a restart of this server.
        return if version.settled { Ok(steps) } else { Err(format!("reading the consumers of stream {name}")) };
    }
    for wanted in spec.consumers.values() {
        match live.consumer(&wanted.name) {
            None => steps.push(create(wanted)),
            // One that a node made, as after somebody deleted ours. Of generation B it has to have our mark.
            Some(found) if wanted.is_met_by(found) => {
                if found.mark().is_none() && spec.kind == StreamKind::PlainWorkflow {
                    steps.push(create(wanted));
                }
            }
            Some(found) if found.mark().as_ref() == Some(mark) => {
                let consumer = wanted.name.clone();
                steps.push(MessagingStep::DeleteConsumer { stream: name.clone(), mark: mark.clone(), consumer });
                steps.push(create(wanted));
            }
            Some(_) => {
                let wanted = &wanted.name;
                return Err(format!(
                    "consumer {wanted} of stream {name} has other settings than its node needs, and is not managed by this \
                     KAI Server; delete it"
                ));
            }
        }
    }
    if spec.kind == StreamKind::PlainWorkflow && live.mark.is_some() && steps.is_empty() {
        steps.push(MessagingStep::Unmark(spec.clone()));
    }
    Ok(steps)
}

/// An error says whose it is, and what to do.
fn check_ours(
    observed: &Observed,
    version: &VersionRecord,
    spec: &StreamSpec,
    live: &ObservedStream,
) -> Result<(), String> {
    let label = spec.label();
    match &live.mark {
        Some(mark) if *mark == spec.mark => Ok(()),
        Some(mark) if mark.installation != spec.mark.installation => Err(format!(
            "{label} belongs to another installation of KAI Server; delete it there, or rename this version"
        )),
        Some(Mark { runtime, version: other, .. }) => {
            Err(format!("{label} belongs to version {other} of runtime {runtime}; rename this version"))
        }
        None if spec.kind == StreamKind::PlainWorkflow && live.consumers.is_none() => {
            if version.settled {
                return Ok(());
            }
            Err(format!("reading the consumers of stream {}", live.name))
        }
        None if is_marked_by_consumers(spec, live) || is_the_entrypoints(observed, &version.name, spec, live) => Ok(()),
        None => Err(format!("{label} exists in NATS and is not managed by this KAI Server; delete or rename it")),
    }
}

fn is_marked_by_consumers(spec: &StreamSpec, live: &ObservedStream) -> bool {
    let consumers = live.consumers.iter().flatten();
    spec.kind == StreamKind::PlainWorkflow
        && live.is_plain
        && consumers.into_iter().any(|consumer| consumer.mark().as_ref() == Some(&spec.mark))
}

/// An entrypoint of generation B makes its stream itself where it is missing, as after NATS lost all. It is there only while
/// the version has Deployments, and such a stream has no messages and no consumers but the nodes'.
fn is_the_entrypoints(observed: &Observed, version: &VersionName, spec: &StreamSpec, live: &ObservedStream) -> bool {
    let mut consumers = live.consumers.iter().flatten();
    spec.kind == StreamKind::PlainWorkflow
        && live.is_plain
        && live.messages == 0
        && spec.is_like(live)
        && consumers.all(|consumer| spec.consumers.contains_key(&consumer.name))
        && observed.deployments.values().any(|live| belongs_to(live.as_ref(), version))
}

/// A node's consumer that nobody listens to, as a reason for people; none when messaging is off or all are bound.
pub(in crate::reconciler) fn unbound(
    observed: &Observed,
    version: &VersionRecord,
    workflow: &Workflow,
    node: &Node,
) -> Option<String> {
    let ObservedMessaging::Known { .. } = &observed.messaging else { return None };
    let live = stream(observed, &messages::stream(version, workflow));
    if version.settled && live.is_some_and(|live| live.consumers.is_none()) {
        return None;
    }
    messages::durables(version, workflow, node).into_iter().find_map(|durable| {
        let is_bound = live.and_then(|live| live.consumer(&durable.name)).is_some_and(|found| found.push_bound);
        (!is_bound).then(|| format!("not listening to `{}` yet", durable.filter_subject))
    })
}

/// The first node of a version of which a consumer is not bound, as `workflow/node`, and why.
pub(super) fn first_unbound(observed: &Observed, version: &VersionRecord) -> Option<(String, String)> {
    version.manifest.workflows.iter().find_map(|workflow| {
        workflow.nodes.iter().find_map(|node| {
            let reason = unbound(observed, version, workflow, node)?;
            Some((format!("{}/{}", workflow.name, node.name), reason))
        })
    })
}

/// Requeues the runtime while a stream is missing or a node does not listen: NATS does not tell who listens.
pub(super) fn requeue_while_unbound(
    situation: &Situation<'_>,
    version: &VersionRecord,
    is_made: bool,
    plan: &mut Plan,
) {
    let is_known = matches!(situation.observed.messaging, ObservedMessaging::Known { .. });
    if is_known && (!is_made || first_unbound(situation.observed, version).is_some()) {
        let pause = if version.settled { RUNNING_POLL } else { STARTING_POLL };
        plan.requeue(situation.now + pause);
    }
}

/// What is left of a version whose pods are gone, but for its key-value buckets. None while that is not known.
pub(super) fn leftovers(observed: &Observed, version: &VersionRecord) -> Option<Vec<Step>> {
    let (installation, streams) = match &observed.messaging {
        ObservedMessaging::Off => return Some(Vec::new()),
        ObservedMessaging::Reading | ObservedMessaging::Unreachable { .. } => return None,
        ObservedMessaging::Known { installation, streams } => (*installation, streams),
    };
    let mark = Mark { installation, runtime: version.runtime.clone(), version: version.name.clone() };
    let plain = messages::streams(version, installation).into_iter().filter(|s| s.kind == StreamKind::PlainWorkflow);
    let plain: Vec<StreamSpec> = plain.collect();
    let is_ours = |live: &ObservedStream| match &live.mark {
        Some(found) => *found == mark && !live.is_key_value(),
        None => plain.iter().any(|spec| spec.name() == live.name && is_marked_by_consumers(spec, live)),
    };
    let delete = |live: &ObservedStream| {
        Step::Message(MessagingStep::DeleteStream { name: live.name.clone(), mark: mark.clone() })
    };
    Some(streams.values().filter(|live| is_ours(live)).map(|live| delete(live)).collect())
}

/// What is left of versions that are archived or deleted: their key-value buckets.
pub(super) fn of_archived(observed: &Observed, intent: &RuntimeIntent) -> Vec<Step> {
    let ObservedMessaging::Known { installation, streams } = &observed.messaging else { return Vec::new() };
    let is_left = |mark: &Mark| {
        let is_known = intent.versions.iter().any(|version| version.name == mark.version);
        mark.installation == *installation && mark.runtime == intent.runtime.id && !is_known
    };
    streams
        .values()
        .filter_map(|live| {
            let mark = live.mark.clone().filter(is_left)?;
            Some(Step::Message(MessagingStep::DeleteStream { name: live.name.clone(), mark }))
        })
        .collect()
}

/// What keeps a start, or a stop, from going on, as far as messages are concerned.
pub(in crate::reconciler) fn waits_for(observed: &Observed, version: &VersionRecord) -> Option<String> {
    let ObservedMessaging::Known { installation, .. } = &observed.messaging else { return observed.messaging.outage() };
    let in_the_way = |spec: StreamSpec| steps_for(observed, version, &spec).err();
    messages::streams(version, *installation).into_iter().find_map(in_the_way)
}

fn stream<'a>(observed: &'a Observed, name: &str) -> Option<&'a ObservedStream> {
    let ObservedMessaging::Known { streams, .. } = &observed.messaging else { return None };
    streams.get(name).map(AsRef::as_ref)
}
