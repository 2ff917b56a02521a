//! The errors that a page can get instead of an answer.

use std::fmt;

use domain::ApiError;
use http::StatusCode;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

use crate::json::JsonText;

/// The error of every server function: the server's own answer, or the failure to get one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppError {
    /// The server answered with an error that may be shown to people as it is.
    Api(ApiError),
    /// No answer came: the network, or the server, is down.
    Unreachable,
    /// An answer came that this page does not understand, as when the server has been upgraded since it was loaded.
    InvalidResponse(String),
    /// The server did not understand what was asked, as when it has been upgraded since the page was loaded.
    NotUnderstood(String),
}

impl AppError {
    /// Something that does not exist; `what` is a phrase such as "runtime `demo`".
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::Api(ApiError::NotFound { what: what.into() })
    }

    /// Whether asking again may be answered otherwise.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Api(error) => error.status() >= 500,
            // As what a proxy says while the server restarts.
            Self::Unreachable | Self::InvalidResponse(_) => true,
            Self::NotUnderstood(_) => false,
        }
    }

    /// What was wrong with the field of this name, if that is what the error is about.
    pub fn field(&self, name: &str) -> Option<String> {
        let Self::Api(error) = self else { return None };
        if let ApiError::NameTaken { field, .. } = error {
            return (field == name).then(|| error.to_string());
        }
        error.problems().iter().find(|problem| problem.path == name).map(|problem| problem.message.clone())
    }

    /// Whether the error is about nothing but the named fields, beside which it is shown.
    pub fn is_about_fields(&self, names: &[&str]) -> bool {
        if let Self::Api(ApiError::NameTaken { field, .. }) = self {
            return names.contains(&field.as_str());
        }
        matches!(self, Self::Api(error) if !error.problems().is_empty()
            && error.problems().iter().all(|problem| names.contains(&problem.path.as_str())))
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(error) => error.fmt(f),
            Self::Unreachable => f.write_str("the server is unreachable; check that it is running, then try again"),
            Self::InvalidResponse(_) => f.write_str(
                "the server's response could not be read; reload the page, the server may have been upgraded",
            ),
            Self::NotUnderstood(_) => {
                f.write_str("the server did not understand the request; reload the page, it may have been upgraded")
            }
        }
    }
}

impl From<ApiError> for AppError {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonText;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => Self::Unreachable,
            // In the browser it is the answer that cannot be read; on the server, the arguments.
            #[cfg(feature = "ssr")]
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                Self::NotUnderstood(error.to_string())
            }
            other => Self::InvalidResponse(other.to_string()),
        }
    }

    fn status_code(&self) -> StatusCode {
        match self {
            Self::Api(error) => StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            Self::NotUnderstood(_) => StatusCode::BAD_REQUEST,
            Self::Unreachable | Self::InvalidResponse(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// The error as a sentence: with a capital and a full stop.
pub fn sentence(error: &impl fmt::Display) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

/// Gives the page that is being rendered the status of the error. Does nothing in the browser.
pub fn respond_with_status(error: &AppError) {
    #[cfg(feature = "ssr")]
    if let Some(response) = leptos::prelude::use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(error.status_code());
    }
    #[cfg(not(feature = "ssr"))]
    let _ = error;
}

#[cfg(test)]
mod tests {
    use domain::Problem;

    use super::*;

    #[test]
    fn a_sentence_begins_with_a_capital_and_ends_once() {
        assert_eq!(sentence(&"there is no runtime"), "There is no runtime.");
        assert_eq!(sentence(&"Already done."), "Already done.");
        assert_eq!(sentence(&""), ".");
    }

    #[test]
    fn a_problem_is_shown_beside_its_field_and_not_twice() {
        let problems = vec![Problem::error("id", "too long")];
        let error = AppError::Api(ApiError::InvalidInput { problems });
        assert_eq!(error.field("id").as_deref(), Some("too long"));
        assert_eq!(error.field("name"), None);
        assert!(error.is_about_fields(&["id", "name"]));
        assert!(!error.is_about_fields(&["name"]));
        assert!(!AppError::Unreachable.is_about_fields(&["id"]));
    }

    #[test]
    fn a_taken_name_is_shown_beside_the_field_it_was_entered_in() {
        let taken = |field: &str| {
            AppError::Api(ApiError::NameTaken { what: "a runtime named `A`".to_owned(), field: field.to_owned() })
        };
        for field in ["id", "name"] {
            assert!(taken(field).field(field).is_some_and(|message| message.contains("already")), "{field}");
            assert!(taken(field).is_about_fields(&["id", "name"]));
        }
        assert_eq!(taken("name").field("id"), None);
    }

    #[test]
    fn an_error_survives_the_wire() {
        let text = || "?".to_owned();
        for error in [
            AppError::not_found("runtime `x`"),
            AppError::Unreachable,
            AppError::InvalidResponse(text()),
            AppError::NotUnderstood(text()),
        ] {
            assert_eq!(AppError::de(error.ser().body), error);
        }
    }
}
