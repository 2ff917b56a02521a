//! Logs as the API streams them.

use std::{collections::BTreeSet, time::Duration};

use domain::{LogLine, LogText};
use tokio::time::timeout;

use super::{described, server::TestServer};

/// How long a line may take to come. A real cluster has to replace a pod in that time.
const MAX_WAIT: Duration = Duration::from_secs(120);

/// An answer that is being read.
pub(crate) struct LogLines {
    response: reqwest::Response,
    text: Vec<u8>,
}

impl LogLines {
    /// `query` is what comes after the question mark.
    pub(crate) async fn open(server: &TestServer, runtime: &str, version: &str, query: &str) -> Self {
        let url = server.url(&format!("/api/v1/runtimes/{runtime}/versions/{version}/logs?{query}"));
        Self::of(server.client().get(url).send().await.unwrap())
    }

    pub(crate) fn of(response: reqwest::Response) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/x-ndjson");
        Self { response, text: Vec::new() }
    }

    /// The next line; none when the answer has ended.
    pub(crate) async fn next(&mut self) -> Option<LogLine> {
        loop {
            if let Some(end) = self.text.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.text.drain(..=end).collect();
                if line.trim_ascii().is_empty() {
                    continue;
                }
                described::expect_schema("LogLine", &serde_json::from_slice(&line).unwrap());
                return Some(serde_json::from_slice(&line).unwrap());
            }
            let chunk = timeout(MAX_WAIT, self.response.chunk()).await.expect("no line came").unwrap()?;
            self.text.extend_from_slice(&chunk);
        }
    }

    pub(crate) async fn all(mut self) -> Vec<LogLine> {
        let mut lines = Vec::new();
        while let Some(line) = self.next().await {
            lines.push(line);
        }
        lines
    }

    /// Reads on until a line is as described, and returns that.
    pub(crate) async fn until(&mut self, what: &str, holds: impl Fn(&LogLine) -> bool) -> LogLine {
        let mut pods = BTreeSet::new();
        loop {
            let line = timeout(MAX_WAIT, self.next()).await;
            let line = line.unwrap_or_else(|_| panic!("never seen: {what}; lines came from {pods:?}")).unwrap();
            if holds(&line) {
                return line;
            }
            pods.insert(line.pod);
        }
    }
}

/// What the container wrote.
#[track_caller]
pub(crate) fn said(line: &LogLine) -> &str {
    match &line.text {
        LogText::Line(text) => text,
        LogText::Error(error) => panic!("{}: {error}", line.pod),
    }
}
