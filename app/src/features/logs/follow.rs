//! Reads the lines: what there is in the order of time, then what comes, over broken connections.

use std::{pin::pin, time::Duration};

use domain::LogLine;
use futures::future::{Either, select};
use leptos::{prelude::*, task::spawn_local};
use serde::Deserialize;

use super::{Drawer, view::LogView};
use crate::{
    error::sentence,
    platform::{self, AbortHandle, BodyStream, Chunk},
};

/// How long lines are taken in before the browser may draw.
const BUDGET_MS: f64 = 6.0;
/// How many are taken in without looking at the time.
const BATCH: usize = 50;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How far the reading is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    Loading,
    Following,
    /// The connection broke; it is tried again.
    Lost,
    /// Everything that was asked for is there.
    Complete,
    /// The server will not answer that, in its words.
    Refused(String),
}

/// The lines to read.
pub(super) struct LogRequest {
    /// Of the API.
    pub(super) base: String,
    pub(super) view: LogView,
    /// The most lines of each pod; none when no pod has these logs.
    pub(super) tail: Option<usize>,
}

impl LogRequest {
    /// Why the server need not be asked.
    fn makes_no_sense(&self) -> Option<String> {
        if self.tail.is_none() {
            return Some(format!("This version has no `{}`.", self.view.whose.text().trim_end_matches('/')));
        }
        self.view.is_backwards().then(|| "The end time is before the start time.".to_owned())
    }
}

impl Drawer {
    /// Begins anew with other logs.
    pub(super) fn read(self, asked: LogRequest) {
        self.end();
        self.buffer.update_value(|buffer| buffer.clear());
        self.opened.update(|opened| opened.clear());
        self.is_paused.set(false);
        self.at_end.set(true);
        self.changed();
        if let Some(why) = asked.makes_no_sense() {
            self.progress.set(Progress::Refused(why));
            return;
        }
        self.progress.set(Progress::Loading);
        let attempt = self.attempt.get_value();
        spawn_local(async move { Follower { drawer: self, attempt, asked }.run().await });
    }

    /// Nothing more is read.
    pub(super) fn end(self) {
        self.attempt.try_update_value(|attempt| *attempt += 1);
        if let Some(stop) = self.stop.take() {
            stop.stop();
        }
    }
}

struct Follower {
    drawer: Drawer,
    attempt: u32,
    asked: LogRequest,
}

impl Follower {
    async fn run(self) {
        let mut first = true;
        let mut pause = FIRST_PAUSE;
        loop {
            let end = if first { self.read_once(true).await } else { self.follow_while_seen().await };
            if !self.is_wanted() {
                return;
            }
            match end {
                Chunk::Ended if first && self.asked.view.follows() => {
                    first = false;
                    continue;
                }
                Chunk::Ended if first => return self.say(Progress::Complete),
                // What is asked for is wrong, and stays so. All other answers may be of a server, or a cluster, that is
                // away for the moment.
                Chunk::Refused(status, body) if (400..500).contains(&status) => {
                    return self.say(Progress::Refused(reason(status, &body)));
                }
                Chunk::Bytes(_) => pause = FIRST_PAUSE,
                Chunk::Ended | Chunk::Broken | Chunk::Refused(..) => {}
            }
            self.say(Progress::Lost);
            platform::pause(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            if !self.is_wanted() {
                return;
            }
        }
    }

    /// Lets go of the connection while nobody sees the page, of which a browser has few for all tabs together, and goes on
    /// after the newest line.
    async fn follow_while_seen(&self) -> Chunk {
        loop {
            platform::until_seen().await;
            match select(pin!(self.read_once(false)), pin!(platform::until_hidden())).await {
                Either::Left((end, _)) => return end,
                Either::Right(_) if !self.is_wanted() => return Chunk::Broken,
                Either::Right(_) => drop(self.drawer.stop.take().map(|stop| stop.stop())),
            }
        }
    }

    /// Reads one answer to its end, which is returned: `Bytes` when it broke after something had come.
    async fn read_once(&self, first: bool) -> Chunk {
        let Some(stop) = AbortHandle::new() else { return Chunk::Broken };
        let LogRequest { base, view, tail } = &self.asked;
        let tail = tail.unwrap_or_default();
        let address = if first {
            view.first_address(base, tail)
        } else {
            let since = self.drawer.buffer.with_value(|buffer| buffer.newest());
            view.next_address(base, tail, since)
        };
        self.drawer.buffer.update_value(|buffer| buffer.asked_again());
        self.drawer.stop.set(stop.clone());
        let reading = match BodyStream::open(&address, &stop).await {
            Ok(reading) => reading,
            Err(piece) => return piece,
        };
        if !first && self.is_wanted() {
            self.say(Progress::Following);
        }
        let (mut text, mut any, mut until) = (Vec::new(), false, 0.0);
        loop {
            match reading.next().await {
                Chunk::Bytes(bytes) => {
                    any = true;
                    text.extend(bytes);
                    if !self.take(&mut text, &mut until).await {
                        return Chunk::Broken;
                    }
                }
                Chunk::Ended if first => return Chunk::Ended,
                end => return if any { Chunk::Bytes(Vec::new()) } else { end },
            }
        }
    }

    /// Takes all whole lines, but no longer than `until` before the browser may draw. Returns whether more are wanted.
    ///
    /// In a window that is not seen the browser never draws: then nothing is taken any more, and the server waits.
    async fn take(&self, text: &mut Vec<u8>, until: &mut f64) -> bool {
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let rest = text.split_off(whole);
        let mut lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).peekable();
        while lines.peek().is_some() {
            if platform::now_ms() >= *until {
                platform::next_frame().await;
                *until = platform::now_ms() + BUDGET_MS;
            }
            if !self.is_wanted() {
                return false;
            }
            let some: Vec<LogLine> =
                lines.by_ref().take(BATCH).filter_map(|line| serde_json::from_slice(line).ok()).collect();
            self.drawer.buffer.update_value(|buffer| some.into_iter().for_each(|line| buffer.take(line)));
            self.drawer.changed_soon();
        }
        *text = rest;
        true
    }

    /// Nobody has asked for others, and the drawer is open.
    fn is_wanted(&self) -> bool {
        self.drawer.attempt.try_get_value() == Some(self.attempt)
    }

    fn say(&self, progress: Progress) {
        if self.drawer.progress.get_untracked() != progress {
            self.drawer.progress.set(progress);
        }
    }
}

fn reason(status: u16, body: &str) -> String {
    #[derive(Deserialize)]
    struct Refused {
        error: Message,
    }
    #[derive(Deserialize)]
    struct Message {
        message: String,
    }

    match serde_json::from_str::<Refused>(body) {
        Ok(refused) => sentence(&refused.error.message),
        Err(_) => format!("The server answered with status {status}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_in_the_servers_words() {
        let body = r#"{"error":{"code":"not_found","message":"there is no node `x`","problems":[]}}"#;
        assert_eq!(reason(404, body), "There is no node `x`.");
        assert_eq!(reason(499, "<html>"), "The server answered with status 499.");
    }
}
