//! Text with a NUL character, which PostgreSQL takes nowhere: refused with a reason by either database, wherever it comes
//! in.

use super::*;
use crate::support::postgres;

async fn refuses_every_nul(server: TestServer) {
    server.add_runtime("demo").await;
    server.upload("demo", Krt::new("v1").variable("KEY").bytes()).await.expect(201);
    let version = format!("{DEMO}/versions/v1");
    for (path, body) in [
        ("/api/v1/runtimes".to_owned(), json!({ "id": "a", "name": "a\0" })),
        ("/api/v1/runtimes".to_owned(), json!({ "id": "a\0", "name": "a" })),
        ("/api/v1/runtimes".to_owned(), json!({ "id": "a", "name": "a", "description": "a\0b" })),
        (format!("{version}/start"), json!({ "comment": "a\0b" })),
        (format!("{version}/archive"), json!({ "comment": "a\0b" })),
    ] {
        let error = server.post(&path, body.clone()).await.expect_error(422, "invalid_input");
        assert!(!error["problems"].as_array().unwrap().is_empty(), "{body}: {error}");
    }
    for values in [json!({ "KEY": "a\0b" }), json!({ "KEY\0": "a" }), json!({ "KEY\0": null })] {
        let body = json!({ "values": values });
        server.put(&format!("{version}/config"), body).await.expect_error(422, "invalid_input");
    }
    let body = json!({ "values": { "KEY": "x" }, "comment": "a\0b" });
    server.put(&format!("{version}/config"), body).await.expect_error(422, "invalid_input");
    for query in ["activity?who=a%00b", "activity.csv?who=a%00b", "activity?runtime=a%00", "activity?version=a%00"] {
        server.get(&format!("/api/v1/{query}")).await.expect_error(400, "bad_request");
    }
    for query in
        ["logs?search=a%00b", "logs?level=%00", "logs?node=%00", "documentation?page=%00", "compare?with=a%00b"]
    {
        server.get(&format!("{version}/{query}")).await.expect_error(400, "bad_request");
    }
    for path in ["docs/a%00b", "nodes/a%00b/c", "nodes/a/b%00", "history%00"] {
        server.get(&format!("{version}/{path}")).await.expect_error(400, "bad_request");
    }
    for path in
        ["/api/v1/runtimes/a%00b", "/api/v1/runtimes/demo/versions/a%00b", "/api/v1/runtimes/demo%00/carry-over"]
    {
        server.get(path).await.expect_error(400, "bad_request");
    }
    for query in ["fresh=a%00b", "fresh=KEY%00,KEY"] {
        let path = format!("{DEMO}/versions?{query}");
        let answer = server.send(Method::POST, &path, Krt::new("v2").variable("KEY").bytes()).await;
        answer.expect_error(400, "bad_request");
    }
    for page in ["/runtimes/a%00b", "/runtimes/demo/versions/v1?x=%00", "/activity?who=%00"] {
        assert_eq!(server.get(page).await.status, 400, "{page}");
    }
    assert_eq!(server.get("/api/v1/runtimes").await.expect(200).as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_with_a_nul_is_refused_on_sqlite() {
    refuses_every_nul(TestServer::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_with_a_nul_is_refused_on_postgres() {
    let url = postgres::new_database().await;
    refuses_every_nul(TestServer::start_with(|settings| settings.database_url = url.into()).await).await;
}
