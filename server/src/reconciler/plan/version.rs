//! Starting, keeping and stopping one version.

use std::{collections::BTreeMap, sync::Arc};

use domain::{Desired, Role, Timestamp};
use kube::{Resource, ResourceExt};

use super::{
    FailureCause, Kind, Plan, Situation, Step, StepScope, Transition, messaging,
    object::{Object, Planned, in_cluster},
};
use crate::{
    reconciler::{
        ObjectSettings,
        objects::{self, ACTIVE_SERVICE, INGRESS, own_service, preview_ingress},
        observed::{Observed, belongs_to},
        readiness::{self, Severity},
    },
    store::VersionRecord,
};

pub(super) fn plan_version(situation: &Situation<'_>, version: &VersionRecord, plan: &mut Plan) -> Vec<Step> {
    match version.desired {
        Desired::Started => run(situation, version, plan),
        Desired::Stopped => remove(situation.observed, version, plan),
        // Was stopped before; a store's intent does not even hold it.
        Desired::Archived => Vec::new(),
    }
}

fn run(situation: &Situation<'_>, version: &VersionRecord, plan: &mut Plan) -> Vec<Step> {
    let (mut steps, is_complete) = missing(situation, version, plan);
    let messages = messaging::missing(situation, version);
    let is_made = messages.reason.is_none();
    messaging::requeue_while_unbound(situation, version, is_made, plan);
    if version.settled {
        steps.extend(messages.steps);
    } else {
        // Nodes take a consumer that they find, and a message that comes before there is one is lost.
        if !is_made {
            steps.retain(|step| !matches!(step, Step::Apply(Object::Deployment(_))));
        }
        steps.splice(..0, messages.steps);
    }
    if !version.settled {
        let (key, generation) = (version.key, version.generation);
        if is_complete && is_made && is_ready(situation, version) && is_steady(situation, version, plan) {
            plan.transitions.push(Transition::Settled { version: key, generation });
            return Vec::new();
        }
        if let Some(cause) = fatal(situation.observed, version) {
            plan.transitions.push(Transition::StartFailed { version: key, generation, cause });
            return Vec::new();
        }
        if situation.is_past(start_deadline(situation, version), plan) {
            let cause = deadline_cause(situation, version, "the start timed out");
            plan.transitions.push(Transition::StartFailed { version: key, generation, cause });
            return Vec::new();
        }
    }
    let own = situation.observed.services.get(&own_service(&version.name));
    let preview = situation.observed.ingresses.get(&preview_ingress(&version.name));
    if has_preview(situation.settings, version) {
        // Not to a Service that is gone in a moment.
        if own.is_none_or(|live| live.metadata.deletion_timestamp.is_none()) {
            let ingress = objects::preview_ingress_object(version, situation.settings);
            steps.extend(situation.to_apply(
                StepScope::Version(version.key),
                ingress,
                &situation.observed.ingresses,
                plan,
            ));
        }
    } else if let Some(preview) = preview {
        steps.extend(delete(Kind::Ingress, preview.as_ref()));
    } else if version.role == Role::Serving {
        // A published version is reached as `active-entrypoint` alone (docs/lifecycle.md §3.4).
        steps.extend(own.and_then(|live| delete(Kind::Service, live.as_ref())));
    }
    steps
}

/// Until when a start has to be ready. The time in which no server was there to try it does not count
/// ([decision 15](../../../../docs/decisions/0015-no-wait-on-the-cluster-without-an-end.md)).
fn start_deadline(situation: &Situation<'_>, version: &VersionRecord) -> Option<Timestamp> {
    let deadline = version.deadline?;
    if situation.now < deadline {
        return Some(deadline);
    }
    let tried_at = match applied_at(situation.observed, version) {
        Some(at) => Some(at).filter(|at| *at > deadline),
        None => situation.up_since,
    };
    let from_then = tried_at.and_then(|at| at.checked_add(situation.start_timeout).ok());
    Some(from_then.map_or(deadline, |from_then| from_then.max(deadline)))
}

/// When all Deployments of a version were there; none when one of them is not. The cluster's own record of it: no restart
/// of this server changes it, so none gives a start more time that has been tried.
fn applied_at(observed: &Observed, version: &VersionRecord) -> Option<Timestamp> {
    let nodes = version.manifest.workflows.iter().flat_map(|workflow| {
        workflow.nodes.iter().map(|node| objects::node_deployment(&version.name, &workflow.name, &node.name))
    });
    let mut applied_at = Timestamp::MIN;
    for name in nodes.chain([objects::entrypoint_deployment(&version.name)]) {
        let created_at = observed.deployments.get(&name)?.creation_timestamp().map(|at| at.0);
        applied_at = applied_at.max(created_at.unwrap_or(Timestamp::MIN));
    }
    Some(applied_at)
}

