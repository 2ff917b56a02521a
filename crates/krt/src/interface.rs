//! What a proto file offers to callers: rpcs, and the messages and enums that they use. A tolerant reader, not a
//! compiler: it resolves names within one file, and says what it could not find.

mod changes;
mod read;

use std::collections::BTreeMap;

pub use changes::changes;
pub use read::read;

/// One proto file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Interface {
    /// By full name: `package.Service/Rpc`.
    pub rpcs: BTreeMap<String, Rpc>,
    /// Messages and enums by full name: `package.Outer.Inner`.
    pub types: BTreeMap<String, Type>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rpc {
    pub request: Side,
    pub response: Side,
}

/// What goes one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    pub stream: bool,
    /// Full name, as far as the file has it; else as written.
    pub of: String,
}

/// A message's fields, or an enum's values, by number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Type {
    pub is_enum: bool,
    pub members: BTreeMap<i64, Member>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    /// With its label if it is repeated or required; empty for an enum's value.
    pub of: String,
    /// The types of the file, or of files that it imports, that it is made of.
    pub uses: Option<String>,
}
