//! Server-side apply: merges what a manager wants into the object, and keeps managers from fighting over fields.

use serde_json::{Value, json};

use crate::{
    admission::{self, Part, WriteOptions},
    defaults,
    fields::{self, Fields},
    kinds::Kind,
    managed::{self, Entry, Operation},
    object::{self, Object},
    schema::{self, ListKind, Path},
    status::{Cause, Failure},
    store::{Key, State},
};

/// Applies a configuration. Returns the object and whether it was made.
pub(crate) fn apply(
    state: &mut State,
    kind: Kind,
    key: &Key,
    mut wanted: Value,
    part: Part,
    force: bool,
    options: &WriteOptions,
) -> Result<(Object, bool), Failure> {
    if !object::list(&wanted, "/metadata/managedFields").is_empty() {
        return Err(Failure::bad_request("metadata.managedFields must be nil"));
    }
    if object::text(&wanted, "/kind") != kind.info().name || object::text(&wanted, "/apiVersion").is_empty() {
        return Err(Failure::bad_request("an applied configuration must name its apiVersion and kind"));
    }
    match object::name(&wanted) {
        "" => object::set(&mut wanted, &["metadata", "name"], key.name.as_str()),
        name if name != key.name => {
            let message = format!("the name of the object ({name}) does not match the name on the URL ({})", key.name);
            return Err(Failure::bad_request(message));
        }
        _ => {}
    }
    object::drop_nulls(&mut wanted);
    defaults::write_only(kind, &mut wanted);
    let mut owned = managed::ownable(&wanted);
    match part {
        Part::Main if kind.info().status => {
            object::remove(&mut owned, "", "status");
            object::remove(&mut wanted, "", "status");
        }
        Part::Main => {}
        Part::Status => owned = json!({ "status": owned["status"] }),
    }
    let path = Path::root(kind);
    let mine = Fields::of(&owned, &path);
    let options = WriteOptions { managed: true, ..options.clone() };

    let Some(live) = state.get(kind, key) else {
        let asked = (object::uid(&wanted), object::text(&wanted, "/metadata/resourceVersion"));
        if part == Part::Status || asked != ("", "") {
            return Err(Failure::not_found(kind, &key.name));
        }
        managed::set_entries(&mut wanted, &[Entry::new(&options.manager, kind, mine)]);
        return admission::create(state, kind, &key.namespace, wanted, &options).map(|object| (object, true));
    };
    let revision = object::text(&wanted, "/metadata/resourceVersion");
    admission::check_preconditions(kind, &live, object::uid(&wanted), revision)?;

    let mut merged = Value::clone(&live);
    merge(&mut merged, &owned, &path);
    let changed = fields::difference(&managed::ownable(&live), &managed::ownable(&merged), &path).changed;
    let mut entries = managed::entries(&live);
    let (before, others): (Vec<Entry>, Vec<Entry>) = entries.drain(..).partition(|e| e.manager == options.manager);
    let mut others = others;
    let taken = mine.intersection(&changed);
    if !force {
        refuse_conflicts(&others, &taken)?;
    }
    let mut shared = Fields::default();
    for other in &mut others {
        other.fields = other.fields.without(&taken);
        shared = shared.union(&other.fields);
    }
    for entry in &before {
        prune(&mut merged, &entry.fields, &mine, &shared, &path);
    }
    let entry = match before.into_iter().next() {
        Some(entry) if entry.fields == mine => entry,
        _ => Entry::new(&options.manager, kind, mine),
    };
    // Appliers come first, each in its old place where it has one.
    let at = others.iter().position(|e| e.manager.operation == Operation::Update).unwrap_or(others.len());
    let place = managed::entries(&live).iter().position(|e| e.manager == options.manager).unwrap_or(at);
    others.insert(place.min(others.len()), entry);
    managed::set_entries(&mut merged, &others);
    object::remove(&mut merged, "/metadata", "resourceVersion");
    admission::update(state, kind, key, merged, part, &options).map(|object| (object, false))
}

