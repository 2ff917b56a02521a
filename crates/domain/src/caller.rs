//! Who asks for something, and how that is written down.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    Me, RuntimeId,
    access::{self, Denied, Permission, Rights},
    is_unseen, visible,
};

/// The longest name of a person or a token, in characters.
const NAME_MAX_CHARS: usize = 64;

/// Why a text is not the name of a person or a token. `Display` says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallerNameError {
    #[error("enter a name")]
    Empty,
    #[error("the name has {0} characters; it may have at most {NAME_MAX_CHARS}")]
    TooLong(usize),
    #[error("`{}` has a character that a name may not have: control characters, unusual spaces, `(` and `)`", visible(.0))]
    Malformed(String),
    #[error("`{0}` is the server's own name for somebody; choose another name")]
    Reserved(String),
}

macro_rules! caller_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(min_length = 1, max_length = 64))]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = CallerNameError;

            fn from_str(text: &str) -> Result<Self, CallerNameError> {
                check_name(text.trim()).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = CallerNameError;

            fn try_from(text: String) -> Result<Self, CallerNameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

caller_name!(
    /// What a person is called on screens and in the history. No two people have the same.
    PersonName
);
caller_name!(
    /// What a person calls one of their API tokens.
    TokenName
);

fn check_name(text: &str) -> Result<String, CallerNameError> {
    let length = text.chars().count();
    if length == 0 {
        return Err(CallerNameError::Empty);
    }
    if length > NAME_MAX_CHARS {
        return Err(CallerNameError::TooLong(length));
    }
    // Parentheses set a token apart from its owner where an actor is written in one line.
    if text.chars().any(|c| is_unseen(c) || matches!(c, '(' | ')')) {
        return Err(CallerNameError::Malformed(text.to_owned()));
    }
    if [LOCAL, SERVER].contains(&text.to_lowercase().as_str()) {
        return Err(CallerNameError::Reserved(text.to_owned()));
    }
    Ok(text.to_owned())
}

const LOCAL: &str = "local";
const SERVER: &str = "kai-server";

/// Who did something, as the history keeps it.
///
/// Written in one line, in the database as on screens: `local`, `kai-server`, `ana`, `ana (token deploy)`. A person's name
/// can be none of the others ([`PersonName`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Actor {
    /// Whoever reaches a server without logins.
    Local,
    /// The server itself.
    Server,
    Person(PersonName),
    Token {
        owner: PersonName,
        token: TokenName,
    },
}

/// As it is written, not as it is kept.
#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Actor {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        let words = "Who did it: `local`, `kai-server`, a person's name, or `NAME (token TOKEN)`.";
        utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::String).description(Some(words)).into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Actor {}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str(LOCAL),
            Self::Server => f.write_str(SERVER),
            Self::Person(name) => f.write_str(name.as_str()),
            Self::Token { owner, token } => write!(f, "{owner} (token {token})"),
        }
    }
}

impl FromStr for Actor {
    type Err = CallerNameError;

    fn from_str(text: &str) -> Result<Self, CallerNameError> {
        match text {
            LOCAL => return Ok(Self::Local),
            SERVER => return Ok(Self::Server),
            _ => {}
        }
        match text.strip_suffix(')').and_then(|text| text.split_once(" (token ")) {
            Some((owner, token)) => Ok(Self::Token { owner: owner.parse()?, token: token.parse()? }),
            None => Ok(Self::Person(text.parse()?)),
        }
    }
}

impl TryFrom<String> for Actor {
    type Error = CallerNameError;

    fn try_from(text: String) -> Result<Self, CallerNameError> {
        text.parse()
    }
}

impl From<Actor> for String {
    fn from(actor: Actor) -> Self {
        actor.to_string()
    }
}

/// Who asks, and what they may do. Every operation takes one, so that none can be reached without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    identity: Identity,
    rights: Rights,
}

/// How somebody is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    Local,
    Server,
    Person { id: PersonId, name: PersonName },
    Token { id: TokenId, name: TokenName, owner: PersonId, owner_name: PersonName },
}

/// A person's key in the database. Their name may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PersonId(pub i64);

/// A token's key in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenId(pub i64);

impl Caller {
    /// Whoever reaches a server without logins: they may do everything.
    pub fn local() -> Self {
        Self { identity: Identity::Local, rights: Rights::admin() }
    }

    /// The server itself.
    pub fn server() -> Self {
        Self { identity: Identity::Server, rights: Rights::admin() }
    }

    /// Somebody who has signed in, or a token.
    pub fn known(identity: Identity, rights: Rights) -> Self {
        Self { identity, rights }
    }

    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    pub fn rights(&self) -> &Rights {
        &self.rights
    }

    /// The person, or whose token it is.
    pub fn person(&self) -> Option<PersonId> {
        match &self.identity {
            Identity::Person { id, .. } | Identity::Token { owner: id, .. } => Some(*id),
            Identity::Local | Identity::Server => None,
        }
    }

    /// As the history keeps it.
    pub fn actor(&self) -> Actor {
        match &self.identity {
            Identity::Local => Actor::Local,
            Identity::Server => Actor::Server,
            Identity::Person { name, .. } => Actor::Person(name.clone()),
            Identity::Token { name, owner_name, .. } => Actor::Token { owner: owner_name.clone(), token: name.clone() },
        }
    }

    /// As whoever asks is told of themselves.
    pub fn me(&self) -> Me {
        let logins = !matches!(self.identity, Identity::Local);
        Me { who: self.actor(), person: self.person(), rights: self.rights.clone(), logins }
    }

    /// Whether they may do this to `runtime`, which is none for what is about the whole server.
    pub fn check(&self, permission: Permission, runtime: Option<&RuntimeId>) -> Result<(), Denied> {
        access::check(&self.rights, permission, runtime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_written_in_one_line_and_read_back() {
        let (ana, deploy) = ("Ana María".parse::<PersonName>().unwrap(), "deploy".parse::<TokenName>().unwrap());
        for (actor, written) in [
            (Actor::Local, "local"),
            (Actor::Server, "kai-server"),
            (Actor::Person(ana.clone()), "Ana María"),
            (Actor::Token { owner: ana, token: deploy }, "Ana María (token deploy)"),
        ] {
            assert_eq!(actor.to_string(), written);
            assert_eq!(written.parse::<Actor>().unwrap(), actor);
            assert_eq!(serde_json::to_value(&actor).unwrap(), written);
        }
    }

    #[test]
    fn nobody_can_be_called_what_the_server_calls_itself_or_a_token() {
        for name in ["local", "kai-server", "KAI-Server", "  local ", "ana (token deploy)", "", "a\u{202e}b", "a\nb"] {
            assert!(name.parse::<PersonName>().is_err(), "{name:?}");
        }
        assert!("x".repeat(65).parse::<PersonName>().is_err());
        assert_eq!(" ana ".parse::<PersonName>().unwrap().as_str(), "ana");
    }
}
