//! Deployments keep one ReplicaSet for their current template and move replicas to it; the arithmetic is `rollout`'s.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Controller, Queue,
    recorder::{self, EventNote},
    replicaset::{as_controller, owned_by, queue_owner},
    rollout::{self, Counts},
};
use crate::{
    admission,
    delete::{self, DeleteOptions},
    kinds::Kind,
    names,
    object::{self, Object},
    store::{Event, Key, State, Store},
};

const NAME: &str = "deployment-controller";
const HASH: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";

pub(super) struct Deployments;

impl Controller for Deployments {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Deployment, Kind::ReplicaSet]
    }

    fn observe(&mut self, event: &Event, queue: &mut Queue) {
        match event.kind {
            Kind::Deployment => queue.add(Key::of(&event.object())),
            _ => queue_owner(event, "Deployment", queue),
        }
    }

    fn reconcile(&mut self, store: &Store, key: &Key, queue: &mut Queue) {
        store.write(|state| {
            let Some(deployment) = state.get(Kind::Deployment, key) else { return };
            let mut sets = state.dependents(object::uid(&deployment), Kind::ReplicaSet);
            if !object::is_ending(&deployment) {
                if current(&deployment, &sets).is_none() && deployment["spec"]["paused"] != true {
                    make_set(state, &deployment);
                    sets = state.dependents(object::uid(&deployment), Kind::ReplicaSet);
                }
                note_revision(state, key, &deployment, &sets);
                roll(state, &deployment, &sets);
                clean_up(state, &deployment, &sets);
            }
            if let Some(wait) = report(state, key) {
                queue.add_after(wait, key.clone());
            }
        });
    }
}

/// The set whose template is the Deployment's.
fn current<'a>(deployment: &Value, sets: &'a [Object]) -> Option<&'a Object> {
    let wanted = &deployment["spec"]["template"];
    sets.iter().find(|set| {
        let mut template = set["spec"]["template"].clone();
        object::remove(&mut template, "/metadata/labels", HASH);
        template == *wanted
    })
}

fn make_set(state: &mut State, deployment: &Value) {
    let template = &deployment["spec"]["template"];
    let hash = names::letters(names::stable_hash(template), 10);
    let mut template = template.clone();
    object::set(&mut template, &["metadata", "labels", HASH], hash.as_str());
    let mut selector = deployment["spec"]["selector"].clone();
    object::set(&mut selector, &["matchLabels", HASH], hash.as_str());
    let name = format!("{}-{hash}", object::name(deployment));
    let set = json!({
        "metadata": {
            "name": name,
            "labels": template["metadata"]["labels"],
            "ownerReferences": owned_by(deployment),
        },
        "spec": {
            "replicas": 0,
            "minReadySeconds": deployment["spec"]["minReadySeconds"],
            "selector": selector,
            "template": template,
        },
    });
    let namespace = object::namespace(deployment);
    if let Err(failure) = admission::create(state, Kind::ReplicaSet, namespace, set, &as_controller(NAME)) {
        let key = Key::new(namespace, &name);
        let orphan = state.get(Kind::ReplicaSet, &key).is_some_and(|set| object::controller(&set).is_none());
        if orphan {
            // Left by a Deployment of the same name that was deleted without its dependents.
            admission::modify(state, Kind::ReplicaSet, &key, |set| {
                object::set(set, &["metadata", "ownerReferences"], owned_by(deployment));
            });
        } else {
            let message = format!("Failed to create new replica set {name:?}: {failure}");
            recorder::record(state, deployment, NAME, &EventNote::warning("ReplicaSetCreateError", message));
        }
    }
}

fn revision(object: &Value) -> u64 {
    let annotations = object::map(object, "/metadata/annotations");
    annotations.and_then(|a| a.get(REVISION)).and_then(Value::as_str).and_then(|r| r.parse().ok()).unwrap_or_default()
}

/// Numbers the current set one above all others, and notes the number on the Deployment.
fn note_revision(state: &mut State, key: &Key, deployment: &Value, sets: &[Object]) {
    let Some(now) = current(deployment, sets) else { return };
    let others = sets.iter().filter(|set| object::uid(set) != object::uid(now)).map(|set| revision(set)).max();
    let number = revision(now).max(others.unwrap_or_default() + 1).to_string();
    admission::modify(state, Kind::ReplicaSet, &Key::of(now), |set| {
        object::set(set, &["metadata", "annotations", REVISION], number.as_str());
    });
    admission::modify(state, Kind::Deployment, key, |deployment| {
        object::set(deployment, &["metadata", "annotations", REVISION], number.as_str());
    });
}

fn counts(set: &Value) -> Counts {
    Counts {
        wanted: object::number(set, "/spec/replicas"),
        present: object::number(set, "/status/replicas"),
        available: object::number(set, "/status/availableReplicas"),
    }
}

/// Moves replicas one step on.
fn roll(state: &mut State, deployment: &Value, sets: &[Object]) {
    let limits = rollout::Limits::of(deployment);
    let new = current(deployment, sets);
    let mut old: Vec<_> = sets.iter().filter(|s| new.is_none_or(|n| object::uid(n) != object::uid(s))).collect();
    // The oldest give up their replicas first.
    old.sort_by_key(|set| revision(set));
    let old_counts: Vec<_> = old.iter().map(|set| counts(set)).collect();
    let plan = if deployment["spec"]["paused"] == true {
        rollout::scale_only(&limits, new.map(|n| counts(n)), &old_counts)
    } else if object::text(deployment, "/spec/strategy/type") == "Recreate" {
        rollout::recreate(&limits, new.map(|n| counts(n)), &old_counts)
    } else {
        rollout::roll(&limits, new.map(|n| counts(n)), &old_counts)
    };
    for (set, replicas) in old.into_iter().zip(plan.old).chain(new.into_iter().map(|n| (n, plan.new))) {
        scale(state, deployment, set, replicas);
    }
}

