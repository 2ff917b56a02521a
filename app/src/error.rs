//! What a page can be told instead of what it asked for.

use std::fmt;

use domain::ApiError;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

use crate::wire::JsonText;

/// The error of every server function: the server's own answer, or the failure to get one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppError {
    /// The server answered with an error that may be shown to people as it is.
    Api(ApiError),
    /// No answer came: the network, or the server, is down.
    Unreachable,
    /// An answer came that this page does not understand, as when the server has been upgraded since it was loaded.
    Garbled(String),
    /// The server did not understand what was asked, as when it has been upgraded since the page was loaded.
    NotUnderstood(String),
}

impl AppError {
    /// Something that does not exist; `what` is a phrase such as "runtime `demo`".
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::Api(ApiError::NotFound { what: what.into() })
    }

    /// What was wrong with the field of this name, if that is what the error is about.
    pub fn field(&self, name: &str) -> Option<String> {
        let Self::Api(error) = self else { return None };
        if let ApiError::NameTaken { what } = error {
            return (taken_field(what) == name).then(|| error.to_string());
        }
        error.problems().iter().find(|problem| problem.path == name).map(|problem| problem.message.clone())
    }

    /// Whether the error is about nothing but the named fields, beside which it is shown.
    pub fn is_about_fields(&self, names: &[&str]) -> bool {
        if let Self::Api(ApiError::NameTaken { what }) = self {
            return names.contains(&taken_field(what));
        }
        matches!(self, Self::Api(error) if !error.problems().is_empty()
            && error.problems().iter().all(|problem| names.contains(&problem.path.as_str())))
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(error) => error.fmt(f),
            Self::Unreachable => f.write_str("the server does not answer; check that it runs, then try again"),
            Self::Garbled(_) => {
                f.write_str("the server's answer could not be read; reload the page, for the server may be newer")
            }
            Self::NotUnderstood(_) => {
                f.write_str("the server did not understand the request; reload the page, for the server may be newer")
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
                let error = Self::NotUnderstood(error.to_string());
                respond_with_status(&error);
                error
            }
            other => Self::Garbled(other.to_string()),
        }
    }
}

/// Runtimes have two names that may be taken, and only the phrase tells which. Were it to change, the error would
/// stand beside the wrong field, and still name what is taken.
fn taken_field(what: &str) -> &'static str {
    if what.contains("the id `") { "id" } else { "name" }
}

/// The error as a sentence: with a capital and a full stop.
pub fn sentence(error: &impl fmt::Display) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

/// Gives the page, or the answer of a server function, the status of the error. A form that was sent without scripts
/// is left alone: it is answered by a redirect that carries the error. Does nothing in the browser.
pub fn respond_with_status(error: &AppError) {
    #[cfg(feature = "ssr")]
    {
        use axum::http::{Method, StatusCode, header::ACCEPT, request::Parts};
        use leptos::prelude::use_context;

        let plain_form = use_context::<Parts>().is_some_and(|parts| {
            let accept = parts.headers.get(ACCEPT).and_then(|value| value.to_str().ok());
            parts.method == Method::POST && accept.is_some_and(|accept| accept.contains("text/html"))
        });
        let status = match error {
            AppError::Api(error) => StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            AppError::NotUnderstood(_) => StatusCode::BAD_REQUEST,
            AppError::Unreachable | AppError::Garbled(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if let (false, Some(response)) = (plain_form, use_context::<leptos_axum::ResponseOptions>()) {
            response.set_status(status);
        }
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
        let taken = |what: &str| AppError::Api(ApiError::NameTaken { what: what.to_owned() });
        for (error, field) in [(taken("a runtime with the id `a`"), "id"), (taken("a runtime named `A`"), "name")] {
            assert!(error.field(field).is_some_and(|message| message.contains("already")), "{field}");
            assert!(error.is_about_fields(&["id", "name"]));
        }
        assert_eq!(taken("a runtime named `A`").field("id"), None);
    }

    #[test]
    fn an_error_survives_the_wire() {
        let text = || "?".to_owned();
        for error in [
            AppError::not_found("runtime `x`"),
            AppError::Unreachable,
            AppError::Garbled(text()),
            AppError::NotUnderstood(text()),
        ] {
            assert_eq!(AppError::de(error.ser()), error);
        }
    }
}
