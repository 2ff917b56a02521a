//! What a version's screens show of its file: documentation, manifest, and what differs from another version.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    krt::pack,
    server::{TestServer, raw},
};

const DEMO: &str = "/api/v1/runtimes/demo/versions";
const PROTO: &str = "syntax = \"proto3\";\npackage p;\nmessage In { string text = 1; }\nmessage Out { bool ok = 1; }\n\
                     service Entrypoint { rpc Call (In) returns (Out); }\n";
const README: &str = "# Reviews\n\nSee [the guide](guide.md), ![a picture](img/a.svg) and [krt](../krt.yml).\n\n\
                      ## Use\n\n<script>alert(1)</script>\n\n[bad](javascript:alert(1)) ![far](https://example.org/a.png)\n";

fn manifest(name: &str) -> String {
    format!(
        "version: {name}\ndescription: d\nkrtVersion: v2\nentrypoint:\n  proto: p.proto\n  image: example/entrypoint:1\n\
         config:\n  variables: [KEY]\nworkflows:\n  - name: flow\n    entrypoint: Call\n    exitpoint: one\n    nodes:\n      \
         - name: one\n        image: example/one:1\n        src: src/one.py\n        subscriptions: [entrypoint]\n"
    )
}

async fn demo() -> TestServer {
    let server = TestServer::start().await;
    server.add_runtime("demo").await;
    server
}

async fn add(server: &TestServer, manifest: &str, files: &[(&str, &[u8])]) -> Value {
    let usual: [(&str, &[u8]); 3] =
        [("krt.yml", manifest.as_bytes()), ("p.proto", PROTO.as_bytes()), ("src/one.py", b"one")];
    let kept = usual.iter().filter(|(name, _)| files.iter().all(|(other, _)| other != name));
    let all: Vec<_> = kept.chain(files).copied().collect();
    server.upload("demo", pack(&all)).await.expect(201)
}

#[tokio::test]
async fn documentation_is_shown_and_its_files_are_served_as_what_they_are() {
    let server = demo().await;
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    add(
        &server,
        &manifest("v1"),
        &[
            ("docs/README.md", README.as_bytes()),
            ("docs/guide.md", b"# Guide"),
            ("docs/img/a.svg", svg),
            ("docs/page.html", b"<script>alert(1)</script>"),
        ],
    )
    .await;

    let page = server.get(&format!("{DEMO}/v1/documentation")).await.expect(200);
    assert_eq!(page["path"], "docs/README.md");
    assert_eq!(
        page["contents"],
        json!([
            { "level": 1, "id": "doc-reviews", "text": "Reviews" },
            { "level": 2, "id": "doc-use", "text": "Use" },
        ])
    );
    let html = page["html"].as_str().unwrap();
    for there in [
        "<h2 id=\"doc-reviews\">Reviews</h2>",
        "href=\"/runtimes/demo/versions/v1/documentation?page=docs%2Fguide.md\"",
        "src=\"/api/v1/runtimes/demo/versions/v1/docs/img/a.svg\"",
        "far (picture on another host)",
    ] {
        assert!(html.contains(there), "{there}: {html}");
    }
    for not_there in ["<script", "javascript:", "krt.yml\"", "src=\"https:"] {
        assert!(!html.contains(not_there), "{not_there}: {html}");
    }
    let guide = server.get(&format!("{DEMO}/v1/documentation?page=docs%2Fguide.md")).await.expect(200);
    assert_eq!(guide["contents"][0]["text"], "Guide");

    for (path, kind, disposition) in [
        ("img/a.svg", "image/svg+xml", "inline"),
        ("guide.md", "text/plain; charset=utf-8", "inline"),
        ("page.html", "application/octet-stream", "attachment"),
    ] {
        let file = server.get(&format!("{DEMO}/v1/docs/{path}")).await;
        assert_eq!((file.status, file.header("content-type")), (200, kind), "{path}");
        assert_eq!(file.header("content-disposition"), disposition);
        assert_eq!(file.header("x-content-type-options"), "nosniff");
        let policy = file.header("content-security-policy");
        for rule in ["default-src 'none'", "form-action 'none'", "base-uri 'none'", "sandbox"] {
            assert!(policy.contains(rule), "{rule}: {policy}");
        }
    }
    let image = server.get(&format!("{DEMO}/v1/docs/img/a.svg")).await;
    assert_eq!(&image.body[..], svg);
    let again = server.client().get(server.url(&format!("{DEMO}/v1/docs/img/a.svg")));
    let again = server.answer_to(again.header("if-none-match", image.header("etag"))).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    // A browser puts them in place of those that it has kept.
    for name in ["content-security-policy", "content-type", "content-disposition", "x-content-type-options"] {
        assert_eq!(again.header(name), image.header(name), "{name}");
    }
}

