//! Scheduler and kubelet in one: gives pods a node and an address, lets their containers run, and ends them.

use std::collections::HashMap;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    Controller, Queue,
    recorder::{self, EventNote},
    runs::{Runs, Timing},
};
use crate::{
    admission,
    kinds::Kind,
    names, object,
    store::{Change, Event, Key, State, Store},
};

/// The only node, which is not a machine.
pub(crate) const NODE: &str = "sandbox";

pub(super) struct Pods {
    timing: Timing,
    /// By the pod's uid.
    runs: HashMap<String, Runs>,
    ends: HashMap<String, Instant>,
}

impl Pods {
    pub(super) fn new(timing: Timing) -> Self {
        Self { timing, runs: HashMap::new(), ends: HashMap::new() }
    }

    fn end(&mut self, state: &mut State, key: &Key, pod: &Value, queue: &mut Queue) {
        let uid = object::uid(pod);
        let now = Instant::now();
        let Some(due) = self.ends.get(uid).copied() else {
            if let Some(runs) = self.runs.remove(uid) {
                for name in runs.container_names() {
                    let note = EventNote::normal("Killing", format!("Stopping container {name}"));
                    recorder::record(state, pod, "kubelet", &note.of(name));
                }
            }
            let due = now + self.timing.terminate_after;
            self.ends.insert(uid.to_owned(), due);
            queue.add_at(due, key.clone());
            return;
        };
        if due > now {
            return;
        }
        // With no grace left it goes, unless it has finalizers.
        admission::modify(state, Kind::Pod, key, |pod| {
            object::set(pod, &["metadata", "deletionGracePeriodSeconds"], 0);
            let now = names::now();
            let mut conditions = object::list(pod, "/status/conditions").to_vec();
            for kind in ["Ready", "ContainersReady"] {
                let reason = "PodCompleted";
                object::set_condition(
                    &mut conditions,
                    json!({ "type": kind, "status": "False", "reason": reason }),
                    &now,
                );
            }
            object::set(pod, &["status", "conditions"], conditions);
        });
    }

    fn run(&mut self, state: &mut State, key: &Key, pod: &Value, queue: &mut Queue) {
        let now = Instant::now();
        let uid = object::uid(pod);
        if !self.runs.contains_key(uid) {
            let full = format!("{}/{}", key.namespace, key.name);
            let note = EventNote::normal("Scheduled", format!("Successfully assigned {full} to {NODE}"));
            recorder::record(state, pod, "default-scheduler", &note);
            let ip = state.next_ip(244);
            self.runs.insert(uid.to_owned(), Runs::start(pod, ip, self.timing, now));
        }
        let Some(runs) = self.runs.get_mut(uid) else { return };
        for note in runs.advance(now) {
            recorder::record(state, pod, "kubelet", &note);
        }
        if let Some(due) = runs.due() {
            queue.add_at(due, key.clone());
        }
        admission::modify(state, Kind::Pod, key, |pod| {
            object::set(pod, &["spec", "nodeName"], NODE);
            let status = runs.status(&pod["status"]);
            pod["status"] = status;
        });
    }
}

impl Controller for Pods {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Pod]
    }

    fn observe(&mut self, event: &Event, queue: &mut Queue) {
        let pod = event.object();
        let uid = object::uid(&pod);
        if event.change == Change::Deleted {
            self.runs.remove(uid);
            self.ends.remove(uid);
        } else if !self.runs.contains_key(uid) || object::is_ending(&pod) {
            queue.add(Key::of(&pod));
        }
    }

    fn reconcile(&mut self, store: &Store, key: &Key, queue: &mut Queue) {
        store.write(|state| {
            let Some(pod) = state.get(Kind::Pod, key) else { return };
            if object::is_ending(&pod) {
                self.end(state, key, &pod, queue);
            } else {
                self.run(state, key, &pod, queue);
            }
        });
    }
}
