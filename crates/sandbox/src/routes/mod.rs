//! The REST protocol: one entry that reads the path and method, and one module per verb.

mod discovery;
mod read;
mod scale;
mod target;
mod watch;
mod write;

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Query, Request, State},
    http::{HeaderMap, Method, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde_json::Value;
use tokio::time::timeout;

use self::target::{Subresource, Target};
use crate::{
    Limits,
    admission::WriteOptions,
    logs,
    managed::{Manager, Operation},
    shutdown::Shutdown,
    status::Failure,
    store::Store,
    yaml,
};

/// What the routes share.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) store: Arc<Store>,
    pub(crate) shutdown: Shutdown,
    pub(crate) bookmark_every: Duration,
    pub(crate) limits: Limits,
}

pub(crate) fn router(api: Api) -> Router {
    Router::new().fallback(answer).with_state(api)
}

async fn answer(State(api): State<Api>, request: Request) -> Response {
    if api.shutdown.is_triggered() {
        return Failure::ended().into_response();
    }
    route(&api, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn route(api: &Api, request: Request) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let target = target::parse(parts.uri.path()).ok_or_else(Failure::no_such_path)?;
    let query = Query::<HashMap<String, String>>::try_from_uri(&parts.uri)
        .map_err(|error| Failure::bad_request(error.body_text()))?;
    let call = Call { query: query.0, headers: parts.headers, body: read_body(body, &api.limits).await? };
    match (target, parts.method) {
        (Target::Discovery(what), Method::GET) => discovery::answer(&what, &call.headers),
        (Target::Collection { kind, namespace }, Method::GET) => match call.flag("watch") {
            true => watch::collection(api, kind, namespace, None, &call),
            false => read::collection(api, kind, namespace.as_deref(), &call),
        },
        (Target::Collection { kind, namespace }, Method::POST) => write::create(api, kind, namespace.as_deref(), &call),
        (Target::Collection { kind, namespace }, Method::DELETE) => {
            write::delete_collection(api, kind, namespace.as_deref(), &call)
        }
        (Target::Object { kind, key, subresource }, method) => match (subresource, method) {
            (Subresource::Log, Method::GET) => logs::answer(&api.store, &api.shutdown, &key, &call.query),
            (Subresource::Scale, method) => scale::answer(api, kind, &key, method, &call),
            (Subresource::None, Method::GET) if call.flag("watch") => {
                let namespace = (!key.namespace.is_empty()).then_some(key.namespace);
                watch::collection(api, kind, namespace, Some(&key.name), &call)
            }
            (_, Method::GET) => read::object(api, kind, &key, &call),
            (subresource, Method::PUT) => write::replace(api, kind, &key, subresource, &call),
            (subresource, Method::PATCH) => write::patch(api, kind, &key, subresource, &call),
            (Subresource::None, Method::DELETE) => write::delete(api, kind, &key, &call),
            _ => Err(Failure::method_not_allowed()),
        },
        _ => Err(Failure::method_not_allowed()),
    }
}

async fn read_body(body: Body, limits: &Limits) -> Result<Bytes, Failure> {
    match timeout(limits.body_timeout, axum::body::to_bytes(body, limits.max_body_bytes)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        // The only other error is a connection that broke, whose answer nobody reads.
        Ok(Err(_)) => Err(Failure::too_large(limits.max_body_bytes)),
        Err(_) => Err(Failure::too_slow()),
    }
}

/// One request.
pub(crate) struct Call {
    query: HashMap<String, String>,
    headers: HeaderMap,
    body: Bytes,
}

impl Call {
    /// A parameter; an empty one counts as absent.
    fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }

    fn flag(&self, name: &str) -> bool {
        matches!(self.query(name), Some("true" | "1"))
    }

    fn content_type(&self) -> &str {
        let sent = self.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        sent.split(';').next().unwrap_or_default().trim()
    }

    fn agent(&self) -> &str {
        self.headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or("unknown")
    }

    fn accept(&self) -> &str {
        self.headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    /// The body as an object; nothing when it is empty.
    fn object(&self) -> Result<Value, Failure> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        match self.content_type() {
            // A type has to be said: without one, or with `text/plain`, a web page may send a body without asking first.
            // Some commands of kubectl 1.20 say none; a page that called itself kubectl would have to ask, too.
            "" if self.agent().starts_with("kubectl/") => self.json(),
            "application/json" => self.json(),
            "application/yaml" => yaml::parse(&self.body),
            // What newer kubectl sends for `create namespace NAME` and the like.
            "application/vnd.kubernetes.protobuf" => Err(Failure::unsupported_media(
                "application/json, application/yaml; the sandbox reads no protobuf, so use `kubectl apply -f`",
            )),
            _ => Err(Failure::unsupported_media("application/json, application/yaml")),
        }
    }

    fn json(&self) -> Result<Value, Failure> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Failure::bad_request(format!("the body is not valid JSON: {error}")))
    }

    /// Who is calling: `fieldManager`, or else the program's name.
    fn options(&self, operation: Operation, subresource: Subresource) -> WriteOptions {
        let agent = self.agent();
        let program = agent.split('/').next().unwrap_or(agent);
        let name = self.query("fieldManager").unwrap_or(program).to_owned();
        let subresource = match subresource {
            Subresource::None | Subresource::Log => "",
            Subresource::Status => "status",
            Subresource::Scale => "scale",
        };
        WriteOptions {
            manager: Manager { name, operation, subresource: subresource.to_owned() },
            dry_run: self.query("dryRun") == Some("All"),
            managed: false,
        }
    }
}
