//! The pages. Each loads what it shows, keeps it true by the events, and hands plain values to components.

pub mod activity;
pub mod not_found;
pub mod query;
pub mod runtime;
pub mod runtimes;
pub mod version;

use domain::{NameError, RuntimeId, VersionName};

use crate::AppError;

/// The runtime that a path names. What no runtime can be called is answered as one that is not there.
pub fn runtime_id(text: &str) -> Result<RuntimeId, AppError> {
    text.parse().map_err(|_: NameError| AppError::not_found(format!("runtime `{text}`")))
}

/// The version that a path names.
pub fn version_name(text: &str) -> Result<VersionName, AppError> {
    text.parse().map_err(|_: NameError| AppError::not_found(format!("version `{text}`")))
}
