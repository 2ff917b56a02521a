//! A text that is not to be seen: a configuration value, a credential, a URL that may hold a password.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

/// Does not print, in `Debug` neither, and is wiped from memory when it goes. `secrecy`'s own type, which can also be
/// compared, as records of the store are.
#[derive(Clone, Default)]
pub struct Secret(SecretString);

impl Secret {
    /// The text. Whoever asks for it answers for where it goes.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}
