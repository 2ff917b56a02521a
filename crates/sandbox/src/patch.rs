//! The three patch formats that are not server-side apply.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use crate::{
    kinds::Kind,
    schema::{self, ListKind, Path},
    status::Failure,
};

/// JSON merge patch (RFC 7386).
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(into) = target else { return };
    for (field, value) in patch {
        if value.is_null() {
            into.remove(field);
        } else {
            merge(into.entry(field.clone()).or_insert(Value::Null), value);
        }
    }
}

/// JSON patch (RFC 6902).
pub(crate) fn json_patch(target: &mut Value, patch: &Value) -> Result<(), Failure> {
    let operations = patch.as_array().ok_or_else(|| Failure::bad_request("a JSON patch is a list of operations"))?;
    for operation in operations {
        let text = |field: &str| operation[field].as_str();
        let path = text("path").ok_or_else(|| Failure::bad_request("an operation of the patch has no path"))?;
        let wrong = |path: &str| Failure::bad_request(format!("the patch cannot be applied at {path:?}"));
        let value = || operation.get("value").cloned().ok_or_else(|| wrong(path));
        match text("op") {
            Some("add") => add_at(target, path, value()?).ok_or_else(|| wrong(path))?,
            Some("remove") => {
                take_at(target, path).ok_or_else(|| wrong(path))?;
            }
            Some("replace") => *target.pointer_mut(path).ok_or_else(|| wrong(path))? = value()?,
            Some("move") => {
                let from = text("from").unwrap_or_default();
                let value = take_at(target, from).ok_or_else(|| wrong(from))?;
                add_at(target, path, value).ok_or_else(|| wrong(path))?;
            }
            Some("copy") => {
                let from = text("from").unwrap_or_default();
                let value = target.pointer(from).cloned().ok_or_else(|| wrong(from))?;
                add_at(target, path, value).ok_or_else(|| wrong(path))?;
            }
            Some("test") => {
                if target.pointer(path) != Some(&value()?) {
                    return Err(Failure::bad_request(format!("testing value {path} failed")));
                }
            }
            _ => return Err(Failure::bad_request("an operation of the patch is unknown")),
        }
    }
    Ok(())
}

fn split(path: &str) -> Option<(&str, String)> {
    let (parent, last) = path.rsplit_once('/')?;
    Some((parent, last.replace("~1", "/").replace("~0", "~")))
}

fn add_at(target: &mut Value, path: &str, value: Value) -> Option<()> {
    if path.is_empty() {
        *target = value;
        return Some(());
    }
    let (parent, last) = split(path)?;
    match target.pointer_mut(parent)? {
        Value::Object(map) => {
            map.insert(last, value);
        }
        Value::Array(items) if last == "-" => items.push(value),
        Value::Array(items) => {
            let at: usize = last.parse().ok()?;
            if at > items.len() {
                return None;
            }
            items.insert(at, value);
        }
        _ => return None,
    }
    Some(())
}

fn take_at(target: &mut Value, path: &str) -> Option<Value> {
    let (parent, last) = split(path)?;
    match target.pointer_mut(parent)? {
        Value::Object(map) => map.remove(&last),
        Value::Array(items) => {
            let at: usize = last.parse().ok()?;
            (at < items.len()).then(|| items.remove(at))
        }
        _ => None,
    }
}

/// Strategic merge patch: a merge patch that knows the keys of lists, with directives beside the fields.
pub(crate) fn strategic(target: &mut Value, patch: &Value, kind: Kind) -> Result<(), Failure> {
    if !patch.is_object() {
        return Err(Failure::bad_request("a strategic merge patch is an object"));
    }
    merge_value(target, patch, &Path::root(kind));
    Ok(())
}

fn merge_value(target: &mut Value, patch: &Value, path: &Path) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    if fields.get("$patch").is_some_and(|d| d == "replace" || d == "delete") || !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(into) = target else { return };
    if let Some(kept) = fields.get("$retainKeys").and_then(Value::as_array) {
        into.retain(|field, _| kept.iter().any(|k| k == field));
    }
    for (field, value) in fields {
        if let Some(list) = field.strip_prefix("$deleteFromPrimitiveList/") {
            let gone = value.as_array().map_or(&[][..], Vec::as_slice);
            if let Some(items) = into.get_mut(list).and_then(Value::as_array_mut) {
                items.retain(|item| !gone.contains(item));
            }
        }
        if field.starts_with('$') {
            continue;
        }
        match value {
            Value::Null => {
                into.remove(field);
            }
            Value::Array(items) => {
                let order = fields.get(&format!("$setElementOrder/{field}")).and_then(Value::as_array);
                merge_list(into.entry(field.clone()).or_insert(Value::Null), items, order, &path.field(field));
            }
            other => merge_value(into.entry(field.clone()).or_insert(Value::Null), other, &path.field(field)),
        }
    }
    // An order may come alone, when elements only change places.
    for (field, order) in fields {
        if let (Some(list), Some(order)) = (field.strip_prefix("$setElementOrder/"), order.as_array())
            && let Some(items) = into.get_mut(list).and_then(Value::as_array_mut)
        {
            sort(items, order, path.field(list).list());
        }
    }
}

fn merge_list(target: &mut Value, patch: &[Value], order: Option<&Vec<Value>>, path: &Path) {
    if !target.is_array() {
        *target = Value::Array(Vec::new());
    }
    let Value::Array(items) = target else { return };
    let directive = |item: &Value, name: &str| item.get("$patch").is_some_and(|d| d == name);
    match path.list() {
        ListKind::Keyed([key, ..]) if !patch.iter().any(|item| directive(item, "replace")) => {
            for item in patch {
                let at = items.iter().position(|i| i.get(key).is_some() && i.get(key) == item.get(key));
                match at {
                    Some(at) if directive(item, "delete") => {
                        items.remove(at);
                    }
                    Some(at) => merge_value(&mut items[at], item, path),
                    None if directive(item, "delete") => {}
                    None => {
                        let mut new = Value::Null;
                        merge_value(&mut new, item, path);
                        items.push(new);
                    }
                }
            }
        }
        ListKind::Set => {
            let new: Vec<_> = patch.iter().filter(|item| !items.contains(item)).cloned().collect();
            items.extend(new);
        }
        _ => *items = patch.iter().filter(|item| item.get("$patch").is_none()).cloned().collect(),
    }
    if let Some(order) = order {
        sort(items, order, path.list());
    }
}

/// Puts the named elements in this order; others stay behind the one that they stood behind.
fn sort(items: &mut [Value], order: &[Value], kind: ListKind) {
    let place = |item: &Value| {
        order.iter().position(|o| match kind {
            ListKind::Keyed([key, ..]) => schema::same_element(o, item, &[key]),
            _ => o == item,
        })
    };
    items.sort_by(|a, b| match (place(a), place(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    });
}
