//! Who may do what: asked by buttons and enforced by the server in its transactions, as the lifecycle is.
//!
//! Roles are one ladder, and each includes those below it. A grant gives a role to a person, a group or everyone, for one
//! runtime or for all; the highest one wins, and nothing takes a role away. [`check`] decides everything.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{Command, RuntimeId};

/// What somebody may do, from the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// See runtimes, versions and logs.
    Viewer,
    /// Upload, configure, read hidden values, start, stop, archive and call by hand.
    Operator,
    /// Publish and unpublish.
    Publisher,
    /// Of a runtime: its grants, and deletion. Of all: also runtimes, people and settings.
    Admin,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Publisher, Self::Admin];

    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Publisher => "publisher",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that somebody may or may not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    View,
    Upload,
    Configure,
    /// Read a configuration value, which is hidden until somebody asks for it.
    Reveal,
    Start,
    Stop,
    Archive,
    /// Send a request to a version's entrypoint by hand.
    Call,
    Publish,
    Unpublish,
    DeleteVersion,
    DeleteRuntime,
    /// See and change who has which role on a runtime.
    ManageGrants,
    CreateRuntime,
    /// Invite, disable and change people, and give roles on all runtimes.
    ManagePeople,
    /// See sign-ins, refusals and changes of accounts in the activity.
    ViewAudit,
}

/// What a permission is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One runtime: a role on it suffices.
    Runtime,
    /// The whole server: it takes the role on all runtimes.
    Server,
}

impl Permission {
    pub const ALL: [Self; 16] = [
        Self::View,
        Self::Upload,
        Self::Configure,
        Self::Reveal,
        Self::Start,
        Self::Stop,
        Self::Archive,
        Self::Call,
        Self::Publish,
        Self::Unpublish,
        Self::DeleteVersion,
        Self::DeleteRuntime,
        Self::ManageGrants,
        Self::CreateRuntime,
        Self::ManagePeople,
        Self::ViewAudit,
    ];

    /// The least role that has it.
    pub const fn role(self) -> Role {
        match self {
            Self::View => Role::Viewer,
            Self::Upload | Self::Configure | Self::Reveal | Self::Start | Self::Stop | Self::Archive | Self::Call => {
                Role::Operator
            }
            Self::Publish | Self::Unpublish => Role::Publisher,
            Self::DeleteVersion
            | Self::DeleteRuntime
            | Self::ManageGrants
            | Self::CreateRuntime
            | Self::ManagePeople
            | Self::ViewAudit => Role::Admin,
        }
    }

    pub const fn scope(self) -> Scope {
        match self {
            Self::CreateRuntime | Self::ManagePeople | Self::ViewAudit => Scope::Server,
            _ => Scope::Runtime,
        }
    }

    /// What it allows, as in "cannot …".
    pub const fn verb(self) -> &'static str {
        match self {
            Self::View => "view this runtime",
            Self::Upload => "add versions",
            Self::Configure => "configure versions",
            Self::Reveal => "read configuration values",
            Self::Start => "start versions",
            Self::Stop => "stop versions",
            Self::Archive => "archive versions",
            Self::Call => "send requests to versions",
            Self::Publish => "publish versions",
            Self::Unpublish => "unpublish versions",
            Self::DeleteVersion => "delete versions",
            Self::DeleteRuntime => "delete this runtime",
            Self::ManageGrants => "manage who has access",
            Self::CreateRuntime => "create runtimes",
            Self::ManagePeople => "manage people",
            Self::ViewAudit => "view the audit log",
        }
    }
}

impl From<Command> for Permission {
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

/// Why something is not allowed. `Display` says it to the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Denied {
    /// Whoever may not see a runtime does not learn that it exists: answered as if it did not.
    #[error("there is no such runtime")]
    Hidden,
    #[error("you cannot {}: it takes the role {}{}", .permission.verb(), .permission.role(), grantor(*.permission))]
    Role { permission: Permission },
}

fn grantor(permission: Permission) -> &'static str {
    match permission.scope() {
        Scope::Runtime => ", which an admin of this runtime can grant",
        Scope::Server => " on all runtimes, which an admin of all runtimes can grant",
    }
}

/// The roles that somebody has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rights {
    /// On all runtimes, and on those to come.
    pub all: Option<Role>,
    /// On single runtimes, where that is more.
    pub runtimes: BTreeMap<RuntimeId, Role>,
}

impl Rights {
    pub fn admin() -> Self {
        Self { all: Some(Role::Admin), runtimes: BTreeMap::new() }
    }

    /// What these grants add up to, all of which apply to the same person.
    pub fn of<'a>(grants: impl IntoIterator<Item = (Option<&'a RuntimeId>, Role)>) -> Self {
        let mut rights = Self::default();
        for (runtime, role) in grants {
            match runtime {
                None => rights.all = rights.all.max(Some(role)),
                Some(runtime) => {
                    let has = rights.runtimes.entry(runtime.clone()).or_insert(role);
                    *has = role.max(*has);
                }
            }
        }
        rights
    }

    /// No more than `role`, and with `runtime` on that one alone: what a token has of its owner's.
    #[must_use]
    pub fn limited_to(&self, role: Role, runtime: Option<&RuntimeId>) -> Self {
        match runtime {
            Some(runtime) => {
                let has = self.role(runtime).map(|has| (runtime.clone(), has.min(role)));
                Self { all: None, runtimes: has.into_iter().collect() }
            }
            None => Self {
                all: self.all.map(|has| has.min(role)),
                runtimes: self.runtimes.iter().map(|(id, has)| (id.clone(), (*has).min(role))).collect(),
            },
        }
    }

    /// The role on this runtime.
    pub fn role(&self, runtime: &RuntimeId) -> Option<Role> {
        self.all.max(self.runtimes.get(runtime).copied())
    }

    /// The highest role that they have anywhere.
    pub fn highest(&self) -> Option<Role> {
        self.all.max(self.runtimes.values().max().copied())
    }

    pub fn sees(&self, runtime: &RuntimeId) -> bool {
        self.role(runtime).is_some()
    }

    /// Of all, or else of which ones something may be seen.
    pub fn visible(&self) -> Visible<'_> {
        if self.all.is_some() { Visible::All } else { Visible::Only(&self.runtimes) }
    }
}

