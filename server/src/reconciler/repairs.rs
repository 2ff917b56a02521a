//! Which of a plan's steps put back what somebody else deleted or edited, so that the history can tell of it.
//!
//! Every object is applied with a fingerprint of what was wanted then. An object that differs from what is wanted now is
//! somebody's edit if it carries the fingerprint of just that; otherwise it is we who want something else, as after a
//! change of the configuration or of this program. Nothing of this decides what is done.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::{Desired, Role};
use kube::{Resource, ResourceExt};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    ObjectSettings,
    diff::differences,
    objects::{ACTIVE_SERVICE, INGRESS, VERSION_LABEL, own_service, preview_ingress},
    observed::{Observed, ObservedMessaging},
    plan::{Object, Plan, Step, StepScope, has_preview},
};
use crate::{
    messaging::MessagingStep,
    store::{Repair, RuntimeIntent, VersionKey, VersionRecord},
};

/// The annotation of every object that we apply.
const FINGERPRINT: &str = "kai-server/applied-sha256";
/// How many edited fields are named.
const MAX_FIELDS: usize = 4;

/// The object as it is to be sent: with the fingerprint of what is wanted.
pub(super) fn stamped<K: Serialize>(wanted: &K) -> Result<Value, serde_json::Error> {
    let fingerprint = fingerprint(wanted)?;
    let mut object = serde_json::to_value(wanted)?;
    if let Some(metadata) = object["metadata"].as_object_mut() {
        let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
        annotations[FINGERPRINT] = Value::String(fingerprint);
    }
    Ok(object)
}

/// The versions whose own Ingress has been seen since they are to have one. It comes and goes with a setting and after a
/// start, so nothing in the store or the cluster tells whether one that is not there has been deleted; one that goes
/// while this program is not running is put back without a word.
#[derive(Debug, Default)]
pub(super) struct Previews(BTreeSet<VersionKey>);

impl Previews {
    pub(super) fn observe(&mut self, intent: &RuntimeIntent, observed: &Observed, settings: &ObjectSettings) {
        for version in &intent.versions {
            if !has_preview(settings, version) {
                self.0.remove(&version.key);
            } else if observed.ingresses.contains_key(&preview_ingress(&version.name)) {
                self.0.insert(version.key);
            }
        }
    }
}

/// Of each version that runs what is being put back.
pub(super) fn of_plan(
    intent: &RuntimeIntent,
    observed: &Observed,
    previews: &Previews,
    plan: &Plan,
) -> BTreeMap<VersionKey, Vec<Repair>> {
    let mut repairs: BTreeMap<VersionKey, Vec<Repair>> = BTreeMap::new();
    let delayed = plan.delayed.iter().map(|(_, object, reason)| (object, Some(reason)));
    let applied = plan.steps.values().flatten().filter_map(|step| match step {
        Step::Apply(object) => Some((object, None)),
        Step::Delete { .. } | Step::Message(_) => None,
    });
    // What is delayed first: when its time has come it is among the steps, too, and is one repair all the same.
    for (object, reason) in delayed.chain(applied) {
        let found = match object {
            Object::Deployment(wanted) => repair(intent, previews, wanted.as_ref(), &observed.deployments),
            Object::Service(wanted) => repair(intent, previews, wanted.as_ref(), &observed.services),
            Object::Secret(wanted) => repair(intent, previews, wanted.as_ref(), &observed.secrets),
            Object::ConfigMap(wanted) => repair(intent, previews, wanted.as_ref(), &observed.config_maps),
            Object::Ingress(wanted) => repair(intent, previews, wanted.as_ref(), &observed.ingresses),
        };
        if let Some((version, mut repair)) = found {
            if let Some(reason) = reason {
                repair.what.clone_from(reason);
            }
            let of_version = repairs.entry(version).or_default();
            if of_version.iter().all(|known| known.object != repair.object) {
                of_version.push(repair);
            }
        }
    }
    for version in intent.versions.iter().filter(|version| version.desired == Desired::Started && version.settled) {
        let steps = plan.steps.get(&StepScope::Version(version.key)).into_iter().flatten();
        for repair in steps.filter_map(|step| of_message(step, observed)) {
            let of_version = repairs.entry(version.key).or_default();
            if of_version.iter().all(|known| known.object != repair.object) {
                of_version.push(repair);
            }
        }
    }
    repairs
}

