//! The messages, enums and extensions of one file, and what their fields are made of.

use std::{
    collections::{BTreeMap, HashMap},
    mem,
    ops::Range,
};

use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, UninterpretedOption,
    field_descriptor_proto::{Label as WrittenLabel, Type as WrittenType},
};

use super::{
    Field, FieldType, Label, TypeRef,
    link::{Scope, joined},
};

/// What a file defines, by full name.
#[derive(Default)]
pub(super) struct Definitions {
    pub(super) messages: BTreeMap<String, WrittenMessage>,
    pub(super) enums: BTreeMap<String, BTreeMap<String, i32>>,
    pub(super) extensions: Vec<WrittenExtension>,
}

/// A message as the file has it; of the nested ones only the entries of its maps.
pub(super) struct WrittenMessage(DescriptorProto);

/// A field that a file adds to a message, of this file or another.
pub(super) struct WrittenExtension {
    /// The package or message that it is written in.
    scope: String,
    field: FieldDescriptorProto,
}

/// Takes all of that out of the file.
pub(super) fn definitions(file: &mut FileDescriptorProto) -> Definitions {
    let mut found = Definitions::default();
    let (messages, enums) = (mem::take(&mut file.message_type), mem::take(&mut file.enum_type));
    let extensions = mem::take(&mut file.extension);
    found.add(file.package(), messages, enums, extensions);
    found
}

impl Definitions {
    /// The depth is bounded by the parser.
    fn add(
        &mut self,
        scope: &str,
        messages: Vec<DescriptorProto>,
        enums: Vec<EnumDescriptorProto>,
        extensions: Vec<FieldDescriptorProto>,
    ) {
        for mut message in messages {
            let name = joined(scope, message.name());
            let (entries, nested) = mem::take(&mut message.nested_type).into_iter().partition(is_map_entry);
            message.nested_type = entries;
            self.add(&name, nested, mem::take(&mut message.enum_type), mem::take(&mut message.extension));
            self.messages.insert(name, WrittenMessage(message));
        }
        for written in enums {
            let values = written.value.iter().map(|value| (value.name().to_owned(), value.number()));
            self.enums.insert(joined(scope, written.name()), values.collect());
        }
        let extensions = extensions.into_iter();
        self.extensions.extend(extensions.map(|field| WrittenExtension { scope: scope.to_owned(), field }));
    }
}

fn is_map_entry(message: &DescriptorProto) -> bool {
    message.options.as_ref().is_some_and(|options| options.map_entry())
}

impl WrittenMessage {
    /// The fields by number; `name` is the message's full name.
    pub(super) fn fields(&self, name: &str, file: &FileDescriptorProto, scope: &Scope<'_>) -> BTreeMap<i32, Field> {
        let Self(message) = self;
        let entries: HashMap<&str, &DescriptorProto> =
            message.nested_type.iter().map(|entry| (entry.name(), entry)).collect();
        let fields = message.field.iter().map(|written| {
            let of = match entries.get(written.type_name()).map(|entry| entry.field.as_slice()) {
                Some([key, value]) => FieldType::Map(scalar(key).unwrap_or_default(), type_of(value, name, scope)),
                _ => plain_or_group(written, name, file, scope),
            };
            // Each `optional` of proto3 is in a oneof of its own, which nobody has written.
            let oneof = written.oneof_index.filter(|_| !written.proto3_optional());
            let oneof = oneof.and_then(|index| message.oneof_decl.get(usize::try_from(index).ok()?));
            let oneof = oneof.map(|oneof| oneof.name().to_owned());
            (written.number(), Field { oneof, ..field(written, written.name().to_owned(), of) })
        });
        fields.collect()
    }

    pub(super) fn extension_ranges(&self) -> Vec<Range<i32>> {
        self.0.extension_range.iter().map(|range| range.start()..range.end()).collect()
    }
}