/// Which runtimes somebody may see.
#[derive(Debug, Clone, Copy)]
pub enum Visible<'a> {
    All,
    Only(&'a BTreeMap<RuntimeId, Role>),
}

/// Whether somebody with these rights may do this to `runtime`, which is none for what is about the whole server.
pub fn check(rights: &Rights, permission: Permission, runtime: Option<&RuntimeId>) -> Result<(), Denied> {
    let has = match (permission.scope(), runtime) {
        (Scope::Runtime, Some(runtime)) => match rights.role(runtime) {
            None => return Err(Denied::Hidden),
            role => role,
        },
        (Scope::Server, _) | (Scope::Runtime, None) => rights.all,
    };
    if has >= Some(permission.role()) { Ok(()) } else { Err(Denied::Role { permission }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> RuntimeId {
        text.parse().unwrap()
    }

    #[test]
    fn each_role_may_do_what_those_below_it_may_and_more() {
        let demo = id("demo");
        for permission in Permission::ALL {
            for role in Role::ALL {
                let rights = Rights::of([(None, role)]);
                let runtime = (permission.scope() == Scope::Runtime).then_some(&demo);
                assert_eq!(
                    check(&rights, permission, runtime).is_ok(),
                    role >= permission.role(),
                    "{role} {permission:?}"
                );
            }
        }
    }

    #[test]
    fn a_role_on_one_runtime_is_none_on_another_and_none_on_the_server() {
        let rights = Rights::of([(Some(&id("demo")), Role::Admin)]);
        for permission in Permission::ALL {
            let scope = permission.scope();
            assert_eq!(
                check(&rights, permission, Some(&id("demo"))).is_ok(),
                scope == Scope::Runtime,
                "{permission:?}"
            );
            let elsewhere = check(&rights, permission, Some(&id("other")));
            match scope {
                Scope::Runtime => assert_eq!(elsewhere, Err(Denied::Hidden), "{permission:?}"),
                Scope::Server => assert_eq!(elsewhere, Err(Denied::Role { permission })),
            }
        }
    }

    #[test]
    fn without_any_role_nothing_is_seen_or_done() {
        for permission in Permission::ALL {
            assert!(check(&Rights::default(), permission, Some(&id("demo"))).is_err());
            assert!(check(&Rights::default(), permission, None).is_err());
        }
    }

    #[test]
    fn the_highest_grant_wins_in_any_order() {
        let demo = id("demo");
        let mut grants = [(None, Role::Operator), (Some(&demo), Role::Publisher), (Some(&demo), Role::Viewer)];
        for _ in 0..2 {
            let rights = Rights::of(grants);
            assert_eq!((rights.role(&demo), rights.role(&id("other"))), (Some(Role::Publisher), Some(Role::Operator)));
            grants.reverse();
        }
        let higher_on_all = Rights::of([(Some(&demo), Role::Viewer), (None, Role::Admin)]);
        assert_eq!(higher_on_all.role(&demo), Some(Role::Admin));
    }

    #[test]
    fn a_limit_lowers_and_never_raises() {
        let (demo, other) = (id("demo"), id("other"));
        let rights = Rights::of([(None, Role::Viewer), (Some(&demo), Role::Admin)]);
        let all = rights.limited_to(Role::Publisher, None);
        assert_eq!((all.role(&demo), all.role(&other)), (Some(Role::Publisher), Some(Role::Viewer)));
        let one = rights.limited_to(Role::Publisher, Some(&demo));
        assert_eq!((one.role(&demo), one.role(&other), one.all), (Some(Role::Publisher), None, None));
        let lesser = rights.limited_to(Role::Publisher, Some(&other));
        assert_eq!((lesser.role(&other), lesser.role(&demo)), (Some(Role::Viewer), None));
        assert_eq!(Rights::default().limited_to(Role::Admin, Some(&demo)), Rights::default());
    }

    #[test]
    fn a_refusal_says_which_role_it_takes_and_who_grants_it() {
        let denied = check(&Rights::of([(None, Role::Operator)]), Permission::Publish, Some(&id("demo"))).unwrap_err();
        let said = "you cannot publish versions: it takes the role publisher, which an admin of this runtime can grant";
        assert_eq!(denied.to_string(), said);
    }

    #[test]
    fn the_document_says_what_each_role_may_do() {
        let roles = Role::ALL.map(|role| format!(" {role} |")).concat();
        let mut table = format!("| |{roles}\n|---|---|---|---|---|\n");
        for permission in Permission::ALL {
            let on = if permission.scope() == Scope::Server { " (with the role on all runtimes)" } else { "" };
            let marks = Role::ALL.map(|role| if role >= permission.role() { " yes |" } else { " |" }).concat();
            table += &format!("| {}{on} |{marks}\n", permission.verb());
        }
        let document = include_str!("../../../docs/access.md");
        assert!(document.contains(&table), "docs/access.md §2 is to have:\n{table}");
    }
}
