//! Reads one run of one container: to its end, or on and on.

use std::{sync::Arc, time::Duration};

use domain::{LogLine, LogText, Timestamp};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use kube::api::LogParams;
use tokio::time::{sleep, timeout};

use super::{LogMode, LogRange, Run, Selection, runs};
use crate::{
    cluster::{LogReader, StampedLine, error_message},
    reconciler::Inner,
};

/// How long a log that is not followed may take for its next line.
const READ_TIMEOUT: Duration = Duration::from_secs(15);
/// After how long without a line a followed log is requested again, from where it was. Silence is no failure, but the
/// connection may be dead.
const FOLLOW_READ_TIMEOUT: Duration = Duration::from_secs(600);
/// The pause before a followed log that broke off is requested again; doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const MAX_DOUBLINGS: u32 = 5;

pub(super) struct Reader {
    inner: Arc<Inner>,
    namespace: String,
    version: String,
    range: LogRange,
    /// None: all lines.
    tail: Option<u32>,
    run: Run,
    position: Position,
    /// The time of the last line passed on, and how many had it: a log that is asked for again begins before that.
    seen: Option<(Timestamp, usize)>,
    duplicates: Option<(Timestamp, usize)>,
    /// How often it broke off or ended since its last line.
    attempts: u32,
    /// It did not end in good order.
    is_broken: bool,
    /// What was last said of what is wrong; nothing while nothing is.
    last_error: Option<String>,
}

enum Position {
    /// To be requested for the first time.
    Start,
    /// To be requested again after a pause, if there is more to come.
    Again,
    Open(LogReader),
    Over,
}

impl Reader {
    pub(super) fn new(inner: Arc<Inner>, selection: &Selection, run: Run) -> Self {
        Self {
            inner,
            namespace: selection.namespace.clone(),
            version: selection.version.clone(),
            range: selection.query.range,
            tail: selection.query.range.tail,
            run,
            position: Position::Start,
            seen: None,
            duplicates: None,
            attempts: 0,
            is_broken: false,
            last_error: None,
        }
    }

    /// Of a run that began while it was being waited for, every line is news.
    pub(super) fn whole(self) -> Self {
        Self { tail: None, ..self }
    }