#[tokio::test]
async fn nothing_else_of_the_file_is_reached_through_its_documentation() {
    let server = demo().await;
    add(&server, &manifest("v1"), &[("docs/README.md", b"# R"), ("docs.txt", b"x")]).await;
    for path in [
        "docs/krt.yml",
        "docs/../krt.yml",
        "docs/..%2Fkrt.yml",
        "docs/%2e%2e/krt.yml",
        "docs/%2e%2e%2fkrt.yml",
        "docs/..%5Ckrt.yml",
        "docs//krt.yml",
        "docs/./README.md",
        "docs/README.md/",
        "docs/readme.md",
        "docs/",
        "docs",
        "documentation?page=krt.yml",
        "documentation?page=docs%2F..%2Fkrt.yml",
        "documentation?page=docs.txt",
    ] {
        // A client would tidy the path up before it sends it.
        let answer = raw_get(&server, &format!("{DEMO}/v1/{path}")).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
    }
    server.get(&format!("{DEMO}/v2/docs/README.md")).await.expect_error(404, "not_found");
    server.get(&format!("{DEMO}/v1/docs/README.md")).await;
}

async fn raw_get(server: &TestServer, path: &str) -> String {
    let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.addr());
    raw(server.addr(), &head).await
}

#[tokio::test]
async fn a_version_without_documentation_says_so() {
    let server = demo().await;
    add(&server, &manifest("v1"), &[("docs/other.md", b"# O")]).await;
    assert_eq!(server.get(&format!("{DEMO}/v1/documentation")).await.expect(200), Value::Null);
    server.get(&format!("{DEMO}/v1/documentation?page=docs%2Fx.md")).await.expect_error(404, "not_found");
    server.get(&format!("{DEMO}/v1/documentation?side=x")).await.expect_error(422, "invalid_input");
    assert_eq!(server.get(&format!("{DEMO}/v1/manifest")).await.text(), manifest("v1"));
}

#[tokio::test]
async fn identical_files_share_their_documentation_and_a_refused_one_leaves_none() {
    let server = demo().await;
    server.add_runtime("other").await;
    let (yaml, proto) = (manifest("v1"), PROTO.as_bytes());
    let krt = |readme: &'static [u8]| {
        pack(&[("krt.yml", yaml.as_bytes()), ("p.proto", proto), ("src/one.py", b"one"), ("docs/README.md", readme)])
    };
    server.upload("demo", krt(b"# Same")).await.expect(201);
    server.upload("other", krt(b"# Same")).await.expect(201);
    let taken = krt(b"# Other");
    server.upload("demo", taken.clone()).await.expect_error(409, "name_taken");
    for runtime in ["demo", "other"] {
        let page = server.get(&format!("/api/v1/runtimes/{runtime}/versions/v1/documentation")).await.expect(200);
        assert_eq!(page["contents"][0]["text"], "Same");
    }
    let store = server.store().await;
    let digest = |krt: &[u8]| hex::encode(<sha2::Sha256 as sha2::Digest>::digest(krt));
    assert_eq!(store.documents(&digest(&krt(b"# Same"))).await.unwrap(), ["docs/README.md"]);
    assert!(store.documents(&digest(&taken)).await.unwrap().is_empty());
}

