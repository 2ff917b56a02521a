//! The containers of one pod as they would run: a state machine driven by the clock alone. It makes the pod's
//! `status` and tells what happened; it knows nothing of storage.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::recorder::Note;
use crate::{names, object};

/// The longest wait between two starts of a crashing container, in units of [`Timing::ready_after`].
const MOST_BACK_OFF: u32 = 64;

/// How long things take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    pub(crate) ready_after: Duration,
    pub(crate) terminate_after: Duration,
}

/// What an image does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behaviour {
    Runs,
    FailsToPull,
    Crashes,
}

impl Behaviour {
    /// `*/fail-pull:*` and `*/crash:*` are for showing failures; every other image runs.
    fn of(image: &str) -> Self {
        let last = image.rsplit_once('/').map_or("", |(_, last)| last);
        match last.split([':', '@']).next() {
            Some("fail-pull") => Self::FailsToPull,
            Some("crash") => Self::Crashes,
            _ => Self::Runs,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Creating,
    Running {
        ready: bool,
    },
    PullFailed,
    PullBackOff,
    Crashed,
    BackOff,
    /// An init container that has done its work, or the end of one that is not started again.
    Done {
        exit_code: i64,
    },
}

#[derive(Debug)]
struct Container {
    name: String,
    image: String,
    behaviour: Behaviour,
    is_init: bool,
    probed: bool,
    phase: Phase,
    /// When the phase ends by itself.
    due: Option<Instant>,
    restarts: u32,
    started_at: String,
    finished_at: String,
    /// How the run before this one ended.
    last: Option<Value>,
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

    /// The containers whose turn it is: init containers one by one, then all others.
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
    pub(super) fn advance(&mut self, now: Instant) -> Vec<Note> {
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

impl Container {
    fn new(spec: &Value, is_init: bool) -> Self {
        let image = object::text(spec, "/image");
        Self {
            name: object::text(spec, "/name").to_owned(),
            image: image.to_owned(),
            behaviour: Behaviour::of(image),
            is_init,
            probed: spec.get("readinessProbe").is_some(),
            phase: Phase::Creating,
            due: None,
            restarts: 0,
            started_at: String::new(),
            finished_at: String::new(),
            last: None,
        }
    }

    fn advance(&mut self, now: Instant, step: Duration, restarts: bool, pod: &str, notes: &mut Vec<Note>) {
        let (name, image) = (self.name.clone(), self.image.clone());
        let mut tell = |note: Note| notes.push(note.of(&name));
        match (self.phase, self.behaviour) {
            (Phase::Creating | Phase::PullBackOff, Behaviour::FailsToPull) => {
                tell(Note::normal("Pulling", format!("Pulling image {image:?}")));
                tell(Note::warning("Failed", format!("Failed to pull image {image:?}: {}", self.pull_error())));
                tell(Note::warning("Failed", "Error: ErrImagePull"));
                self.restarts += u32::from(self.phase == Phase::PullBackOff);
                (self.phase, self.due) = (Phase::PullFailed, Some(now + step));
            }
            (Phase::PullFailed, _) => {
                tell(Note::normal("BackOff", format!("Back-off pulling image {image:?}")));
                tell(Note::warning("Failed", "Error: ImagePullBackOff"));
                (self.phase, self.due) = (Phase::PullBackOff, Some(now + self.back_off(step)));
            }
            (Phase::Creating | Phase::BackOff | Phase::PullBackOff, _) => {
                if self.phase == Phase::Creating {
                    tell(Note::normal("Pulled", format!("Container image {image:?} already present on machine")));
                }
                tell(Note::normal("Created", format!("Created container: {name}")));
                tell(Note::normal("Started", format!("Started container {name}")));
                self.started_at = names::now();
                let ready = !self.probed && !self.is_init;
                let goes_on = self.is_init || self.behaviour == Behaviour::Crashes || !ready;
                (self.phase, self.due) = (Phase::Running { ready }, goes_on.then_some(now + step));
            }
            (Phase::Running { .. }, Behaviour::Crashes) => {
                self.finished_at = names::now();
                (self.phase, self.due) =
                    if restarts { (Phase::Crashed, Some(now + step)) } else { (Phase::Done { exit_code: 1 }, None) };
            }
            (Phase::Crashed, _) => {
                tell(Note::warning("BackOff", format!("Back-off restarting failed container {name} in pod {pod}")));
                self.last = Some(self.terminated(1));
                (self.phase, self.due) = (Phase::BackOff, Some(now + self.back_off(step)));
                self.restarts += 1;
            }
            (Phase::Running { .. }, _) if self.is_init => {
                self.finished_at = names::now();
                (self.phase, self.due) = (Phase::Done { exit_code: 0 }, None);
            }
            (Phase::Running { .. }, _) => (self.phase, self.due) = (Phase::Running { ready: true }, None),
            (Phase::Done { .. }, _) => self.due = None,
        }
    }

    fn exit_code(&self) -> i64 {
        if let Phase::Done { exit_code } = self.phase { exit_code } else { 0 }
    }

    /// Doubles with each failure.
    fn back_off(&self, step: Duration) -> Duration {
        step * 2_u32.saturating_pow(self.restarts + 1).min(MOST_BACK_OFF)
    }

    fn pull_error(&self) -> String {
        let image = &self.image;
        format!(
            "rpc error: code = NotFound desc = failed to pull and unpack image {image:?}: failed to resolve reference \
             {image:?}: {image}: not found"
        )
    }

    fn terminated(&self, exit_code: i64) -> Value {
        json!({
            "exitCode": exit_code,
            "reason": if exit_code == 0 { "Completed" } else { "Error" },
            "startedAt": self.started_at,
            "finishedAt": self.finished_at,
            "containerID": self.id(),
        })
    }

    fn id(&self) -> String {
        format!(
            "sandbox://{:016x}",
            names::stable_hash(&json!([self.name, self.image, self.started_at, self.restarts]))
        )
    }

    fn status(&self, waiting: &str) -> Value {
        let wait = |reason: &str, message: String| {
            let mut state = json!({ "waiting": { "reason": reason } });
            if !message.is_empty() {
                state["waiting"]["message"] = message.into();
            }
            state
        };
        let state = match self.phase {
            Phase::Creating => wait(waiting, String::new()),
            Phase::Running { .. } => json!({ "running": { "startedAt": self.started_at } }),
            Phase::PullFailed => wait("ErrImagePull", self.pull_error()),
            Phase::PullBackOff => {
                let message = format!("Back-off pulling image {:?}: ErrImagePull: {}", self.image, self.pull_error());
                wait("ImagePullBackOff", message)
            }
            Phase::Crashed => json!({ "terminated": self.terminated(1) }),
            Phase::BackOff => wait("CrashLoopBackOff", format!("back-off restarting failed container={}", self.name)),
            Phase::Done { exit_code } => json!({ "terminated": self.terminated(exit_code) }),
        };
        let running = matches!(self.phase, Phase::Running { .. });
        let pulls = self.behaviour == Behaviour::FailsToPull;
        let ready = matches!(self.phase, Phase::Running { ready: true } | Phase::Done { exit_code: 0 });
        let mut status = json!({
            "name": self.name,
            "image": self.image,
            "imageID": if self.started_at.is_empty() { String::new() } else { format!("sandbox://{}", self.image) },
            "ready": ready,
            "started": running,
            "restartCount": if pulls { 0 } else { self.restarts },
            "state": state,
            "lastState": self.last.as_ref().map_or_else(|| json!({}), |last| json!({ "terminated": last })),
        });
        if !self.started_at.is_empty() {
            status["containerID"] = self.id().into();
        }
        status
    }
}
