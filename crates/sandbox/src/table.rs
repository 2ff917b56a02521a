//! Tables for people: the columns that `kubectl get` shows.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    kinds::Kind,
    names,
    object::{self, Object},
    view::{self, Include},
};

mod cells;

/// A `Table` of these objects. `version` is that of `meta.k8s.io`.
pub(crate) fn table(kind: Kind, objects: &[Object], version: &str, include: Include, revision: Option<u64>) -> Value {
    let now = Timestamp::now();
    let columns: Vec<_> = columns(kind)
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let (name, priority) = name.strip_prefix('+').map_or((*name, 0), |name| (name, 1));
            let format = if at == 0 && name == "Name" { "name" } else { "" };
            json!({ "name": name, "type": "string", "format": format, "description": "", "priority": priority })
        })
        .collect();
    let rows: Vec<_> = objects
        .iter()
        .map(|object| {
            let mut row = json!({ "cells": cells::of(kind, object, now) });
            match include {
                Include::None => {}
                Include::Metadata => row["object"] = view::partial(object, version),
                Include::Object => row["object"] = Value::clone(object),
            }
            row
        })
        .collect();
    let revision = revision.map_or_else(
        || objects.first().map_or("", |o| object::text(o, "/metadata/resourceVersion")).to_owned(),
        |revision| revision.to_string(),
    );
    json!({
        "kind": "Table",
        "apiVersion": format!("meta.k8s.io/{version}"),
        "metadata": { "resourceVersion": revision },
        "columnDefinitions": columns,
        "rows": rows,
    })
}

/// Column names; those with a plus are shown with `-o wide` only.
fn columns(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Namespace => &["Name", "Status", "Age"],
        Kind::Pod => {
            &["Name", "Ready", "Status", "Restarts", "Age", "+IP", "+Node", "+Nominated Node", "+Readiness Gates"]
        }
        Kind::Service => &["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "+Selector"],
        Kind::Endpoints => &["Name", "Endpoints", "Age"],
        Kind::Secret => &["Name", "Type", "Data", "Age"],
        Kind::ConfigMap => &["Name", "Data", "Age"],
        Kind::Event => &["Last Seen", "Type", "Reason", "Object", "+Source", "Message", "+Count", "+Name"],
        Kind::Deployment => &["Name", "Ready", "Up-to-date", "Available", "Age", "+Containers", "+Images", "+Selector"],
        Kind::ReplicaSet => &["Name", "Desired", "Current", "Ready", "Age", "+Containers", "+Images", "+Selector"],
        Kind::EndpointSlice => &["Name", "AddressType", "Ports", "Endpoints", "Age"],
        Kind::Ingress => &["Name", "Class", "Hosts", "Address", "Ports", "Age"],
    }
}

fn age(object: &Value, now: Timestamp) -> String {
    names::age(object::text(object, "/metadata/creationTimestamp"), now)
}