#[tokio::test]
async fn two_versions_are_compared_by_what_they_do_and_by_their_files_content() {
    let server = demo().await;
    add(&server, &manifest("v1"), &[]).await;
    server.put(&format!("{DEMO}/v1/config"), json!({ "values": { "KEY": "s3cret-1" } })).await.expect(200);
    let changed = manifest("v2").replace("example/one:1", "example/one:2").replace("[KEY]", "[KEY, MORE]");
    let proto =
        PROTO.replace("string text = 1;", "bytes text = 1;").replace("message Out", "message Out2 {} message Out");
    add(&server, &changed, &[("src/one.py", b"two"), ("p.proto", proto.as_bytes())]).await;
    server.put(&format!("{DEMO}/v2/config"), json!({ "values": { "KEY": "s3cret-2" } })).await.expect(200);

    let answer = server.get(&format!("{DEMO}/v2/compare?with=v1")).await;
    let found = answer.expect(200);
    assert!(!answer.text().contains("s3cret"), "{}", answer.text());
    assert_eq!((&found["from"], &found["to"], &found["contents_unknown"]), (&"v1".into(), &"v2".into(), &false.into()));
    assert_eq!(found["callers"]["breaking"], json!(["field `text` of `p.In` is `bytes` instead of `string`"]));
    let node = &found["workflows"][0]["nodes"][0];
    assert_eq!((&node["name"], &node["change"]), (&"one".into(), &"changed".into()));
    let fields: Vec<_> = node["fields"].as_array().unwrap().iter().map(|field| &field["field"]).collect();
    assert_eq!(fields, ["image", "content of the source"]);
    assert_eq!(
        found["config"],
        json!([
            { "name": "KEY", "kind": "variable", "difference": "other_value" },
            { "name": "MORE", "kind": "variable", "difference": "added" },
        ])
    );
    let lines = found["manifest"]["lines"].as_array().unwrap();
    assert!(lines.contains(&json!({ "before": 1, "after": null, "text": "version: v1" })), "{lines:?}");
    assert!(lines.contains(&json!({ "before": null, "after": 1, "text": "version: v2" })), "{lines:?}");

    let back = server.get(&format!("{DEMO}/v1/compare?with=v1")).await.expect(200);
    assert_eq!((&back["workflows"], &back["config"]), (&json!([]), &json!([])));
    server.get(&format!("{DEMO}/v1/compare?with=v3")).await.expect_error(404, "not_found");
    server.get(&format!("{DEMO}/v1/compare?with=NO")).await.expect_error(404, "not_found");
    server.get(&format!("{DEMO}/v1/compare")).await.expect_error(422, "invalid_input");
}

const IMPORTING: &str = "syntax = \"proto3\";\npackage p;\nimport \"types/m.proto\";\nimport \"far.proto\";\n\
                         service Entrypoint { rpc Call (M) returns (M); }\n";
const M: &str = "syntax = \"proto3\";\npackage p;\nmessage M {\n  string a = 1 [(validate.rules).string = {min_len: 1}];\n  \
                 string b = 2;\n  string c = 3;\n}\n";

