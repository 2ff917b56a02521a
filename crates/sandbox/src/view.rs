//! The form in which objects are sent: whole, their metadata only, or as rows of a table for people.

use serde_json::{Value, json};

use crate::{kinds::Kind, object::Object, table};

/// What a row of a table carries of its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Include {
    None,
    Metadata,
    Object,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum View {
    Whole,
    Metadata { version: String },
    Table { version: String, include: Include },
}

impl View {
    /// The first form that `Accept` names and that is known.
    pub(crate) fn choose(accept: &str, include: Option<&str>) -> Self {
        for wanted in accept.split(',') {
            let mut parts = wanted.split(';').map(str::trim);
            if !matches!(parts.next(), Some("application/json" | "*/*" | "application/*")) {
                continue;
            }
            let (mut shape, mut version) = ("", "v1");
            for part in parts {
                match part.split_once('=') {
                    Some(("as", value)) => shape = value,
                    Some(("v", value)) => version = value,
                    _ => {}
                }
            }
            let version = version.to_owned();
            match shape {
                "" => return Self::Whole,
                "Table" => {
                    let include = match include {
                        Some("None") => Include::None,
                        Some("Object") => Include::Object,
                        _ => Include::Metadata,
                    };
                    return Self::Table { version, include };
                }
                "PartialObjectMetadata" | "PartialObjectMetadataList" => return Self::Metadata { version },
                _ => {}
            }
        }
        Self::Whole
    }

    pub(crate) fn one(&self, kind: Kind, object: &Object) -> Value {
        match self {
            Self::Whole => Value::clone(object),
            Self::Metadata { version } => partial(object, version),
            Self::Table { version, include } => {
                table::table(kind, std::slice::from_ref(object), version, *include, None)
            }
        }
    }

    pub(crate) fn many(&self, kind: Kind, objects: &[Object], revision: u64) -> Value {
        let info = kind.info();
        let revision_text = revision.to_string();
        match self {
            Self::Whole => json!({
                "kind": format!("{}List", info.name),
                "apiVersion": info.api_version(),
                "metadata": { "resourceVersion": revision_text },
                "items": objects.iter().map(|o| Value::clone(o)).collect::<Vec<_>>(),
            }),
            Self::Metadata { version } => json!({
                "kind": "PartialObjectMetadataList",
                "apiVersion": format!("meta.k8s.io/{version}"),
                "metadata": { "resourceVersion": revision_text },
                "items": objects.iter().map(|o| partial(o, version)).collect::<Vec<_>>(),
            }),
            Self::Table { version, include } => table::table(kind, objects, version, *include, Some(revision)),
        }
    }
}

/// An object's metadata alone.
pub(crate) fn partial(object: &Value, version: &str) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": format!("meta.k8s.io/{version}"),
        "metadata": object["metadata"],
    })
}
