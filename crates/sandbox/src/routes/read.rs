//! `get` and `list`.

use std::fmt;

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
pub(super) struct ListParams {
    pub(super) labels: LabelSelector,
    pub(super) fields: FieldSelector,
}

impl ListParams {
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

/// A list, or a page of it where a `limit` is asked for. All pages of a list say the revision of the first (Kubernetes API
/// concepts, "Retrieving large results sets in chunks"), so that a watch from there tells of what has changed meanwhile;
/// what further pages hold is what there is then, and not as with an API server what there was.
pub(super) fn collection(api: &Api, kind: Kind, namespace: Option<&str>, call: &Call) -> Result<Response, Failure> {
    let wanted = ListParams::parse(kind, call)?;
    let limit = match call.query("limit").map(str::parse) {
        None | Some(Ok(0)) => usize::MAX,
        Some(Ok(limit)) => limit,
        Some(Err(_)) => return Err(Failure::bad_request("limit is not a number")),
    };
    let after = call.query("continue").map(Continue::parse).transpose()?;
    let (found, now) = api.store.read(|state| {
        let after = after.as_ref().map(|after| &after.key);
        (state.candidates(kind, namespace, &wanted.labels, after), state.revision())
    });
    let mut matching = found.matches(&wanted.labels).filter(|object| wanted.fields.matches(object));
    let found: Vec<_> = matching.by_ref().take(limit).collect();
    let is_complete = matching.next().is_none();
    let revision = after.map_or(now, |after| after.revision);
    let view = View::choose(call.accept(), call.query("includeObject"));
    let mut list = view.many(kind, &found, revision);
    if let Some(last) = found.last().filter(|_| !is_complete) {
        list["metadata"]["continue"] = Continue { revision, key: Key::of(last) }.to_string().into();
    }
    Ok(Json(list).into_response())
}

/// Where a list goes on. For clients it is a word without a meaning.
struct Continue {
    revision: u64,
    key: Key,
}

impl fmt::Display for Continue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.revision, self.key.namespace, self.key.name)
    }
}

impl Continue {
    fn parse(text: &str) -> Result<Self, Failure> {
        let parts =
            text.split_once('/').and_then(|(revision, key)| Some((revision.parse().ok()?, key.split_once('/')?)));
        let (revision, (namespace, name)) =
            parts.ok_or_else(|| Failure::bad_request("continue key is not valid: no list of this sandbox gave it"))?;
        Ok(Self { revision, key: Key::new(namespace, name) })
    }
}
