//! Schemas in words: `list of VersionSummary`, `string or null`.

use std::fmt::Write as _;

use serde_json::Value;
use utoipa::openapi::{
    RefOr, Schema, Type,
    schema::{AdditionalProperties, ArrayItems, Object, SchemaFormat, SchemaType},
};

use super::{escape, inline, write_table};

/// A type that others refer to, with a heading.
pub(super) fn named_type(name: &str, schema: &RefOr<Schema>) -> String {
    let mut out = format!("<h3 id=\"{name}\"><code>{name}</code></h3>\n");
    let RefOr::T(schema) = schema else { return out };
    let about = match schema {
        Schema::Object(object) => &object.description,
        Schema::OneOf(one) => &one.description,
        Schema::AllOf(all) => &all.description,
        Schema::AnyOf(any) => &any.description,
        _ => &None,
    };
    if let Some(about) = about {
        let _ = writeln!(out, "<p>{}</p>", inline(about));
    }
    write_schema(&mut out, schema);
    out
}

fn write_schema(out: &mut String, schema: &Schema) {
    match schema {
        Schema::Object(object) if !object.properties.is_empty() => {
            let rows = object.properties.iter().map(|(name, property)| {
                let optional = if object.required.contains(name) { "" } else { " (optional)" };
                let about = about(property).map(inline).unwrap_or_default() + &constraints(property);
                [format!("<code>{}</code>{optional}", escape(name)), type_of(property), about]
            });
            write_table(out, ["Field", "Type", "What it is"], rows);
        }
        Schema::OneOf(one) => {
            out.push_str("<p>One of:</p>\n<ul>\n");
            for item in &one.items {
                let about = about(item).map(|about| format!(" – {}", inline(about))).unwrap_or_default();
                let _ = writeln!(out, "<li>{}{about}</li>", type_of(item));
            }
            out.push_str("</ul>\n");
        }
        Schema::AllOf(all) => {
            for item in &all.items {
                match item {
                    RefOr::T(inner) => write_schema(out, inner),
                    RefOr::Ref(_) => {
                        let _ = writeln!(out, "<p>All fields of {}, and:</p>", type_of(item));
                    }
                }
            }
        }
        other => {
            let _ = writeln!(out, "<p>{}{}</p>", written(other), limits(other));
        }
    }
}

fn about(schema: &RefOr<Schema>) -> Option<&str> {
    match schema {
        RefOr::Ref(to) => Some(to.description.as_str()).filter(|text| !text.is_empty()),
        RefOr::T(Schema::Object(object)) => object.description.as_deref(),
        RefOr::T(Schema::Array(array)) => array.description.as_deref(),
        RefOr::T(Schema::OneOf(one)) => one.description.as_deref(),
        RefOr::T(_) => None,
    }
}

/// In one line, with links to the types that have a name.
pub(super) fn type_of(schema: &RefOr<Schema>) -> String {
    match schema {
        RefOr::Ref(to) => {
            let name = to.ref_location.rsplit('/').next().unwrap_or_default();
            format!("<a href=\"#{name}\">{name}</a>")
        }
        RefOr::T(schema) => written(schema),
    }
}

fn written(schema: &Schema) -> String {
    match schema {
        Schema::Array(array) => match &array.items {
            ArrayItems::RefOrSchema(items) => format!("list of {}", type_of(items)) + or_null(&array.schema_type),
            ArrayItems::False => "list".to_owned(),
        },
        Schema::Object(object) => object_type(object),
        Schema::OneOf(one) => one.items.iter().map(type_of).collect::<Vec<_>>().join(" or "),
        Schema::AnyOf(any) => any.items.iter().map(type_of).collect::<Vec<_>>().join(" or "),
        Schema::AllOf(all) => all.items.iter().map(type_of).collect::<Vec<_>>().join(" with "),
        _ => String::new(),
    }
}

fn object_type(object: &Object) -> String {
    if let Some(words) = &object.enum_values {
        return words
            .iter()
            .map(|word| format!("<code>{}</code>", escape(&word.to_string())))
            .collect::<Vec<_>>()
            .join(" or ");
    }
    if let Some(AdditionalProperties::RefOr(values)) = object.additional_properties.as_deref() {
        return format!("object of {}", type_of(values));
    }
    if !object.properties.is_empty() {
        let fields = object
            .properties
            .iter()
            .map(|(name, schema)| format!("<code>{}</code>: {}", escape(name), type_of(schema)));
        return format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "));
    }
    let format = match &object.format {
        Some(SchemaFormat::KnownFormat(format)) => serde_json::to_value(format).ok(),
        Some(SchemaFormat::Custom(format)) => Some(Value::from(format.as_str())),
        None => None,
    };
    let format = format.as_ref().and_then(Value::as_str).map(|format| format!(" ({format})")).unwrap_or_default();
    match &object.schema_type {
        SchemaType::Type(one) => word(one).to_owned() + &format,
        SchemaType::Array(several) => {
            let kinds = several.iter().filter(|one| **one != Type::Null).map(word).collect::<Vec<_>>();
            kinds.join(" or ") + &format + or_null(&object.schema_type)
        }
        SchemaType::AnyValue => "any JSON".to_owned(),
    }
}

fn or_null(schema_type: &SchemaType) -> &'static str {
    match schema_type {
        SchemaType::Array(several) if several.contains(&Type::Null) => " or null",
        _ => "",
    }
}

fn word(one: &Type) -> &'static str {
    match one {
        Type::Object => "object",
        Type::String => "string",
        Type::Integer => "integer",
        Type::Number => "number",
        Type::Boolean => "boolean",
        Type::Array => "list",
        Type::Null => "null",
    }
}

/// What else holds for a value.
pub(super) fn constraints(schema: &RefOr<Schema>) -> String {
    match schema {
        RefOr::T(schema) => limits(schema),
        RefOr::Ref(_) => String::new(),
    }
}

fn limits(schema: &Schema) -> String {
    let Schema::Object(object) = schema else { return String::new() };
    let longest = object.max_length.map(|most| format!(" At most {most} characters."));
    let pattern = object.pattern.as_ref().map(|pattern| format!(" Matches <code>{}</code>.", escape(pattern)));
    let default =
        object.default.as_ref().map(|value| format!(" <code>{}</code> by default.", escape(&value.to_string())));
    [longest, pattern, default].into_iter().flatten().collect()
}
