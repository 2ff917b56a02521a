//! Deletion: preconditions, grace, finalizers, and what becomes of dependents.

use serde_json::{Value, json};

use crate::{
    admission,
    kinds::Kind,
    names,
    object::{self, Object},
    status::Failure,
    store::{Key, State},
};

/// Held by an owner until its dependents are gone.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Propagation {
    /// The object goes at once, its dependents after it.
    #[default]
    Background,
    /// Its dependents go first.
    Foreground,
    /// Its dependents stay, without an owner.
    Orphan,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) propagation: Propagation,
    pub(crate) grace_secs: Option<i64>,
    pub(crate) uid: String,
    pub(crate) revision: String,
    pub(crate) dry_run: bool,
}

impl DeleteOptions {
    /// Reads the `DeleteOptions` object of a request's body; a query parameter stands in for a field left out.
    pub(crate) fn parse(body: &Value, query: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let text = |field: &str| body[field].as_str().map(str::to_owned).or_else(|| query(field));
        let propagation = match text("propagationPolicy").as_deref() {
            None | Some("") if body["orphanDependents"] == true => Propagation::Orphan,
            None | Some("" | "Background") => Propagation::Background,
            Some("Foreground") => Propagation::Foreground,
            Some("Orphan") => Propagation::Orphan,
            Some(other) => {
                let supported = "\"Background\", \"Foreground\", \"Orphan\"";
                let message = format!("propagationPolicy: {other:?} is not supported; supported values: {supported}");
                return Err(Failure::bad_request(message));
            }
        };
        let from_query = query("gracePeriodSeconds").and_then(|s| s.parse().ok());
        Ok(Self {
            propagation,
            grace_secs: body["gracePeriodSeconds"].as_i64().or(from_query),
            uid: object::text(body, "/preconditions/uid").to_owned(),
            revision: object::text(body, "/preconditions/resourceVersion").to_owned(),
            dry_run: query("dryRun").is_some() || !object::list(body, "/dryRun").is_empty(),
        })
    }
}

/// What a deletion came to.
#[derive(Debug)]
pub(crate) enum Deleted {
    Gone(Object),
    /// Marked; it goes when its grace and finalizers are over.
    Terminating(Object),
}

pub(crate) fn delete(state: &mut State, kind: Kind, key: &Key, options: &DeleteOptions) -> Result<Deleted, Failure> {
    let old = state.get(kind, key).ok_or_else(|| Failure::not_found(kind, &key.name))?;
    admission::check_preconditions(kind, &old, &options.uid, &options.revision)?;
    if kind == Kind::Namespace && matches!(&key.name[..], "default" | "kube-system") {
        return Err(Failure::forbidden(kind, &key.name, "this namespace may not be deleted"));
    }
    if options.dry_run {
        return Ok(Deleted::Gone(old));
    }
    if options.propagation == Propagation::Orphan {
        release_dependents(state, object::uid(&old));
    }
    let mut new = Value::clone(&old);
    if !object::is_ending(&new) {
        object::set(&mut new, &["metadata", "deletionTimestamp"], names::now());
        if kind == Kind::Namespace {
            object::set(&mut new, &["status", "phase"], "Terminating");
        }
        if kind == Kind::Pod {
            let own = new.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(30);
            let grace = options.grace_secs.unwrap_or(own).max(0);
            object::set(&mut new, &["metadata", "deletionGracePeriodSeconds"], grace);
        }
        if options.propagation == Propagation::Foreground && !object::has_finalizer(&new, FOREGROUND) {
            let mut finalizers = object::list(&new, "/metadata/finalizers").to_vec();
            finalizers.push(FOREGROUND.into());
            object::set(&mut new, &["metadata", "finalizers"], finalizers);
        }
    } else if kind == Kind::Pod && options.grace_secs == Some(0) {
        object::set(&mut new, &["metadata", "deletionGracePeriodSeconds"], 0);
    }
    let held = !object::list(&new, "/metadata/finalizers").is_empty()
        || object::number(&new, "/metadata/deletionGracePeriodSeconds") > 0
        || kind == Kind::Namespace;
    if held {
        return Ok(Deleted::Terminating(admission::settle(state, kind, &old, new)));
    }
    state.remove(kind, key).map(Deleted::Gone).ok_or_else(|| Failure::not_found(kind, &key.name))
}

/// Takes the owner out of the owner references of all its dependents.
fn release_dependents(state: &mut State, owner_uid: &str) {
    for (kind, dependent) in state.all_dependents(owner_uid) {
        admission::modify(state, kind, &Key::of(&dependent), |value| {
            let others: Vec<_> = object::owners(value).iter().filter(|o| o["uid"] != owner_uid).cloned().collect();
            if others.is_empty() {
                object::remove(value, "/metadata", "ownerReferences");
            } else {
                object::set(value, &["metadata", "ownerReferences"], others);
            }
        });
    }
}

/// The answer to a deletion that is complete.
pub(crate) fn success(kind: Kind, object: &Value) -> Value {
    let info = kind.info();
    json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {
            "name": object::name(object),
            "group": info.group,
            "kind": info.plural,
            "uid": object::uid(object),
        },
    })
}
