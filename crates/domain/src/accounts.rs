//! People, their sessions and tokens, and who has which role, as the API shows them.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Actor, PersonId, PersonName, RuntimeId, TokenId, TokenName,
    access::{Rights, Role},
};

/// To whom a role is given. Written `everyone`, `person:<id>` or `group:<name>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Subject {
    /// Everyone who can sign in.
    Everyone,
    Person(PersonId),
    /// As the provider names it.
    Group(String),
}

/// As it is written, not as it is kept.
#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Subject {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        let words = "To whom a role is given: `everyone`, `person:<id>` or `group:<name>`.";
        utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::String).description(Some(words)).into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Subject {}

/// Which of the subjects somebody means who names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    Everyone,
    Person,
    Group,
}

/// Why a text names nobody. `Display` says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("use everyone, person:<id> or group:<name>")]
pub struct SubjectError;

/// The longest name of a group, in characters.
const GROUP_MAX_CHARS: usize = 256;

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.write_str("everyone"),
            Self::Person(PersonId(id)) => write!(f, "person:{id}"),
            Self::Group(name) => write!(f, "group:{name}"),
        }
    }
}

impl FromStr for Subject {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        match text.split_once(':') {
            None if text == "everyone" => Ok(Self::Everyone),
            Some(("person", id)) => id.parse().map(|id| Self::Person(PersonId(id))).map_err(|_| SubjectError),
            Some(("group", name)) if (1..=GROUP_MAX_CHARS).contains(&name.chars().count()) => {
                Ok(Self::Group(name.to_owned()))
            }
            _ => Err(SubjectError),
        }
    }
}

impl TryFrom<String> for Subject {
    type Error = SubjectError;

    fn try_from(text: String) -> Result<Self, SubjectError> {
        text.parse()
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.to_string()
    }
}

/// Who asks, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Me {
    pub who: Actor,
    /// Of a token its owner; none where nobody signs in.
    pub person: Option<PersonId>,
    pub rights: Rights,
    /// Whether people sign in to this server.
    pub logins: bool,
}

/// Where somebody is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    pub id: i64,
    #[serde(with = "crate::time")]
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    #[serde(with = "crate::time")]
    pub seen_at: Timestamp,
    /// What the browser calls itself.
    pub agent: String,
    pub address: String,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

/// An API token, without what opens the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Token {
    pub id: TokenId,
    pub name: TokenName,
    /// None for all runtimes.
    pub runtime: Option<RuntimeId>,
    /// It may do no more than this, and no more than its owner at present.
    pub role: Role,
    #[serde(with = "crate::time")]
    pub created_at: Timestamp,
    #[serde(with = "crate::time")]
    pub expires_at: Timestamp,
    /// When it was last used, to the minute.
    #[serde(default, with = "crate::time::optional")]
    pub used_at: Option<Timestamp>,
}

/// What a token is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    pub name: String,
    #[serde(default)]
    pub runtime: Option<RuntimeId>,
    pub role: Role,
    /// How long it lasts.
    #[serde(default = "NewToken::default_days")]
    pub days: u32,
}

impl NewToken {
    pub const DEFAULT_DAYS: u32 = 90;
    pub const MAX_DAYS: u32 = 366;

    fn default_days() -> u32 {
        Self::DEFAULT_DAYS
    }
}

/// A token that was made just now.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedToken {
    pub token: Token,
    /// What opens the server. Shown this once.
    pub secret: String,
}

/// Somebody who can sign in, or could.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Person {
    pub id: PersonId,
    pub name: PersonName,
    /// Whether they have a password here.
    pub has_password: bool,
    /// The provider that knows them.
    pub issuer: Option<String>,
    /// As the provider said at the last sign-in.
    pub groups: Vec<String>,
    #[serde(with = "crate::time")]
    pub created_at: Timestamp,
    #[serde(default, with = "crate::time::optional")]
    pub disabled_at: Option<Timestamp>,
}

/// A link by which somebody chooses a password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Invitation {
    pub person: Person,
    /// Works once. Shown this once.
    pub link: String,
    #[serde(with = "crate::time")]
    pub expires_at: Timestamp,
}

/// A role that somebody has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Grant {
    pub subject: Subject,
    /// Of a person.
    pub name: Option<PersonName>,
    /// None for all runtimes.
    pub runtime: Option<RuntimeId>,
    pub role: Role,
    #[serde(with = "crate::time")]
    pub created_at: Timestamp,
    pub created_by: Actor,
}

/// A role to give, in place of the one that the subject has there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewGrant {
    pub subject: Subject,
    /// None for all runtimes.
    #[serde(default)]
    pub runtime: Option<RuntimeId>,
    pub role: Role,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_written_in_one_word_and_read_back() {
        for (subject, written) in [
            (Subject::Everyone, "everyone"),
            (Subject::Person(PersonId(7)), "person:7"),
            (Subject::Group("a:b c".to_owned()), "group:a:b c"),
        ] {
            assert_eq!(subject.to_string(), written);
            assert_eq!(written.parse(), Ok(subject));
        }
        let long = format!("group:{}", "x".repeat(GROUP_MAX_CHARS + 1));
        for wrong in ["", "person:", "person:x", "group:", "ana", "everyone:1", &long] {
            assert!(wrong.parse::<Subject>().is_err(), "{wrong}");
        }
    }
}
