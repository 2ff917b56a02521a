//! One container as it would run: a state machine driven by the clock alone.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::recorder::EventNote;
use crate::{names, object};

/// The longest wait between two starts of a crashing container, in steps of a start.
const MAX_BACK_OFF: u32 = 64;

/// What an image does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behavior {
    Runs,
    FailsToPull,
    Crashes,
}

impl Behavior {
    /// `*/fail-pull:*` and `*/crash:*` are for showing failures; every other image runs, and `*/chatty:*` has much to say
    /// (see `logs`).
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
pub(super) enum Phase {
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
pub(super) struct Container {
    pub(super) name: String,
    image: String,
    behaviour: Behavior,
    is_init: bool,
    pub(super) probed: bool,
    pub(super) phase: Phase,
    /// When the phase ends by itself.
    pub(super) due: Option<Instant>,
    restarts: u32,
    pub(super) started_at: String,
    finished_at: String,
    /// How the run before this one ended.
    last: Option<Value>,
}

impl Container {
    pub(super) fn new(spec: &Value, is_init: bool) -> Self {
        let image = object::text(spec, "/image");
        Self {
            name: object::text(spec, "/name").to_owned(),
            image: image.to_owned(),
            behaviour: Behavior::of(image),
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

    pub(super) fn advance(
        &mut self,
        now: Instant,
        step: Duration,
        restarts: bool,
        pod: &str,
        notes: &mut Vec<EventNote>,
    ) {
        let (name, image) = (self.name.clone(), self.image.clone());
        let mut record = |note: EventNote| notes.push(note.of(&name));
        match (self.phase, self.behaviour) {
            (Phase::Creating | Phase::PullBackOff, Behavior::FailsToPull) => {
                record(EventNote::normal("Pulling", format!("Pulling image {image:?}")));
                record(EventNote::warning("Failed", format!("Failed to pull image {image:?}: {}", self.pull_error())));
                record(EventNote::warning("Failed", "Error: ErrImagePull"));
                self.restarts += u32::from(self.phase == Phase::PullBackOff);
                (self.phase, self.due) = (Phase::PullFailed, Some(now + step));
            }
            (Phase::PullFailed, _) => {
                record(EventNote::normal("BackOff", format!("Back-off pulling image {image:?}")));
                record(EventNote::warning("Failed", "Error: ImagePullBackOff"));
                (self.phase, self.due) = (Phase::PullBackOff, Some(now + self.back_off(step)));
            }
            (Phase::Creating | Phase::BackOff | Phase::PullBackOff, _) => {
                if self.phase == Phase::Creating {
                    record(EventNote::normal(
                        "Pulled",
                        format!("Container image {image:?} already present on machine"),
                    ));
                }
                record(EventNote::normal("Created", format!("Created container: {name}")));
                record(EventNote::normal("Started", format!("Started container {name}")));
                self.started_at = names::now();
                let ready = !self.probed && !self.is_init;
                let goes_on = self.is_init || self.behaviour == Behavior::Crashes || !ready;
                (self.phase, self.due) = (Phase::Running { ready }, goes_on.then_some(now + step));
            }
            (Phase::Running { .. }, Behavior::Crashes) => {
                self.finished_at = names::now();
                (self.phase, self.due) =
                    if restarts { (Phase::Crashed, Some(now + step)) } else { (Phase::Done { exit_code: 1 }, None) };
            }
            (Phase::Crashed, _) => {
                record(EventNote::warning(
                    "BackOff",
                    format!("Back-off restarting failed container {name} in pod {pod}"),
                ));
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

    pub(super) fn exit_code(&self) -> i64 {
        if let Phase::Done { exit_code } = self.phase { exit_code } else { 0 }
    }

    /// Doubles with each failure.
    fn back_off(&self, step: Duration) -> Duration {
        step * 2_u32.saturating_pow(self.restarts + 1).min(MAX_BACK_OFF)
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

    pub(super) fn status(&self, waiting: &str) -> Value {
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
        let pulls = self.behaviour == Behavior::FailsToPull;
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
