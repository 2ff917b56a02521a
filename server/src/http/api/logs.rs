//! `GET /runtimes/{id}/versions/{name}/logs`: what the version's containers write, as it comes.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::Body,
    extract::{Query, State, rejection::QueryRejection},
    http::header,
    response::IntoResponse,
};
use bytes::Bytes;
use domain::{ApiError, LogLine, Problem};
use futures::{StreamExt, stream};
use serde::Deserialize;
use tokio::time::timeout;

use crate::{
    http::{Public, error::Answer, extract::VersionPath},
    service::LogsAsked,
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
}

/// One [`LogLine`] as JSON per line; an empty line now and then while there is nothing to say. The answer ends when all
/// is read, or when followed with the server; when the client goes, so do the requests to the cluster.
pub(super) async fn logs(
    State(parts): State<Public>,
    VersionPath(runtime, version): VersionPath,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Answer<impl IntoResponse> {
    let Query(wanted) = wanted
        .map_err(|rejection| ApiError::InvalidInput { problems: vec![Problem::error("", rejection.body_text())] })?;
    let Wanted { workflow, node, previous, follow, tail, since } = wanted;
    let asked = LogsAsked { workflow, node, previous, follow, tail, since };
    let lines = parts.service.logs(&runtime, &version, asked).await?;
    let pieces = stream::unfold(lines.ready_chunks(BATCH), |mut lines| async move {
        match timeout(KEEP_ALIVE, lines.next()).await {
            Ok(Some(batch)) => Some((written(&batch), lines)),
            Ok(None) => None,
            Err(_) => Some((Bytes::from_static(b"\n"), lines)),
        }
    });
    let body = Body::from_stream(pieces.map(Ok::<_, Infallible>).take_until(parts.stop.cancelled_owned()));
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (header::CACHE_CONTROL, "no-store"),
        // nginx holds back what it proxies unless told not to.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, body))
}

fn written(lines: &[LogLine]) -> Bytes {
    let mut text = String::new();
    for line in lines {
        match serde_json::to_string(line) {
            Ok(json) => text.extend([json.as_str(), "\n"]),
            Err(error) => tracing::error!("a log's line cannot be written: {error}"),
        }
    }
    text.into()
}
