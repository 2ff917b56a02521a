//! Moving the published entrypoint so that no request fails (lifecycle.md §3).
//!
//! `active-entrypoint` is changed in place, never deleted while a version is to be published, and only ever made to
//! select a version that is ready. Each condition is read from what has been observed.

use k8s_openapi::api::core::v1::Service;
use kube::ResourceExt;

use super::{Kind, Object, Plan, Situation, Step, Verdict, version};
use crate::{
    reconciler::{
        diff::differs,
        objects::{self, ACTIVE_SERVICE, INGRESS, own_service},
    },
    store::{VersionKey, VersionRecord},
};

pub(super) fn plan_publication(situation: &Situation<'_>, plan: &mut Plan) -> Vec<Step> {
    let runtime = &situation.intent.runtime;
    let target = runtime.publication.target;
    let find = |key: VersionKey| situation.intent.versions.iter().find(|version| version.key == key);
    match target.and_then(find) {
        Some(version) => link(situation, version, plan),
        None if target.is_none() => unlink(situation, plan),
        None => {
            tracing::error!(runtime = %runtime.id, "the version to be published is not there");
            Vec::new()
        }
    }
}

/// Leads requests to this version.
fn link(situation: &Situation<'_>, version: &VersionRecord, plan: &mut Plan) -> Vec<Step> {
    let observed = situation.observed;
    let publication = &situation.intent.runtime.publication;
    let active = observed.services.get(ACTIVE_SERVICE);
    // Gone in a moment, and made anew then.
    if active.is_some_and(|live| live.metadata.deletion_timestamp.is_some()) {
        return Vec::new();
    }
    let wanted = objects::active_service_object(version, situation.settings);
    let selected = observed.active_selects() == Some(version.name.as_str());

    let mut steps = Vec::new();
    let mut reached = false;
    if selected {
        let as_wanted = active.is_some_and(|live| !differs(&wanted, live.as_ref()));
        if !as_wanted {
            steps.push(switch(wanted, active.map(AsRef::as_ref)));
        }
        // The Ingress comes last, when somebody answers behind it.
        if observed.active_serves(&version.name) || !publication.switching() {
            let ingress = objects::ingress_object(version, situation.settings);
            let step = version::to_apply(ingress, &observed.ingresses, Object::Ingress);
            reached = as_wanted && step.is_none();
            steps.extend(step);
        }
    } else if may_switch(situation, version) {
        steps.push(switch(wanted, active.map(AsRef::as_ref)));
    }

    if !publication.switching() {
        return steps;
    }
    if reached {
        plan.verdicts.push(Verdict::PublicationSettled { target: Some(version.key) });
    } else if situation.is_past(situation.intent.runtime.publish_deadline, plan) {
        let blame = version::out_of_time(situation, version, "its entrypoint did not take over in time");
        plan.verdicts.push(Verdict::PublishFailed { target: version.key, blame });
    }
    steps
}

/// Whether requests may be led to this version now. The one that has them must have its own Service back, so that it can
/// be reached by that name the moment it is no longer published. Where nothing is linked though it should be, anything
/// is better than nothing.
fn may_switch(situation: &Situation<'_>, version: &VersionRecord) -> bool {
    let lost = situation.observed.active_selects().is_none() && !situation.intent.runtime.publication.switching();
    lost || (version::is_ready(situation, version) && predecessor_is_back(situation))
}

fn predecessor_is_back(situation: &Situation<'_>) -> bool {
    let Some(selected) = situation.observed.active_selects() else { return true };
    situation
        .intent
        .versions
        .iter()
        .filter(|version| version.name.as_str() == selected && version.desired == domain::Desired::Started)
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
fn unlink(situation: &Situation<'_>, plan: &mut Plan) -> Vec<Step> {
    let observed = situation.observed;
    if !predecessor_is_back(situation) {
        return Vec::new();
    }
    let mut steps = Vec::new();
    if let Some(ingress) = observed.ingresses.get(INGRESS) {
        steps.extend(version::delete(Kind::Ingress, ingress.as_ref()));
    } else if let Some(active) = observed.services.get(ACTIVE_SERVICE) {
        steps.extend(version::delete(Kind::Service, active.as_ref()));
    } else if situation.intent.runtime.publication.switching() {
        plan.verdicts.push(Verdict::PublicationSettled { target: None });
    }
    steps
}
