//! What happened on the whole server, as JSON and as CSV.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_is_told_a_page_at_a_time_and_whole_as_csv() {
    let server = with_version(Krt::new("v1")).await;
    let path = "/api/v1/runtimes/demo/versions/v1";
    server.post(&format!("{path}/archive"), json!({ "comment": "=SUM(1), \"so\"" })).await.expect(202);
    let all = server.get("/api/v1/activity").await.expect(200);
    let told: Vec<_> = all.as_array().unwrap().iter().map(|e| (e["runtime"].clone(), e["action"].clone())).collect();
    assert_eq!(told, [(json!("demo"), json!("archive")), (json!("demo"), json!("create"))]);
    assert_eq!((&all[0]["version"], &all[0]["outcome"]), (&json!("v1"), &json!({ "result": "reached" })));

    let first = server.get("/api/v1/activity?limit=1&who=&outcome=reached").await.expect(200);
    assert_eq!(first.as_array().unwrap().len(), 1, "a field that is left empty asks for nothing");
    let next = server.get(&format!("/api/v1/activity?before={}", first[0]["id"])).await.expect(200);
    assert_eq!(next, json!([all[1]]));

    let csv = server.get("/api/v1/activity.csv?runtime=demo").await;
    assert_eq!((csv.status, csv.header("content-type")), (200, "text/csv; charset=utf-8"));
    let text = csv.text();
    let lines: Vec<_> = text.split("\r\n").collect();
    assert_eq!(lines[0], "id,at,runtime,version,who,action,comment,outcome,reason,finished_at,seconds");
    assert!(lines[1].contains(",demo,v1,local,archive,\"'=SUM(1), \"\"so\"\"\",reached,,"), "{}", lines[1]);
    assert!(lines[2].contains(",create,,reached,,") && lines[2].ends_with(",0.000"), "{}", lines[2]);
    assert_eq!(lines[3..], [""]);
    let one = server.get("/api/v1/activity.csv?limit=1").await.text();
    assert_eq!(one.lines().count(), 2);
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_wrong_with_what_is_asked_is_said_at_once() {
    let server = TestServer::start().await;
    for path in ["activity", "activity.csv"] {
        let path = format!("/api/v1/{path}?runtime=No!&action=dance&outcome=fine&from=yesterday&limit=0&before=x");
        let error = server.get(&path).await.expect_error(422, "invalid_input");
        let named: Vec<_> = error["problems"].as_array().unwrap().iter().map(|p| p["path"].clone()).collect();
        assert_eq!(named, ["runtime", "action", "outcome", "from", "before", "limit"]);
    }
    server.get("/api/v1/activity?colour=red").await.expect_error(422, "invalid_input");
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_versions_history_is_told_a_page_at_a_time() {
    let server = with_version(Krt::new("v1").variable("KEY")).await;
    let path = "/api/v1/runtimes/demo/versions/v1";
    for value in ["one", "two", "three"] {
        server.put(&format!("{path}/config"), json!({ "values": { "KEY": value } })).await.expect(200);
    }
    let all = server.get(&format!("{path}/history")).await.expect(200);
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 4);
    let first = server.get(&format!("{path}/history?limit=3&before=")).await.expect(200);
    assert_eq!(first.as_array().unwrap()[..], all[..3]);
    let next = server.get(&format!("{path}/history?limit=3&before={}", first[2]["id"])).await.expect(200);
    assert_eq!(next.as_array().unwrap()[..], all[3..]);
    let error = server.get(&format!("{path}/history?limit=0&before=x")).await.expect_error(422, "invalid_input");
    assert_eq!(paths(&error), ["before", "limit"]);
    server.get(&format!("{path}/history?colour=red")).await.expect_error(422, "invalid_input");
    server.shut_down().await;
}
