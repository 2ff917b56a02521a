//! What may be written: create and update with all that Kubernetes does around them.

use serde_json::{Value, json};

use crate::{
    defaults,
    kinds::Kind,
    managed::{self, Manager},
    names,
    object::{self, Object},
    status::{Cause, Failure},
    store::{Key, State},
    validate,
};

/// Which part of an object a request writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Main,
    Status,
}

/// Who writes, and whether it is a dry run.
#[derive(Debug, Clone)]
pub(crate) struct WriteOptions {
    pub(crate) manager: Manager,
    pub(crate) dry_run: bool,
    /// The caller has written the managed fields itself (server-side apply).
    pub(crate) managed: bool,
}

/// Creates an object from what a client sent.
pub(crate) fn create(
    state: &mut State,
    kind: Kind,
    namespace: &str,
    mut new: Value,
    options: &WriteOptions,
) -> Result<Object, Failure> {
    let info = kind.info();
    identify(kind, namespace, &mut new)?;
    if object::name(&new).is_empty() {
        let prefix = object::text(&new, "/metadata/generateName").to_owned();
        if prefix.is_empty() {
            let message = "Required value: name or generateName is required".to_owned();
            let cause = Cause { reason: "FieldValueRequired", message, field: "metadata.name".into() };
            return Err(Failure::invalid(kind, "", vec![cause]));
        }
        object::set(&mut new, &["metadata", "name"], format!("{prefix}{}", names::suffix()));
    }
    if !object::text(&new, "/metadata/resourceVersion").is_empty() {
        return Err(Failure::bad_request("resourceVersion should not be set on objects to be created"));
    }
    let key = Key::of(&new);
    if info.namespaced {
        let home = state.get(Kind::Namespace, &Key::new("", namespace));
        let home = home.ok_or_else(|| Failure::not_found(Kind::Namespace, namespace))?;
        if object::is_ending(&home) {
            return Err(Failure::namespace_ends(kind, &key.name, namespace));
        }
    }
    if state.has(kind, &key) {
        return Err(Failure::already_exists(kind, &key.name));
    }
    if state.is_full() {
        let why = format!("exceeded quota: the sandbox holds at most {} objects", state.limits().max_objects);
        return Err(Failure::forbidden(kind, &key.name, &why));
    }
    for field in ["deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink"] {
        object::remove(&mut new, "/metadata", field);
    }
    if info.status {
        object::remove(&mut new, "", "status");
    }
    object::drop_nulls(&mut new);
    let managed_by_caller = if options.managed { object::remove(&mut new, "/metadata", "managedFields") } else { None };
    if !options.managed {
        object::remove(&mut new, "/metadata", "managedFields");
    }
    let given = new.clone();
    defaults::complete(kind, &mut new, None);
    validate::object(kind, &new, None)?;
    check_replicas(state, kind, &new)?;
    defaults::allocate(state, kind, &mut new);
    object::set(&mut new, &["metadata", "uid"], names::uid());
    object::set(&mut new, &["metadata", "creationTimestamp"], names::now());
    if info.generation {
        object::set(&mut new, &["metadata", "generation"], 1);
    }
    match managed_by_caller {
        Some(entries) => object::set(&mut new, &["metadata", "managedFields"], entries),
        None => {
            // Defaults belong to nobody, so that an apply may set them later.
            let mut noted = given;
            managed::record_update(kind, None, &mut noted, &options.manager);
            if let Some(entries) = noted.pointer("/metadata/managedFields") {
                object::set(&mut new, &["metadata", "managedFields"], entries.clone());
            }
        }
    }
    if options.dry_run {
        return Ok(new.into());
    }
    Ok(state.put(kind, new))
}

/// Replaces an object, or its status, by what a client sent. A write that changes nothing leaves no trace.
pub(crate) fn update(
    state: &mut State,
    kind: Kind,
    key: &Key,
    mut new: Value,
    part: Part,
    options: &WriteOptions,
) -> Result<Object, Failure> {
    let old = state.get(kind, key).ok_or_else(|| Failure::not_found(kind, &key.name))?;
    identify(kind, &key.namespace, &mut new)?;
    if object::name(&new) != key.name {
        let sent = object::name(&new);
        let message = format!("the name of the object ({sent}) does not match the name on the URL ({})", key.name);
        return Err(Failure::bad_request(message));
    }
    check_preconditions(kind, &old, object::uid(&new), object::text(&new, "/metadata/resourceVersion"))?;
    object::drop_nulls(&mut new);
    match part {
        Part::Main => {
            if kind.info().status {
                restore_field(&mut new, &old, "", "status");
            }
        }
        Part::Status => {
            let status = object::remove(&mut new, "", "status");
            let entries = object::remove(&mut new, "/metadata", "managedFields");
            new = Value::clone(&old);
            if let Some(entries) = entries.filter(|_| options.managed) {
                object::set(&mut new, &["metadata", "managedFields"], entries);
            }
            object::set(&mut new, &["status"], status.unwrap_or_else(|| json!({})));
        }
    }
    for field in [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generateName",
    ] {
        restore_field(&mut new, &old, "/metadata", field);
    }
    if part == Part::Main {
        defaults::complete(kind, &mut new, Some(&old));
        validate::object(kind, &new, Some(&old))?;
        check_replicas(state, kind, &new)?;
    }
    if !options.managed {
        // An explicit empty list asks to forget who set what; everything else a client says of it is ignored.
        let reset = new.pointer("/metadata/managedFields").and_then(Value::as_array);
        let reset =
            reset.is_some_and(|l| l.is_empty() || (l.len() == 1 && l[0].as_object().is_some_and(|o| o.is_empty())));
        if reset {
            object::remove(&mut new, "/metadata", "managedFields");
        } else {
            managed::record_update(kind, Some(&old), &mut new, &options.manager);
        }
    }
    if options.dry_run {
        return Ok(new.into());
    }
    Ok(settle(state, kind, &old, new))
}

