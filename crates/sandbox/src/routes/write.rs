//! `create`, `update`, the patches, `delete` and `deletecollection`.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::{Api, Call, read::ListParams, target::Subresource};
use crate::{
    admission::{self, Part},
    apply,
    delete::{self, DeleteOptions, Deleted},
    kinds::Kind,
    managed::Operation,
    object::Object,
    patch,
    status::Failure,
    store::{Key, State},
    view::View,
    yaml,
};

fn respond(code: StatusCode, kind: Kind, object: &Object, call: &Call) -> Response {
    let view = View::choose(call.accept(), call.query("includeObject"));
    (code, Json(view.one(kind, object))).into_response()
}

fn part(subresource: Subresource) -> Part {
    if subresource == Subresource::Status { Part::Status } else { Part::Main }
}

pub(super) fn create(api: &Api, kind: Kind, namespace: Option<&str>, call: &Call) -> Result<Response, Failure> {
    if kind.info().namespaced != namespace.is_some() {
        return Err(Failure::method_not_allowed());
    }
    let new = call.object()?;
    let options = call.options(Operation::Update, Subresource::None);
    let made = api.store.write(|state| admission::create(state, kind, namespace.unwrap_or_default(), new, &options))?;
    Ok(respond(StatusCode::CREATED, kind, &made, call))
}

pub(super) fn replace(
    api: &Api,
    kind: Kind,
    key: &Key,
    subresource: Subresource,
    call: &Call,
) -> Result<Response, Failure> {
    let new = call.object()?;
    let options = call.options(Operation::Update, subresource);
    let done = api.store.write(|state| admission::update(state, kind, key, new, part(subresource), &options))?;
    Ok(respond(StatusCode::OK, kind, &done, call))
}

pub(super) fn patch(
    api: &Api,
    kind: Kind,
    key: &Key,
    subresource: Subresource,
    call: &Call,
) -> Result<Response, Failure> {
    let part = part(subresource);
    let format = call.content_type();
    if format == "application/apply-patch+yaml" {
        if call.query("fieldManager").is_none() {
            return Err(Failure::bad_request(
                "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
            ));
        }
        let wanted = yaml_or_json(call)?;
        let options = call.options(Operation::Apply, subresource);
        let force = call.flag("force");
        let (done, made) = api.store.write(|state| apply::apply(state, kind, key, wanted, part, force, &options))?;
        let code = if made { StatusCode::CREATED } else { StatusCode::OK };
        return Ok(respond(code, kind, &done, call));
    }
    let options = call.options(Operation::Update, subresource);
    let patch = match format {
        "application/merge-patch+json" | "application/strategic-merge-patch+json" | "application/json-patch+json" => {
            call.json()?
        }
        _ => {
            return Err(Failure::unsupported_media(
                "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml, \
                 application/strategic-merge-patch+json",
            ));
        }
    };
    let done = api.store.write(|state| {
        let old = state.get(kind, key).ok_or_else(|| Failure::not_found(kind, &key.name))?;
        let mut new = Value::clone(&old);
        match format {
            "application/merge-patch+json" => patch::merge(&mut new, &patch),
            "application/json-patch+json" => patch::json_patch(&mut new, &patch)?,
            _ => patch::strategic(&mut new, &patch, kind)?,
        }
        admission::update(state, kind, key, new, part, &options)
    })?;
    Ok(respond(StatusCode::OK, kind, &done, call))
}

/// JSON is YAML, but most clients send it, and it is read faster as what it is.
fn yaml_or_json(call: &Call) -> Result<Value, Failure> {
    if call.body.first() == Some(&b'{') { call.json() } else { yaml::parse(&call.body) }
}

fn delete_options(call: &Call) -> Result<DeleteOptions, Failure> {
    DeleteOptions::parse(&call.object()?, |name| call.query(name).map(str::to_owned))
}

pub(super) fn delete(api: &Api, kind: Kind, key: &Key, call: &Call) -> Result<Response, Failure> {
    let options = delete_options(call)?;
    Ok(match api.store.write(|state| delete::delete(state, kind, key, &options))? {
        Deleted::Gone(object) => Json(delete::success(kind, &object)).into_response(),
        Deleted::Terminating(object) => respond(StatusCode::OK, kind, &object, call),
    })
}

pub(super) fn delete_collection(
    api: &Api,
    kind: Kind,
    namespace: Option<&str>,
    call: &Call,
) -> Result<Response, Failure> {
    if kind.info().namespaced != namespace.is_some() || kind == Kind::Namespace {
        return Err(Failure::method_not_allowed());
    }
    let options = delete_options(call)?;
    let wanted = ListParams::parse(kind, call)?;
    let mut found =
        api.store.read(|state| state.candidates(kind, namespace, &wanted.labels, None)).matching(&wanted.labels);
    found.retain(|object| wanted.fields.matches(object));
    // One by one, as Kubernetes does: others get the lock in between, and may be quicker.
    let mut gone = Vec::new();
    for object in found {
        match api.store.write(|state| delete::delete(state, kind, &Key::of(&object), &options)) {
            Ok(_) => gone.push(object),
            Err(failure) if failure.code == 404 => {}
            Err(failure) => return Err(failure),
        }
    }
    let revision = api.store.read(State::revision);
    let view = View::choose(call.accept(), call.query("includeObject"));
    Ok(Json(view.many(kind, &gone, revision)).into_response())
}
