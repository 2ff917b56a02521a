//! What was done to versions, by whom, and what became of it (docs/lifecycle.md §2.4).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Actor, Command, RuntimeId, VersionName};

/// One line of a version's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HistoryEntry {
    /// Never another's. What `before` takes to go on from here.
    pub id: i64,
    #[serde(with = "crate::time")]
    pub at: Timestamp,
    pub who: Actor,
    pub action: Action,
    /// The person's comment, and after it what was done where the action alone does not say it.
    pub comment: Option<String>,
    pub outcome: Outcome,
    /// When the outcome was known; none while it is pending.
    #[serde(default, with = "crate::time::optional")]
    pub finished_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Create,
    Configure,
    /// Somebody read a configuration value, which is hidden until asked for.
    Reveal,
    Start,
    Stop,
    Publish,
    Unpublish,
    Archive,
    /// Somebody called an rpc of the entrypoint by hand.
    Call,
    /// The version, or the runtime itself, was deleted.
    Delete,
    /// The server put an object back that somebody had deleted or edited.
    Repair,
    /// Pods of a version that runs began to fail.
    Degraded,
    /// They run again.
    Healed,
}

impl Action {
    pub const ALL: [Self; 13] = [
        Self::Create,
        Self::Configure,
        Self::Reveal,
        Self::Start,
        Self::Stop,
        Self::Publish,
        Self::Unpublish,
        Self::Archive,
        Self::Call,
        Self::Delete,
        Self::Repair,
        Self::Degraded,
        Self::Healed,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Configure => "configure",
            Self::Reveal => "reveal",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Publish => "publish",
            Self::Unpublish => "unpublish",
            Self::Archive => "archive",
            Self::Call => "call",
            Self::Delete => "delete",
            Self::Repair => "repair",
            Self::Degraded => "degraded",
            Self::Healed => "healed",
        }
    }
}

impl From<Command> for Action {
    fn from(command: Command) -> Self {
        match command {
            Command::Start => Self::Start,
            Command::Stop => Self::Stop,
            Command::Publish => Self::Publish,
            Command::Unpublish => Self::Unpublish,
            Command::Archive => Self::Archive,
        }
    }
}

/// What became of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Outcome {
    Pending,
    Reached,
    Failed {
        reason: String,
    },
    /// A later action of a person undid it before it was reached.
    Cancelled,
    /// It came about because another version took this one's place.
    Superseded,
}

impl Outcome {
    pub fn kind(&self) -> OutcomeKind {
        match self {
            Self::Pending => OutcomeKind::Pending,
            Self::Reached => OutcomeKind::Reached,
            Self::Failed { .. } => OutcomeKind::Failed,
            Self::Cancelled => OutcomeKind::Cancelled,
            Self::Superseded => OutcomeKind::Superseded,
        }
    }
}

/// An [`Outcome`] without what belongs to it, to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    Pending,
    Reached,
    Failed,
    Cancelled,
    Superseded,
}

impl OutcomeKind {
    pub const ALL: [Self; 5] = [Self::Pending, Self::Reached, Self::Failed, Self::Cancelled, Self::Superseded];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Reached => "reached",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
        }
    }
}

/// One line of what happened on the whole server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActivityEntry {
    pub runtime: RuntimeId,
    /// None when it is about the runtime itself.
    pub version: Option<VersionName>,
    /// This runtime was deleted since; there may be another one of its id.
    #[serde(default)]
    pub runtime_deleted: bool,
    /// This version was deleted since; there may be another one of its name.
    #[serde(default)]
    pub version_deleted: bool,
    #[serde(flatten)]
    pub entry: HistoryEntry,
}

/// Which part of a version's history to read, newest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HistoryPage {
    /// Only what comes after the entry of this id in the list, so what happened before it.
    pub before: Option<i64>,
    /// How many at most: [`HistoryPage::DEFAULT_LIMIT`] when none, never more than [`HistoryPage::MAX_LIMIT`].
    pub limit: Option<u32>,
}

impl HistoryPage {
    pub const DEFAULT_LIMIT: u32 = 100;
    pub const MAX_LIMIT: u32 = 500;

    /// How many entries to answer with.
    pub fn limit(&self) -> u32 {
        self.limit.unwrap_or(Self::DEFAULT_LIMIT).clamp(1, Self::MAX_LIMIT)
    }
}

/// Which lines of the activity to read; a field that is `None` does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ActivityFilter {
    pub runtime: Option<RuntimeId>,
    pub version: Option<VersionName>,
    /// The whole name of whoever did it, as in [`Actor`].
    pub who: Option<String>,
    pub action: Option<Action>,
    pub outcome: Option<OutcomeKind>,
    /// Not before this time.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub to: Option<Timestamp>,
    /// Only what comes after the entry of this id in the list, so what happened before it.
    pub before: Option<i64>,
    /// How many at most: [`ActivityFilter::DEFAULT_LIMIT`] when none, never more than [`ActivityFilter::MAX_LIMIT`].
    pub limit: Option<u32>,
}

impl ActivityFilter {
    pub const DEFAULT_LIMIT: u32 = HistoryPage::DEFAULT_LIMIT;
    pub const MAX_LIMIT: u32 = HistoryPage::MAX_LIMIT;

    /// How many entries to answer with.
    pub fn limit(&self) -> u32 {
        HistoryPage { before: self.before, limit: self.limit }.limit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_for_programs_are_those_of_the_wire() {
        for action in Action::ALL {
            assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
        }
        for outcome in OutcomeKind::ALL {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.as_str());
        }
    }

    #[test]
    fn a_filter_needs_only_what_it_is_about() {
        let filter: ActivityFilter = serde_json::from_str(r#"{"action":"start"}"#).unwrap();
        assert_eq!(filter, ActivityFilter { action: Some(Action::Start), ..ActivityFilter::default() });
        assert_eq!(filter.limit(), ActivityFilter::DEFAULT_LIMIT);
        assert_eq!(ActivityFilter { limit: Some(u32::MAX), ..filter }.limit(), ActivityFilter::MAX_LIMIT);
    }
}
