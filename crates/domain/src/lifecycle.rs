//! The lifecycle (docs/lifecycle.md §2) as pure functions that the server enforces and the browser's buttons ask.
//!
//! Nothing stores a [`VersionState`]. It is derived by [`state`] from what was asked ([`Desired`], [`Publication`]) and
//! what the reconciler has seen reached, so it cannot be left behind by whoever acted last.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::deletion::not_archived;

/// What people ask of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Command {
    Start,
    Stop,
    Publish,
    Unpublish,
    Archive,
}

impl Command {
    pub const ALL: [Self; 5] = [Self::Start, Self::Stop, Self::Publish, Self::Unpublish, Self::Archive];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Publish => "publish",
            Self::Unpublish => "unpublish",
            Self::Archive => "archive",
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The state of a version as people see it (docs/lifecycle.md §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    Stopped,
    Starting,
    Started,
    Publishing,
    Published,
    Stopping,
    Archived,
}

impl VersionState {
    pub const ALL: [Self; 7] = [
        Self::Stopped,
        Self::Starting,
        Self::Started,
        Self::Publishing,
        Self::Published,
        Self::Stopping,
        Self::Archived,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Started => "started",
            Self::Publishing => "publishing",
            Self::Published => "published",
            Self::Stopping => "stopping",
            Self::Archived => "archived",
        }
    }
}

impl fmt::Display for VersionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What was last asked of a version, stored with it. Publication is not in here: it belongs to the runtime, which has
/// one place for it, so that two published versions cannot be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Desired {
    Stopped,
    Started,
    Archived,
}

/// Which of a runtime's versions is to be published, and which one the cluster has been seen to publish.
/// They differ only while the entrypoint is being switched over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Publication<V> {
    pub target: Option<V>,
    pub serving: Option<V>,
}

impl<V: PartialEq> Publication<V> {
    pub fn switching(&self) -> bool {
        self.target != self.serving
    }

    pub fn role_of(&self, version: &V) -> Role {
        match (self.target.as_ref() == Some(version), self.serving.as_ref() == Some(version)) {
            (true, true) => Role::Serving,
            (true, false) => Role::Incoming,
            (false, true) => Role::Outgoing,
            (false, false) => Role::None,
        }
    }
}

/// A version's part in its runtime's [`Publication`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    None,
    /// To be published, not yet serving.
    Incoming,
    Serving,
    /// Still serving, to be so no longer.
    Outgoing,
}

/// The state that people see. `settled` says that the reconciler has seen the cluster reach `desired`.
///
/// A version that steps back stays published until the cluster has let go of it: until then requests reach it.
pub fn state(desired: Desired, settled: bool, role: Role) -> VersionState {
    match (desired, settled, role) {
        (Desired::Archived, _, _) => VersionState::Archived,
        (Desired::Stopped, true, _) => VersionState::Stopped,
        (Desired::Stopped, false, _) => VersionState::Stopping,
        (Desired::Started, _, Role::Serving | Role::Outgoing) => VersionState::Published,
        (Desired::Started, _, Role::Incoming) => VersionState::Publishing,
        (Desired::Started, true, Role::None) => VersionState::Started,
        (Desired::Started, false, Role::None) => VersionState::Starting,
    }
}

/// Why a command is refused. `Display` says it to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Refusal {
    #[error("{}", wrong_state(*.command, *.state))]
    WrongState { command: Command, state: VersionState },
    #[error("another publication is in progress; {command} it when that is done")]
    Switching { command: Command },
    #[error("{}", not_archived(*.state))]
    NotArchived { state: VersionState },
}

/// The whole lifecycle: what a command leads to in a state, or why it is refused (docs/lifecycle.md §2.2).
/// `switching` says that the runtime's published entrypoint is being moved just now.
pub fn decide(state: VersionState, switching: bool, command: Command) -> Result<VersionState, Refusal> {
    use VersionState as S;
    match (command, state) {
        (Command::Start, S::Stopped) => Ok(S::Starting),
        (Command::Stop, S::Started | S::Starting) => Ok(S::Stopping),
        (Command::Publish, S::Started) if !switching => Ok(S::Publishing),
        (Command::Unpublish, S::Published) if !switching => Ok(S::Started),
        (Command::Archive, S::Stopped) => Ok(S::Archived),
        (Command::Publish, S::Started) | (Command::Unpublish, S::Published) => Err(Refusal::Switching { command }),
        (
            Command::Start | Command::Archive,
            S::Starting | S::Started | S::Publishing | S::Published | S::Stopping | S::Archived,
        )
        | (Command::Stop, S::Stopped | S::Publishing | S::Published | S::Stopping | S::Archived)
        | (Command::Publish, S::Stopped | S::Starting | S::Publishing | S::Published | S::Stopping | S::Archived)
        | (Command::Unpublish, S::Stopped | S::Starting | S::Started | S::Publishing | S::Stopping | S::Archived) => {
            Err(Refusal::WrongState { command, state })
        }
    }
}

