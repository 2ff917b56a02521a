//! Moving the published entrypoint so that no request fails (docs/lifecycle.md §3.4).
//!
//! `active-entrypoint` is changed in place, never deleted while a version is to be published, and only ever made to
//! select a version that is ready. Each condition is read from what has been observed.

use std::collections::BTreeSet;

use domain::{Desired, Timestamp};
use k8s_openapi::api::core::v1::Service;
use kube::ResourceExt;

use super::{
    Kind, Object, Plan, RECOVERY, Situation, Step, StepScope, Transition,
    object::{ObjectState, in_cluster},
    version,
};
use crate::{
    reconciler::objects::{self, ACTIVE_SERVICE, INGRESS, own_service},
    store::{VersionKey, VersionRecord},
};

pub(super) fn plan_publication(situation: &Situation<'_>, plan: &mut Plan) -> Vec<Step> {
    let runtime = &situation.intent.runtime;
    let target = runtime.publication.target;
    let find = |key: VersionKey| situation.intent.versions.iter().find(|version| version.key == key);
    match target.and_then(find) {
        Some(version) => route_to_target(situation, version, plan),
        None if target.is_none() => unpublish(situation, plan),
        None => {
            tracing::error!(runtime = %runtime.id, "the version to be published is missing");
            Vec::new()
        }
    }
}

/// Leads requests to this version; until that may be, to the one that is published.
fn route_to_target(situation: &Situation<'_>, version: &VersionRecord, plan: &mut Plan) -> Vec<Step> {
    let publication = &situation.intent.runtime.publication;
    let (mut steps, reached) = route_to(situation, version, plan);
    if !publication.switching() {
        return steps;
    }
    if steps.is_empty() && situation.observed.active_selects() != Some(version.name.as_str()) {
        let versions = situation.intent.versions.iter();
        let serving_version = versions.filter(|v| Some(v.key) == publication.serving && v.desired == Desired::Started);
        steps = serving_version.flat_map(|serving_version| route_to(situation, serving_version, plan).0).collect();
    }
    if reached {
        plan.transitions.push(Transition::PublicationSettled { target: Some(version.key) });
    } else if situation.is_past(publish_deadline(situation), plan) {
        let cause = version::deadline_cause(situation, version, "the publication timed out");
        plan.transitions.push(Transition::PublishFailed { target: version.key, cause });
    }
    steps
}

/// Until when a publish has to be reached. One that ran out of time while no server was there is tried for as long as one
/// that ran out while the cluster was away; requests go on where they went.
fn publish_deadline(situation: &Situation<'_>) -> Option<Timestamp> {
    let deadline = situation.intent.runtime.publish_deadline?;
    let tried_since = situation.up_since.filter(|since| *since >= deadline);
    Some(tried_since.map_or(deadline, |since| since + RECOVERY))
}

/// What may be done now to lead requests to this version, and whether all of it has been seen done.
fn route_to(situation: &Situation<'_>, version: &VersionRecord, plan: &mut Plan) -> (Vec<Step>, bool) {
    let observed = situation.observed;
    let active = observed.services.get(ACTIVE_SERVICE);
    // It is being deleted, and created again when it is gone.
    if active.is_some_and(|live| live.metadata.deletion_timestamp.is_some()) {
        return (Vec::new(), false);
    }
    let wanted = in_cluster(objects::active_service_object(version, situation.settings), &observed.services);
    let mut steps = Vec::new();
    if observed.active_selects() != Some(version.name.as_str()) {
        // Whoever leads requests elsewhere each time is not raced; another version is another object to want.
        let delay = match situation.object_state(&wanted, active) {
            ObjectState::Differs { delay, .. } => delay,
            ObjectState::UpToDate | ObjectState::Ending => None,
        };
        if may_switch(situation, version) && situation.is_due(StepScope::Publication, &wanted, delay, plan) {
            steps.push(switch(wanted, active.map(AsRef::as_ref)));
        }
        return (steps, false);
    }
    let up_to_date = situation.is_up_to_date(&wanted, active);
    if let ObjectState::Differs { delay, .. } = situation.object_state(&wanted, active)
        && situation.is_due(StepScope::Publication, &wanted, delay, plan)
    {
        steps.push(switch(wanted, active.map(AsRef::as_ref)));
    }
    // The Ingress comes last, when somebody answers behind it.
    if !observed.active_serves(&version.name) && !is_serving(situation, version) {
        return (steps, false);
    }
    let ingress = objects::ingress_object(version, situation.settings);
    let reached = up_to_date && situation.is_up_to_date(&ingress, observed.ingresses.get(INGRESS));
    steps.extend(situation.to_apply(StepScope::Publication, ingress, &observed.ingresses, plan));
    (steps, reached)
}

fn is_serving(situation: &Situation<'_>, version: &VersionRecord) -> bool {
    situation.intent.runtime.publication.serving == Some(version.key)
}

/// Whether requests may be led to this version now. The one that has them must have its own Service back, so that it can
/// be reached by that name the moment it is no longer published. Where requests reach no version
/// though they should reach this one, any route is better than none.
fn may_switch(situation: &Situation<'_>, version: &VersionRecord) -> bool {
    let reach_nobody = situation.observed.ready_pods.get(ACTIVE_SERVICE).is_none_or(BTreeSet::is_empty);
    (reach_nobody && is_serving(situation, version))
        || (version::is_ready(situation, version) && predecessor_has_own_service(situation))
}

fn predecessor_has_own_service(situation: &Situation<'_>) -> bool {
    let Some(selected) = situation.observed.active_selects() else { return true };
    situation
        .intent
        .versions
        .iter()
        .filter(|version| version.name.as_str() == selected && version.desired == Desired::Started)
        .all(|version| {
            // One on its way out, as after a publish a moment ago, is as good as gone.
            let own = situation.observed.services.get(&own_service(&version.name));
            own.is_some_and(|live| live.metadata.deletion_timestamp.is_none())
        })
}

fn switch(mut wanted: Service, live: Option<&Service>) -> Step {
    // Whoever changed it in between has to be looked at first.
    wanted.metadata.resource_version = live.and_then(ResourceExt::resource_version);
    Step::Apply(Object::Service(Box::new(wanted)))
}

/// Takes the link away from outside in: first the Ingress, then the Service behind it.
fn unpublish(situation: &Situation<'_>, plan: &mut Plan) -> Vec<Step> {
    let observed = situation.observed;
    if !predecessor_has_own_service(situation) {
        return Vec::new();
    }
    let mut steps = Vec::new();
    if let Some(ingress) = observed.ingresses.get(INGRESS) {
        steps.extend(version::delete(Kind::Ingress, ingress.as_ref()));
    } else if let Some(active) = observed.services.get(ACTIVE_SERVICE) {
        steps.extend(version::delete(Kind::Service, active.as_ref()));
    } else if situation.intent.runtime.publication.switching() {
        plan.transitions.push(Transition::PublicationSettled { target: None });
    }
    steps
}