/// What a step puts back of a version's streams.
fn of_message(step: &Step, observed: &Observed) -> Option<Repair> {
    let Step::Message(step) = step else { return None };
    let ObservedMessaging::Known { streams, .. } = &observed.messaging else { return None };
    let (object, what) = match step {
        MessagingStep::CreateStream(spec) => (spec.label(), "was missing".to_owned()),
        MessagingStep::UpdateStream(spec) => {
            let fields = streams.get(&spec.name()).map(|live| spec.differences(live)).unwrap_or_default();
            (spec.label(), format!("was edited: {}", fields.join(", ")))
        }
        MessagingStep::DeleteConsumer { consumer, .. } => (format!("Consumer {consumer}"), "was edited".to_owned()),
        // Those of a stream that is made anew are told of with it; one that is there gets its mark.
        MessagingStep::CreateConsumer { stream, consumer, .. } => {
            streams.get(stream).filter(|live| live.consumer(&consumer.name).is_none())?;
            (format!("Consumer {}", consumer.name), "was missing".to_owned())
        }
        MessagingStep::Unmark(_) | MessagingStep::DeleteStream { .. } => return None,
    };
    Some(Repair { what: format!("{object} {what}"), object })
}

/// The versions of which the history may have to change.
pub(super) fn changed(
    intent: &RuntimeIntent,
    found: &BTreeMap<VersionKey, Vec<Repair>>,
) -> impl Iterator<Item = (VersionKey, u64, Vec<Repair>)> {
    intent.versions.iter().filter_map(|version| {
        let now = found.get(&version.key).cloned().unwrap_or_default();
        let known = intent.repairs.get(&version.key).cloned().unwrap_or_default();
        let is_known = now.len() == known.len() && now.iter().all(|repair| known.contains(repair));
        (!is_known).then_some((version.key, version.generation, now))
    })
}

fn repair<K>(
    intent: &RuntimeIntent,
    previews: &Previews,
    wanted: &K,
    live: &BTreeMap<String, Arc<K>>,
) -> Option<(VersionKey, Repair)>
where
    K: Resource<DynamicType = ()> + Serialize,
{
    let name = wanted.name_any();
    let of = wanted.labels().get(VERSION_LABEL)?;
    let version = intent.versions.iter().find(|version| version.name.as_str() == of)?;
    let is_published = intent.runtime.publication.serving == Some(version.key);
    let is_of_publication = name == ACTIVE_SERVICE || (name == INGRESS && K::kind(&()) == "Ingress");
    if version.desired != Desired::Started || !version.settled || (is_of_publication && !is_published) {
        return None;
    }
    let object = format!("{} {name}", K::kind(&()));
    let what = match live.get(&name) {
        Some(live) => {
            let applied = live.annotations().get(FINGERPRINT)?;
            if fingerprint(wanted).ok()? != *applied {
                return None;
            }
            format!("{object} was edited: {}", fields(wanted, live.as_ref()))
        }
        None if is_of_publication || has_existed::<K>(version, previews, &name) => format!("{object} was missing"),
        None => return None,
    };
    Some((version.key, Repair { object, what }))
}

/// Whether an object of the version's own that is wanted and not there has been there before.
fn has_existed<K: Resource<DynamicType = ()>>(version: &VersionRecord, previews: &Previews, name: &str) -> bool {
    match K::kind(&()).as_ref() {
        // The published version's own Service comes back when it steps back.
        "Service" => name != own_service(&version.name) || matches!(version.role, Role::None | Role::Incoming),
        "Ingress" => previews.0.contains(&version.key),
        _ => true,
    }
}

fn fields<K: Serialize>(wanted: &K, live: &K) -> String {
    let all = differences(wanted, live);
    let named = all.iter().take(MAX_FIELDS).map(String::as_str).collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(MAX_FIELDS) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// Tells whether the same was wanted before.
pub(super) fn fingerprint<K: Serialize>(wanted: &K) -> Result<String, serde_json::Error> {
    let mut object = serde_json::to_value(wanted)?;
    // Says what it is based on, and not what is wanted.
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("resourceVersion");
    }
    Ok(hex::encode(&Sha256::digest(serde_json::to_vec(&object)?)[..16]))
}

#[cfg(test)]
mod tests;
