//! Logs of pods: what a container might say, a line a second or, of one that says much, what [`chatty`] has.

mod chatty;

use std::{collections::HashMap, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::header,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    kinds::Kind,
    names,
    object::{self, Object},
    shutdown::Shutdown,
    status::Failure,
    store::{Key, Store},
};

/// The most lines that a container that still runs has kept, of what it wrote a second at a time.
const MAX_LINES: u64 = 10_000;

#[derive(Debug, Clone)]
struct LogParams {
    container: String,
    previous: bool,
    timestamps: bool,
    tail: Option<usize>,
    since: Option<Timestamp>,
    limit_bytes: Option<usize>,
}

/// One run of a container.
#[derive(Debug, Clone, PartialEq)]
struct Run {
    started: Timestamp,
    /// When it ended, and whether by a failure.
    ended: Option<(Timestamp, bool)>,
}

pub(crate) fn answer(
    store: &Arc<Store>,
    shutdown: &Shutdown,
    key: &Key,
    query: &HashMap<String, String>,
) -> Result<Response, Failure> {
    let pod = store.read(|state| state.get(Kind::Pod, key));
    let pod = pod.ok_or_else(|| Failure::not_found(Kind::Pod, &key.name))?;
    let flag = |name: &str| matches!(query.get(name).map(String::as_str), Some("true" | "1"));
    let number = |name: &str| match query.get(name).filter(|v| !v.is_empty()).map(|v| v.parse::<usize>()) {
        None => Ok(None),
        Some(Ok(number)) => Ok(Some(number)),
        Some(Err(_)) => Err(Failure::bad_request(format!("{name} is not a number"))),
    };
    let since = match (number("sinceSeconds")?, query.get("sinceTime").filter(|v| !v.is_empty())) {
        (Some(secs), _) => Some(Timestamp::now() - Duration::from_secs(secs as u64)),
        (None, Some(text)) => {
            let wrong = || Failure::bad_request("sinceTime is not a time");
            Some(names::parse_time(text).ok_or_else(wrong)?)
        }
        (None, None) => None,
    };
    let wanted = LogParams {
        container: choose_container(&pod, query.get("container").map_or("", String::as_str))?,
        previous: flag("previous"),
        timestamps: flag("timestamps"),
        tail: number("tailLines")?,
        since,
        limit_bytes: number("limitBytes")?,
    };
    let run = find_run(&pod, &wanted)?;
    let now = Timestamp::now();
    let mut lines = past_lines(&pod, &wanted, &run, now);
    if let Some(tail) = wanted.tail {
        lines.drain(..lines.len().saturating_sub(tail));
    }
    let mut text: String = lines.concat();
    if let Some(limit) = wanted.limit_bytes {
        text.truncate(text.floor_char_boundary(limit));
    }
    let body = if flag("follow") && run.ended.is_none() && wanted.limit_bytes.is_none() {
        let next = Script::of(&pod, &wanted).written_by(&run, now);
        let follow =
            Follow { store: store.clone(), shutdown: shutdown.clone(), key: key.clone(), pod, wanted, run, next };
        let first = stream::iter([Ok::<_, Infallible>(Bytes::from(text))]);
        let more = stream::unfold(follow, |mut follow| async move {
            let line = follow.next().await?;
            Some((Ok(line), follow))
        });
        Body::from_stream(futures::StreamExt::chain(first, more))
    } else {
        Body::from(text)
    };
    Ok(([(header::CONTENT_TYPE, "text/plain")], body).into_response())
}

fn choose_container(pod: &Value, asked: &str) -> Result<String, Failure> {
    let names =
        |pointer: &str| -> Vec<&str> { object::list(pod, pointer).iter().map(|c| object::text(c, "/name")).collect() };
    let (main, init) = (names("/spec/containers"), names("/spec/initContainers"));
    let pod = object::name(pod);
    match (asked, &main[..]) {
        ("", [only]) => Ok((*only).to_owned()),
        ("", _) => Err(Failure::bad_request(format!(
            "a container name must be specified for pod {pod}, choose one of: [{}]",
            main.join(" ")
        ))),
        (asked, _) if main.contains(&asked) || init.contains(&asked) => Ok(asked.to_owned()),
        (asked, _) => Err(Failure::bad_request(format!("container {asked} is not valid for pod {pod}"))),
    }
}

fn find_run(pod: &Value, wanted: &LogParams) -> Result<Run, Failure> {
    let (container, name) = (&wanted.container, object::name(pod));
    let mut statuses =
        object::list(pod, "/status/containerStatuses").iter().chain(object::list(pod, "/status/initContainerStatuses"));
    let status = statuses.find(|s| s["name"] == **container);
    let time = |value: &Value, field: &str| names::parse_time(object::text(value, field)).unwrap_or_default();
    let ended = |terminated: &Value| Run {
        started: time(terminated, "/startedAt"),
        ended: Some((time(terminated, "/finishedAt"), terminated["exitCode"] != 0)),
    };
    let last = status.and_then(|s| s.pointer("/lastState/terminated"));
    if wanted.previous {
        let missing =
            || Failure::bad_request(format!("previous terminated container {container:?} in pod {name:?} not found"));
        return last.map(ended).ok_or_else(missing);
    }
    let state = status.map_or(&Value::Null, |s| &s["state"]);
    if let Some(running) = state.get("running") {
        return Ok(Run { started: time(running, "/startedAt"), ended: None });
    }
    if let Some(terminated) = state.get("terminated").or(last) {
        return Ok(ended(terminated));
    }
    let why = match object::text(state, "/waiting/reason") {
        "ErrImagePull" | "ImagePullBackOff" => "trying and failing to pull image".to_owned(),
        "" => "ContainerCreating".to_owned(),
        reason => reason.to_owned(),
    };
    Err(Failure::bad_request(format!("container {container:?} in pod {name:?} is waiting to start: {why}")))
}

