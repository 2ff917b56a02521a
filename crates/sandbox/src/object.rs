//! Reading and writing of the parts that all objects have. Objects are plain JSON, as they travel.

use std::sync::Arc;

use serde_json::{Map, Value};

/// An object as stored: shared, never changed in place.
pub(crate) type Object = Arc<Value>;

const NO_LIST: &[Value] = &[];

/// The text at a JSON pointer, or "".
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The number at a JSON pointer, or 0.
pub(crate) fn number(value: &Value, pointer: &str) -> i64 {
    value.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(NO_LIST, Vec::as_slice)
}

pub(crate) fn map<'a>(value: &'a Value, pointer: &str) -> Option<&'a Map<String, Value>> {
    value.pointer(pointer).and_then(Value::as_object)
}

pub(crate) fn name(value: &Value) -> &str {
    text(value, "/metadata/name")
}

pub(crate) fn namespace(value: &Value) -> &str {
    text(value, "/metadata/namespace")
}

pub(crate) fn uid(value: &Value) -> &str {
    text(value, "/metadata/uid")
}

pub(crate) fn labels(value: &Value) -> Option<&Map<String, Value>> {
    map(value, "/metadata/labels")
}

pub(crate) fn revision(value: &Value) -> u64 {
    text(value, "/metadata/resourceVersion").parse().unwrap_or_default()
}

/// Deleted, but kept until its finalizers or its grace are over.
pub(crate) fn is_ending(value: &Value) -> bool {
    value.pointer("/metadata/deletionTimestamp").is_some_and(|v| !v.is_null())
}

pub(crate) fn has_finalizer(value: &Value, finalizer: &str) -> bool {
    list(value, "/metadata/finalizers").iter().any(|f| f == finalizer)
}

pub(crate) fn owners(value: &Value) -> &[Value] {
    list(value, "/metadata/ownerReferences")
}

/// The owner that controls this object.
pub(crate) fn controller(value: &Value) -> Option<&Value> {
    owners(value).iter().find(|o| o["controller"] == true)
}

/// Sets what is at the end of this path of field names; what is missing on the way is made.
pub(crate) fn set(value: &mut Value, path: &[&str], new: impl Into<Value>) {
    let mut at = value;
    for step in path {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        at = &mut at[*step];
    }
    *at = new.into();
}

/// Sets a field that is missing.
pub(crate) fn default(value: &mut Value, field: &str, new: impl Into<Value>) {
    if let Some(map) = value.as_object_mut() {
        let slot = map.entry(field).or_insert(Value::Null);
        if slot.is_null() {
            *slot = new.into();
        }
    }
}

pub(crate) fn remove(value: &mut Value, pointer: &str, field: &str) -> Option<Value> {
    value.pointer_mut(pointer).and_then(Value::as_object_mut).and_then(|map| map.remove(field))
}

pub(crate) fn remove_finalizer(value: &mut Value, finalizer: &str) {
    if let Some(finalizers) = value.pointer_mut("/metadata/finalizers").and_then(Value::as_array_mut) {
        finalizers.retain(|f| f != finalizer);
        if finalizers.is_empty() {
            remove(value, "/metadata", "finalizers");
        }
    }
}

/// Takes fields with no value out, at every depth: to Kubernetes they are as good as absent.
pub(crate) fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, v| !v.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// Replaces or adds the condition of this type; its `lastTransitionTime` moves only when its `status` does.
pub(crate) fn set_condition(conditions: &mut Vec<Value>, mut condition: Value, now: &str) {
    let old = conditions.iter().position(|c| c["type"] == condition["type"]);
    let kept = old.map(|at| &conditions[at]).filter(|c| c["status"] == condition["status"]);
    condition["lastTransitionTime"] = kept.map_or_else(|| Value::from(now), |c| c["lastTransitionTime"].clone());
    match old {
        Some(at) => conditions[at] = condition,
        None => conditions.push(condition),
    }
}
