//! `GET /runtimes/{id}/versions/{name}/logs`: what the version's containers write, as it comes.

use std::{convert::Infallible, fmt::Write, time::Duration};

use axum::{
    body::Body,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, header},
    response::IntoResponse,
};
use bytes::Bytes;
use domain::{ApiError, LogLine, LogText, Problem};
use futures::{
    StreamExt,
    stream::{self, BoxStream, ReadyChunks},
};
use serde::Deserialize;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    http::{Public, error::Answer, extract::VersionPath},
    service::{LogForm, LogsAsked, LogsFound},
};

/// Proxies close what is silent for long; most of them after a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How many lines that are there at once are sent in one piece.
const BATCH: usize = 64;

/// Kept as text, so that all that is wrong is answered at once.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    workflow: Option<String>,
    node: Option<String>,
    previous: Option<String>,
    follow: Option<String>,
    tail: Option<String>,
    since: Option<String>,
    until: Option<String>,
    search: Option<String>,
    level: Option<String>,
    format: Option<String>,
}

/// One [`LogLine`] as JSON per line, an empty line now and then while there is nothing to say; or a text file. The answer
/// ends when all is read, or when followed with the server; when the client goes, so do the requests to the cluster.
pub(super) async fn logs(
    State(parts): State<Public>,
    VersionPath(runtime, version): VersionPath,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Answer<impl IntoResponse> {
    let Query(wanted) = wanted
        .map_err(|rejection| ApiError::InvalidInput { problems: vec![Problem::error("", rejection.body_text())] })?;
    let Wanted { workflow, node, previous, follow, tail, since, until, search, level, format } = wanted;
    // Names of what exists, so nothing in them needs quoting.
    let of =
        [workflow.as_deref(), node.as_deref()].into_iter().flatten().fold(String::new(), |of, name| of + "-" + name);
    let asked = LogsAsked { workflow, node, previous, follow, tail, since, until, search, level, format };
    let LogsFound { lines, form } = parts.service.logs(&runtime, &version, asked).await?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx holds back what it proxies unless told not to.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    let kind = match form {
        LogForm::Json => "application/x-ndjson",
        LogForm::Text => "text/plain; charset=utf-8",
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if form == LogForm::Text
        && let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"{runtime}-{version}{of}.log\""))
    {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    let pieces = Pieces { lines: lines.ready_chunks(BATCH), form, stop: parts.stop };
    let body = stream::unfold(Some(pieces), |pieces| async move { pieces?.next().await });
    Ok((headers, Body::from_stream(body.map(Ok::<_, Infallible>))))
}

/// The answer, piece by piece.
struct Pieces {
    lines: ReadyChunks<BoxStream<'static, LogLine>>,
    form: LogForm,
    stop: CancellationToken,
}

impl Pieces {
    /// With what is left; nothing is after the last piece.
    async fn next(mut self) -> Option<(Bytes, Option<Self>)> {
        let next = tokio::select! {
            next = timeout(KEEP_ALIVE, self.lines.next()) => next,
            () = self.stop.cancelled() => {
                let cut = "The server was stopped: what comes after this is missing.\n";
                // A program sees that the answer has ended; a file looks whole unless it says so.
                return (self.form == LogForm::Text).then(|| (Bytes::from_static(cut.as_bytes()), None));
            }
        };
        let piece = match next {
            Ok(batch) => written(&batch?, self.form),
            // A file is read by people, who are not told that nothing is said; its end comes soon.
            Err(_) if self.form == LogForm::Text => Bytes::new(),
            Err(_) => Bytes::from_static(b"\n"),
        };
        Some((piece, Some(self)))
    }
}

fn written(lines: &[LogLine], form: LogForm) -> Bytes {
    let mut text = String::new();
    for line in lines {
        match form {
            LogForm::Json => match serde_json::to_string(line) {
                Ok(json) => text.extend([json.as_str(), "\n"]),
                Err(error) => tracing::error!("a log's line cannot be written: {error}"),
            },
            LogForm::Text => {
                let LogLine { time, pod, .. } = line;
                // Writing into a string does not fail.
                let _ = match &line.text {
                    LogText::Line(said) => writeln!(text, "{time:.9} {pod} {said}"),
                    LogText::Error(why) => writeln!(text, "{time:.9} {pod} This log could not be read: {why}"),
                };
            }
        }
    }
    text.into()
}
