//! `/docs/api`: the API's description for people, as one page of plain HTML. It runs nothing, and is made once.

mod types;

use std::{fmt::Write as _, sync::LazyLock};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use sha2::{Digest, Sha256};
use utoipa::openapi::{
    OpenApi, RefOr, Response as Described,
    path::{Operation, ParameterIn},
    request_body::RequestBody,
};

use self::types::{constraints, named_type, type_of};
use super::{
    headers::{PLAIN_PAGE_POLICY, is_known},
    openapi::{self, document},
};
use crate::site::Site;

pub(super) fn router(site: &Site) -> Router {
    Router::new().route("/docs/api", get(page)).with_state(site.url("kai.css"))
}

async fn page(State(stylesheet): State<String>, headers: HeaderMap) -> Response {
    static MAIN: LazyLock<String> = LazyLock::new(|| main(document().api()));
    let main = MAIN.as_str();
    let html = format!(
        r##"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<title>API · KAI Server</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{stylesheet}">
</head>
<body>
<a class="skip-link" href="#content">Skip to content</a>
<header class="header">
<a class="header__home" href="/" aria-label="KAI Server, all runtimes">
<svg class="header__mark" viewBox="0 0 16 16" width="20" height="20" aria-hidden="true">
<path d="M5 2.5v11M11.5 2.5 5.5 8l6 5.5"></path>
</svg>
KAI Server
</a>
</header>
<main id="content" class="content" tabindex="-1"><div class="page">
{main}</div></main>
</body>
</html>
"##
    );
    let tag = format!("\"{}\"", hex::encode(Sha256::digest(&html)));
    let sent = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, PLAIN_PAGE_POLICY),
        (header::ETAG, tag.as_str()),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    match is_known(&headers, &tag) {
        true => (StatusCode::NOT_MODIFIED, sent).into_response(),
        false => (sent, Bytes::from(html)).into_response(),
    }
}

fn main(api: &OpenApi) -> String {
    let mut groups = Vec::new();
    for tag in api.tags.iter().flatten() {
        let of_tag = |operation: &Operation| operation.tags.iter().flatten().any(|name| *name == tag.name);
        let all = api.paths.paths.iter().flat_map(|(path, item)| {
            openapi::operations(item).into_iter().map(move |(method, operation)| (method, path.as_str(), operation))
        });
        let all: Vec<_> = all.filter(|(.., operation)| of_tag(operation)).collect();
        groups.push((tag.name.as_str(), tag.description.as_deref().unwrap_or_default(), all));
    }
    let mut contents = String::new();
    let mut text = String::new();
    for (name, about, operations) in groups {
        // Writing into a string does not fail, here and below.
        let _ = write!(contents, "<li><a href=\"#{name}\">{name}</a></li>");
        let _ = write!(text, "<h2 id=\"{name}\">{name}</h2>\n<p>{}</p>\n", inline(about));
        for (method, path, operation) in operations {
            write_operation(&mut text, method, path, operation);
        }
    }
    text.push_str("<h2 id=\"Types\">Types</h2>\n");
    for (name, schema) in api.components.iter().flat_map(|components| &components.schemas) {
        text.push_str(&named_type(name, schema));
    }
    format!(
        "<header class=\"page__head\"><div><h1>API</h1>\n<p class=\"quiet\">What programs can do. \
         <a href=\"/api/v1/openapi.json\">/api/v1/openapi.json</a> is the same for programs (OpenAPI 3.1).</p></div></header>\n\
         <div class=\"docs\"><nav class=\"docs__contents\" aria-label=\"On this page\"><ol>{contents}\
         <li><a href=\"#Types\">Types</a></li></ol></nav>\n<div class=\"docs__text\">\n\
         <p>A request to change something carries JSON. Where people sign in, it also carries the cookie of a session or \
         <code>Authorization: Bearer TOKEN</code>. Answers are JSON unless it says otherwise, and may get more fields in a \
         later release.</p>\n{text}</div></div>\n"
    )
}

