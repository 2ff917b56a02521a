//! Resource names (docs/krt.md §2.2): what versions, workflows, nodes and runtimes may be called.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::visible;

/// The longest resource name, in bytes (docs/krt.md §2.2).
pub const NAME_MAX_LEN: usize = 19;

/// Why a text is not a resource name. `Display` says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("a name is required")]
    Empty,
    #[error("`{shown}` has {len} characters; a name has at most {NAME_MAX_LEN}", len = .0.chars().count(), shown = visible(.0))]
    TooLong(String),
    #[error(
        "`{}` begins with a digit; the name of a Kubernetes Service begins with a lower-case letter", visible(.0)
    )]
    LeadingDigit(String),
    #[error(
        "`{}` is not a valid name; use lower-case letters, digits and `-`, beginning with a letter and ending with a letter or digit", visible(.0)
    )]
    Malformed(String),
    #[error("`{0}` is reserved: {1}")]
    Reserved(String, &'static str),
}

fn check(text: &str) -> Result<(), NameError> {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return Err(NameError::Empty);
    };
    let inner = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
    if !bytes.iter().all(inner) || *last == b'-' || *first == b'-' {
        return Err(NameError::Malformed(text.to_owned()));
    }
    if first.is_ascii_digit() {
        return Err(NameError::LeadingDigit(text.to_owned()));
    }
    if bytes.len() > NAME_MAX_LEN {
        return Err(NameError::TooLong(text.to_owned()));
    }
    Ok(())
}

macro_rules! resource_name {
    ($(#[$doc:meta])* $name:ident $(, reserved $reserved:literal: $why:literal)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[cfg_attr(feature = "openapi", schema(max_length = 19, pattern = "^[a-z]([a-z0-9-]*[a-z0-9])?$"))]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                check(text)?;
                $(if text == $reserved {
                    return Err(NameError::Reserved(text.to_owned(), $why));
                })?
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
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

resource_name!(
    /// The id of a runtime; also its namespace's suffix (docs/lifecycle.md §3.1).
    RuntimeId
);
resource_name!(
    /// The name of a version, unique in its runtime.
    VersionName, reserved "active": "its Service would be the published entrypoint's, `active-entrypoint`"
);
resource_name!(
    /// The name of a workflow, unique in its version.
    WorkflowName
);
resource_name!(
    /// The name of a node, unique in its workflow.
    NodeName, reserved "entrypoint": "nodes use this name for the version's entrypoint"
);

impl RuntimeId {
    /// Whether no runtime may be created under it: the page that creates one is at this place among those of the runtimes.
    pub fn is_reserved(&self) -> bool {
        self.as_str() == "new"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rule_of_krt_md_2() {
        for good in ["a", "demo", "greeter-v1", "a1", "abcdefghijklmnopqrs"] {
            assert!(good.parse::<RuntimeId>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "1a", "a_b", "a.b", "é", "abcdefghijklmnopqrst", "a b"] {
            assert!(bad.parse::<RuntimeId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn reserved_names_are_refused_where_they_would_collide() {
        assert!(matches!("active".parse::<VersionName>(), Err(NameError::Reserved(..))));
        assert!(matches!("entrypoint".parse::<NodeName>(), Err(NameError::Reserved(..))));
        assert!("active".parse::<NodeName>().is_ok());
        assert!("entrypoint".parse::<WorkflowName>().is_ok());
    }

    #[test]
    fn a_wrong_name_does_not_deserialize() {
        assert!(serde_json::from_str::<RuntimeId>("\"demo\"").is_ok());
        assert!(serde_json::from_str::<RuntimeId>("\"Demo!\"").is_err());
    }
}
