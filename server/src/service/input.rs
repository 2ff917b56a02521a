//! What people send, checked at the edge: all that is wrong with it is said at once.

use std::collections::BTreeMap;

use domain::{ApiError, NewRuntime, Problem, RuntimeId, changes_direction};
use krt::model::ConfigSpec;

use crate::store::{ENVIRONMENT_STRING_MAX_BYTES, VersionRecord, exceeds_environment};

const COMMENT_MAX_CHARS: usize = 1_000;

pub(super) struct CheckedRuntime {
    pub(super) id: RuntimeId,
    pub(super) name: String,
    pub(super) description: String,
}

/// # Errors
/// `InvalidInput` with a problem for each wrong field, named by `path`.
pub(super) fn new_runtime(new: NewRuntime) -> Result<CheckedRuntime, ApiError> {
    let mut problems = Vec::new();
    let id = new.id.trim().parse::<RuntimeId>();
    if let Err(wrong) = &id {
        problems.push(Problem::error("id", wrong.to_string()));
    }
    if id.as_ref().is_ok_and(RuntimeId::is_reserved) {
        problems.push(Problem::error("id", "`new` is reserved; choose another id"));
    }
    let name = new.name.trim();
    if name.is_empty() {
        problems.push(Problem::error("name", "enter a name, such as the application's name"));
    }
    if name.chars().any(|c| c.is_control() || changes_direction(c)) {
        let message = "a name is one line of text without control characters or direction marks";
        problems.push(Problem::error("name", message));
    }
    problems.extend(too_long("name", name, NewRuntime::NAME_MAX_CHARS));
    let description = new.description.trim();
    problems.extend(too_long("description", description, NewRuntime::DESCRIPTION_MAX_CHARS));
    problems.extend(has_nul("description", description));
    match id {
        Ok(id) if problems.is_empty() => {
            Ok(CheckedRuntime { id, name: name.to_owned(), description: description.to_owned() })
        }
        _ => Err(ApiError::InvalidInput { problems }),
    }
}

/// # Errors
/// `InvalidInput` when a text that something is looked for by has a NUL, which nothing has.
pub(super) fn without_nul(path: &str, text: &str) -> Result<(), ApiError> {
    match has_nul(path, text) {
        Some(problem) => Err(ApiError::InvalidInput { problems: vec![problem] }),
        None => Ok(()),
    }
}

/// A comment without the space around it; none when nothing is left.
///
/// # Errors
/// `InvalidInput` when it is too long.
pub(super) fn comment(comment: Option<String>) -> Result<Option<String>, ApiError> {
    let comment = comment.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let problems: Vec<_> = comment
        .into_iter()
        .flat_map(|text| too_long("comment", text, COMMENT_MAX_CHARS).into_iter().chain(has_nul("comment", text)))
        .collect();
    if problems.is_empty() { Ok(comment.map(str::to_owned)) } else { Err(ApiError::InvalidInput { problems }) }
}

pub(super) fn wants(spec: &ConfigSpec, name: &str) -> bool {
    spec.variables.iter().chain(&spec.files).any(|wanted| wanted == name)
}

/// # Errors
/// `InvalidInput` naming each value that the version does not want or that an environment cannot hold. Whether there is
/// room for all of them the store decides.
pub(super) fn config(record: &VersionRecord, values: &BTreeMap<String, Option<String>>) -> Result<(), ApiError> {
    let spec = &record.manifest.config;
    let mut problems = Vec::new();
    for (name, value) in values {
        if !wants(spec, name) {
            problems
                .push(Problem::error(name, format!("this version has no such configuration value; {}", wanted(spec))));
        }
        if let Some(value) = value {
            problems.extend(has_nul(name, value));
            problems.extend(too_long_for_environment(name, value));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(ApiError::InvalidInput { problems }) }
}

fn wanted(spec: &ConfigSpec) -> String {
    let names: Vec<_> = spec.variables.iter().chain(&spec.files).map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) }
}

fn too_long(path: &str, text: &str, max_chars: usize) -> Option<Problem> {
    let chars = text.chars().count();
    (chars > max_chars).then(|| Problem::error(path, format!("{chars} characters; at most {max_chars} are allowed")))
}

fn too_long_for_environment(name: &str, value: &str) -> Option<Problem> {
    exceeds_environment(name, value).then(|| {
        let message = format!(
            "{} bytes; an environment variable holds at most {ENVIRONMENT_STRING_MAX_BYTES}, including `{name}=`; \
             declare it in the manifest as a file, under a name that cannot be a variable's, such as `{}.txt`",
            value.len(),
            name.to_ascii_lowercase()
        );
        Problem::error(name, message)
    })
}

/// Neither an environment variable nor a text in PostgreSQL may hold a NUL.
fn has_nul(path: &str, text: &str) -> Option<Problem> {
    text.contains('\0').then(|| Problem::error(path, "NUL characters are not allowed"))
}
