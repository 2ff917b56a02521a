//! The file in a request: its body as it is, or the field `file` of a form.

use std::time::Duration;

use axum::{
    body::{Body, BodyDataStream},
    extract::{FromRequest, Multipart, Request, multipart::Field},
    http::{HeaderMap, header},
};
use bytes::Bytes;
use domain::{ApiError, Problem};
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use tokio::time::timeout;

use crate::config::ByteCount;

/// How long the rest of a refused upload is read and thrown away.
const DRAIN: Duration = Duration::from_secs(30);
/// The most that all of a form's fields but the file may have together.
const FORM_MAX_BYTES: u64 = 64 * 1024;
/// The least that a field counts, even an empty one.
const FIELD_BYTES: u64 = 128;
const FIELD: &str = "file";

pub(super) enum Source {
    Body(BodyDataStream),
    Form(Multipart),
}

impl Source {
    /// # Errors
    /// The refusal when the request says already that it is too large, or is a malformed form; with the body, so that
    /// it can be drained.
    pub(super) async fn of(request: Request, max_bytes: u64) -> Result<Self, (ApiError, Self)> {
        let is_form = is_form(request.headers());
        let allowed = if is_form { max_bytes.saturating_add(FORM_MAX_BYTES) } else { max_bytes };
        if content_length(request.headers()).is_some_and(|length| length > allowed) {
            return Err((too_large(max_bytes), Self::Body(request.into_body().into_data_stream())));
        }
        if !is_form {
            return Ok(Self::Body(request.into_body().into_data_stream()));
        }
        match Multipart::from_request(request, &()).await {
            Ok(form) => Ok(Self::Form(form)),
            // The form's content type has no boundary; there is nothing left to read.
            Err(rejection) => {
                Err((malformed_form(&rejection.body_text()), Self::Body(Body::empty().into_data_stream())))
            }
        }
    }

    /// Reads and throws away what is still being sent, for a while.
    pub(super) async fn drain(self) {
        let rest = async {
            match self {
                Self::Body(mut body) => while let Some(Ok(_)) = body.next().await {},
                Self::Form(mut form) => while let Ok(Some(_)) = form.next_field().await {},
            }
        };
        if timeout(DRAIN, rest).await.is_err() {
            tracing::debug!("closing the connection of a refused upload that is still being sent");
        }
    }
}

pub(super) type Chunks<'a> = BoxStream<'a, Result<Bytes, ApiError>>;

pub(super) fn body_chunks(body: &mut BodyDataStream) -> Chunks<'_> {
    body.map_err(|_| cut_short()).boxed()
}

pub(super) fn field_chunks(field: Field<'_>) -> Chunks<'_> {
    field.map_err(|_| cut_short()).boxed()
}

/// The next field of a form; none at its end.
///
/// # Errors
/// When the form is malformed.
pub(super) async fn next_field(form: &mut Multipart) -> Result<Option<Field<'_>>, ApiError> {
    form.next_field().await.map_err(|error| malformed_form(&error.body_text()))
}

pub(super) fn is_file(field: &Field<'_>) -> bool {
    field.name() == Some(FIELD)
}

/// A form's fields beside the file, which have a limit together.
#[derive(Default)]
pub(super) struct OtherFields {
    bytes: u64,
}

impl OtherFields {
    /// Reads over a field that is not the file.
    ///
    /// # Errors
    /// When they are long: then something else was sent than a KRT.
    pub(super) async fn skip(&mut self, mut field: Field<'_>) -> Result<(), ApiError> {
        self.count(FIELD_BYTES)?;
        while let Some(chunk) = field.chunk().await.map_err(|_| cut_short())? {
            self.count(chunk.len() as u64)?;
        }
        Ok(())
    }

    fn count(&mut self, bytes: u64) -> Result<(), ApiError> {
        self.bytes += bytes;
        if self.bytes <= FORM_MAX_BYTES {
            return Ok(());
        }
        Err(malformed_form("its fields other than `file` are too long; send the file in the field `file`"))
    }
}

pub(super) fn no_file() -> ApiError {
    malformed_form(&format!("it has no field `{FIELD}`"))
}

/// Which of them was meant is not for us to guess.
pub(super) fn two_files() -> ApiError {
    malformed_form(&format!("it has two fields `{FIELD}`; send one file at a time"))
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("multipart/form-data")
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

pub(super) fn too_large(max_bytes: u64) -> ApiError {
    let size = ByteCount(max_bytes);
    ApiError::TooLarge { limit: format!("a KRT file may have at most {size} ({max_bytes} bytes, KAI_MAX_KRT_BYTES)") }
}

/// `window` is over how much time too little came.
pub(super) fn stalled(window: Duration) -> ApiError {
    invalid(format!("upload cancelled: almost no data arrived for {} seconds", window.as_secs()))
}

fn cut_short() -> ApiError {
    invalid("the upload was interrupted".to_owned())
}

fn malformed_form(what: &str) -> ApiError {
    invalid(format!(
        "send the KRT as the request body or as the field `{FIELD}` of a form; this form is invalid: {what}"
    ))
}

fn invalid(message: String) -> ApiError {
    ApiError::InvalidInput { problems: vec![Problem::error(FIELD, message)] }
}
