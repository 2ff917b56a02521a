//! What differs between two versions of a runtime, as screens and API show it.

use serde::{Deserialize, Serialize};

use crate::{ConfigKind, VersionName};

/// What changes from one version to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Comparison {
    pub from: VersionName,
    pub to: VersionName,
    pub callers: CallerChanges,
    /// Of the entrypoint.
    pub entrypoint: Vec<FieldChange>,
    /// In the order of `to`, then those that it no longer has.
    pub workflows: Vec<WorkflowChange>,
    pub config: Vec<ConfigChange>,
    /// Of one of the two it is not known what is in its files, because it was added before the server kept that.
    pub contents_unknown: bool,
    pub manifest: ManifestDiff,
}

impl Comparison {
    /// Whether the two do the same, whatever their manifests' text says.
    pub fn is_same(&self) -> bool {
        self.callers.is_same() && self.entrypoint.is_empty() && self.workflows.is_empty() && self.config.is_empty()
    }
}

/// What changes for those who call the entrypoint, in sentences with names between backticks. From the
/// proto files of both versions: rpcs, and the messages and enums that they use.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CallerChanges {
    /// What fails for a caller that stays as it is.
    pub breaking: Vec<String>,
    /// What callers may use from now on.
    pub added: Vec<String>,
    /// What the check could not look at, and why.
    pub not_compared: Vec<String>,
}

impl CallerChanges {
    pub fn is_same(&self) -> bool {
        self.breaking.is_empty() && self.added.is_empty() && self.not_compared.is_empty()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Added,
    Removed,
    Changed,
}

impl Change {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

/// `field` is what people call it, such as "image" or "content of the source".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldChange {
    pub field: String,
    pub before: String,
    pub after: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkflowChange {
    pub name: String,
    pub change: Change,
    /// Empty but for a changed one.
    pub fields: Vec<FieldChange>,
    pub nodes: Vec<NodeChange>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeChange {
    pub name: String,
    pub change: Change,
    /// Empty but for a changed one.
    pub fields: Vec<FieldChange>,
}

/// What differs about one configuration name. Values are never told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConfigChange {
    pub name: String,
    /// In `to`, or in `from` when `to` does not have it.
    pub kind: ConfigKind,
    pub difference: ConfigDifference,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ConfigDifference {
    /// Only `to` wants it.
    Added,
    /// Only `from` wants it.
    Removed,
    /// A variable became a file, or the other way round.
    OtherKind,
    /// Both have a value, and not the same.
    OtherValue,
    /// Both want it; only `from` has a value.
    NotSetAfter,
    /// Both want it; only `to` has a value.
    NotSetBefore,
}

/// The manifests line by line.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ManifestDiff {
    pub lines: Vec<DiffLine>,
    /// There were more lines than are shown.
    pub cut: bool,
}

/// A line's number in each of the two, from 1; none where it does not have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DiffLine {
    pub before: Option<u32>,
    pub after: Option<u32>,
    pub text: String,
}

/// A page of a version's documentation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DocumentationPage {
    /// In the archive: `docs/README.md`.
    pub path: String,
    /// Made by the server of nothing but elements and links that it knows; may be put into a page as it is.
    pub html: String,
    /// The headings in their order.
    pub contents: Vec<Heading>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Heading {
    /// How deep in the document: from 1, without gaps.
    pub level: u8,
    /// Of its element.
    pub id: String,
    pub text: String,
}
