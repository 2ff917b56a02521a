//! What a message carries, as JSON that a script can change.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};
use prost_types::Any;
use serde_json::{Map, Value};

const PREFIX: &str = "type.googleapis.com/";

pub(crate) fn type_url(message: &MessageDescriptor) -> String {
    format!("{PREFIX}{}", message.full_name())
}

/// The full name of what an `Any` holds.
pub(crate) fn type_name(any: &Any) -> &str {
    any.type_url.rsplit('/').next().unwrap_or_default()
}

/// The message types of a version's proto files.
pub(crate) struct Types(Vec<DescriptorPool>);

impl Types {
    /// Of every proto file below `base` that compiles on its own. Each has its own pool, because a file may be there
    /// twice: once where the version has it and once where the entrypoint wants it.
    pub(crate) fn below(base: &Path) -> Result<Self> {
        let mut pools = Vec::new();
        for file in proto_files(base)? {
            let mut compiler = protox::Compiler::new([base, file.parent().unwrap_or(base)])?;
            if compiler.include_imports(true).open_file(&file).is_ok() {
                pools.push(compiler.descriptor_pool());
            }
        }
        Ok(Self(pools))
    }

    /// The message with this full name, or with this last part of its name.
    pub(crate) fn find(&self, name: &str) -> Option<MessageDescriptor> {
        let by_name = |pool: &DescriptorPool| pool.get_message_by_name(name);
        let by_end = |pool: &DescriptorPool| pool.all_messages().find(|message| message.name() == name);
        self.0.iter().find_map(by_name).or_else(|| self.0.iter().find_map(by_end))
    }
}

fn proto_files(base: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (Vec::new(), vec![base.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "proto") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What a message carries, taken apart.
#[derive(Clone)]
pub(crate) struct Payload {
    /// Of a type that no proto file has it cannot be changed, only passed on.
    message: Option<MessageDescriptor>,
    fields: Map<String, Value>,
    original: Option<Any>,
}

impl Payload {
    pub(crate) fn of(any: Option<&Any>, types: &Types) -> Result<Self> {
        let message = any.and_then(|any| types.find(type_name(any)));
        let fields = match (any, &message) {
            (Some(any), Some(message)) => fields(&DynamicMessage::decode(message.clone(), any.value.as_slice())?)?,
            _ => Map::new(),
        };
        Ok(Self { message, fields, original: any.cloned() })
    }

    pub(crate) fn to_any(&self) -> Result<Option<Any>> {
        let Some(message) = &self.message else { return Ok(self.original.clone()) };
        let filled = DynamicMessage::deserialize(message.clone(), Value::Object(self.fields.clone()))
            .with_context(|| format!("this is no {}", message.full_name()))?;
        Ok(Some(Any { type_url: type_url(message), value: filled.encode_to_vec() }))
    }

    /// Becomes a message of another type; fields that it has too keep their values.
    pub(crate) fn become_a(&mut self, message: MessageDescriptor) -> Result<()> {
        let mut all = fields(&DynamicMessage::new(message.clone()))?;
        for (name, value) in std::mem::take(&mut self.fields) {
            if message.get_field_by_name(&name).is_some() {
                all.insert(name, value);
            }
        }
        self.fields = all;
        self.message = Some(message);
        Ok(())
    }

    pub(crate) fn get(&self, field: &str) -> Option<&Value> {
        self.fields.get(field)
    }

    pub(crate) fn set(&mut self, field: &str, value: Value) -> Result<()> {
        if self.message.as_ref().is_none_or(|message| message.get_field_by_name(field).is_none()) {
            bail!("the message has no field {field}");
        }
        self.fields.insert(field.to_owned(), value);
        Ok(())
    }

    /// Adds to a text or to a list.
    pub(crate) fn append(&mut self, field: &str, value: Value) -> Result<()> {
        match (self.fields.get_mut(field), value) {
            (Some(Value::String(text)), Value::String(more)) => text.push_str(&more),
            (Some(Value::Array(list)), more) => list.push(more),
            (_, value) => self.set(field, value)?,
        }
        Ok(())
    }

    /// Takes over what another message has set: lists are joined, other values replaced.
    pub(crate) fn merge(&mut self, other: Self) {
        for (field, value) in other.fields {
            match (self.fields.get_mut(&field), value) {
                (Some(Value::Array(list)), Value::Array(more)) => list.extend(more),
                (Some(_), value) if is_default(&value) => {}
                (_, value) => {
                    self.fields.insert(field, value);
                }
            }
        }
    }
}

/// All of them, by the names that the proto file has.
fn fields(message: &DynamicMessage) -> Result<Map<String, Value>> {
    let options = SerializeOptions::new().use_proto_field_name(true).skip_default_fields(false);
    match message.serialize_with_options(serde_json::value::Serializer, &options)? {
        Value::Object(all) => Ok(all),
        other => bail!("{other} is no message"),
    }
}

fn is_default(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(on) => !on,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}
