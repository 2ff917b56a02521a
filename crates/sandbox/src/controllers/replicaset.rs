//! ReplicaSets make and end Pods until there are as many as asked for.

use std::{cmp::Reverse, time::Duration};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Controller, MAX_BATCH, Queue,
    recorder::{self, EventNote},
};
use crate::{
    admission::{self, WriteOptions},
    delete::{self, DeleteOptions},
    kinds::Kind,
    managed::{Manager, Operation},
    names,
    object::{self, Object},
    store::{Event, Key, State, Store},
};

const NAME: &str = "replicaset-controller";

pub(super) struct ReplicaSets;

impl Controller for ReplicaSets {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::ReplicaSet, Kind::Pod]
    }

    fn observe(&mut self, event: &Event, queue: &mut Queue) {
        match event.kind {
            Kind::ReplicaSet => queue.add(Key::of(&event.object())),
            _ => queue_owner(event, "ReplicaSet", queue),
        }
    }

    fn reconcile(&mut self, store: &Store, key: &Key, queue: &mut Queue) {
        store.write(|state| {
            let Some(set) = state.get(Kind::ReplicaSet, key) else { return };
            if !object::is_ending(&set) && !fill(state, &set) {
                queue.add(key.clone());
            }
            if let Some(wait) = report(state, &set, key) {
                queue.add_after(wait, key.clone());
            }
        });
    }
}

/// Queues the controller of a changed object, the former one too.
pub(super) fn queue_owner(event: &Event, kind: &str, queue: &mut Queue) {
    for object in [Some(event.object()), event.previous()].into_iter().flatten() {
        if let Some(owner) = object::controller(&object).filter(|o| o["kind"] == kind) {
            queue.add(Key::new(object::namespace(&object), object::text(owner, "/name")));
        }
    }
}

/// How a controller's own creations are made.
pub(super) fn as_controller(name: &str) -> WriteOptions {
    let manager = Manager { name: name.to_owned(), operation: Operation::Update, subresource: String::new() };
    WriteOptions { manager, dry_run: false, managed: true }
}

/// The reference of a dependent to the object that controls it.
pub(super) fn owned_by(owner: &Value) -> Value {
    json!([{
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": true,
        "blockOwnerDeletion": true,
    }])
}

/// The set's pods that count: neither ending nor over.
fn active(state: &State, set: &Value) -> Vec<Object> {
    let mut pods = state.dependents(object::uid(set), Kind::Pod);
    pods.retain(|pod| !object::is_ending(pod) && !matches!(object::text(pod, "/status/phase"), "Failed" | "Succeeded"));
    pods
}

pub(super) fn is_ready(pod: &Value) -> bool {
    ready_since(pod).is_some()
}

fn ready_since(pod: &Value) -> Option<&str> {
    let ready = object::list(pod, "/status/conditions").iter().find(|c| c["type"] == "Ready")?;
    (ready["status"] == "True").then(|| object::text(ready, "/lastTransitionTime"))
}

/// Makes pods, or ends some, a few at once. Returns whether as many are left as are wanted, or no more can be made.
fn fill(state: &mut State, set: &Value) -> bool {
    let namespace = object::namespace(set);
    let wanted = usize::try_from(object::number(set, "/spec/replicas")).unwrap_or_default();
    let mut pods = active(state, set);
    let missing = wanted.saturating_sub(pods.len());
    for _ in 0..missing.min(MAX_BATCH) {
        let template = &set["spec"]["template"];
        let mut pod = json!({ "metadata": template["metadata"], "spec": template["spec"] });
        object::set(&mut pod, &["metadata", "generateName"], format!("{}-", object::name(set)));
        object::set(&mut pod, &["metadata", "ownerReferences"], owned_by(set));
        let note = match admission::create(state, Kind::Pod, namespace, pod, &as_controller(NAME)) {
            Ok(pod) => EventNote::normal("SuccessfulCreate", format!("Created pod: {}", object::name(&pod))),
            Err(failure) => EventNote::warning("FailedCreate", format!("Error creating: {failure}")),
        };
        let failed = note.warning;
        recorder::record(state, set, NAME, &note);
        if failed {
            return true;
        }
    }
    let excess = pods.len().saturating_sub(wanted);
    if excess > 0 {
        // Those that are of least use go first: not ready, then youngest.
        pods.sort_by_key(|pod| (is_ready(pod), Reverse(object::text(pod, "/metadata/creationTimestamp").to_owned())));
        for pod in &pods[..excess.min(MAX_BATCH)] {
            // It was there a moment ago under the same lock.
            let _gone = delete::delete(state, Kind::Pod, &Key::of(pod), &DeleteOptions::default());
            let note = EventNote::normal("SuccessfulDelete", format!("Deleted pod: {}", object::name(pod)));
            recorder::record(state, set, NAME, &note);
        }
    }
    missing.max(excess) <= MAX_BATCH
}

/// Writes the status. Returns when it will change by the passing of time alone.
fn report(state: &mut State, set: &Value, key: &Key) -> Option<Duration> {
    let pods = active(state, set);
    let ready: Vec<_> = pods.iter().filter_map(|pod| ready_since(pod)).collect();
    let min_ready =
        Duration::from_secs(u64::try_from(object::number(set, "/spec/minReadySeconds")).unwrap_or_default());
    let now = Timestamp::now();
    let mut wait = None;
    let mut available = 0;
    for since in &ready {
        let lasted = names::parse_time(since).map(|t| now.duration_since(t).unsigned_abs()).unwrap_or_default();
        match min_ready.checked_sub(lasted).filter(|left| !left.is_zero()) {
            None => available += 1,
            Some(left) => wait = Some(wait.map_or(left, |w: Duration| w.min(left))),
        }
    }
    let mut status = json!({
        "replicas": pods.len(),
        "observedGeneration": set["metadata"]["generation"],
    });
    for (field, count) in
        [("fullyLabeledReplicas", pods.len()), ("readyReplicas", ready.len()), ("availableReplicas", available)]
    {
        if count > 0 {
            status[field] = count.into();
        }
    }
    admission::modify(state, Kind::ReplicaSet, key, |set| set["status"] = status);
    wait
}