fn scale(state: &mut State, deployment: &Value, set: &Value, replicas: i64) {
    let was = object::number(set, "/spec/replicas");
    if was == replicas {
        return;
    }
    admission::modify(state, Kind::ReplicaSet, &Key::of(set), |set| {
        object::set(set, &["spec", "replicas"], replicas);
    });
    let direction = if replicas > was { "up" } else { "down" };
    let message = format!("Scaled {direction} replica set {} from {was} to {replicas}", object::name(set));
    recorder::record(state, deployment, NAME, &EventNote::normal("ScalingReplicaSet", message));
}

/// Deletes old sets beyond the history limit.
fn clean_up(state: &mut State, deployment: &Value, sets: &[Object]) {
    let new = current(deployment, sets).map(|n| object::uid(n));
    let keep = usize::try_from(object::number(deployment, "/spec/revisionHistoryLimit")).unwrap_or_default();
    let idle = |set: &&Object| {
        let counts = counts(set);
        counts.wanted == 0 && counts.present == 0 && Some(object::uid(set)) != new && !object::is_ending(set)
    };
    let mut idle: Vec<_> = sets.iter().filter(idle).collect();
    idle.sort_by_key(|set| revision(set));
    for set in &idle[..idle.len().saturating_sub(keep)] {
        // It was there a moment ago under the same lock.
        let _gone = delete::delete(state, Kind::ReplicaSet, &Key::of(set), &DeleteOptions::default());
    }
}

/// Writes the status. Returns when a rollout without progress is to be called failed.
fn report(state: &mut State, key: &Key) -> Option<Duration> {
    let deployment = state.get(Kind::Deployment, key)?;
    let sets = state.dependents(object::uid(&deployment), Kind::ReplicaSet);
    let limits = rollout::Limits::of(&deployment);
    let new = current(&deployment, &sets);
    let sum = |pointer: &str| sets.iter().map(|set| object::number(set, pointer)).sum::<i64>();
    let total = sum("/status/replicas");
    let (ready, available) = (sum("/status/readyReplicas"), sum("/status/availableReplicas"));
    let updated = new.map_or(0, |set| object::number(set, "/status/replicas"));
    let old = &deployment["status"];
    let mut status = json!({ "observedGeneration": deployment["metadata"]["generation"] });
    for (field, count) in [
        ("replicas", total),
        ("updatedReplicas", updated),
        ("readyReplicas", ready),
        ("availableReplicas", available),
        ("unavailableReplicas", (sets.iter().map(|s| counts(s).wanted).sum::<i64>() - available).max(0)),
    ] {
        if count > 0 {
            status[field] = count.into();
        }
    }
    let now = names::now();
    let mut conditions = object::list(old, "/conditions").to_vec();
    let enough = available >= limits.wanted - limits.unavailable;
    let available_condition = if enough {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.".to_owned())
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.".to_owned())
    };
    set_condition(&mut conditions, "Available", available_condition, &now, false);

    let complete = new.is_some() && updated == limits.wanted && total == updated && available == updated;
    let name = new.map_or("", |set| object::name(set));
    let counted = ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "observedGeneration"];
    let moved = counted.iter().any(|field| old.get(field) != status.get(field));
    let last = conditions.iter().find(|c| c["type"] == "Progressing").cloned().unwrap_or_default();
    let since = names::parse_time(object::text(&last, "/lastUpdateTime")).unwrap_or_else(Timestamp::now);
    let deadline =
        Duration::from_secs(u64::try_from(object::number(&deployment, "/spec/progressDeadlineSeconds")).unwrap_or(600));
    let spent = Timestamp::now().duration_since(since).unsigned_abs();
    let mut wait = None;
    if complete {
        let message = format!("ReplicaSet {name:?} has successfully progressed.");
        set_condition(&mut conditions, "Progressing", ("True", "NewReplicaSetAvailable", message), &now, moved);
    } else if deployment["spec"]["paused"] == true {
        let message = "Deployment is paused".to_owned();
        set_condition(&mut conditions, "Progressing", ("Unknown", "DeploymentPaused", message), &now, false);
    } else if !moved && !last.is_null() && spent >= deadline && last["reason"] != "NewReplicaSetAvailable" {
        let message = format!("ReplicaSet {name:?} has timed out progressing.");
        set_condition(&mut conditions, "Progressing", ("False", "ProgressDeadlineExceeded", message), &now, false);
    } else if moved || last.is_null() {
        let message = format!("ReplicaSet {name:?} is progressing.");
        set_condition(&mut conditions, "Progressing", ("True", "ReplicaSetUpdated", message), &now, true);
        wait = Some(deadline);
    } else if last["reason"] != "NewReplicaSetAvailable" {
        wait = Some(deadline.saturating_sub(spent).max(Duration::from_secs(1)));
    }
    status["conditions"] = conditions.into();
    admission::modify(state, Kind::Deployment, key, |deployment| deployment["status"] = status);
    wait
}

/// `touch` moves `lastUpdateTime` even when the condition says what it said before.
fn set_condition(conditions: &mut Vec<Value>, kind: &str, said: (&str, &str, String), now: &str, touch: bool) {
    let (status, reason, message) = said;
    let old = conditions.iter().find(|c| c["type"] == kind);
    let same = old.filter(|c| !touch && c["status"] == status && c["reason"] == reason);
    let updated = same.map_or_else(|| Value::from(now), |c| c["lastUpdateTime"].clone());
    let condition =
        json!({ "type": kind, "status": status, "reason": reason, "message": message, "lastUpdateTime": updated });
    object::set_condition(conditions, condition, now);
}
