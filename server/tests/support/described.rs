//! Holds what a server answers to the description of its API: each answer has a status and a content type that the route
//! names, and a body of the schema that stands there, with no property more.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
};

use jsonschema::{Registry, Validator};
use reqwest::Method;
use serde_json::{Value, json};
use server::http::openapi;

use super::server::Answer;

const NAME: &str = "urn:kai-api";

pub(crate) static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_slice(openapi::document().json()).unwrap());

/// The document, closed: where it describes an object, there is nothing else in it. Programs may not rely on that, so the
/// document itself does not say it.
static REGISTRY: LazyLock<Registry<'static>> = LazyLock::new(|| {
    let mut closed = DOCUMENT.clone();
    close(&mut closed, false);
    Registry::new().add(NAME, closed).unwrap().prepare().unwrap()
});

static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// Says at each place where a schema is used that it has no other properties. What composes a schema with others is no such
/// place: there each part has only some of the properties.
fn close(value: &mut Value, is_part: bool) {
    match value {
        Value::Object(map) => {
            let is_object = ["properties", "allOf", "oneOf", "anyOf"].iter().any(|key| map.contains_key(*key))
                || map.get("$ref").is_some_and(|to| to.as_str().is_some_and(|to| to.contains("/schemas/")));
            for (key, inner) in map.iter_mut() {
                match (key.as_str(), inner) {
                    // Named schemas are closed where they are used.
                    ("schemas", Value::Object(named)) => named.values_mut().for_each(|schema| close(schema, true)),
                    ("properties", Value::Object(all)) => all.values_mut().for_each(|schema| close(schema, false)),
                    ("allOf" | "oneOf" | "anyOf", Value::Array(parts)) => {
                        parts.iter_mut().for_each(|part| close(part, true));
                    }
                    (_, inner) => close(inner, false),
                }
            }
            if is_object && !is_part {
                map.insert("unevaluatedProperties".to_owned(), false.into());
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|one| close(one, false)),
        _ => {}
    }
}

/// The template of the route at this path: `/api/v1/runtimes/{id}`.
fn template(path: &str) -> Option<&'static str> {
    let segments: Vec<_> = path.split('/').collect();
    let matches = |template: &&str| {
        let parts: Vec<_> = template.split('/').collect();
        let takes_rest = template.ends_with("/docs/{path}") && segments.len() > parts.len();
        (takes_rest || segments.len() == parts.len())
            && parts.iter().zip(&segments).all(|(part, segment)| part == segment || part.starts_with('{'))
    };
    let templates = DOCUMENT["paths"].as_object().unwrap().keys().map(String::as_str);
    // One that spells it out goes before one with a parameter.
    templates.filter(matches).min_by_key(|template| template.matches('{').count())
}

/// Fails when `answer` is not as the API's description promises. `path` may have a query. What is not of the API is not
/// looked at.
#[track_caller]
pub(crate) fn check(method: &Method, path: &str, answer: &Answer) {
    let path = path.split('?').next().unwrap_or(path);
    if !path.starts_with("/api/v1/") && !["/healthz", "/readyz"].contains(&path) {
        return;
    }
    let name = if *method == Method::HEAD { "get".to_owned() } else { method.as_str().to_lowercase() };
    let operation = template(path)
        .map(|template| [template, &name])
        .filter(|[template, name]| DOCUMENT["paths"][template].get(name).is_some());
    let Some([template, name]) = operation else {
        assert!(answer.status >= 400, "{method} {path} is not described, and answers {}", answer.status);
        if !answer.body.is_empty() {
            expect("/components/schemas/Error", &answer.json(), &format!("{method} {path}"));
        }
        return;
    };
    let at = format!("{method} {template} answers {}", answer.status);
    let status = answer.status.to_string();
    let escaped = |text: &str| text.replace('~', "~0").replace('/', "~1");
    let mut pointer = format!("/paths/{}/{name}/responses/{status}", escaped(template));
    // All errors of a status are described in one place.
    if let Some(Value::String(to)) = DOCUMENT.pointer(&pointer).and_then(|response| response.get("$ref")) {
        to.trim_start_matches('#').clone_into(&mut pointer);
    }
    let response = DOCUMENT.pointer(&pointer);
    let response = response.unwrap_or_else(|| panic!("{at}, which is not described: {}", answer.text()));
    if *method == Method::HEAD {
        return;
    }
    let Some(contents) = response["content"].as_object() else {
        assert!(answer.body.is_empty(), "{at} with a body that is not described: {}", answer.text());
        return;
    };
    let kind = answer.header("content-type").split(';').next().unwrap_or_default();
    let content = [kind, "*/*"].into_iter().find(|kind| contents.contains_key(*kind));
    let content = content.unwrap_or_else(|| panic!("{at} with the content type {kind}, which is not described"));
    if contents[content].get("schema").is_none() {
        return;
    }
    let schema = format!("{pointer}/content/{}/schema", escaped(content));
    match content {
        "application/json" => expect(&schema, &answer.json(), &at),
        "application/x-ndjson" => {
            let text = answer.text();
            for line in text.lines().filter(|line| !line.trim().is_empty()) {
                expect(&schema, &serde_json::from_str(line).unwrap(), &at);
            }
        }
        _ => {}
    }
}

/// Fails when `value` is not of the schema of this name.
#[track_caller]
pub(crate) fn expect_schema(name: &str, value: &Value) {
    expect(&format!("/components/schemas/{name}"), value, name);
}

#[track_caller]
fn expect(pointer: &str, value: &Value, what: &str) {
    let validator = validator(pointer);
    let wrong: Vec<_> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "{what} against its description: {}\nin {value}", wrong.join("\n"));
}

fn validator(pointer: &str) -> Arc<Validator> {
    if let Some(made) = VALIDATORS.lock().unwrap().get(pointer) {
        return made.clone();
    }
    let target = pointer.replace('{', "%7B").replace('}', "%7D");
    let schema = json!({ "$ref": format!("{NAME}#{target}"), "unevaluatedProperties": false });
    let options = jsonschema::options().with_registry(&REGISTRY).should_validate_formats(true);
    let made = Arc::new(options.build(&schema).unwrap());
    VALIDATORS.lock().unwrap().insert(pointer.to_owned(), made.clone());
    made
}
