//! The one error type that reaches users and API clients: a closed enum that serializes and holds no internal detail.

use serde::{Deserialize, Serialize};

use crate::{NotEmpty, Problem, Refusal, RuntimeId, VersionName, VersionState};

/// The answer of an API call, a server function or an upload that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ApiError {
    /// `what` is a phrase such as "runtime `demo`".
    #[error("there is no {what}")]
    NotFound { what: String },
    /// `what` is a phrase such as "a version named `v1` in runtime `demo`".
    #[error("{what} already exists; choose another name")]
    NameTaken {
        what: String,
        /// The field of the request that has the name.
        field: String,
    },
    #[error("cannot {command} `{version}`: {refusal}", command = command(.refusal))]
    Refused { version: VersionName, state: VersionState, refusal: Refusal },
    /// An rpc of the version's entrypoint cannot be called now.
    #[error("cannot call `{version}`: {reason}")]
    CannotCall { version: VersionName, reason: String },
    /// `versions` counts archived ones, too.
    #[error("cannot delete runtime `{runtime}`: {}", NotEmpty { versions: *.versions })]
    RuntimeNotEmpty { runtime: RuntimeId, versions: u32 },
    #[error("cannot start `{version}`: these configuration values are not set: {}", .missing.join(", "))]
    ConfigIncomplete { version: VersionName, missing: Vec<String> },
    #[error("the file is not a valid KRT: {}", count(.problems))]
    InvalidKrt { problems: Vec<Problem> },
    #[error("{}", first(.problems))]
    InvalidInput { problems: Vec<Problem> },
    /// `limit` names the limit that was exceeded, with its value.
    #[error("the file is too large: {limit}")]
    TooLarge { limit: String },
    /// Nobody has signed in, or the session has ended.
    #[error("sign in to go on")]
    Unauthenticated,
    #[error("refused: {reason}")]
    Forbidden { reason: String },
    /// A part that the server depends on does not respond. A later retry may succeed.
    #[error("{what} is unavailable; try again in a moment")]
    Unavailable { what: String },
    /// The server has no capacity for the request now. The client may retry after this time.
    #[error("{reason}; try again in {retry_after_secs} seconds")]
    Busy { reason: String, retry_after_secs: u32 },
    /// The detail is in the server's log, not on the wire.
    #[error("Internal server error; see the server log")]
    Internal,
}

impl ApiError {
    /// The machine-readable `error.code` of the API.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::NameTaken { .. } => "name_taken",
            Self::Refused { .. } => "refused",
            Self::CannotCall { .. } => "cannot_call",
            Self::RuntimeNotEmpty { .. } => "runtime_not_empty",
            Self::ConfigIncomplete { .. } => "config_incomplete",
            Self::InvalidKrt { .. } => "invalid_krt",
            Self::InvalidInput { .. } => "invalid_input",
            Self::TooLarge { .. } => "too_large",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden { .. } => "forbidden",
            Self::Unavailable { .. } => "unavailable",
            Self::Busy { .. } => "busy",
            Self::Internal => "internal",
        }
    }

    /// The HTTP status (RFC 9110 §15).
    pub fn status(&self) -> u16 {
        match self {
            Self::NotFound { .. } => 404,
            Self::NameTaken { .. }
            | Self::Refused { .. }
            | Self::CannotCall { .. }
            | Self::RuntimeNotEmpty { .. }
            | Self::ConfigIncomplete { .. } => 409,
            Self::InvalidKrt { .. } | Self::InvalidInput { .. } => 422,
            Self::TooLarge { .. } => 413,
            Self::Unauthenticated => 401,
            Self::Forbidden { .. } => 403,
            Self::Unavailable { .. } | Self::Busy { .. } => 503,
            Self::Internal => 500,
        }
    }

    /// For the header `Retry-After` (RFC 9110 §10.2.3).
    pub fn retry_after_secs(&self) -> Option<u32> {
        match self {
            Self::Busy { retry_after_secs, .. } => Some(*retry_after_secs),
            _ => None,
        }
    }

    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::InvalidKrt { problems } | Self::InvalidInput { problems } => problems,
            _ => &[],
        }
    }
}

fn command(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::WrongState { command, .. } | Refusal::Switching { command } => command.as_str(),
        Refusal::NotArchived { .. } => "delete",
    }
}

fn count(problems: &[Problem]) -> String {
    match problems {
        [one] => one.to_string(),
        many => format!("{} problems", many.len()),
    }
}

fn first(problems: &[Problem]) -> String {
    match problems {
        [] => "the request is not valid".to_owned(),
        [one] => one.to_string(),
        [one, rest @ ..] => format!("{one} (and {} more)", rest.len()),
    }
}
