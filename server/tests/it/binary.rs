//! The program itself: its settings and its end.

use std::process::{Command, Stdio};

use tokio::time::timeout;

use crate::support::{
    program::{Started, program},
    server::MAX_WAIT,
};

#[test]
fn settings_that_cannot_be_used_end_it_with_what_to_do() {
    let data = tempfile::tempdir().unwrap();
    for (name, value, said) in [
        ("KAI_ADDR", "0.0.0.0:0", "--insecure-no-login"),
        ("KAI_SANDBOX_ADDR", "[::]:0", "the sandbox has no logins"),
        ("KAI_PUBLIC_URL", "https://kai.example", "KAI_LOGIN"),
        ("KAI_ADDR", "nonsense", "nonsense"),
        ("KAI_DATABASE_URL", "mysql://localhost/kai", "KAI_DATABASE_URL"),
        ("KAI_STORAGE_URL", "ftp://localhost/kai", "KAI_STORAGE_URL"),
    ] {
        let output = program(data.path()).env(name, value).stderr(Stdio::piped()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && told.contains(said), "{name}={value}: {told}");
    }
}

#[test]
fn administrators_are_made_and_get_another_link_on_the_command_line() {
    let data = tempfile::tempdir().unwrap();
    let admin = |task: &str, name: &str| {
        let mut command = program(data.path());
        let output =
            command.args(["admin", task, name]).stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    };
    let (is_made, link, told) = admin("create", "ana");
    assert!(is_made && link.contains("/link/"), "{link}{told}");
    let (is_made_again, _, told) = admin("create", "ana");
    assert!(!is_made_again && told.contains("ana"), "{told}");
    let (is_reset, other_link, told) = admin("reset", "ana");
    assert!(is_reset && other_link.contains("/link/") && other_link != link, "{other_link}{told}");
    let (is_reset, _, told) = admin("reset", "ben");
    assert!(!is_reset && told.contains("there is nobody named `ben`"), "{told}");
}

#[tokio::test]
async fn it_says_where_it_is_and_ends_orderly_when_told_to() {
    let data = tempfile::tempdir().unwrap();
    let started = Started::new(&mut program(data.path()));
    let url = started.url();

    let mut events = reqwest::get(format!("{url}/api/v1/events")).await.unwrap();
    assert!(events.chunk().await.unwrap().is_some());

    let told = Command::new("kill").arg(started.id().to_string()).status().unwrap();
    assert!(told.success());
    let ended = timeout(MAX_WAIT, tokio::task::spawn_blocking(move || started.ended())).await;
    assert!(ended.expect("it goes on").unwrap().success());
}

#[tokio::test]
async fn what_clients_do_wrong_is_no_error_in_its_log() {
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log");
    let started = Started::new(program(data.path()).stderr(std::fs::File::create(&log).unwrap()));
    let long = "a".repeat(5000);
    for path in [&*format!("/{long}"), &*format!("/pkg/{long}"), &*format!("/runtimes/{long}"), "/%00", "/pkg/%ff"] {
        let answer = reqwest::get(format!("{}{path}", started.url())).await.unwrap();
        assert!(answer.status().is_client_error(), "{} for {path}", answer.status());
    }
    let malformed = reqwest::Client::new().post(format!("{}/api/fn/command", started.url())).body("{");
    assert_eq!(malformed.send().await.unwrap().status(), 400);
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains(" INFO ") && !log.contains("ERROR"), "{log}");
}
