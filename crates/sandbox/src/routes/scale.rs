//! The `scale` subresource of Deployments and ReplicaSets.

use axum::{
    Json,
    http::Method,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{Api, Call, target::Subresource};
use crate::{
    admission::{self, Part},
    kinds::Kind,
    managed::Operation,
    object, patch,
    status::Failure,
    store::Key,
};

pub(super) fn answer(api: &Api, kind: Kind, key: &Key, method: Method, call: &Call) -> Result<Response, Failure> {
    if method == Method::GET {
        let found = api.store.read(|state| state.get(kind, key));
        let found = found.ok_or_else(|| Failure::not_found(kind, &key.name))?;
        return Ok(Json(scale(&found)).into_response());
    }
    let is_patch = method == Method::PATCH;
    if !is_patch && method != Method::PUT {
        return Err(Failure::method_not_allowed());
    }
    let format = call.content_type();
    let sent = if is_patch { call.json()? } else { call.object()? };
    let options = call.options(Operation::Update, Subresource::Scale);
    let done = api.store.write(|state| {
        let old = state.get(kind, key).ok_or_else(|| Failure::not_found(kind, &key.name))?;
        let mut wanted = sent.clone();
        if is_patch {
            wanted = scale(&old);
            match format {
                "application/merge-patch+json" | "application/strategic-merge-patch+json" => {
                    patch::merge(&mut wanted, &sent);
                }
                "application/json-patch+json" => patch::json_patch(&mut wanted, &sent)?,
                _ => return Err(Failure::unsupported_media("application/merge-patch+json")),
            }
        }
        let revision = object::text(&wanted, "/metadata/resourceVersion");
        admission::check_preconditions(kind, &old, object::uid(&wanted), revision)?;
        let mut new = Value::clone(&old);
        // An absent number is zero, as Kubernetes reads it.
        object::set(&mut new, &["spec", "replicas"], wanted.pointer("/spec/replicas").cloned().unwrap_or(json!(0)));
        admission::update(state, kind, key, new, Part::Main, &options)
    })?;
    Ok(Json(scale(&done)).into_response())
}

fn scale(object: &Value) -> Value {
    let labels = object::map(object, "/spec/selector/matchLabels").into_iter().flatten();
    let selector: Vec<_> = labels.map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default())).collect();
    let metadata = &object["metadata"];
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
            "creationTimestamp": metadata["creationTimestamp"],
        },
        "spec": { "replicas": object["spec"]["replicas"] },
        "status": { "replicas": object::number(object, "/status/replicas"), "selector": selector.join(",") },
    })
}