fn write_operation(out: &mut String, method: &str, path: &str, operation: &Operation) {
    let id = operation.operation_id.as_deref().unwrap_or_default();
    let summary = inline(operation.summary.as_deref().unwrap_or_default());
    let _ = write!(out, "<h3 id=\"{id}\"><code>{method} {}</code></h3>\n<p>{summary}</p>\n", escape(path));
    for paragraph in operation.description.as_deref().unwrap_or_default().split("\n\n").filter(|text| !text.is_empty())
    {
        let _ = writeln!(out, "<p>{}</p>", inline(paragraph));
    }
    let parameters = operation.parameters.iter().flatten().filter_map(openapi::value);
    let rows = parameters.map(|parameter| {
        let place = match parameter.parameter_in {
            ParameterIn::Path => "path",
            _ => "query",
        };
        let schema = parameter.schema.as_ref();
        let about = parameter.description.as_deref().unwrap_or_default();
        let kind = schema.map(type_of).unwrap_or_default();
        let more = schema.map(constraints).unwrap_or_default();
        [format!("<code>{}</code>", escape(&parameter.name)), place.to_owned(), kind, inline(about) + &more]
    });
    write_table(out, ["Parameter", "In", "Type", "What it does"], rows);
    if let Some(RefOr::T(body)) = &operation.request_body {
        let _ = writeln!(out, "<p>Body: {}.</p>", body_of(body));
    }
    let answers = operation.responses.responses.iter().filter_map(|(status, answer)| match answer {
        RefOr::T(response) => Some([status.clone(), content_of(response), inline(&response.description)]),
        RefOr::Ref(_) => None,
    });
    write_table(out, ["Status", "Body", "What it says"], answers);
    // What is described in one place for all routes.
    let errors = operation.responses.responses.iter().filter(|(_, answer)| matches!(answer, RefOr::Ref(_)));
    let errors = errors.map(|(status, _)| {
        let codes = openapi::codes(status.parse().unwrap_or_default());
        codes.iter().fold(status.clone(), |text, code| text + " <code>" + code + "</code>")
    });
    let _ = writeln!(out, "<p>Errors (<a href=\"#Error\">Error</a>): {}.</p>", errors.collect::<Vec<_>>().join(", "));
}

fn body_of(body: &RequestBody) -> String {
    let kinds = body.content.iter().filter_map(|(kind, content)| {
        let schema = openapi::value(content)?.schema.as_ref().map(type_of);
        Some(match (kind.as_str(), schema) {
            ("application/json", Some(schema)) => schema,
            (kind, Some(schema)) => format!("<code>{}</code> of {schema}", escape(kind)),
            (kind, None) => format!("<code>{}</code>", escape(kind)),
        })
    });
    kinds.collect::<Vec<_>>().join(", or ")
}

fn content_of(response: &Described) -> String {
    let kinds = response.content.iter().filter_map(|(kind, content)| {
        let schema = openapi::value(content)?.schema.as_ref();
        Some(match (kind.as_str(), schema) {
            ("application/json", Some(schema)) => type_of(schema),
            ("application/x-ndjson" | "text/event-stream", Some(schema)) => {
                format!("<code>{}</code> of {}", escape(kind), type_of(schema))
            }
            (kind, _) => format!("<code>{}</code>", escape(kind)),
        })
    });
    kinds.collect::<Vec<_>>().join(", or ")
}

/// Nothing when there are no rows.
fn write_table<const N: usize>(out: &mut String, heads: [&str; N], rows: impl Iterator<Item = [String; N]>) {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return;
    }
    out.push_str("<div class=\"docs__table\" tabindex=\"0\" role=\"group\"><table><thead><tr>");
    for head in heads {
        let _ = write!(out, "<th scope=\"col\">{head}</th>");
    }
    out.push_str("</tr></thead><tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            let _ = write!(out, "<td>{cell}</td>");
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A text of the document, with what stands between backticks as code.
fn inline(text: &str) -> String {
    // Names of types in the source are links there, which lead nowhere here.
    let text = escape(text).replace("[`", "`").replace("`]", "`");
    let parts = text.split('`').enumerate();
    parts.map(|(at, part)| if at % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() }).collect()
}