/// Whether the version is to have an Ingress of its own: while it is started, and the one of what is published leads
/// elsewhere.
pub(in crate::reconciler) fn has_preview(settings: &ObjectSettings, version: &VersionRecord) -> bool {
    let is_started = version.desired == Desired::Started && version.settled;
    settings.ingress_preview && is_started && matches!(version.role, Role::None | Role::Incoming)
}

/// What has to be applied for a version to run: what its Deployments need before them. And whether all of it is there as
/// it should be.
fn missing(situation: &Situation<'_>, version: &VersionRecord, plan: &mut Plan) -> (Vec<Step>, bool) {
    let observed = situation.observed;
    let wanted = objects::version_objects(version, situation.settings);
    let mut missing =
        Missing { situation, scope: StepScope::Version(version.key), plan, steps: Vec::new(), is_complete: true };
    missing.check(wanted.secret, &observed.secrets);
    missing.check(wanted.config_map, &observed.config_maps);
    for deployment in wanted.deployments {
        missing.check(deployment, &observed.deployments);
    }
    if version.role != Role::Serving {
        let own = in_cluster(objects::own_service_object(version, situation.settings), &observed.services);
        missing.check(own, &observed.services);
    }
    (missing.steps, missing.is_complete)
}

struct Missing<'a> {
    situation: &'a Situation<'a>,
    scope: StepScope,
    plan: &'a mut Plan,
    steps: Vec<Step>,
    is_complete: bool,
}

impl Missing<'_> {
    fn check<K: Planned>(&mut self, wanted: K, observed: &BTreeMap<String, Arc<K>>) {
        self.is_complete &= self.situation.is_up_to_date(&wanted, observed.get(&wanted.name_any()));
        self.steps.extend(self.situation.to_apply(self.scope, wanted, observed, self.plan));
    }
}

pub(super) fn delete<K: Resource>(kind: Kind, live: &K) -> Option<Step> {
    let meta = live.meta();
    meta.deletion_timestamp.is_none().then(|| Step::Delete { kind, name: live.name_any(), uid: meta.uid.clone() })
}

/// All Deployments are there as they should be, and all their replicas are available.
pub(super) fn is_ready(situation: &Situation<'_>, version: &VersionRecord) -> bool {
    unready(situation, version).is_none()
}

/// The first Deployment that is not as it should be or not available, or node that does not listen.
fn unready(situation: &Situation<'_>, version: &VersionRecord) -> Option<FailureCause> {
    let wanted = objects::version_objects(version, situation.settings).deployments;
    let of_deployments = wanted.iter().find_map(|wanted| {
        let live = situation.observed.deployments.get(&wanted.name_any());
        let reason = match live {
            Some(live) if situation.is_up_to_date(wanted, Some(live)) => readiness::incomplete(live)?,
            Some(_) => "its Deployment is not up to date".to_owned(),
            None => "its Deployment is missing".to_owned(),
        };
        Some(FailureCause { node: node_of(wanted), reason, ..FailureCause::default() })
    });
    of_deployments.or_else(|| no_messages(situation, version)).or_else(|| {
        let (node, reason) = messaging::first_unbound(situation.observed, version)?;
        Some(FailureCause { node: Some(node), reason, ..FailureCause::default() })
    })
}

/// Why no node can get messages.
fn no_messages(situation: &Situation<'_>, version: &VersionRecord) -> Option<FailureCause> {
    let reason = messaging::missing(situation, version).reason?;
    Some(FailureCause { reason, ..FailureCause::default() })
}

/// No pod has a problem, and none has restarted a moment ago.
fn is_steady(situation: &Situation<'_>, version: &VersionRecord, plan: &mut Plan) -> bool {
    let min_ready = situation.settings.node_min_ready;
    let mut steady = true;
    for pod in situation.observed.pods_of(&version.name) {
        let has_problem = readiness::pod_problem(pod).is_some_and(|c| c.severity >= Severity::Failing);
        let restarted_until =
            readiness::last_restart(pod).map(|at| at + min_ready).filter(|until| *until > situation.now);
        if let Some(until) = restarted_until {
            plan.requeue(until);
        }
        steady &= !has_problem && restarted_until.is_none();
    }
    steady
}