/// Each replica is an object, too.
fn check_replicas(state: &State, kind: Kind, new: &Value) -> Result<(), Failure> {
    let (most, replicas) = (state.limits().max_replicas, &new["spec"]["replicas"]);
    if !kind.info().scale || replicas.as_i64().is_none_or(|count| count <= i64::from(most)) {
        return Ok(());
    }
    let why = format!("must be less than or equal to {most} in the sandbox");
    Err(Failure::invalid(kind, object::name(new), vec![Cause::invalid("spec.replicas", replicas, &why)]))
}

/// Changes an object on behalf of a controller: no defaults, no checks, no owner of fields.
pub(crate) fn modify(state: &mut State, kind: Kind, key: &Key, change: impl FnOnce(&mut Value)) -> Option<Object> {
    let old = state.get(kind, key)?;
    let mut new = Value::clone(&old);
    change(&mut new);
    Some(settle(state, kind, &old, new))
}

/// Stores a new state: counts generations, and lets an object go whose end nothing holds up any more.
pub(crate) fn settle(state: &mut State, kind: Kind, old: &Object, mut new: Value) -> Object {
    if **old == new {
        return old.clone();
    }
    if kind.info().generation && old.get("spec") != new.get("spec") {
        let next = object::number(old, "/metadata/generation") + 1;
        object::set(&mut new, &["metadata", "generation"], next);
    }
    let object = state.put(kind, new);
    if is_deletable(kind, &object) {
        state.remove(kind, &Key::of(&object));
    }
    object
}

fn is_deletable(kind: Kind, object: &Value) -> bool {
    object::is_ending(object)
        && object::list(object, "/metadata/finalizers").is_empty()
        && object::number(object, "/metadata/deletionGracePeriodSeconds") == 0
        && (kind != Kind::Namespace || object::list(object, "/spec/finalizers").is_empty())
}

/// Refuses when the object is not the one, or not in the state, that the client has seen. Empty means any.
pub(crate) fn check_preconditions(kind: Kind, old: &Value, uid: &str, revision: &str) -> Result<(), Failure> {
    if !uid.is_empty() && uid != object::uid(old) {
        let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {}", object::uid(old));
        return Err(Failure::conflict(kind, object::name(old), &why));
    }
    if !revision.is_empty() && revision != object::text(old, "/metadata/resourceVersion") {
        return Err(Failure::stale(kind, object::name(old)));
    }
    Ok(())
}

/// Checks that what was sent is of the kind and namespace of the path, and says so in the object.
fn identify(kind: Kind, namespace: &str, new: &mut Value) -> Result<(), Failure> {
    let info = kind.info();
    if !new.is_object() {
        return Err(Failure::bad_request("the body is not an object"));
    }
    for (field, expected) in [("kind", info.name), ("apiVersion", &info.api_version())] {
        let sent = object::text(new, &format!("/{field}"));
        if !sent.is_empty() && sent != expected {
            let message = format!("the {field} of the object ({sent}) does not match that of the path ({expected})");
            return Err(Failure::bad_request(message));
        }
    }
    for field in ["metadata", "spec", "status", "data", "stringData"] {
        if new.get(field).is_some_and(|m| !m.is_object() && !m.is_null()) {
            return Err(Failure::bad_request(format!("{field} is not an object")));
        }
    }
    let sent = object::namespace(new);
    if info.namespaced && !sent.is_empty() && sent != namespace {
        return Err(Failure::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    object::set(new, &["apiVersion"], info.api_version());
    object::set(new, &["kind"], info.name);
    if info.namespaced {
        object::set(new, &["metadata", "namespace"], namespace);
    } else {
        object::remove(new, "/metadata", "namespace");
    }
    Ok(())
}

fn restore_field(new: &mut Value, old: &Value, parent: &str, field: &str) {
    object::remove(new, parent, field);
    if let (Some(kept), Some(into)) =
        (old.pointer(parent).and_then(|p| p.get(field)), new.pointer_mut(parent).and_then(Value::as_object_mut))
    {
        into.insert(field.to_owned(), kept.clone());
    }
}
