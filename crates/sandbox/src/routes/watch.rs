//! `watch`: what there is, then what changes, as a stream of JSON lines.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::header,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Api, Call, read::ListParams};
use crate::{
    kinds::Kind,
    object::{self, Object},
    shutdown::Shutdown,
    status::Failure,
    store::{Change, Event, Store},
    view::View,
};

/// How long a watch lasts that does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30 * 60);

pub(super) fn collection(
    api: &Api,
    kind: Kind,
    namespace: Option<String>,
    name: Option<&str>,
    call: &Call,
) -> Result<Response, Failure> {
    let mut params = ListParams::parse(kind, call)?;
    if let Some(name) = name {
        params.fields = params.fields.with_name(name);
    }
    let timeout = match call.query("timeoutSeconds").map(str::parse) {
        None | Some(Ok(0)) => DEFAULT_TIMEOUT,
        Some(Ok(secs)) => Duration::from_secs(secs),
        Some(Err(_)) => return Err(Failure::bad_request("timeoutSeconds is not a number")),
    };
    let from = match call.query("resourceVersion") {
        None | Some("0") => None,
        Some(text) => {
            let wrong =
                |_| Failure::bad_request(format!("Invalid value: {text:?}: the resource version is not a number"));
            Some(text.parse::<u64>().map_err(wrong)?)
        }
    };
    let initial = call.flag("sendInitialEvents");
    if call.query("sendInitialEvents").is_some() && call.query("resourceVersionMatch") != Some("NotOlderThan") {
        let why = "resourceVersionMatch: Forbidden: sendInitialEvents needs resourceVersionMatch=NotOlderThan";
        return Err(Failure::bad_request(why));
    }
    let notifier = api.store.notifier();
    let mut watch = Watch {
        store: api.store.clone(),
        notifier,
        shutdown: api.shutdown.clone(),
        kind,
        namespace,
        params,
        view: View::choose(call.accept(), call.query("includeObject")),
        position: 0,
        first: Vec::new(),
        over: false,
        ends_at: Instant::now() + timeout,
        bookmarks: call.flag("allowWatchBookmarks").then_some(api.bookmark_every),
        next_bookmark: Instant::now() + api.bookmark_every,
    };
    watch.begin(from, initial);
    let lines = stream::unfold(watch, |mut watch| async move {
        let chunk = watch.next().await?;
        Some((Ok::<_, Infallible>(chunk), watch))
    });
    Ok(([(header::CONTENT_TYPE, "application/json")], Body::from_stream(lines)).into_response())
}

/// One watch in progress.
struct Watch {
    store: Arc<Store>,
    notifier: tokio::sync::watch::Receiver<u64>,
    shutdown: Shutdown,
    kind: Kind,
    namespace: Option<String>,
    params: ListParams,
    view: View,
    /// Everything up to this revision has been sent.
    position: u64,
    /// Lines to send before all others.
    first: Vec<u8>,
    over: bool,
    ends_at: Instant,
    bookmarks: Option<Duration>,
    next_bookmark: Instant,
}

impl Watch {
    /// Places the watch: after a revision, or at now with all that there is as `ADDED`.
    fn begin(&mut self, from: Option<u64>, initial: bool) {
        let (found, revision) = self.store.read(|state| {
            let found = (from.is_none() || initial)
                .then(|| state.candidates(self.kind, self.namespace.as_deref(), &self.params.labels, None));
            (found.unwrap_or_default(), state.revision())
        });
        let found = found.matching(&self.params.labels);
        match from {
            // A revision of the future is one of an earlier sandbox: to the client, all has changed since.
            Some(asked) if asked > revision => {
                self.first = line("ERROR", Failure::expired(asked, revision).to_json());
                self.over = true;
                return;
            }
            Some(asked) if !initial => self.position = asked,
            _ => self.position = revision,
        }
        for object in found.iter().filter(|object| self.params.fields.matches(object)) {
            self.first.extend(line("ADDED", self.view.one(self.kind, object)));
        }
        if initial {
            let annotations = json!({ "k8s.io/initial-events-end": "true" });
            self.first.extend(line("BOOKMARK", self.bookmark(self.position, annotations)));
        }
    }

    /// The next lines; nothing when the watch is over.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if !self.first.is_empty() {
                return Some(std::mem::take(&mut self.first).into());
            }
            if self.over || self.shutdown.is_triggered() {
                return None;
            }
            self.notifier.mark_unchanged();
            let seen = self
                .store
                .read(|state| state.events_after(self.kind, self.position).map(|events| (events, state.revision())));
            match seen {
                Ok((events, revision)) => {
                    events.iter().for_each(|event| self.send(event));
                    self.position = revision;
                }
                Err(expired) => {
                    self.first = line("ERROR", Failure::expired(self.position, expired.oldest).to_json());
                    self.over = true;
                }
            }
            if !self.first.is_empty() {
                continue;
            }
            let bookmark_at = self.bookmarks.map_or(self.ends_at, |_| self.next_bookmark.min(self.ends_at));
            tokio::select! {
                changed = self.notifier.changed() => self.over |= changed.is_err(),
                () = self.shutdown.triggered() => self.over = true,
                () = tokio::time::sleep_until(bookmark_at) => {
                    self.over = Instant::now() >= self.ends_at;
                    if let Some(every) = self.bookmarks.filter(|_| !self.over) {
                        self.next_bookmark = Instant::now() + every;
                        self.first = line("BOOKMARK", self.bookmark(self.position, json!({})));
                    }
                }
            }
        }
    }

    /// Sends an event as it looks through the selectors: what stops matching is deleted, what begins to is added.
    fn send(&mut self, event: &Event) {
        let now = event.object();
        if self.namespace.as_deref().is_some_and(|n| n != object::namespace(&now)) {
            return;
        }
        let was = event.previous().filter(|o| self.params.matches(o));
        let is = event.change != Change::Deleted && self.params.matches(&now);
        let (change, object): (&str, Object) = match (was, is) {
            (None, false) => return,
            (None, true) => ("ADDED", now),
            (Some(_), true) => ("MODIFIED", now),
            (Some(_), false) if event.change == Change::Deleted => ("DELETED", now),
            (Some(was), false) => {
                let mut last = Value::clone(&was);
                object::set(&mut last, &["metadata", "resourceVersion"], event.revision.to_string());
                ("DELETED", last.into())
            }
        };
        self.first.extend(line(change, self.view.one(self.kind, &object)));
    }

    fn bookmark(&self, revision: u64, annotations: Value) -> Value {
        let info = self.kind.info();
        let mut metadata = json!({ "resourceVersion": revision.to_string(), "creationTimestamp": null });
        if annotations.as_object().is_some_and(|a| !a.is_empty()) {
            metadata["annotations"] = annotations;
        }
        json!({ "kind": info.name, "apiVersion": info.api_version(), "metadata": metadata })
    }
}

fn line(change: &str, object: Value) -> Vec<u8> {
    let mut line = json!({ "type": change, "object": object }).to_string().into_bytes();
    line.push(b'\n');
    line
}
