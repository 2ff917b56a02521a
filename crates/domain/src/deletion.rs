//! What may be deleted, for good: asked by buttons and enforced by the server, as the lifecycle is.

use crate::{Refusal, VersionState};

/// Why a runtime is not deleted. `Display` says it to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", not_empty(*.versions))]
pub struct NotEmpty {
    /// How many versions it has, archived ones too.
    pub versions: u32,
}

/// Whether a version in this state may be deleted. An archived one only: nothing of it is in the cluster, and somebody
/// has already decided that it will never be started again.
pub fn may_delete(state: VersionState) -> Result<(), Refusal> {
    match state {
        VersionState::Archived => Ok(()),
        VersionState::Stopped
        | VersionState::Starting
        | VersionState::Started
        | VersionState::Publishing
        | VersionState::Published
        | VersionState::Stopping => Err(Refusal::NotArchived { state }),
    }
}

/// Whether a runtime with so many versions, archived ones too, may be deleted: an empty one only.
pub fn may_delete_runtime(versions: u32) -> Result<(), NotEmpty> {
    if versions == 0 { Ok(()) } else { Err(NotEmpty { versions }) }
}

fn not_empty(versions: u32) -> String {
    match versions {
        1 => "it has one version; archive and delete it first".to_owned(),
        _ => format!("it has {versions} versions, including archived ones; archive and delete them first"),
    }
}

/// The message of [`Refusal::NotArchived`].
pub(crate) fn not_archived(state: VersionState) -> String {
    let what_to_do = match state {
        VersionState::Stopped => "; archive it first",
        VersionState::Starting | VersionState::Started => "; stop and archive it first",
        VersionState::Published => "; unpublish, stop and archive it first",
        VersionState::Publishing | VersionState::Stopping | VersionState::Archived => "",
    };
    format!("it is {state}, and only an archived version can be deleted{what_to_do}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archived_version_may_be_deleted_and_no_other() {
        for state in VersionState::ALL {
            match may_delete(state) {
                Ok(()) => assert_eq!(state, VersionState::Archived),
                Err(refusal) => assert!(refusal.to_string().contains(state.as_str()), "{refusal}"),
            }
        }
        assert!(may_delete(VersionState::Stopped).unwrap_err().to_string().contains("archive it first"));
    }

    #[test]
    fn an_empty_runtime_may_be_deleted_and_no_other() {
        assert_eq!(may_delete_runtime(0), Ok(()));
        for versions in [1, 2] {
            let refusal = may_delete_runtime(versions).unwrap_err().to_string();
            assert!(refusal.contains("delete"), "{refusal}");
        }
    }
}
