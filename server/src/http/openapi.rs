//! What the API says of itself, as an OpenAPI document. It is made of the descriptions that `routes!` takes from the same
//! handlers as the router, so no route is without one; of the types in `domain`; and of what holds for all routes, below.

use std::{sync::LazyLock, time::Duration};

use axum::{
    body::Bytes,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::{
    PartialSchema,
    openapi::{
        self, Components, Content, Info, License, OpenApi, PathItem, RefOr, Required, Schema, Tag,
        path::{Operation, ParameterIn},
        schema::AdditionalProperties,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};
use utoipa_axum::router::OpenApiRouter;

use super::{api, error::ErrorBody, headers::is_known, health};

const TAGS: [(&str, &str); 10] = [
    ("Server", "Whether the server is well, and what its API is."),
    ("Runtimes", "Runtimes have versions, of which one at most is published."),
    ("Versions", "What people and programs do with versions."),
    ("Files", "What is in a version's KRT file."),
    ("Measurements", "What a version's nodes measure."),
    ("Calls", "Calls of a version's entrypoint by hand."),
    ("Logs", "What a version's containers write."),
    ("Activity", "What was done, by whom, and what became of it."),
    ("Events", "What changes, as it changes."),
    ("People", "Who may use the server, by what they are known, and what they may do."),
];

/// The answers to requests that are not done: their status, `error.code`, and when.
const ERRORS: [(u16, &[&str], &str); 11] = [
    (400, &["bad_request"], "The request is malformed."),
    (401, &["unauthenticated"], "Nobody has signed in, or the session has ended."),
    (403, &["forbidden"], "The caller may not do this, or the request comes from a page of another origin."),
    (404, &["not_found"], "There is no such thing, or the caller may not see it."),
    (405, &["method_not_allowed"], "The route does not take this method."),
    (408, &["timeout"], "The body did not arrive in time."),
    (
        409,
        &["name_taken", "refused", "config_incomplete", "cannot_call", "runtime_not_empty"],
        "What is there does not allow it; the message says why.",
    ),
    (413, &["too_large"], "The body passes a limit."),
    (422, &["invalid_krt", "invalid_input"], "Something that was sent is wrong; `problems` names each."),
    (500, &["internal"], "A fault of the server; its log has the detail."),
    (503, &["unavailable", "busy"], "A part of the server does not answer, or has no room now."),
];

/// What the schema of all errors is called.
const ERROR: &str = "Error";

/// Properties that an answer may leave out. All others are always there, null when there is nothing to say.
const LEFT_OUT: [(&str, &str); 1] = [("Curves", "before")];

static DOCUMENT: LazyLock<Document> = LazyLock::new(|| {
    let api = described();
    // It has string keys only, so it is always written. Names of types in the source are links there, which lead nowhere here.
    let json = serde_json::to_string(&api).unwrap_or_default().replace("[`", "`").replace("`]", "`");
    let etag = format!("\"{}\"", hex::encode(Sha256::digest(&json)));
    Document { api, json: json.into(), etag }
});

/// The description of the whole API.
pub struct Document {
    api: OpenApi,
    json: Bytes,
    etag: String,
}

/// One thing that the API does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Such as `GET`.
    pub method: &'static str,
    /// From the root, with parameters in braces: `/api/v1/runtimes/{id}`.
    pub path: String,
    /// Unique: `show_runtime`.
    pub operation_id: String,
}

pub fn document() -> &'static Document {
    &DOCUMENT
}

impl Document {
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// Every route of the API, health and this document included.
    pub fn routes(&self) -> Vec<Route> {
        let routes = self.api.paths.paths.iter().flat_map(|(path, item)| {
            operations(item).into_iter().map(|(method, operation)| Route {
                method,
                path: path.clone(),
                operation_id: operation.operation_id.clone().unwrap_or_default(),
            })
        });
        routes.collect()
    }

    pub(super) fn api(&self) -> &OpenApi {
        &self.api
    }
}

/// Sends this description of the API.
///
/// A later release may add fields to answers: programs ignore those that they do not know.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "openapi", tag = "Server",
    responses((status = 200, content(("application/json"))), (status = 304)),
    security(()),
)]
pub(super) async fn json(headers: HeaderMap) -> Response {
    let document = document();
    // Nobody's secret: a browser may keep it, also where people sign in, and asks whether it is still so.
    let tag = [(header::ETAG, document.etag.as_str()), (header::CACHE_CONTROL, "no-cache")];
    if is_known(&headers, &document.etag) {
        return (StatusCode::NOT_MODIFIED, tag).into_response();
    }
    (tag, [(header::CONTENT_TYPE, "application/json")], document.json.clone()).into_response()
}

pub(super) fn operations(item: &PathItem) -> Vec<(&'static str, &Operation)> {
    let all = [("GET", &item.get), ("POST", &item.post), ("PUT", &item.put), ("DELETE", &item.delete)];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?))).collect()
}

fn described() -> OpenApi {
    let routes = OpenApiRouter::with_openapi(frame()).merge(health::routes());
    let mut api = routes.nest("/api/v1", api::routes(Duration::ZERO)).into_openapi();
    let components = api.components.get_or_insert_default();
    components.schemas.insert(ERROR.to_owned(), ErrorBody::schema());
    for (name, schema) in &mut components.schemas {
        require_all(name, schema);
    }
    for (status, codes, when) in ERRORS {
        let answer = openapi::ResponseBuilder::new().description(when);
        let answer = answer.content("application/json", Content::new(Some(error(codes)))).build();
        components.responses.insert(name_of(status), answer.into());
    }
    api.paths.paths = std::mem::take(&mut api.paths.paths)
        .into_iter()
        .map(|(path, mut item)| {
            for operation in [&mut item.get, &mut item.post, &mut item.put, &mut item.delete].into_iter().flatten() {
                complete(operation, components);
            }
            // A parameter that takes the rest of a path has a star for axum alone.
            (path.replace("{*", "{"), item)
        })
        .collect();
    api
}