fn refuse_conflicts(others: &[Entry], taken: &Fields) -> Result<(), Failure> {
    let mut causes = Vec::new();
    let mut said = Vec::new();
    for other in others {
        let paths = other.fields.intersection(taken).paths();
        if paths.is_empty() {
            continue;
        }
        let who = other.describe();
        said.push(match &paths[..] {
            [path] => format!("conflict with {who}: {path}"),
            many => format!("conflicts with {who}:\n- {}", many.join("\n- ")),
        });
        causes.extend(paths.into_iter().map(|field| Cause {
            reason: "FieldManagerConflict",
            message: format!("conflict with {who}"),
            field,
        }));
    }
    if causes.is_empty() {
        return Ok(());
    }
    let count = causes.len();
    let noun = if count == 1 { "conflict" } else { "conflicts" };
    Err(Failure::apply_conflict(format!("Apply failed with {count} {noun}: {}", said.join("\n")), causes))
}

/// Writes all that `wanted` says into `live`.
fn merge(live: &mut Value, wanted: &Value, path: &Path) {
    match (&mut *live, wanted) {
        (Value::Object(into), Value::Object(from)) if !path.is_atomic() => {
            for (field, value) in from {
                match into.get_mut(field) {
                    Some(existing) => merge(existing, value, &path.field(field)),
                    None => {
                        into.insert(field.clone(), value.clone());
                    }
                }
            }
        }
        (Value::Array(into), Value::Array(from)) => match path.list() {
            ListKind::Atomic => *into = from.clone(),
            ListKind::Set => {
                let new: Vec<_> = from.iter().filter(|item| !into.contains(item)).cloned().collect();
                into.extend(new);
            }
            ListKind::Keyed(keys) => {
                // In the order that is asked for; what others have added comes after.
                let mut rest = std::mem::take(into);
                for item in from {
                    match rest.iter().position(|i| schema::same_element(i, item, keys)) {
                        Some(at) => {
                            let mut existing = rest.remove(at);
                            merge(&mut existing, item, path);
                            into.push(existing);
                        }
                        None => into.push(item.clone()),
                    }
                }
                into.append(&mut rest);
            }
        },
        (live, wanted) => *live = wanted.clone(),
    }
}

/// Removes what the manager owned, no longer wants, and nobody else owns. Maps that become empty so go too.
fn prune(value: &mut Value, before: &Fields, now: &Fields, others: &Fields, path: &Path) {
    let none = Fields::default();
    for (step, owned) in before.steps() {
        let (kept, shared) = (now.child(step).unwrap_or(&none), others.child(step).unwrap_or(&none));
        let goes = owned.is_member() && kept.is_empty() && shared.is_empty();
        match (&mut *value, step.split_once(':')) {
            (Value::Object(map), Some(("f", field))) => {
                if goes {
                    map.remove(field);
                } else if let Some(child) = map.get_mut(field) {
                    prune(child, owned, kept, shared, &path.field(field));
                    if is_empty_container(child) && kept.is_empty() && shared.is_empty() {
                        map.remove(field);
                    }
                }
            }
            (Value::Array(items), Some(("k", _))) => {
                let ListKind::Keyed(keys) = path.list() else { continue };
                let Some(at) = items.iter().position(|item| fields::step(item, keys) == step) else { continue };
                if goes {
                    items.remove(at);
                } else {
                    // An element that others keep stays recognisable.
                    let ids: Vec<_> = keys.iter().filter_map(|k| Some((*k, items[at].get(*k)?.clone()))).collect();
                    prune(&mut items[at], owned, kept, shared, path);
                    ids.into_iter().for_each(|(key, id)| object::set(&mut items[at], &[key], id));
                }
            }
            (Value::Array(items), Some(("v", text))) if goes => {
                let gone: Option<Value> = serde_json::from_str(text).ok();
                items.retain(|item| Some(item) != gone.as_ref());
            }
            _ => {}
        }
    }
}

fn is_empty_container(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
