//! `get` and `list`.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::{Api, Call};
use crate::{
    kinds::Kind,
    selectors::{FieldSelector, LabelSelector},
    status::Failure,
    store::Key,
    view::View,
};

pub(super) fn object(api: &Api, kind: Kind, key: &Key, call: &Call) -> Result<Response, Failure> {
    let found = api.store.read(|state| state.get(kind, key));
    let found = found.ok_or_else(|| Failure::not_found(kind, &key.name))?;
    let view = View::choose(call.accept(), call.query("includeObject"));
    Ok(Json(view.one(kind, &found)).into_response())
}

/// The selectors of a request.
pub(super) struct Wanted {
    pub(super) labels: LabelSelector,
    pub(super) fields: FieldSelector,
}

impl Wanted {
    pub(super) fn parse(kind: Kind, call: &Call) -> Result<Self, Failure> {
        Ok(Self {
            labels: LabelSelector::parse(call.query("labelSelector").unwrap_or_default())?,
            fields: FieldSelector::parse(call.query("fieldSelector").unwrap_or_default(), kind)?,
        })
    }

    pub(super) fn matches(&self, object: &Value) -> bool {
        self.labels.matches(object) && self.fields.matches(object)
    }
}

/// A list is always complete: `limit` is not needed for what fits into memory.
pub(super) fn collection(api: &Api, kind: Kind, namespace: Option<&str>, call: &Call) -> Result<Response, Failure> {
    let wanted = Wanted::parse(kind, call)?;
    if call.query("continue").is_some() {
        return Err(Failure::bad_request("continue key is not valid: lists are given out whole"));
    }
    let (found, revision) =
        api.store.read(|state| (state.candidates(kind, namespace, &wanted.labels), state.revision()));
    let mut found = found.matching(&wanted.labels);
    found.retain(|object| wanted.fields.matches(object));
    let view = View::choose(call.accept(), call.query("includeObject"));
    Ok(Json(view.many(kind, &found, revision)).into_response())
}
