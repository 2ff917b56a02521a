//! Reads `.proto` files: what is in one of them, and where it finds those that it imports.
//!
//! The grammar is protox-parse's, of the compiler protox. Linking is our own (`interface::link`), since a compiler
//! refuses a file as soon as one import is missing, and many archives leave out those that only define options.

mod editions;
mod rpcs;

use std::fmt;

pub(crate) use editions::edition;
pub(crate) use rpcs::{Rpcs, rpcs};

use prost_types::DescriptorProto;
pub(crate) use prost_types::FileDescriptorProto;

use crate::limits::{MAX_PROTO_BYTES, MAX_PROTO_NAME_BYTES, size_in_words};

/// Why a file could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Unreadable(String);

impl Unreadable {
    fn whole(message: String) -> Self {
        Self(message)
    }

    fn at(text: &str, at: usize, message: &str) -> Self {
        let before = text.get(..at).unwrap_or(text);
        Self(format!("line {}: {message}", before.matches('\n').count() + 1))
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the text defines, each name as it is written.
pub(crate) fn parse(text: &str) -> Result<FileDescriptorProto, Unreadable> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > MAX_PROTO_BYTES {
        return Err(Unreadable::whole(format!("it has more than {}", size_in_words(MAX_PROTO_BYTES as u64))));
    }
    let text = editions::as_proto3(text)?;
    let mut file = protox_parse::parse("", &text).map_err(|error| match error.span() {
        // The parser has the message of another error here.
        Some(span) if text[span.clone()].starts_with(['"', '\'']) && error.to_string() == "invalid group name" => {
            Unreadable::at(&text, span.start, "an import's path has no `.`, `..`, `//` or `\\` in it")
        }
        Some(span) => Unreadable::at(&text, span.start, &error.to_string()),
        None => Unreadable::whole(error.to_string()),
    })?;
    // Most of what was read.
    file.source_code_info = None;
    if longest_name(file.package().len(), &file.message_type) > MAX_PROTO_NAME_BYTES {
        return Err(Unreadable::whole(format!(
            "the full name of a message has more than {MAX_PROTO_NAME_BYTES} bytes"
        )));
    }
    Ok(file)
}

/// Bytes in the longest full name; the parser bounds the depth.
fn longest_name(scope_bytes: usize, messages: &[DescriptorProto]) -> usize {
    let names = messages.iter().map(|message| {
        let own = scope_bytes + 1 + message.name().len();
        longest_name(own, &message.nested_type)
    });
    names.max().unwrap_or(scope_bytes)
}

/// Whether a file comes with every compiler.
pub(crate) fn is_well_known(import: &str) -> bool {
    import.starts_with("google/protobuf/")
}

/// Where in the archive an imported file may be: the folder of the entrypoint's proto file comes before the root.
pub(crate) fn places_of(import: &str, entrypoint_proto: &str) -> impl Iterator<Item = String> + use<> {
    let beside = entrypoint_proto.rsplit_once('/').map(|(folder, _)| format!("{folder}/{import}"));
    beside.into_iter().chain([import.to_owned()])
}
