//! The proto files that an entrypoint leads to as descriptors, to read and write the messages that they define.
//!
//! As a compiler would have them, but for two things. Custom options are left out: many archives lack the files that define
//! them, and no message needs them. And each file names all files that it sees, so that nobody has to follow public imports.

use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, UninterpretedOption,
};

use super::{Missing, link::Files};
use crate::{Protos, proto};

/// Those that come with every compiler and define messages.
const WELL_KNOWN: [&str; 11] = [
    "google/protobuf/any.proto",
    "google/protobuf/api.proto",
    "google/protobuf/descriptor.proto",
    "google/protobuf/duration.proto",
    "google/protobuf/empty.proto",
    "google/protobuf/field_mask.proto",
    "google/protobuf/source_context.proto",
    "google/protobuf/struct.proto",
    "google/protobuf/timestamp.proto",
    "google/protobuf/type.proto",
    "google/protobuf/wrappers.proto",
];

/// What an entrypoint's proto file and those that it imports define.
#[derive(Debug, Clone)]
pub struct Descriptors {
    /// The entrypoint's own file is the first; each is named by its path in the archive. `google/protobuf/` is not among
    /// them.
    pub files: Vec<FileDescriptorProto>,
    /// The names of the files whose services are the entrypoint's: its own, and what that imports publicly.
    pub with_services: Vec<String>,
    /// Files that are imported and could not be read, each as a sentence without its point. What they define is unknown.
    pub missing: Vec<String>,
}

/// The descriptors of a version's proto files; `of` is how the version is called in messages: "`v1`".
///
/// # Errors
/// Why there are none, as a sentence without its point: the entrypoint's file cannot be read, or one of the files is of an
/// edition, whose messages may be written in other ways than those of proto3.
pub fn descriptors(entrypoint_proto: &str, protos: &Protos, of: &str) -> Result<Descriptors, String> {
    let read = Files::read(entrypoint_proto, protos).map_err(|missing| missing.sentence(of))?;
    for file in &read.files {
        let path = file.proto.name();
        if let Some(edition) = protos.texts.get(path).and_then(|text| proto::edition(text)) {
            return Err(format!("`{path}` of {of} is of edition {edition}; only proto2 and proto3 can be used here"));
        }
    }
    let name = |at: &usize| read.files[*at].proto.name().to_owned();
    let (public, _) = read.behind_public_imports([0]);
    let mut missing: Vec<Missing> = Vec::new();
    let files = (0..read.files.len()).map(|at| {
        let (visible, not_there) = read.visible_to(at);
        missing.extend(not_there);
        let seen = visible.iter().filter(|other| **other != at).map(name);
        let mut file = read.files[at].proto.clone();
        file.dependency = seen.chain(WELL_KNOWN.map(str::to_owned)).collect();
        file.public_dependency.clear();
        file.weak_dependency.clear();
        without_custom_options(&mut file);
        file
    });
    let files = files.collect();
    missing.sort();
    missing.dedup();
    let missing = missing.iter().map(|missing| missing.sentence(of)).collect();
    Ok(Descriptors { files, with_services: public.iter().map(name).collect(), missing })
}

/// Keeps those that a compiler knows by itself.
fn retain(options: &mut Vec<UninterpretedOption>) {
    options.retain(|option| matches!(option.name.as_slice(), [only] if !only.is_extension));
}

macro_rules! retain_in {
    ($holder:expr) => {
        if let Some(options) = &mut $holder.options {
            retain(&mut options.uninterpreted_option);
        }
    };
}

fn without_custom_options(file: &mut FileDescriptorProto) {
    retain_in!(file);
    file.message_type.iter_mut().for_each(in_message);
    file.enum_type.iter_mut().for_each(in_enum);
    file.extension.iter_mut().for_each(in_field);
    for service in &mut file.service {
        retain_in!(service);
        for method in &mut service.method {
            retain_in!(method);
        }
    }
}

/// The depth is bounded by the parser.
fn in_message(message: &mut DescriptorProto) {
    retain_in!(message);
    message.nested_type.iter_mut().for_each(in_message);
    message.enum_type.iter_mut().for_each(in_enum);
    message.field.iter_mut().for_each(in_field);
    message.extension.iter_mut().for_each(in_field);
    for oneof in &mut message.oneof_decl {
        retain_in!(oneof);
    }
    for range in &mut message.extension_range {
        retain_in!(range);
    }
}

fn in_enum(written: &mut EnumDescriptorProto) {
    retain_in!(written);
    for value in &mut written.value {
        retain_in!(value);
    }
}

fn in_field(field: &mut FieldDescriptorProto) {
    retain_in!(field);
}
