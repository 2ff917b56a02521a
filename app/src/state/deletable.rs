//! The words of the dialog that deletes a version or a runtime.

use domain::{RuntimeId, VersionName};

/// A version, or a runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deletable {
    Version { runtime: RuntimeId, version: VersionName },
    Runtime { runtime: RuntimeId, namespace: String },
}

impl Deletable {
    /// The name that the person has to type.
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
                "Permanently deletes {version} and its configuration. Its KRT file is deleted too, unless another \
                 version uses the same file. The activity keeps its history."
            ),
            Self::Runtime { runtime, namespace } => format!(
                "Permanently deletes runtime {runtime}. Its namespace {namespace} stays in the cluster, with any objects \
                 that others created there. The activity keeps its history."
            ),
        }
    }

    /// The message after the deletion.
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
