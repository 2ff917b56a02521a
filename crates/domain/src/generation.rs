//! Generations of the runner images, which differ in how nodes and entrypoint exchange messages (docs/runners.md §1).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::KrtVersion;

/// What the images of a version expect of the server: variables, streams and buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Generation {
    /// NATS without JetStream: requests and replies.
    A,
    /// JetStream; the entrypoint makes the stream itself.
    B,
    /// JetStream; the server makes the stream.
    C1,
    /// C1 with key-value buckets.
    C2,
}

impl Generation {
    pub const ALL: [Self; 4] = [Self::A, Self::B, Self::C1, Self::C2];

    /// What a manifest suggests of which nothing else is known.
    pub fn suggested_by(version: KrtVersion) -> Self {
        match version {
            KrtVersion::V1 => Self::B,
            KrtVersion::V2 => Self::C2,
        }
    }

    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
            Self::C1 => "c1",
            Self::C2 => "c2",
        }
    }

    /// Which releases of the images are of this generation, for people.
    pub fn images(self) -> &'static str {
        match self {
            Self::A => "kre-entrypoint up to 1.7, kre-py and kre-go up to 2.0",
            Self::B => "kre-entrypoint 1.8, kre-py and kre-go 2.1",
            Self::C1 => "kre-entrypoint 3.0, kre-py 3.0 to 3.2, kre-go 4.0 to 4.2",
            Self::C2 => "kre-entrypoint from 3.1, kre-py from 3.3, kre-go from 4.3",
        }
    }

    /// Whether nodes and entrypoint exchange messages by streams.
    pub fn has_streams(self) -> bool {
        self != Self::A
    }

    /// Whether the server makes the streams, and names them by its own rule (docs/runners.md §4).
    pub fn is_c(self) -> bool {
        matches!(self, Self::C1 | Self::C2)
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
            Self::C1 => "C1",
            Self::C2 => "C2",
        })
    }
}
