//! State and files belong together, and to one server: on the program itself.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use reqwest::{Client, Method};
use serde_json::json;

use crate::support::{
    krt::Krt,
    postgres,
    program::{Started, program},
    server::Answer,
};

const KRT: &str = "/api/v1/runtimes/demo/versions/v1/krt";

async fn ask(server: &Started, method: Method, path: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = Client::new().request(method, format!("{}{path}", server.url())).body(body);
    Answer::of(request.send().await.unwrap()).await
}

/// Adds a version, and gives its file.
async fn add_version(server: &Started) -> Vec<u8> {
    let runtime = json!({ "id": "demo", "name": "demo" }).to_string();
    ask(server, Method::POST, "/api/v1/runtimes", runtime).await.expect(201);
    let krt = Krt::new("v1").bytes();
    ask(server, Method::POST, "/api/v1/runtimes/demo/versions", krt.clone()).await.expect(201);
    krt
}

/// What it says when it does not start.
#[track_caller]
fn refusal(program: &mut Command) -> String {
    let output = program.stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it started: {said}");
    // What is logged before is not what it says at its end.
    said.lines().last().unwrap_or_default().to_owned()
}

fn with_database(data: &Path, url: &str) -> Command {
    let mut program = program(data);
    program.env("KAI_DATABASE_URL", url);
    program
}

fn files_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn another_database_on_the_same_folder_does_not_start_and_no_file_is_lost() {
    let data = tempfile::tempdir().unwrap();
    let server = Started::new(&mut program(data.path()));
    let krt = add_version(&server).await;
    drop(server);
    let kept = files_in(&data.path().join("files/krt"));
    let elsewhere = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite://{}", elsewhere.path().join("kai.db").display());
    let postgres = postgres::new_database().await.replace("kai@", "kai:s3cret@");

    for url in [&sqlite, &postgres] {
        let said = refusal(&mut with_database(data.path(), url));
        for word in ["do not belong together", "KAI_DATABASE_URL", "KAI_STORAGE_URL", data.path().to_str().unwrap()] {
            assert!(said.contains(word), "no {word}: {said}");
        }
        assert!(said.contains(url.split("kai:s3cret@").next().unwrap()) && !said.contains("s3cret"), "{said}");
        assert_eq!(files_in(&data.path().join("files/krt")), kept);
    }

    // A folder of before there were identities is that of the database that knows its files, and of no other.
    fs::remove_file(data.path().join("files/installation-id")).unwrap();
    for url in [&sqlite, &postgres] {
        let said = refusal(&mut with_database(data.path(), url));
        assert!(said.contains("knows none of them") && said.contains(&kept[0]), "{said}");
        assert_eq!(files_in(&data.path().join("files/krt")), kept);
    }
    let server = Started::new(&mut program(data.path()));
    let back = ask(&server, Method::GET, KRT, "").await;
    assert_eq!((back.status, &back.body[..]), (200, &krt[..]));
    assert!(data.path().join("files/installation-id").exists());
    assert!(!data.path().join("files/trash").exists(), "nothing was swept");
}

#[tokio::test]
async fn a_database_with_versions_does_not_start_on_a_folder_without_their_files() {
    let data = tempfile::tempdir().unwrap();
    let server = Started::new(&mut program(data.path()));
    add_version(&server).await;
    drop(server);
    let empty = tempfile::tempdir().unwrap();

    let said = refusal(program(data.path()).env("KAI_STORAGE_URL", empty.path()));

    assert!(said.contains("has none of their files") && said.contains(empty.path().to_str().unwrap()), "{said}");
    let id = said.split("with the text ").nth(1).unwrap().split(' ').next().unwrap();
    fs::write(empty.path().join("installation-id"), id).unwrap();
    let server = Started::new(program(data.path()).env("KAI_STORAGE_URL", empty.path()));
    assert_eq!(ask(&server, Method::GET, KRT, "").await.status, 503, "they are lost, and it starts as it was told");
}

#[tokio::test]
async fn a_second_server_on_one_postgres_does_not_start_and_names_the_first() {
    let (first_data, second_data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let url = postgres::new_database().await;
    let first = Started::new(&mut with_database(first_data.path(), &url));

    let said = refusal(&mut with_database(second_data.path(), &url));

    assert!(said.contains(&format!("process {} on ", first.id())) && said.contains("since 20"), "{said}");
    assert_eq!(ask(&first, Method::GET, "/readyz", "").await.status, 200);
    // The lock ends with its holder, however that ends.
    drop(first);
    let second = Started::new(&mut with_database(second_data.path(), &url));
    assert_eq!(ask(&second, Method::GET, "/readyz", "").await.status, 200);
}

#[tokio::test]
async fn a_second_server_on_one_sqlite_file_or_one_folder_does_not_start_and_names_the_first() {
    let data = tempfile::tempdir().unwrap();
    let first = Started::new(&mut program(data.path()));
    let named = format!("process {} on ", first.id());
    let url = format!("sqlite://{}", data.path().join("kai.db").display());
    let other = tempfile::tempdir().unwrap();

    for second in [&mut program(data.path()), &mut with_database(other.path(), &url)] {
        let said = refusal(second);
        assert!(said.contains(&named) && said.contains("since 20"), "{said}");
    }
    // A copy of the database has its identity, too.
    let copy = other.path().join("copy.db");
    for end in ["", "-wal"] {
        fs::copy(data.path().join(format!("kai.db{end}")), other.path().join(format!("copy.db{end}"))).unwrap();
    }
    let said = refusal(&mut with_database(data.path(), &format!("sqlite://{}", copy.display())));
    assert!(said.contains(&named) && said.contains("the file store is in use"), "{said}");
}

#[tokio::test]
async fn what_it_keeps_is_its_owners_alone_and_what_was_open_is_tightened() {
    use std::os::unix::fs::PermissionsExt as _;
    let data = tempfile::tempdir().unwrap();
    let data = data.path().join("data");
    let open = |mode| fs::Permissions::from_mode(mode);
    fs::create_dir_all(data.join("files/krt")).unwrap();
    for folder in [data.clone(), data.join("files")] {
        fs::set_permissions(folder, open(0o755)).unwrap();
    }
    fs::write(data.join("kai.db"), "").unwrap();
    fs::set_permissions(data.join("kai.db"), open(0o644)).unwrap();

    let mut shell = Command::new("sh");
    let plain = program(&data);
    shell.args(["-c", "umask 022; exec \"$0\""]).arg(plain.get_program());
    for (name, value) in plain.get_envs().filter_map(|(name, value)| Some((name, value?))) {
        shell.env(name, value);
    }
    let server = Started::new(shell.stdout(Stdio::piped()).stderr(Stdio::null()));
    add_version(&server).await;

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let krt = data.join("files/krt");
    let file = krt.join(&files_in(&krt)[0]);
    for (path, expected) in [
        (data.clone(), 0o700),
        (data.join("files"), 0o700),
        (data.join("files/incoming"), 0o700),
        (file, 0o600),
        (data.join("kai.db"), 0o600),
        (data.join("kai.db-wal"), 0o600),
        (data.join("kai.lock"), 0o600),
        (data.join("files/installation-id"), 0o600),
    ] {
        assert_eq!(mode(&path), expected, "{}", path.display());
    }
}