#[tokio::test]
async fn callers_are_compared_by_all_proto_files_of_both() {
    let server = demo().await;
    let first = ("p.proto", IMPORTING.as_bytes());
    let added = add(&server, &manifest("v1"), &[first, ("types/m.proto", M.as_bytes())]).await;
    assert_eq!(added["warnings"], json!([]));
    let without = M.replace("  string b = 2;\n", "");
    add(&server, &manifest("v2"), &[first, ("types/m.proto", without.as_bytes())]).await;
    add(&server, &manifest("v3"), &[first]).await;
    let compare = async |from: &str, to: &str| {
        let found = server.get(&format!("{DEMO}/{to}/compare?with={from}")).await.expect(200);
        found["callers"].clone()
    };
    let found = compare("v1", "v2").await;
    let expected = json!({ "breaking": ["field `b` (2) of `p.M` is gone"], "added": [], "not_compared": [] });
    assert_eq!(found, expected);
    // What is not in the archive is no finding.
    let found = compare("v1", "v3").await;
    assert_eq!((&found["breaking"], &found["added"]), (&json!([]), &json!([])));
    let why = "`M`: `far.proto` is not in the archive of `v3`; `types/m.proto` is not in the archive of `v3`";
    assert_eq!(found["not_compared"], json!([why]));

    // As a version was stored when only the entrypoint's own file was kept.
    let pool = sqlx::SqlitePool::connect(server.settings().database_url.expose()).await.unwrap();
    let stored = json!({ "facts": [], "proto_text": IMPORTING }).to_string();
    let update = "UPDATE versions SET content = $1 WHERE name = 'v1'";
    sqlx::query(update).bind(stored).execute(&pool).await.unwrap();
    pool.close().await;
    let found = compare("v1", "v2").await;
    assert_eq!((&found["breaking"], &found["added"]), (&json!([]), &json!([])));
    let why = "`M`: `far.proto` was not kept when `v1` was added; `types/m.proto` was not kept when `v1` was added";
    assert_eq!(found["not_compared"], json!([why]));
}

#[tokio::test]
async fn a_new_version_inherits_the_values_that_the_newest_has() {
    let server = demo().await;
    assert_eq!(server.get("/api/v1/runtimes/demo/carry-over").await.expect(200), json!([]));
    server.get("/api/v1/runtimes/other/carry-over").await.expect_error(404, "not_found");
    add(&server, &manifest("v1"), &[]).await;
    server.put(&format!("{DEMO}/v1/config"), json!({ "values": { "KEY": "s3cret" } })).await.expect(200);
    let offered = server.get("/api/v1/runtimes/demo/carry-over").await.expect(200);
    assert_eq!(offered, json!([{ "name": "KEY", "kind": "variable", "from": "v1" }]));

    let is_set = |version: &Value| version["config"][0]["is_set"].clone();
    assert_eq!(is_set(&add(&server, &manifest("v2"), &[]).await), true);
    let history = server.get(&format!("{DEMO}/v2/history")).await;
    assert_eq!(history.expect(200)[0]["comment"], "inherited KEY from v1");
    assert!(!history.text().contains("s3cret"));

    for (name, query) in [("v3", "?fresh=KEY"), ("v4", "?carry_over=false")] {
        let text = manifest(name);
        let krt = pack(&[("krt.yml", text.as_bytes()), ("p.proto", PROTO.as_bytes()), ("src/one.py", b"one")]);
        let answer = server.send(Method::POST, &format!("{DEMO}{query}"), krt).await;
        assert_eq!(is_set(&answer.expect(201)), false, "{query}");
    }
    let refused = server.send(Method::POST, &format!("{DEMO}?carry_over=maybe"), "x").await;
    assert_eq!(refused.expect_error(422, "invalid_input")["problems"][0]["path"], "carry_over");
}

#[tokio::test]
async fn a_large_source_before_the_manifest_is_compared_too() {
    let server = TestServer::start_with(|settings| settings.krt_limits.hash_ahead_bytes = 10).await;
    server.add_runtime("demo").await;
    for (version, source) in
        [("v1", &b"one, long enough"[..]), ("v2", b"two, long enough"), ("v3", b"two, long enough")]
    {
        let manifest = manifest(version);
        let files = [("src/one.py", source), ("krt.yml", manifest.as_bytes()), ("p.proto", PROTO.as_bytes())];
        server.upload("demo", pack(&files)).await.expect(201);
    }
    let compared = async |with: &str| server.get(&format!("{DEMO}/v2/compare?with={with}")).await.expect(200);
    let changed = compared("v1").await;
    let field = &changed["workflows"][0]["nodes"][0]["fields"][0];
    assert_eq!(field["field"], "content of the source", "{changed}");
    assert_eq!(compared("v3").await["workflows"], json!([]));
}
