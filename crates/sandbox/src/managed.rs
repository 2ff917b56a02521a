//! Who set which fields: the entries of `metadata.managedFields`.

use serde_json::{Value, json};

use crate::{
    fields::{self, Fields},
    kinds::Kind,
    names, object,
    schema::Path,
};

/// Fields that belong to nobody.
const UNOWNED_METADATA: [&str; 11] = [
    "name",
    "namespace",
    "generateName",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "selfLink",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Apply,
    Update,
}

/// Who writes, how, and which part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Manager {
    pub(crate) name: String,
    pub(crate) operation: Operation,
    pub(crate) subresource: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) manager: Manager,
    pub(crate) api_version: String,
    pub(crate) time: String,
    pub(crate) fields: Fields,
}

impl Entry {
    pub(crate) fn new(manager: &Manager, kind: Kind, fields: Fields) -> Self {
        Self { manager: manager.clone(), api_version: kind.info().api_version(), time: names::now(), fields }
    }

    /// How a conflict names the other side.
    pub(crate) fn describe(&self) -> String {
        let mut text = format!("{:?}", self.manager.name);
        if !self.manager.subresource.is_empty() {
            text = format!("{text} with subresource {:?}", self.manager.subresource);
        }
        if self.manager.operation == Operation::Update {
            text = format!("{text} using {} at {}", self.api_version, self.time);
        }
        text
    }

    fn to_json(&self) -> Value {
        let operation = match self.manager.operation {
            Operation::Apply => "Apply",
            Operation::Update => "Update",
        };
        let mut entry = json!({
            "manager": self.manager.name,
            "operation": operation,
            "apiVersion": self.api_version,
            "time": self.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": self.fields.to_json(),
        });
        if !self.manager.subresource.is_empty() {
            entry["subresource"] = self.manager.subresource.as_str().into();
        }
        entry
    }

    fn from_json(value: &Value) -> Self {
        let operation = if object::text(value, "/operation") == "Apply" { Operation::Apply } else { Operation::Update };
        Self {
            manager: Manager {
                name: object::text(value, "/manager").to_owned(),
                operation,
                subresource: object::text(value, "/subresource").to_owned(),
            },
            api_version: object::text(value, "/apiVersion").to_owned(),
            time: object::text(value, "/time").to_owned(),
            fields: Fields::from_json(&value["fieldsV1"]),
        }
    }
}

pub(crate) fn entries(object: &Value) -> Vec<Entry> {
    object::list(object, "/metadata/managedFields").iter().map(Entry::from_json).collect()
}

/// Writes the entries that own something.
pub(crate) fn set_entries(object: &mut Value, entries: &[Entry]) {
    let entries: Vec<_> = entries.iter().filter(|e| !e.fields.is_empty()).map(Entry::to_json).collect();
    if entries.is_empty() {
        object::remove(object, "/metadata", "managedFields");
    } else {
        object::set(object, &["metadata", "managedFields"], entries);
    }
}

/// The part of an object that can be owned.
pub(crate) fn ownable(object: &Value) -> Value {
    let mut value = object.clone();
    if let Some(map) = value.as_object_mut() {
        map.remove("apiVersion");
        map.remove("kind");
        if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
            UNOWNED_METADATA.iter().for_each(|field| {
                metadata.remove(*field);
            });
            if metadata.is_empty() {
                map.remove("metadata");
            }
        }
    }
    value
}

/// Notes a create or update: what it changed is now this manager's, what it removed is nobody's.
pub(crate) fn record_update(kind: Kind, old: Option<&Value>, new: &mut Value, manager: &Manager) {
    let path = Path::root(kind);
    let mut entries = old.map(entries).unwrap_or_default();
    let before = old.map_or_else(|| json!({}), ownable);
    let difference = fields::difference(&before, &ownable(new), &path);
    if difference.changed.is_empty() && difference.removed.is_empty() {
        set_entries(new, &entries);
        return;
    }
    let mut mine = None;
    for (at, entry) in entries.iter_mut().enumerate() {
        entry.fields = entry.fields.without(&difference.removed);
        if entry.manager == *manager {
            mine = Some(at);
        } else {
            entry.fields = entry.fields.without(&difference.changed);
        }
    }
    match mine {
        Some(at) => {
            entries[at].fields = std::mem::take(&mut entries[at].fields).union(&difference.changed);
            entries[at].time = names::now();
        }
        None => entries.push(Entry::new(manager, kind, difference.changed)),
    }
    set_entries(new, &entries);
}
