//! What can be deleted for good, in words.

use domain::{RuntimeId, VersionName};

/// A version, or a runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deletable {
    Version { runtime: RuntimeId, version: VersionName },
    Runtime { runtime: RuntimeId, namespace: String },
}

impl Deletable {
    /// What has to be typed.
    pub fn name(&self) -> &str {
        match self {
            Self::Version { version, .. } => version.as_str(),
            Self::Runtime { runtime, .. } => runtime.as_str(),
        }
    }

    pub fn title(&self) -> String {
        match self {
            Self::Version { version, .. } => format!("Delete {version}"),
            Self::Runtime { runtime, .. } => format!("Delete runtime {runtime}"),
        }
    }

    /// What will happen, before it does.
    pub fn consequence(&self) -> String {
        match self {
            Self::Version { version, .. } => format!(
                "{version} is deleted for good, with its configuration, and with its KRT file unless another version has \
                 the same. What was done to it stays in the activity."
            ),
            Self::Runtime { runtime, namespace } => format!(
                "Runtime {runtime} is deleted for good. Its namespace {namespace} stays in the cluster, with whatever \
                 others have put there. What was done in it stays in the activity."
            ),
        }
    }

    /// What is said when it is done.
    pub fn done(&self) -> String {
        match self {
            Self::Version { version, .. } => format!("`{version}` was deleted."),
            Self::Runtime { runtime, .. } => format!("Runtime `{runtime}` was deleted."),
        }
    }

    /// Where to go when it is done.
    pub fn place_after(&self) -> String {
        match self {
            Self::Version { runtime, .. } => format!("/runtimes/{runtime}"),
            Self::Runtime { .. } => "/".to_owned(),
        }
    }
}
