//! Deleting versions and runtimes: what goes, what stays, and who is told.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

use super::*;
use crate::support::server::MAX_WAIT;

const V1: &str = "/api/v1/runtimes/demo/versions/v1";

async fn delete(server: &TestServer, path: &str) -> Answer {
    server.send(Method::DELETE, path, "").await
}

async fn delete_it(server: &TestServer, path: &str) {
    let answer = delete(server, path).await;
    assert_eq!((answer.status, answer.text().as_str()), (204, ""));
}

async fn archive(server: &TestServer, path: &str) {
    server.post(&format!("{path}/archive"), json!({})).await.expect(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_version_is_deleted_with_its_file_and_told_of() {
    let server = with_version(Krt::new("v1")).await;
    let refused = delete(&server, V1).await.expect_error(409, "refused");
    let said = refused["message"].as_str().unwrap();
    assert!(said.starts_with("cannot delete `v1`: it is stopped") && said.contains("archive it"), "{said}");
    server.expect_stored_files(1).await;

    archive(&server, V1).await;
    let why = json!({ "comment": "a mistake" });
    let deleted = server.send(Method::DELETE, V1, why.to_string()).await;
    assert_eq!((deleted.status, deleted.text().as_str()), (204, ""));
    server.get(V1).await.expect_error(404, "not_found");
    server.get(&format!("{V1}/history")).await.expect_error(404, "not_found");
    delete(&server, V1).await.expect_error(404, "not_found");
    server.expect_stored_files(0).await;
    assert_eq!(server.get(&format!("{DEMO}/versions")).await.expect(200), json!([]));

    let told = server.get("/api/v1/activity?runtime=demo&version=v1").await.expect(200);
    let actions: Vec<_> = told.as_array().unwrap().iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(actions, [json!("delete"), json!("archive"), json!("create")]);
    assert_eq!((&told[0]["comment"], &told[0]["version_deleted"]), (&json!("a mistake"), &json!(true)));
    assert_eq!(server.get(DEMO).await.expect(200)["last_activity"], told[0]);

    // The same name and the same file once more.
    server.upload("demo", Krt::new("v1").bytes()).await.expect(201);
    let history = server.get(&format!("{V1}/history")).await.expect(200);
    assert_eq!(history.as_array().unwrap().len(), 1);
    assert_eq!(server.get(&format!("{V1}/krt")).await.status, 200);
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_runtime_is_deleted_and_told_of() {
    let server = with_version(Krt::new("v1")).await;
    let refused = delete(&server, DEMO).await.expect_error(409, "runtime_not_empty");
    assert!(refused["message"].as_str().unwrap().contains("it has one version"), "{refused}");
    archive(&server, V1).await;
    delete(&server, DEMO).await.expect_error(409, "runtime_not_empty");
    delete_it(&server, V1).await;
    delete_it(&server, DEMO).await;

    server.get(DEMO).await.expect_error(404, "not_found");
    delete(&server, DEMO).await.expect_error(404, "not_found");
    assert_eq!(server.get("/api/v1/runtimes").await.expect(200), json!([]));
    let told = server.get("/api/v1/activity").await.expect(200);
    let of = |entry: &Value| (entry["action"].clone(), entry["version"].clone());
    assert_eq!(of(&told[0]), (json!("delete"), Value::Null));
    assert_eq!(told[0]["comment"], "namespace kai-demo stays in the cluster");
    let csv = server.get("/api/v1/activity.csv?limit=1").await.text();
    assert!(csv.lines().nth(1).unwrap().contains(",demo,,local,delete,"), "{csv}");

    // Another one of its id has nothing of it.
    server.add_runtime("demo").await;
    assert_eq!(server.get(DEMO).await.expect(200)["last_activity"], Value::Null);
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_stays_for_as_long_as_any_version_has_it() {
    let server = with_version(Krt::new("v1")).await;
    server.add_runtime("other").await;
    let first = server.get(&format!("{V1}/krt")).await.body;
    server.upload("other", first.to_vec()).await.expect(201);
    server.expect_stored_files(1).await;
    archive(&server, V1).await;
    delete_it(&server, V1).await;
    server.expect_stored_files(1).await;
    let other = "/api/v1/runtimes/other/versions/v1";
    assert_eq!(server.get(&format!("{other}/krt")).await.body, first);

    // One goes while an identical one comes, again and again.
    let mut runtimes = ["other", "demo"];
    for round in 0..10 {
        let [going, coming] = runtimes.map(|runtime| format!("/api/v1/runtimes/{runtime}/versions/v1"));
        archive(&server, &going).await;
        let ((), come) = tokio::join!(delete_it(&server, &going), server.upload(runtimes[1], first.to_vec()));
        come.expect(201);
        server.expect_stored_files(1).await;
        assert_eq!(server.get(&format!("{coming}/krt")).await.body, first, "round {round}");
        runtimes.reverse();
    }
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_was_archived_long_enough_ago_is_deleted_by_the_server() {
    let server = TestServer::start_with(|settings| settings.archived_retention = Some(Duration::from_secs(1))).await;
    server.add_runtime("demo").await;
    for name in ["v1", "v2"] {
        server.upload("demo", Krt::new(name).bytes()).await.expect(201);
    }
    archive(&server, V1).await;
    let until = Instant::now() + MAX_WAIT;
    while server.get(V1).await.status != 404 {
        assert!(Instant::now() < until, "it is still there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.expect_stored_files(1).await;
    let told = server.get("/api/v1/activity?action=delete").await.expect(200);
    let said = told[0]["comment"].as_str().unwrap();
    assert_eq!((&told[0]["who"], told.as_array().unwrap().len()), (&json!("kai-server"), 1));
    assert!(said.contains("archived for longer than 1s"), "{said}");
    assert_eq!(server.get(&format!("{DEMO}/versions/v2")).await.expect(200)["state"], "stopped");
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_under_way_when_its_runtime_is_deleted_leaves_nothing() {
    let server = TestServer::start().await;
    server.add_runtime("demo").await;
    let krt = Krt::new("v1").padded(8 << 20).bytes();
    let (most, rest) = krt.split_at(krt.len() * 3 / 4);
    let mut connection = TcpStream::connect(server.addr()).await.unwrap();
    let head = format!(
        "POST {DEMO}/versions HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        server.addr(),
        krt.len()
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    connection.write_all(most).await.unwrap();
    server.expect_stored_files(1).await;
    delete_it(&server, DEMO).await;
    connection.write_all(rest).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    server.expect_stored_files(0).await;
    server.shut_down().await;
}
