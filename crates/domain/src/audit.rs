//! Sign-ins, refusals, and changes of accounts and rights, for administrators.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Actor, RuntimeId};

/// What is in the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    SignedIn,
    SignInFailed,
    SignedOut,
    /// Something was refused for want of a role.
    Refused,
    PersonInvited,
    /// A new link was made by which somebody chooses a password.
    LinkRenewed,
    PersonDisabled,
    PersonEnabled,
    PasswordSet,
    SessionsEnded,
    GrantSet,
    GrantRemoved,
    TokenCreated,
    TokenRevoked,
    RuntimeCreated,
    /// Somebody read a configuration value, which is hidden until asked for.
    ValueRead,
}

impl AuditAction {
    pub const ALL: [Self; 16] = [
        Self::SignedIn,
        Self::SignInFailed,
        Self::SignedOut,
        Self::Refused,
        Self::PersonInvited,
        Self::LinkRenewed,
        Self::PersonDisabled,
        Self::PersonEnabled,
        Self::PasswordSet,
        Self::SessionsEnded,
        Self::GrantSet,
        Self::GrantRemoved,
        Self::TokenCreated,
        Self::TokenRevoked,
        Self::RuntimeCreated,
        Self::ValueRead,
    ];

    /// As the API and the database write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::SignInFailed => "sign_in_failed",
            Self::SignedOut => "signed_out",
            Self::Refused => "refused",
            Self::PersonInvited => "person_invited",
            Self::LinkRenewed => "link_renewed",
            Self::PersonDisabled => "person_disabled",
            Self::PersonEnabled => "person_enabled",
            Self::PasswordSet => "password_set",
            Self::SessionsEnded => "sessions_ended",
            Self::GrantSet => "grant_set",
            Self::GrantRemoved => "grant_removed",
            Self::TokenCreated => "token_created",
            Self::TokenRevoked => "token_revoked",
            Self::RuntimeCreated => "runtime_created",
            Self::ValueRead => "value_read",
        }
    }
}

/// One line of the audit log. Never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    /// What `before` takes to go on from here.
    pub id: i64,
    #[serde(with = "crate::time")]
    pub at: Timestamp,
    pub who: Actor,
    pub action: AuditAction,
    /// What it was done to: a person, a token, a grant.
    pub subject: Option<String>,
    pub runtime: Option<RuntimeId>,
    pub detail: Option<String>,
    /// From where it was asked for; none for what the server did by itself.
    pub address: Option<String>,
}

/// Which part of the audit log is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AuditFilter {
    /// A name as the log has it; a person's name finds their tokens, too.
    pub who: Option<String>,
    pub action: Option<AuditAction>,
    pub runtime: Option<RuntimeId>,
    #[serde(default, with = "crate::time::optional")]
    pub from: Option<Timestamp>,
    /// Not included.
    #[serde(default, with = "crate::time::optional")]
    pub to: Option<Timestamp>,
    /// Goes on after this entry in the list.
    pub before: Option<i64>,
    pub limit: Option<u32>,
}

impl AuditFilter {
    pub const DEFAULT_LIMIT: u32 = 50;
    pub const MAX_LIMIT: u32 = 200;

    pub fn limit(&self) -> u32 {
        self.limit.unwrap_or(Self::DEFAULT_LIMIT).clamp(1, Self::MAX_LIMIT)
    }
}