/// The commands that [`decide`] accepts, in the order of [`Command::ALL`].
pub fn allowed_actions(state: VersionState, switching: bool) -> Vec<Command> {
    Command::ALL.into_iter().filter(|command| decide(state, switching, *command).is_ok()).collect()
}

fn wrong_state(command: Command, state: VersionState) -> String {
    use VersionState as S;
    let what_to_do = match (command, state) {
        (Command::Stop, S::Published) => "; unpublish it first",
        (Command::Archive, S::Published) => "; unpublish and stop it first",
        (Command::Archive, S::Started | S::Starting) => "; stop it first",
        (Command::Start, S::Stopping) => "; wait until it is stopped",
        (Command::Publish, S::Stopped) => "; start it first",
        (Command::Publish, S::Starting) => "; wait until it is started",
        (Command::Stop | Command::Unpublish, S::Publishing) => "; wait until it is published",
        _ => "",
    };
    let done = match command {
        Command::Start => "started",
        Command::Stop => "stopped",
        Command::Publish => "published",
        Command::Unpublish => "unpublished",
        Command::Archive => "archived",
    };
    format!("it is {state} and cannot be {done}{what_to_do}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// docs/lifecycle.md §2.1, column "actions".
    const TABLE: [(VersionState, &[Command]); 7] = [
        (VersionState::Stopped, &[Command::Start, Command::Archive]),
        (VersionState::Starting, &[Command::Stop]),
        (VersionState::Started, &[Command::Stop, Command::Publish]),
        (VersionState::Publishing, &[]),
        (VersionState::Published, &[Command::Unpublish]),
        (VersionState::Stopping, &[]),
        (VersionState::Archived, &[]),
    ];

    #[test]
    fn the_allowed_actions_are_those_of_the_table() {
        for (state, actions) in TABLE {
            assert_eq!(allowed_actions(state, false), actions, "{state}");
        }
    }

    #[test]
    fn while_the_entrypoint_is_switched_over_nobody_else_moves_it() {
        for (state, actions) in TABLE {
            let rest: Vec<_> =
                actions.iter().copied().filter(|a| !matches!(a, Command::Publish | Command::Unpublish)).collect();
            assert_eq!(allowed_actions(state, true), rest, "{state}");
        }
    }

    #[test]
    fn a_refusal_names_the_state_and_the_action() {
        for (state, actions) in TABLE {
            for command in Command::ALL.into_iter().filter(|c| !actions.contains(c)) {
                let refusal = decide(state, false, command).unwrap_err().to_string();
                assert!(refusal.contains(state.as_str()) && refusal.contains(command.as_str()), "{refusal}");
            }
        }
    }

    #[test]
    fn the_state_follows_from_what_was_asked_and_what_was_reached() {
        use Desired as D;
        use VersionState as S;
        for role in [Role::None, Role::Incoming, Role::Serving, Role::Outgoing] {
            for settled in [true, false] {
                assert_eq!(state(D::Archived, settled, role), S::Archived);
            }
        }
        assert_eq!(state(D::Stopped, false, Role::None), S::Stopping);
        assert_eq!(state(D::Stopped, true, Role::None), S::Stopped);
        assert_eq!(state(D::Started, false, Role::None), S::Starting);
        assert_eq!(state(D::Started, true, Role::None), S::Started);
        assert_eq!(state(D::Started, true, Role::Incoming), S::Publishing);
        assert_eq!(state(D::Started, true, Role::Serving), S::Published);
        assert_eq!(state(D::Started, true, Role::Outgoing), S::Published);
    }

    #[test]
    fn one_version_at_most_is_published_whatever_the_publication() {
        for target in [None, Some(1), Some(2)] {
            for serving in [None, Some(1), Some(2)] {
                let publication = Publication { target, serving };
                let published = [1, 2]
                    .iter()
                    .filter(|v| state(Desired::Started, true, publication.role_of(v)) == VersionState::Published)
                    .count();
                assert_eq!(published, usize::from(serving.is_some()));
            }
        }
    }
}
