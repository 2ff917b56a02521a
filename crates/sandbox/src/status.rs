//! Errors as Kubernetes says them: a `Status` object with a code, a reason and details.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::kinds::Kind;

/// One thing wrong with an object, as listed in `details.causes`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cause {
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) field: String,
}

impl Cause {
    pub(crate) fn required(field: impl Into<String>) -> Self {
        Self { reason: "FieldValueRequired", message: "Required value".into(), field: field.into() }
    }

    pub(crate) fn invalid(field: impl Into<String>, value: &Value, why: &str) -> Self {
        Self { reason: "FieldValueInvalid", message: format!("Invalid value: {value}: {why}"), field: field.into() }
    }

    pub(crate) fn forbidden(field: impl Into<String>, why: &str) -> Self {
        Self { reason: "FieldValueForbidden", message: format!("Forbidden: {why}"), field: field.into() }
    }
}

/// A refusal.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    details: Value,
}

impl Failure {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null }
    }

    fn about(mut self, kind: Kind, name: &str) -> Self {
        let info = kind.info();
        self.details = json!({ "name": name, "kind": info.plural });
        if !info.group.is_empty() {
            self.details["group"] = info.group.into();
        }
        self
    }

    pub(crate) fn not_found(kind: Kind, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} {name:?} not found", kind.info().resource())).about(kind, name)
    }

    pub(crate) fn no_such_path() -> Self {
        let mut failure = Self::new(404, "NotFound", "the server could not find the requested resource");
        failure.details = json!({});
        failure
    }

    pub(crate) fn already_exists(kind: Kind, name: &str) -> Self {
        Self::new(409, "AlreadyExists", format!("{} {name:?} already exists", kind.info().resource())).about(kind, name)
    }

    pub(crate) fn conflict(kind: Kind, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} {name:?}: {why}", kind.info().resource());
        Self::new(409, "Conflict", message).about(kind, name)
    }

    pub(crate) fn stale(kind: Kind, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(kind, name, why)
    }

    /// Fields of a server-side apply that others own.
    pub(crate) fn apply_conflict(message: String, causes: Vec<Cause>) -> Self {
        let mut failure = Self::new(409, "Conflict", message);
        failure.details = json!({ "causes": causes_json(&causes) });
        failure
    }

    pub(crate) fn invalid(kind: Kind, name: &str, causes: Vec<Cause>) -> Self {
        let info = kind.info();
        let mut said: Vec<String> = causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
        let said = if said.len() == 1 { said.remove(0) } else { format!("[{}]", said.join(", ")) };
        let mut failure = Self::new(422, "Invalid", format!("{} {name:?} is invalid: {said}", info.qualified()));
        failure.details =
            json!({ "name": name, "group": info.group, "kind": info.name, "causes": causes_json(&causes) });
        failure
    }

    pub(crate) fn forbidden(kind: Kind, name: &str, why: &str) -> Self {
        Self::new(403, "Forbidden", format!("{} {name:?} is forbidden: {why}", kind.info().resource()))
            .about(kind, name)
    }

    pub(crate) fn namespace_ends(kind: Kind, name: &str, namespace: &str) -> Self {
        let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
        let mut failure = Self::forbidden(kind, name, &why);
        failure.details["causes"] = json!([{
            "reason": "NamespaceTerminating",
            "message": format!("namespace {namespace} is being terminated"),
            "field": "metadata.namespace",
        }]);
        failure
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
    }

    pub(crate) fn unsupported_media(accepted: &str) -> Self {
        let message =
            format!("the body of the request was in an unknown format - accepted media types include: {accepted}");
        Self::new(415, "UnsupportedMediaType", message)
    }

    pub(crate) fn too_large(limit_bytes: usize) -> Self {
        Self::new(413, "RequestEntityTooLarge", format!("Request entity too large: limit is {limit_bytes}"))
    }

    pub(crate) fn too_slow() -> Self {
        Self::new(408, "Timeout", "the body of the request did not arrive in time")
    }

    pub(crate) fn expired(asked: u64, oldest: u64) -> Self {
        Self::new(410, "Expired", format!("too old resource version: {asked} ({oldest})"))
    }

    pub(crate) fn ended() -> Self {
        Self::new(503, "ServiceUnavailable", "the sandbox has ended")
    }

    /// The `Status` object.
    pub(crate) fn to_json(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        });
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        status
    }
}

fn causes_json(causes: &[Cause]) -> Vec<Value> {
    causes.iter().map(|c| json!({ "reason": c.reason, "message": c.message, "field": c.field })).collect()
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let code = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (code, Json(self.to_json())).into_response()
    }
}
