//! The description of the API. That answers are as it says is held wherever a test asks for one (`support/described.rs`).

use std::{collections::BTreeSet, env, fs, path::Path};

use reqwest::Method;
use serde_json::Value;
use server::http::openapi::document;

use crate::support::{
    described::{self, DOCUMENT},
    server::TestServer,
};

/// The schema of OpenAPI 3.1 documents, as the OpenAPI Initiative publishes it (Apache-2.0).
const SCHEMA: &str = include_str!("openapi/schema-3.1.json");

/// Each object of the document.
fn objects(value: &Value, seen: &mut impl FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Object(map) => {
            seen(map);
            map.values().for_each(|inner| objects(inner, seen));
        }
        Value::Array(all) => all.iter().for_each(|inner| objects(inner, seen)),
        _ => {}
    }
}

#[test]
fn it_is_an_openapi_document_and_each_schema_of_it_is_one() {
    let schema = serde_json::from_str(SCHEMA).unwrap();
    let wrong: Vec<_> =
        jsonschema::draft202012::new(&schema).unwrap().iter_errors(&DOCUMENT).map(|e| e.to_string()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (name, schema) in DOCUMENT["components"]["schemas"].as_object().unwrap() {
        jsonschema::draft202012::meta::validate(schema).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn whatever_it_refers_to_is_in_it() {
    let mut missing = BTreeSet::new();
    objects(&DOCUMENT, &mut |object| {
        if let Some(Value::String(to)) = object.get("$ref")
            && DOCUMENT.pointer(to.trim_start_matches('#')).is_none()
        {
            missing.insert(to.clone());
        }
    });
    assert_eq!(missing, BTreeSet::new());
}

#[test]
fn each_route_has_a_name_of_its_own_and_says_what_it_does() {
    let routes = document().routes();
    let names: BTreeSet<_> = routes.iter().map(|route| &route.operation_id).collect();
    assert_eq!(names.len(), routes.len());
    let groups: BTreeSet<_> =
        DOCUMENT["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).map(Value::to_string).collect();
    for route in &routes {
        let operation = &DOCUMENT["paths"][&route.path][route.method.to_lowercase()];
        assert!(operation["summary"].as_str().is_some_and(|words| words.ends_with('.')), "{route:?}");
        assert!(groups.contains(&operation["tags"][0].to_string()), "{route:?}");
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let described: BTreeSet<_> =
            parameters.filter(|one| one["in"] == "path").map(|one| one["name"].as_str().unwrap()).collect();
        let taken = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        assert_eq!(described, taken, "{route:?}");
    }
}

#[test]
fn the_reference_for_people_names_each_route() {
    let docs = Path::new(&env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("../docs/api.md");
    let reference = fs::read_to_string(docs).unwrap();
    let missing: Vec<_> = document()
        .routes()
        .into_iter()
        .map(|route| route.path.trim_start_matches("/api/v1").replace("/runtimes/{id}/versions/{name}", "V"))
        .filter(|path| !reference.contains(path))
        .collect();
    assert!(missing.is_empty(), "docs/api.md lacks {missing:?}");
}

#[tokio::test]
async fn it_is_sent_once_and_then_known() {
    let server = TestServer::start().await;
    let answer = server.get("/api/v1/openapi.json").await;
    assert_eq!(&answer.expect(200), &*DOCUMENT);
    let again = server.client().get(server.url("/api/v1/openapi.json")).header("if-none-match", answer.header("etag"));
    let again = server.answer_to(again).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
}

#[tokio::test]
async fn the_page_has_each_route_and_loads_and_runs_nothing_from_elsewhere() {
    let server = TestServer::start().await;
    let answer = server.get("/docs/api").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("script-src"), "{policy}");
    let page = answer.text();
    assert!(!page.contains("<script") && !page.contains("://") && !page.contains("undefined"), "{page}");
    for route in document().routes() {
        assert!(
            page.contains(&format!("id=\"{}\"><code>{} {}</code>", route.operation_id, route.method, route.path)),
            "{route:?}"
        );
    }
    for to in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert_eq!(page.matches(&format!("id=\"{to}\"")).count(), 1, "{to}");
    }
    let again = server.client().get(server.url("/docs/api")).header("if-none-match", answer.header("etag"));
    assert_eq!(server.answer_to(again).await.status, 304);
}

#[tokio::test]
#[should_panic(expected = "against its description")]
async fn an_answer_with_a_field_that_is_not_described_fails_its_test() {
    let server = TestServer::start().await;
    let mut answer = server.get("/healthz").await;
    answer.body = r#"{"status":"ok","more":1}"#.into();
    described::check(&Method::GET, "/healthz", &answer);
}

#[tokio::test]
#[should_panic(expected = "which is not described")]
async fn an_answer_with_a_status_that_is_not_described_fails_its_test() {
    let server = TestServer::start().await;
    let mut answer = server.get("/healthz").await;
    answer.status = 418;
    described::check(&Method::GET, "/healthz", &answer);
}
