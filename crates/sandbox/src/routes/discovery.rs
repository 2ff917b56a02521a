//! What the API says of itself: versions, groups, kinds.

use axum::{
    Json,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::target::Discovery;
use crate::{
    kinds::{KINDS, KindInfo},
    status::Failure,
};

/// The Kubernetes release whose behaviour is followed.
const VERSION: &str = "v1.33.0";

/// A Swagger document with nothing in it, as protobuf (`swagger`, `info`, `paths`). kubectl asks for a schema before it
/// applies anything and takes a kind that the schema does not have for valid.
const EMPTY_SCHEMA: &[u8] = b"\x0a\x032.0\x12\x12\x0a\x07sandbox\x12\x07v1.33.0\x42\x00";
/// With a dot where clients ask with an at sign, which is not allowed in a media type.
const SCHEMA_TYPE: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

pub(super) fn answer(what: &Discovery, headers: &HeaderMap) -> Result<Response, Failure> {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let body = match what {
        Discovery::Health => return Ok("ok".into_response()),
        Discovery::OpenApiV2 if accept.contains("protobuf") => {
            return Ok(([(header::CONTENT_TYPE, SCHEMA_TYPE)], EMPTY_SCHEMA).into_response());
        }
        Discovery::OpenApiV2 => {
            json!({ "swagger": "2.0", "info": { "title": "sandbox", "version": VERSION }, "paths": {} })
        }
        Discovery::Version => json!({
            "major": "1",
            "minor": "33",
            "gitVersion": format!("{VERSION}+sandbox"),
            "gitCommit": "",
            "gitTreeState": "clean",
            "buildDate": "1970-01-01T00:00:00Z",
            "goVersion": "",
            "compiler": "rustc",
            "platform": "sandbox",
        }),
        Discovery::CoreVersions => {
            json!({ "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [] })
        }
        Discovery::Groups => {
            json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups().map(group).collect::<Vec<_>>() })
        }
        Discovery::Group(name) => {
            let found = groups().find(|g| g.group == name).ok_or_else(Failure::no_such_path)?;
            let mut body = group(found);
            body["kind"] = "APIGroup".into();
            body["apiVersion"] = "v1".into();
            body
        }
        Discovery::Resources { group, version } => {
            let in_group = |k: &&KindInfo| k.group == group && k.version == version;
            let found: Vec<_> = KINDS.iter().filter(in_group).flat_map(resources).collect();
            let any = KINDS.iter().find(in_group).ok_or_else(Failure::no_such_path)?;
            json!({
                "kind": "APIResourceList",
                "apiVersion": "v1",
                "groupVersion": any.api_version(),
                "resources": found,
            })
        }
    };
    Ok(Json(body).into_response())
}

/// One kind of each named group.
fn groups() -> impl Iterator<Item = &'static KindInfo> {
    let first = |k: &KindInfo| KINDS.iter().find(|other| other.group == k.group).is_some_and(|o| o.kind == k.kind);
    KINDS.iter().filter(move |k| !k.group.is_empty() && first(k))
}

fn group(info: &KindInfo) -> Value {
    let version = json!({ "groupVersion": info.api_version(), "version": info.version });
    json!({ "name": info.group, "versions": [version.clone()], "preferredVersion": version })
}

/// A kind and its subresources.
fn resources(info: &KindInfo) -> Vec<Value> {
    let mut main = json!({
        "name": info.plural,
        "singularName": info.singular,
        "namespaced": info.namespaced,
        "kind": info.name,
        "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
    });
    if info.kind == crate::kinds::Kind::Namespace {
        main["verbs"] = json!(["create", "delete", "get", "list", "patch", "update", "watch"]);
    }
    if !info.short_names.is_empty() {
        main["shortNames"] = json!(info.short_names);
    }
    if info.in_all {
        main["categories"] = json!(["all"]);
    }
    let mut all = vec![main];
    let mut add = |subresource: &str, kind: &str, verbs: Value| {
        all.push(json!({
            "name": format!("{}/{subresource}", info.plural),
            "singularName": "",
            "namespaced": info.namespaced,
            "kind": kind,
            "verbs": verbs,
        }));
    };
    if info.status {
        add("status", info.name, json!(["get", "patch", "update"]));
    }
    if info.kind == crate::kinds::Kind::Pod {
        add("log", "Pod", json!(["get"]));
    }
    if info.scale {
        add("scale", "Scale", json!(["get", "patch", "update"]));
        if let Some(scale) = all.last_mut() {
            scale["group"] = "autoscaling".into();
            scale["version"] = "v1".into();
        }
    }
    all
}
