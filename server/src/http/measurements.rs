//! InfluxDB's v2 write API, as far as the runners use it: `POST …/api/v2/write?org=&bucket=&precision=` with line protocol.
//!
//! The credential is in the path, for the runners' clients send an empty one. It says which version writes, so neither `org`
//! nor `bucket` means anything.

use std::{io::Read as _, sync::Arc, time::Duration};

use axum::{
    Json,
    body::{Body, Bytes, to_bytes},
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{RuntimeId, Timestamp, VersionName};
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde_json::json;
use tokio::{task::spawn_blocking, time::timeout};

use super::internal::{Internal, denied};
use crate::{
    config::MeasurementLimits,
    measurements::{Precision, Refused, Writer},
    service::error_chain,
};

#[derive(Deserialize)]
pub(super) struct WriteQuery {
    #[serde(default)]
    precision: Option<String>,
}

/// What is answered in place of 204, in InfluxDB's shape.
struct WriteError {
    status: StatusCode,
    code: &'static str,
    message: String,
    retry_after_secs: Option<u32>,
}

impl WriteError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after_secs: None }
    }

    fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", message)
    }

    fn too_large(what: &str, bytes: usize) -> Self {
        let message = format!("{what} may have at most {bytes} bytes; send fewer points at once");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "request too large", message)
    }
}

impl From<Refused> for WriteError {
    fn from(refused: Refused) -> Self {
        let message = refused.to_string();
        let (status, code, retry_after_secs) = match refused {
            Refused::Points { .. } => (StatusCode::BAD_REQUEST, "invalid", None),
            Refused::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, "too many requests", Some(10)),
            Refused::VersionBusy => (StatusCode::TOO_MANY_REQUESTS, "too many requests", Some(1)),
            Refused::Busy => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", Some(1)),
        };
        Self { status, code, message, retry_after_secs }
    }
}

impl IntoResponse for WriteError {
    fn into_response(self) -> Response {
        let retry_after = self.retry_after_secs.map(|secs| [(header::RETRY_AFTER, secs.to_string())]);
        (self.status, retry_after, Json(json!({ "code": self.code, "message": self.message }))).into_response()
    }
}

pub(super) async fn write(
    State(parts): State<Internal>,
    Path((runtime, version, token)): Path<(String, String, String)>,
    Query(query): Query<WriteQuery>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let (Ok(runtime), Ok(version)) = (runtime.parse::<RuntimeId>(), version.parse::<VersionName>()) else {
        return denied();
    };
    let writer = match parts.measurements.writer(&runtime, &version, &token).await {
        Ok(Some(writer)) => writer,
        Ok(None) => return denied(),
        Err(error) => {
            tracing::warn!("cannot tell who writes measurements: {}", error_chain(&error));
            let message = "the server's database does not answer; send it again later";
            return WriteError::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message).into_response();
        }
    };
    match take(&parts, writer, &query, headers, request.into_body()).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.into_response(),
    }
}

async fn take(
    parts: &Internal,
    writer: Arc<Writer>,
    query: &WriteQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<(), WriteError> {
    // Held to the end, so that memory for bodies is bounded for each version and for all.
    let permit = parts.measurements.begin(&writer)?;
    let precision = query.precision.as_deref().map_or(Ok(Precision::default()), str::parse);
    let precision: Precision = precision.map_err(WriteError::invalid)?;
    let limits = parts.measurements.limits();
    let body = read(body, limits, parts.body_timeout).await?;
    let measurements = parts.measurements.clone();
    // A large body takes a while, and requests of others run on this thread.
    let counted = spawn_blocking(move || {
        let text = unpack(&body, &headers, limits)?;
        measurements.take(&writer, &text, precision, Timestamp::now())?;
        drop(permit);
        Ok(())
    });
    let failed = |_| WriteError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error", "the server has failed");
    counted.await.map_err(failed)?
}

async fn read(body: Body, limits: MeasurementLimits, within: Duration) -> Result<Bytes, WriteError> {
    match timeout(within, to_bytes(body, limits.body_bytes)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        // The only other error is a connection that broke, whose answer nobody reads.
        Ok(Err(_)) => Err(WriteError::too_large("a body", limits.body_bytes)),
        Err(_) => {
            let message = format!("the body did not arrive within {} seconds", within.as_secs());
            Err(WriteError::new(StatusCode::REQUEST_TIMEOUT, "timeout", message))
        }
    }
}

fn unpack(body: &[u8], headers: &HeaderMap, limits: MeasurementLimits) -> Result<String, WriteError> {
    let no_text = |_| WriteError::invalid("the body is no UTF-8 text");
    match headers.get(header::CONTENT_ENCODING).map(|encoding| encoding.as_bytes()) {
        None | Some(b"" | b"identity") => String::from_utf8(body.to_vec()).map_err(no_text),
        Some(b"gzip") => {
            let mut unpacked = Vec::new();
            // One byte more than may be tells that there is more.
            let most = limits.unpacked_bytes as u64 + 1;
            let read = MultiGzDecoder::new(body).take(most).read_to_end(&mut unpacked);
            if read.map_err(|error| WriteError::invalid(format!("the body is no gzip: {error}")))? as u64 == most {
                return Err(WriteError::too_large("an unpacked body", limits.unpacked_bytes));
            }
            String::from_utf8(unpacked).map_err(no_text)
        }
        Some(_) => {
            let message = "`Content-Encoding` is neither gzip nor identity";
            Err(WriteError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported media type", message))
        }
    }
}