/// The lines from the start of a run until now or its end.
fn past_lines(pod: &Value, wanted: &LogParams, run: &Run, now: Timestamp) -> Vec<String> {
    let script = Script::of(pod, wanted);
    lines_from(script.written_by(run, now).saturating_sub(script.max_kept()), pod, wanted, run, now)
}

/// Those from the one of this number on.
fn lines_from(first: u64, pod: &Value, wanted: &LogParams, run: &Run, now: Timestamp) -> Vec<String> {
    let next = Script::of(pod, wanted).written_by(run, now);
    let mut lines: Vec<_> = (first..next).filter_map(|number| line(pod, wanted, run, number)).collect();
    if let Some((end, true)) = run.ended {
        let who = container_name(pod, wanted);
        lines.extend(write(wanted, end, &format!("{who}: error: made to fail by its image, exit code 1")));
    }
    lines
}

/// What a container writes, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    /// A line a second.
    Waiting,
    Chatty,
}

impl Script {
    fn of(pod: &Value, wanted: &LogParams) -> Self {
        let mut containers = object::list(pod, "/spec/containers").iter();
        let container = containers.find(|container| container["name"] == *wanted.container);
        match container.is_some_and(|container| chatty::matches_image(object::text(container, "/image"))) {
            true => Self::Chatty,
            false => Self::Waiting,
        }
    }

    /// How many lines of a run there are by now, or by its end.
    fn written_by(self, run: &Run, now: Timestamp) -> u64 {
        let elapsed = run.ended.map_or(now, |(end, _)| end).duration_since(run.started);
        let elapsed = if elapsed.is_negative() { Duration::ZERO } else { elapsed.unsigned_abs() };
        match self {
            Self::Waiting => elapsed.as_secs() + 1,
            Self::Chatty => chatty::written_by(elapsed),
        }
    }

    fn max_kept(self) -> u64 {
        match self {
            Self::Waiting => MAX_LINES,
            Self::Chatty => chatty::MAX_LINES,
        }
    }

    /// How long after the start of a run its line of this number, from 0, is written.
    fn time_of(self, number: u64) -> Duration {
        match self {
            Self::Waiting => Duration::from_secs(number),
            Self::Chatty => chatty::time_of(number),
        }
    }

    fn text(self, who: &str, number: u64) -> String {
        match (self, number) {
            (_, 0) => format!("{who}: started in the sandbox, where no container really runs"),
            (Self::Waiting, second) => format!("{who}: waiting for messages, up for {second} s"),
            (Self::Chatty, number) => chatty::text(who, number),
        }
    }
}

/// The line of this number of a run.
fn line(pod: &Value, wanted: &LogParams, run: &Run, number: u64) -> Option<String> {
    let script = Script::of(pod, wanted);
    write(wanted, run.started + script.time_of(number), &script.text(container_name(pod, wanted), number))
}

fn write(wanted: &LogParams, at: Timestamp, text: &str) -> Option<String> {
    if wanted.since.is_some_and(|since| at < since) {
        return None;
    }
    Some(if wanted.timestamps { format!("{at:.9} {text}\n") } else { format!("{text}\n") })
}

/// The node's name where the pod is one of a workflow, else the container's.
fn container_name<'a>(pod: &'a Value, wanted: &'a LogParams) -> &'a str {
    let node = object::labels(pod).and_then(|labels| labels.get("node-name")).and_then(Value::as_str);
    node.unwrap_or(&wanted.container)
}

/// A log that is followed.
struct Follow {
    store: Arc<Store>,
    shutdown: Shutdown,
    key: Key,
    pod: Object,
    wanted: LogParams,
    run: Run,
    /// The number of the line that is written next.
    next: u64,
}

impl Follow {
    /// The next line; nothing when the run or the sandbox has ended.
    async fn next(&mut self) -> Option<Bytes> {
        if self.run.ended.is_some() {
            return None;
        }
        let number = self.next;
        let due = self.run.started + Script::of(&self.pod, &self.wanted).time_of(number);
        // What is late is written at once.
        let wait = due.duration_since(Timestamp::now());
        let wait = if wait.is_negative() { Duration::ZERO } else { wait.unsigned_abs() };
        let deadline = tokio::time::Instant::now() + wait;
        let mut notifier = self.store.notifier();
        loop {
            let pod = self.store.read(|state| state.get(Kind::Pod, &self.key));
            let pod = pod.filter(|pod| object::uid(pod) == object::uid(&self.pod))?;
            let run = find_run(&pod, &self.wanted).ok()?;
            if run.started != self.run.started {
                return None;
            }
            if run.ended.is_some() {
                let lines = lines_from(self.next, &pod, &self.wanted, &run, Timestamp::now());
                self.run = run;
                return Some(lines.concat().into());
            }
            tokio::select! {
                changed = notifier.changed() => changed.ok()?,
                () = self.shutdown.triggered() => return None,
                () = tokio::time::sleep_until(deadline) => {
                    self.next = number + 1;
                    // What is older than what was asked for is no line, but not the end either.
                    return Some(line(&self.pod, &self.wanted, &self.run, number).unwrap_or_default().into());
                }
            }
        }
    }
}
