//! The containers of one pod and which of them run next. Makes the pod's `status` and tells what happened; it knows nothing of
//! storage.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    container::{Container, Phase},
    recorder::EventNote,
};
use crate::{names, object};

/// How long things take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    pub(crate) ready_after: Duration,
    pub(crate) terminate_after: Duration,
}

/// All containers of one pod.
#[derive(Debug)]
pub(super) struct Runs {
    init: Vec<Container>,
    main: Vec<Container>,
    step: Duration,
    restarts_allowed: bool,
    pod: String,
    ip: String,
    since: String,
}

impl Runs {
    /// Containers of a pod that has just got its node.
    pub(super) fn start(pod: &Value, ip: String, timing: Timing, now: Instant) -> Self {
        let read = |list: &str, is_init: bool| -> Vec<Container> {
            object::list(&pod["spec"], list).iter().map(|spec| Container::new(spec, is_init)).collect()
        };
        let (init, main) = (read("/initContainers", true), read("/containers", false));
        let probes = u32::from(main.iter().any(|c| c.probed));
        let steps = u32::try_from(init.len()).unwrap_or(u32::MAX).saturating_add(1 + probes);
        let mut runs = Self {
            init,
            main,
            step: timing.ready_after / steps,
            restarts_allowed: object::text(pod, "/spec/restartPolicy") != "Never",
            pod: format!("{}_{}({})", object::name(pod), object::namespace(pod), object::uid(pod)),
            ip,
            since: names::now(),
        };
        runs.begin_next(now);
        runs
    }

    /// The containers to run now: init containers one by one, then all others.
    fn active(&mut self) -> &mut [Container] {
        match self.init.iter().position(|c| c.phase != Phase::Done { exit_code: 0 }) {
            Some(at) => &mut self.init[at..=at],
            None => &mut self.main,
        }
    }

    fn begin_next(&mut self, now: Instant) {
        let due = now + self.step;
        for container in self.active() {
            if container.phase == Phase::Creating && container.due.is_none() {
                container.due = Some(due);
            }
        }
    }

    /// Lets time pass. Returns what happened.
    pub(super) fn advance(&mut self, now: Instant) -> Vec<EventNote> {
        let (step, restarts, pod) = (self.step, self.restarts_allowed, self.pod.clone());
        let mut notes = Vec::new();
        for container in self.active() {
            if container.due.is_some_and(|due| due <= now) {
                container.advance(now, step, restarts, &pod, &mut notes);
            }
        }
        self.begin_next(now);
        notes
    }

    /// When something will happen next.
    pub(super) fn due(&self) -> Option<Instant> {
        self.init.iter().chain(&self.main).filter_map(|c| c.due).min()
    }

    /// The pod's `status`.
    pub(super) fn status(&self, old: &Value) -> Value {
        let initialized = self.init.iter().all(|c| c.phase == Phase::Done { exit_code: 0 });
        let waiting = if initialized { "ContainerCreating" } else { "PodInitializing" };
        let ready = initialized && self.main.iter().all(|c| c.phase == Phase::Running { ready: true });
        let unready: Vec<_> =
            self.main.iter().filter(|c| c.phase != Phase::Running { ready: true }).map(|c| c.name.as_str()).collect();
        let waiting_init: Vec<_> =
            self.init.iter().filter(|c| c.phase != Phase::Done { exit_code: 0 }).map(|c| c.name.as_str()).collect();
        let now = names::now();
        let mut conditions = object::list(old, "/conditions").to_vec();
        let mut condition = |kind: &str, holds: bool, reason: &str, message: String| {
            let mut condition =
                json!({ "type": kind, "status": if holds { "True" } else { "False" }, "lastProbeTime": null });
            if !holds {
                condition["reason"] = reason.into();
                condition["message"] = message.into();
            }
            object::set_condition(&mut conditions, condition, &now);
        };
        let missing = format!("containers with incomplete status: [{}]", waiting_init.join(" "));
        condition("Initialized", initialized, "ContainersNotInitialized", missing);
        let missing = format!("containers with unready status: [{}]", unready.join(" "));
        condition("Ready", ready, "ContainersNotReady", missing.clone());
        condition("ContainersReady", ready, "ContainersNotReady", missing);
        condition("PodScheduled", true, "", String::new());

        let any_ran = self.main.iter().any(|c| !c.started_at.is_empty());
        let over = |c: &Container| matches!(c.phase, Phase::Done { .. });
        let phase =
            if !self.main.is_empty() && self.main.iter().chain(&self.init).any(|c| over(c) && c.exit_code() != 0) {
                "Failed"
            } else if any_ran {
                "Running"
            } else {
                "Pending"
            };
        let mut status = json!({
            "phase": phase,
            "conditions": conditions,
            "hostIP": "10.0.0.1",
            "podIP": self.ip,
            "podIPs": [{ "ip": self.ip }],
            "startTime": self.since,
            "qosClass": "BestEffort",
            "containerStatuses": self.main.iter().map(|c| c.status(waiting)).collect::<Vec<_>>(),
        });
        if !self.init.is_empty() {
            status["initContainerStatuses"] = self.init.iter().map(|c| c.status("PodInitializing")).collect();
        }
        status
    }

    pub(super) fn container_names(&self) -> impl Iterator<Item = &str> {
        self.main.iter().filter(|c| matches!(c.phase, Phase::Running { .. })).map(|c| c.name.as_str())
    }
}
