//! What an entrypoint offers to callers: its rpcs, and the messages and enums that they use.

mod changes;
mod descriptors;
mod fields;
mod link;
mod missing;

use std::{collections::BTreeMap, ops::Range};

pub(crate) use changes::changes;
pub use descriptors::{Descriptors, descriptors};
pub(crate) use link::link;
use missing::Missing;

/// What a proto file and those that it imports define.
#[derive(Debug, Default)]
pub(crate) struct Interface {
    /// Of the file and those that it imports publicly, by full name: `package.Service/Rpc`.
    rpcs: BTreeMap<String, Rpc>,
    /// Files that are imported publicly and could not be looked into: they may define more rpcs.
    unseen_services: Vec<Missing>,
    /// Messages and enums by full name: `package.Outer.Inner`.
    types: BTreeMap<String, Type>,
}

#[derive(Debug, PartialEq, Eq)]
struct Rpc {
    request: Payload,
    response: Payload,
}

/// What goes one way.
#[derive(Debug, PartialEq, Eq)]
struct Payload {
    is_stream: bool,
    of: TypeRef,
}

#[derive(Debug)]
enum Type {
    Message(Message),
    /// Numbers by name: several names may share one.
    Enum(BTreeMap<String, i32>),
}

#[derive(Debug, Default)]
struct Message {
    /// By number.
    fields: BTreeMap<i32, Field>,
    /// Numbers that other files may extend it by.
    extension_ranges: Vec<Range<i32>>,
    /// What the files extend it by, by number. Their names are full.
    extensions: BTreeMap<i32, Field>,
}

#[derive(Debug, PartialEq, Eq)]
struct Field {
    name: String,
    json_name: String,
    label: Label,
    of: FieldType,
    /// The group of fields of which only one is set.
    oneof: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Label {
    /// Whether it is written `optional` makes no difference to who reads it.
    Single,
    Repeated,
    Required,
}

#[derive(Debug, PartialEq, Eq)]
enum FieldType {
    Plain(TypeRef),
    /// A message between a start and an end tag instead of behind its length.
    Group(TypeRef),
    Map(&'static str, TypeRef),
}

/// A type where it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
enum TypeRef {
    Scalar(&'static str),
    /// By full name.
    Named(String),
    /// It could not be found.
    Unknown {
        written: String,
        missing: Vec<Missing>,
    },
}