/// What is said once for all routes.
fn frame() -> OpenApi {
    let mut info = Info::new("KAI Server", env!("CARGO_PKG_VERSION"));
    info.description = Some("Manages the versions of AI/ML workflows on Kubernetes.".to_owned());
    info.license = Some(License::builder().name("Apache-2.0").identifier(Some("Apache-2.0")).build());
    let mut api = OpenApi::new(info, openapi::Paths::new());
    api.tags = Some(TAGS.map(|(name, about)| Tag::builder().name(name).description(Some(about)).build()).into());
    let mut components = Components::new();
    let session =
        ApiKeyValue::with_description("__Host-kai-session", "Of whoever has signed in; `kai-session` over plain HTTP.");
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An API token, `kai_…`. Not together with a session."))
        .build();
    components.add_security_scheme("token", SecurityScheme::Http(token));
    api.components = Some(components);
    let one_of = ["session", "token"].map(|scheme| SecurityRequirement::new(scheme, [""; 0]));
    // A server without logins asks for neither.
    api.security = Some([SecurityRequirement::default()].into_iter().chain(one_of).collect());
    api
}

/// Adds what follows from the rest: the errors that a request of this form can meet, and the words for each status.
fn complete(operation: &mut Operation, components: &Components) {
    let is_open = operation.security.is_some();
    let takes = |place: &ParameterIn| {
        let parameters = operation.parameters.iter().flatten();
        parameters.filter_map(value).any(|parameter| parameter.parameter_in == *place)
    };
    let has_path = takes(&ParameterIn::Path);
    let has_input = operation.request_body.is_some() || takes(&ParameterIn::Query);
    let errors = ERRORS.iter().filter(|(status, ..)| match status {
        400 | 403 | 500 => true,
        401 | 503 => !is_open,
        404 => has_path,
        408 | 413 => operation.request_body.is_some(),
        422 => has_input,
        _ => false,
    });
    for (status, ..) in errors {
        operation.responses.responses.entry(status.to_string()).or_insert_with(|| openapi::Response::new("").into());
    }
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        let is_optional = body.content.values().filter_map(value).all(|content| takes_nothing(content, components));
        // An empty body counts as `{}`.
        body.required = Some(if is_optional { Required::False } else { Required::True });
    }
    for (status, answer) in &mut operation.responses.responses {
        let RefOr::T(response) = answer else { continue };
        let code = status.parse().unwrap_or_default();
        let is_error = !codes(code).is_empty();
        if is_error && response.content.is_empty() {
            *answer = openapi::Ref::from_response_name(name_of(code)).into();
        } else if is_error {
            // It has a body of its own, and an error at other times.
            for content in response.content.values_mut() {
                if let RefOr::T(Content { schema: Some(own), .. }) = content {
                    let error = openapi::Ref::from_schema_name(ERROR);
                    *own = openapi::OneOfBuilder::new().item(own.clone()).item(error).into();
                }
            }
        } else if response.description.is_empty() {
            response.description = reason(code).to_owned();
        }
    }
}

fn reason(status: u16) -> &'static str {
    StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default()
}

/// `NotFound`.
fn name_of(status: u16) -> String {
    reason(status).replace(' ', "")
}

pub(super) fn codes(status: u16) -> &'static [&'static str] {
    ERRORS.iter().find(|(error, ..)| *error == status).map_or(&[], |(_, codes, _)| codes)
}

pub(super) fn value<T>(one: &RefOr<T>) -> Option<&T> {
    match one {
        RefOr::T(value) => Some(value),
        RefOr::Ref(_) => None,
    }
}

/// An error with one of these codes.
fn error(codes: &[&str]) -> RefOr<Schema> {
    fn property<'s>(schema: &'s mut RefOr<Schema>, name: &str) -> Option<&'s mut RefOr<Schema>> {
        let RefOr::T(Schema::Object(object)) = schema else { return None };
        object.properties.get_mut(name)
    }
    let mut schema = ErrorBody::schema();
    require_all(ERROR, &mut schema);
    if let Some(RefOr::T(Schema::Object(code))) =
        property(&mut schema, "error").and_then(|fields| property(fields, "code"))
    {
        code.enum_values = Some(codes.iter().map(|code| Value::from(*code)).collect());
    }
    schema
}

/// Whether `{}` is such a body.
fn takes_nothing(content: &Content, components: &Components) -> bool {
    let named = match &content.schema {
        Some(RefOr::Ref(schema)) => {
            schema.ref_location.rsplit('/').next().and_then(|name| components.schemas.get(name))
        }
        schema => schema.as_ref(),
    };
    matches!(named, Some(RefOr::T(Schema::Object(object))) if object.required.is_empty())
}

/// Says that an answer has all its properties. A type that refuses others is no answer, but what a request carries.
fn require_all(name: &str, schema: &mut RefOr<Schema>) {
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Object(object) => {
            if matches!(object.additional_properties.as_deref(), Some(AdditionalProperties::FreeForm(false))) {
                return;
            }
            let is_there = |property: &&String| !LEFT_OUT.contains(&(name, property.as_str()));
            object.required = object.properties.keys().filter(is_there).cloned().collect();
            object.properties.values_mut().for_each(|property| require_all(name, property));
        }
        Schema::OneOf(one) => one.items.iter_mut().for_each(|item| require_all(name, item)),
        Schema::AllOf(all) => all.items.iter_mut().for_each(|item| require_all(name, item)),
        Schema::AnyOf(any) => any.items.iter_mut().for_each(|item| require_all(name, item)),
        _ => {}
    }
}
