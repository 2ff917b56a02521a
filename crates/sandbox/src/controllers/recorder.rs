//! `Event` objects. Equal ones are counted; the oldest are dropped beyond a limit.

use serde_json::{Value, json};

use crate::{
    admission,
    kinds::Kind,
    names, object,
    store::{Key, State},
};

/// In a real cluster, Events expire after an hour instead.
const MAX_EVENTS: usize = 2000;

/// What an `Event` says.
#[derive(Debug, Clone)]
pub(super) struct EventNote {
    pub(super) warning: bool,
    pub(super) reason: &'static str,
    pub(super) message: String,
    /// Which part of the object it is about, such as a container.
    pub(super) field: String,
}

impl EventNote {
    pub(super) fn normal(reason: &'static str, message: impl Into<String>) -> Self {
        Self { warning: false, reason, message: message.into(), field: String::new() }
    }

    pub(super) fn warning(reason: &'static str, message: impl Into<String>) -> Self {
        Self { warning: true, ..Self::normal(reason, message) }
    }

    pub(super) fn of(mut self, container: &str) -> Self {
        self.field = format!("spec.containers{{{container}}}");
        self
    }
}

pub(super) fn record(state: &mut State, about: &Value, component: &str, note: &EventNote) {
    let now = names::now();
    let hash = names::stable_hash(&json!([object::uid(about), note.reason, note.message, note.field]));
    let key = Key::new(object::namespace(about), &format!("{}.{hash:016x}", object::name(about)));
    let home = state.get(Kind::Namespace, &Key::new("", &key.namespace));
    if home.is_none_or(|home| object::is_ending(&home)) {
        return;
    }
    let counted = admission::modify(state, Kind::Event, &key, |event| {
        let count = object::number(event, "/count") + 1;
        event["count"] = count.into();
        event["lastTimestamp"] = now.as_str().into();
    });
    if counted.is_some() {
        return;
    }
    if state.count(Kind::Event) >= MAX_EVENTS
        && let Some(oldest) = state.oldest(Kind::Event)
    {
        state.remove(Kind::Event, &oldest);
    }
    let metadata = &about["metadata"];
    let mut involved = json!({
        "kind": about["kind"],
        "apiVersion": about["apiVersion"],
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "resourceVersion": metadata["resourceVersion"],
    });
    if !note.field.is_empty() {
        involved["fieldPath"] = note.field.as_str().into();
    }
    state.put(
        Kind::Event,
        json!({
            "kind": "Event",
            "apiVersion": "v1",
            "metadata": {
                "name": key.name,
                "namespace": key.namespace,
                "uid": names::uid(),
                "creationTimestamp": now,
            },
            "involvedObject": involved,
            "type": if note.warning { "Warning" } else { "Normal" },
            "reason": note.reason,
            "message": note.message,
            "source": { "component": component },
            "reportingComponent": component,
            "reportingInstance": "",
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "eventTime": null,
        }),
    );
}
