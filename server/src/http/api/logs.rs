//! `GET /runtimes/{id}/versions/{name}/logs`: what the version's containers write, as it comes.

use std::{convert::Infallible, fmt::Write, time::Duration};

use axum::{
    body::Body,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, header},
    response::IntoResponse,
};
use bytes::Bytes;
use domain::{ApiError, LogLine, LogText, Problem, RuntimeId, Timestamp};
use futures::{
    StreamExt,
    stream::{self, BoxStream, ReadyChunks},
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    accounts::{Presence, Standing},
    http::{
        Public,
        auth::{By, SignedIn},
        error::Answer,
        extract::VersionPath,
    },
    service::{LogFormat, LogStream, LogsParams},
};

/// Proxies close silent connections, most of them after a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How many lines that are there at once are sent in one piece.
const BATCH: usize = 64;

/// Sends what a version's containers write, as it comes.
///
/// One object per line, and an empty line now and then while there is nothing to say; or a text file. The answer ends when
/// all is read. With `follow` it does not end.
#[utoipa::path(
    get, path = "/runtimes/{id}/versions/{name}/logs", operation_id = "read_logs", tag = "Logs",
    params(VersionPath, LogsParams),
    responses((
        status = 200,
        content((LogLine = "application/x-ndjson"), (String = "text/plain"))
    )),
)]
pub(super) async fn logs(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    by: By,
    VersionPath(runtime, version): VersionPath,
    params: Result<Query<LogsParams>, QueryRejection>,
) -> Answer<impl IntoResponse> {
    let Query(params) = params
        .map_err(|rejection| ApiError::InvalidInput { problems: vec![Problem::error("", rejection.body_text())] })?;
    let LogStream { lines, format } = parts.service.logs(&caller, &runtime, &version, &params).await?;
    // The service has found both, so they are valid names and need no quoting.
    let of: String = [&params.workflow, &params.node].into_iter().flatten().map(|name| format!("-{name}")).collect();
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx buffers responses unless told not to.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    let kind = match format {
        LogFormat::Json => "application/x-ndjson",
        LogFormat::Text => "text/plain; charset=utf-8",
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if format == LogFormat::Text
        && let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"{runtime}-{version}{of}.log\""))
    {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    let (presence, lines) = (by.presence(&parts.logins), lines.ready_chunks(BATCH));
    let body = LogBody { lines, format, runtime, presence, stop: parts.stop };
    let body = stream::unfold(Some(body), |body| async move { body?.next().await });
    Ok((headers, Body::from_stream(body.map(Ok::<_, Infallible>))))
}

/// The answer, piece by piece.
struct LogBody {
    lines: ReadyChunks<BoxStream<'static, LogLine>>,
    format: LogFormat,
    runtime: RuntimeId,
    presence: Presence,
    stop: CancellationToken,
}

impl LogBody {
    /// With what is left; nothing is after the last piece.
    async fn next(mut self) -> Option<(Bytes, Option<Self>)> {
        let next = tokio::select! {
            next = timeout(KEEP_ALIVE, self.lines.next()) => next,
            () = self.stop.cancelled() => {
                let cut = "The server stopped; later lines are missing.\n";
                // A program sees that the answer has ended; a file looks whole unless it says so.
                return (self.format == LogFormat::Text).then(|| (Bytes::from_static(cut.as_bytes()), None));
            }
            reason = lost(&mut self.presence, &self.runtime) => return Some((cut_off(reason, self.format), None)),
        };
        let piece = match next {
            Ok(batch) => written(&batch?, self.format),
            // A file is read by people, who are not told that nothing is said; its end comes soon.
            Err(_) if self.format == LogFormat::Text => Bytes::new(),
            Err(_) => Bytes::from_static(b"\n"),
        };
        Some((piece, Some(self)))
    }
}

/// Waits until somebody may not see the runtime any more, and says why.
async fn lost(presence: &mut Presence, runtime: &RuntimeId) -> &'static str {
    loop {
        match presence.next().await {
            Standing::Changed(caller) if caller.rights().sees(runtime) => {}
            Standing::Changed(_) => return "you may not see this runtime any more",
            Standing::Ended(reason) => return reason,
        }
    }
}

/// The last piece, in which the server itself says why it is the last.
fn cut_off(reason: &str, format: LogFormat) -> Bytes {
    let text = format!("The log ends here: {reason}.");
    if format == LogFormat::Text {
        return format!("{text}\n").into();
    }
    let server = || "kai-server".to_owned();
    let (workflow, text) = (None, LogText::Error(text));
    written(
        &[LogLine { time: Timestamp::now(), workflow, node: server(), pod: server(), container: server(), text }],
        format,
    )
}

fn written(lines: &[LogLine], format: LogFormat) -> Bytes {
    let mut text = String::new();
    for line in lines {
        match format {
            LogFormat::Json => match serde_json::to_string(line) {
                Ok(json) => text.extend([json.as_str(), "\n"]),
                Err(error) => tracing::error!("cannot serialize a log line: {error}"),
            },
            LogFormat::Text => {
                let LogLine { time, pod, .. } = line;
                // Writing into a string does not fail.
                let _ = match &line.text {
                    LogText::Line(said) => writeln!(text, "{time:.9} {pod} {said}"),
                    LogText::Error(why) => writeln!(text, "{time:.9} {pod} Could not read this log: {why}"),
                };
            }
        }
    }
    text.into()
}