impl WrittenExtension {
    /// The full name of the message that it extends, its number, and what it is. None when that message cannot be found.
    pub(super) fn field(&self, file: &FileDescriptorProto, scope: &Scope<'_>) -> Option<(String, i32, Field)> {
        let Self { scope: within, field: written } = self;
        let extended = scope.full_name(written.extendee(), within)?;
        let of = plain_or_group(written, within, file, scope);
        Some((extended, written.number(), field(written, joined(within, written.name()), of)))
    }
}

fn field(written: &FieldDescriptorProto, name: String, of: FieldType) -> Field {
    let options = written.options.as_ref().map_or(&[][..], |options| &options.uninterpreted_option);
    let label = match written.label() {
        WrittenLabel::Repeated => Label::Repeated,
        WrittenLabel::Required => Label::Required,
        WrittenLabel::Optional if feature(options, "field_presence") == Some("LEGACY_REQUIRED") => Label::Required,
        WrittenLabel::Optional => Label::Single,
    };
    let json_name = written.json_name.clone().unwrap_or_else(|| json_name_of(written.name()));
    Field { name, json_name, label, of, oneof: None }
}

/// The name in JSON of a field that is given none: `lowerCamelCase`.
fn json_name_of(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        let initial = letters.next().map(|c| c.to_ascii_uppercase());
        name + &initial.into_iter().chain(letters).collect::<String>()
    })
}

fn plain_or_group(
    written: &FieldDescriptorProto,
    used_in: &str,
    file: &FileDescriptorProto,
    scope: &Scope<'_>,
) -> FieldType {
    let of = type_of(written, used_in, scope);
    let of_field = written.options.as_ref().map_or(&[][..], |options| &options.uninterpreted_option);
    let of_file = file.options.as_ref().map_or(&[][..], |options| &options.uninterpreted_option);
    let encoding = feature(of_field, "message_encoding").or_else(|| feature(of_file, "message_encoding"));
    let is_delimited = encoding == Some("DELIMITED") && scope.may_be_message(&of);
    if is_delimited || written.r#type == Some(WrittenType::Group.into()) {
        FieldType::Group(of)
    } else {
        FieldType::Plain(of)
    }
}

fn type_of(written: &FieldDescriptorProto, used_in: &str, scope: &Scope<'_>) -> TypeRef {
    scalar(written).map_or_else(|| scope.find(written.type_name(), used_in), TypeRef::Scalar)
}

/// None for a message or an enum.
fn scalar(written: &FieldDescriptorProto) -> Option<&'static str> {
    let scalar = match WrittenType::try_from(written.r#type?).ok()? {
        WrittenType::Double => "double",
        WrittenType::Float => "float",
        WrittenType::Int64 => "int64",
        WrittenType::Uint64 => "uint64",
        WrittenType::Int32 => "int32",
        WrittenType::Fixed64 => "fixed64",
        WrittenType::Fixed32 => "fixed32",
        WrittenType::Bool => "bool",
        WrittenType::String => "string",
        WrittenType::Bytes => "bytes",
        WrittenType::Uint32 => "uint32",
        WrittenType::Sfixed32 => "sfixed32",
        WrittenType::Sfixed64 => "sfixed64",
        WrittenType::Sint32 => "sint32",
        WrittenType::Sint64 => "sint64",
        WrittenType::Group | WrittenType::Message | WrittenType::Enum => return None,
    };
    Some(scalar)
}

/// The value of `features.NAME`, or of NAME in `features = { … }`.
fn feature<'o>(options: &'o [UninterpretedOption], name: &str) -> Option<&'o str> {
    options.iter().find_map(|option| {
        let parts: Vec<&str> = option.name.iter().map(|part| part.name_part.as_str()).collect();
        match parts.as_slice() {
            ["features", own] if *own == name => option.identifier_value.as_deref(),
            ["features"] => {
                let words = option.aggregate_value.as_deref()?.split(|c: char| !c.is_alphanumeric() && c != '_');
                words.filter(|word| !word.is_empty()).skip_while(|word| *word != name).nth(1)
            }
            _ => None,
        }
    })
}
