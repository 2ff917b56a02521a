//! A disk that is full for a moment, as a small file system of the test's own, under the program itself.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
    process::Command,
};

use reqwest::{Client, Method};
use serde_json::json;

use crate::support::{
    krt::Krt,
    program::{Started, program},
    server::Answer,
};

/// A file system of so many MiB in a folder. Gone when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// None, with the reason printed, where this process may not mount anything.
    fn of(mebibytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={mebibytes}m");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        match mount {
            Ok(output) if output.status.success() => Some(Self(folder)),
            Ok(output) => {
                eprintln!("skipped: nothing can be mounted here: {}", String::from_utf8_lossy(&output.stderr));
                None
            }
            Err(error) => {
                eprintln!("skipped: there is no `mount`: {error}");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all the room there is left.
    fn fill(&self) {
        let mut filler = File::create(self.path().join("filler")).unwrap();
        while filler.write_all(&[0; 4096]).is_ok() {}
    }

    fn make_room(&self) {
        fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

struct TestClient<'a>(&'a Started, Client);

impl TestClient<'_> {
    async fn send(&self, method: Method, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.1.request(method, format!("{}{path}", self.0.url())).body(body);
        Answer::of(request.send().await.unwrap()).await
    }

    async fn create(&self, id: &str) -> Answer {
        let runtime = json!({ "id": id, "name": id, "description": "x".repeat(2000) }).to_string();
        self.send(Method::POST, "/api/v1/runtimes", runtime).await
    }

    async fn upload(&self, krt: Vec<u8>) -> Answer {
        self.send(Method::POST, "/api/v1/runtimes/demo/versions", krt).await
    }

    /// Everything that is written when versions are worked with.
    async fn all_works(&self, version: &str) {
        self.upload(Krt::new(version).variable("KEY").bytes()).await.expect(201);
        let version = format!("/api/v1/runtimes/demo/versions/{version}");
        let values = json!({ "values": { "KEY": "x" } }).to_string();
        self.send(Method::PUT, &format!("{version}/config"), values).await.expect(200);
        self.send(Method::POST, &format!("{version}/start"), "").await.expect(202);
        self.send(Method::POST, &format!("{version}/stop"), "").await.expect(202);
        self.send(Method::GET, "/readyz", "").await.expect(200);
    }
}

#[tokio::test]
async fn a_disk_of_the_database_that_is_full_for_a_moment_is_said_and_then_all_works_again() {
    let Some(disk) = SmallDisk::of(12) else { return };
    let data = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", disk.path().join("kai.db").display());
    let server = Started::new(program(data.path()).env("KAI_DATABASE_URL", url));
    let client = TestClient(&server, Client::new());
    client.create("demo").await.expect(201);

    disk.fill();
    // The log of SQLite may have some room left.
    let mut refused = None;
    for n in 0..4000 {
        let answer = client.create(&format!("r{n}")).await;
        if answer.status != 201 {
            refused = Some(answer);
            break;
        }
    }
    for _ in 0..3 {
        let error = refused.take().expect("the disk is full").expect_error(503, "unavailable");
        assert!(
            error["message"].as_str().unwrap().contains("the database (its disk is full) is unavailable"),
            "{error}"
        );
        let ready = client.send(Method::GET, "/readyz", "").await.expect_error(503, "unavailable");
        assert!(
            ready["message"].as_str().unwrap().contains("the database (its disk is full) is unavailable"),
            "{ready}"
        );
        refused = Some(client.create("more").await);
    }
    // What is there is shown meanwhile.
    client.send(Method::GET, "/api/v1/runtimes/demo", "").await.expect(200);
    client.upload(Krt::new("v1").bytes()).await.expect_error(503, "unavailable");

    disk.make_room();
    client.create("later").await.expect(201);
    client.all_works("v1").await;
}

#[tokio::test]
async fn a_disk_of_the_files_that_is_full_for_a_moment_is_said_and_then_all_works_again() {
    let Some(disk) = SmallDisk::of(8) else { return };
    let data = tempfile::tempdir().unwrap();
    let server = Started::new(program(data.path()).env("KAI_STORAGE_URL", disk.path().join("files")));
    let client = TestClient(&server, Client::new());
    client.create("demo").await.expect(201);

    disk.fill();
    for _ in 0..3 {
        let error = client.upload(Krt::new("v1").bytes()).await.expect_error(503, "unavailable");
        assert!(error["message"].as_str().unwrap().contains("the file store (it is full) is unavailable"), "{error}");
    }
    // Nothing else needs the files.
    client.create("other").await.expect(201);
    client.send(Method::GET, "/readyz", "").await.expect(200);

    disk.make_room();
    client.all_works("v1").await;
}
