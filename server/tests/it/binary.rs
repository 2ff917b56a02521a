//! The program itself: its settings and its end.

use std::process::{Command, Stdio};

use tokio::time::timeout;

use crate::support::{
    program::{Started, program},
    server::PATIENCE,
};

#[test]
fn settings_that_cannot_be_used_end_it_with_what_to_do() {
    let data = tempfile::tempdir().unwrap();
    for (name, value, said) in [
        ("KAI_ADDR", "0.0.0.0:0", "--insecure-no-login"),
        ("KAI_SANDBOX_ADDR", "[::]:0", "--insecure-no-login"),
        ("KAI_ADDR", "nonsense", "nonsense"),
        ("KAI_DATABASE_URL", "mysql://localhost/kai", "KAI_DATABASE_URL"),
        ("KAI_STORAGE_URL", "ftp://localhost/kai", "KAI_STORAGE_URL"),
    ] {
        let output = program(data.path()).env(name, value).stderr(Stdio::piped()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && told.contains(said), "{name}={value}: {told}");
    }
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
    let ended = timeout(PATIENCE, tokio::task::spawn_blocking(move || started.ended())).await;
    assert!(ended.expect("it goes on").unwrap().success());
}