fn remove(observed: &Observed, version: &VersionRecord, plan: &mut Plan) -> Vec<Step> {
    // Cannot be while commands are decided by the lifecycle; if it is, callers come first.
    if observed.active_selects() == Some(version.name.as_str()) {
        return Vec::new();
    }
    let (mut steps, mut services) = (Vec::new(), Vec::new());
    let ingresses = delete_all(Kind::Ingress, &observed.ingresses, version, &mut steps);
    let left = ingresses
        + delete_all(Kind::Service, &observed.services, version, &mut services)
        + delete_all(Kind::Deployment, &observed.deployments, version, &mut steps)
        + delete_all(Kind::Secret, &observed.secrets, version, &mut steps)
        + delete_all(Kind::ConfigMap, &observed.config_maps, version, &mut steps)
        + observed.pods_of(&version.name).count();
    // An Ingress goes before the Service that it points at.
    if ingresses == 0 {
        steps.extend(services);
    }
    if left > 0 {
        return steps;
    }
    // An entrypoint of generation B makes its stream again while it runs.
    let Some(leftovers) = messaging::leftovers(observed, version) else { return steps };
    if leftovers.is_empty() && !version.settled {
        plan.transitions.push(Transition::Settled { version: version.key, generation: version.generation });
    }
    steps.extend(leftovers);
    steps
}

/// Plans to delete what belongs to the version, and counts all that is still there.
fn delete_all<K: Resource>(
    kind: Kind,
    observed: &BTreeMap<String, Arc<K>>,
    version: &VersionRecord,
    steps: &mut Vec<Step>,
) -> usize {
    let mut left = 0;
    for live in observed.values().filter(|live| belongs_to(live.as_ref(), &version.name)) {
        // These are the publication's, whatever version they carry the label of.
        if [ACTIVE_SERVICE, INGRESS].contains(&live.name_any().as_str()) {
            continue;
        }
        left += 1;
        steps.extend(delete(kind, live.as_ref()));
    }
    left
}

/// What makes it certain that a start cannot succeed.
fn fatal(observed: &Observed, version: &VersionRecord) -> Option<FailureCause> {
    worst(observed, version).filter(|(severity, _)| *severity == Severity::Fatal).map(|(_, cause)| cause)
}

/// Why a version is not ready, when time has run out: the worst that can be seen.
pub(super) fn deadline_cause(situation: &Situation<'_>, version: &VersionRecord, what: &str) -> FailureCause {
    let last_error = situation.last_errors.get(&StepScope::Version(version.key));
    let last_error = last_error.or_else(|| situation.last_errors.get(&StepScope::Publication));
    let last_error = situation.observed.namespace_closed.as_ref().or(last_error);
    let failing = worst(situation.observed, version).filter(|(severity, _)| *severity >= Severity::Failing);
    let refused =
        || last_error.map(|last_error| FailureCause { reason: last_error.clone(), ..FailureCause::default() });
    let slow = || worst(situation.observed, version).map(|(_, cause)| cause);
    // Whatever fails without messages fails because of that.
    let no_messages = no_messages(situation, version).filter(|_| last_error.is_none());
    let failing = failing.map(|(_, cause)| cause);
    let cause = no_messages.or(failing).or_else(refused).or_else(slow).or_else(|| unready(situation, version));
    match cause {
        Some(cause) => FailureCause { reason: format!("{what}: {}", cause.reason), ..cause },
        None => FailureCause { reason: what.to_owned(), ..FailureCause::default() },
    }
}

pub(crate) fn worst(observed: &Observed, version: &VersionRecord) -> Option<(Severity, FailureCause)> {
    let of_pods = observed.pods_of(&version.name).filter_map(|pod| {
        let problem = readiness::pod_problem(pod)?;
        let cause = FailureCause {
            node: node_of(pod),
            reason: problem.message,
            pod: Some(problem.pod),
            container: problem.crashed,
        };
        Some((problem.severity, cause))
    });
    let of_deployments =
        observed.deployments.values().filter(|d| belongs_to(d.as_ref(), &version.name)).filter_map(|d| {
            let (reason, severity) = readiness::replica_failure(d)?;
            Some((severity, FailureCause { node: node_of(d.as_ref()), reason, ..FailureCause::default() }))
        });
    of_pods.chain(of_deployments).max_by_key(|(severity, _)| *severity)
}

/// `workflow/node` or `entrypoint`, by an object's labels.
fn node_of<K: Resource>(object: &K) -> Option<String> {
    let labels = object.labels();
    match (labels.get("workflow-name"), labels.get("node-name")) {
        (Some(workflow), Some(node)) => Some(format!("{workflow}/{node}")),
        _ => labels.get("type").cloned(),
    }
}