    pub(super) fn lines(self) -> BoxStream<'static, LogLine> {
        stream::unfold(self, |mut reader| async move {
            let line = reader.next().await?;
            Some((line, reader))
        })
        .boxed()
    }

    async fn next(&mut self) -> Option<LogLine> {
        loop {
            match &mut self.position {
                Position::Start => {
                    if let Some(line) = self.open().await {
                        return Some(line);
                    }
                }
                Position::Again => {
                    sleep(FIRST_PAUSE * 2_u32.pow(self.attempts.saturating_sub(1).min(MAX_DOUBLINGS))).await;
                    if !self.has_more() {
                        self.position = Position::Over;
                    } else if let Some(line) = self.open().await {
                        return Some(line);
                    }
                }
                Position::Open(log) => {
                    let line = match (timeout(self.range.read_timeout(), log.next()).await, self.range.follows()) {
                        (Ok(line), _) => line,
                        (Err(_), true) => Ok(None),
                        (Err(_), false) => return self.failed(timeout_message()),
                    };
                    let said = match line {
                        Ok(Some(line)) => self.take(line),
                        Ok(None) => {
                            self.ended(false);
                            None
                        }
                        Err(error) => self.failed(format!("the log was interrupted: {error}")),
                    };
                    if said.is_some() {
                        return said;
                    }
                }
                Position::Over => return None,
            }
        }
    }

    /// Returns what is to be said if that fails.
    async fn open(&mut self) -> Option<LogLine> {
        let resumed = self.seen.map(|(at, _)| at);
        let params = LogParams {
            container: Some(self.run.container.clone()),
            follow: self.range.follows(),
            previous: self.range.mode == LogMode::Previous,
            since_time: resumed.or(self.range.since).map(second_of),
            tail_lines: self.tail.filter(|_| resumed.is_none()).map(i64::from),
            ..LogParams::default()
        };
        let opening = LogReader::open(self.inner.cluster.client(), &self.namespace, &self.run.pod, params);
        let opened = match timeout(self.range.read_timeout(), opening).await {
            Ok(opened) => opened,
            Err(_) if self.range.follows() => {
                self.ended(false);
                return None;
            }
            Err(_) => return self.failed(timeout_message()),
        };
        match opened {
            Ok(log) => {
                self.duplicates = self.seen;
                self.position = Position::Open(log);
                None
            }
            // The pod is gone, and its log with it.
            Err(kube::Error::Api(status)) if status.code == 404 => {
                self.position = Position::Over;
                None
            }
            Err(error) => self.failed(error_message(&error)),
        }
    }

    fn ended(&mut self, is_broken: bool) {
        self.attempts = self.attempts.saturating_add(1);
        self.is_broken = is_broken;
        self.position = if self.range.follows() { Position::Again } else { Position::Over };
    }

    /// Says what is wrong, once for as long as it stays the same.
    fn failed(&mut self, why: String) -> Option<LogLine> {
        self.ended(true);
        // Of a run that is no longer the pod's last there is no more to be had.
        if self.range.follows() && self.current().is_none() {
            self.position = Position::Over;
            return None;
        }
        self.error_line(why)
    }

    fn error_line(&mut self, why: String) -> Option<LogLine> {
        if self.last_error.as_ref() == Some(&why) {
            return None;
        }
        self.last_error = Some(why.clone());
        Some(self.run.line(Timestamp::now(), LogText::Error(why)))
    }

    /// This run as the caches know it, if it is still its pod's last.
    fn current(&self) -> Option<Run> {
        let pods = self.inner.watches.pods.in_namespace(&self.namespace);
        let run = runs::run_of(pods.get(&self.run.pod)?, &self.version, false)?;
        (run.pod_uid == self.run.pod_uid && run.container == self.run.container && run.id == self.run.id).then_some(run)
    }

    /// A log that ended in good order while its container runs was cut off by somebody on the way (a kubelet that was
    /// restarted); one that failed may not have been read to its end.
    fn has_more(&self) -> bool {
        self.current().is_some_and(|run| run.is_running || self.is_broken)
    }

    fn take(&mut self, line: StampedLine) -> Option<LogLine> {
        let Some(time) = line.time else {
            return if line.text.is_empty() { None } else { self.error_line(line.text) };
        };
        // A container's lines are in the order of their times.
        if self.range.until.is_some_and(|until| time > until) {
            self.position = Position::Over;
            return None;
        }
        // Kubernetes was asked from the second on that this is in.
        if self.range.since.is_some_and(|since| time < since) || self.is_duplicate(time) {
            return None;
        }
        self.attempts = 0;
        self.last_error = None;
        self.seen = match self.seen {
            Some((last, count)) if last == time => Some((last, count + 1)),
            Some((last, count)) if last > time => Some((last, count)),
            _ => Some((time, 1)),
        };
        Some(self.run.line(time, LogText::Line(line.text)))
    }

    fn is_duplicate(&mut self, time: Timestamp) -> bool {
        match &mut self.duplicates {
            Some((last, _)) if time < *last => true,
            Some((last, count)) if time == *last && *count > 0 => {
                *count -= 1;
                true
            }
            _ => {
                self.duplicates = None;
                false
            }
        }
    }
}

impl LogRange {
    /// How long the next line is waited for.
    fn read_timeout(self) -> Duration {
        if self.follows() { FOLLOW_READ_TIMEOUT } else { READ_TIMEOUT }
    }
}

/// The second that it is in. Kubernetes goes by whole seconds, and kube rounds to the nearest one, which may lie behind
/// what is wanted.
fn second_of(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

fn timeout_message() -> String {
    format!("no answer within {} seconds", READ_TIMEOUT.as_secs())
}
