//! The program itself: its settings and its end.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use tokio::time::timeout;

use crate::support::server::PATIENCE;

fn program(data: &std::path::Path) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_kai-server"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("KAI_")) {
        program.env_remove(name);
    }
    program.env("KAI_DATA_DIR", data).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in ["KAI_ADDR", "KAI_INTERNAL_ADDR", "KAI_SANDBOX_ADDR"] {
        program.env(name, "127.0.0.1:0");
    }
    program
}

/// Ends the program when a test fails.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

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
        let output = program(data.path()).env(name, value).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && told.contains(said), "{name}={value}: {told}");
    }
}

#[tokio::test]
async fn it_says_where_it_is_and_ends_orderly_when_told_to() {
    let data = tempfile::tempdir().unwrap();
    let mut started = Started(program(data.path()).spawn().unwrap());
    let mut printed = BufReader::new(started.0.stdout.take().unwrap()).lines();
    let line = printed.next().unwrap().unwrap();
    let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap();

    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut events = reqwest::get(format!("{url}/api/v1/events")).await.unwrap();
    assert!(events.chunk().await.unwrap().is_some());

    let told = Command::new("kill").arg(started.0.id().to_string()).status().unwrap();
    assert!(told.success());
    let ended = timeout(PATIENCE, tokio::task::spawn_blocking(move || started.0.wait().unwrap())).await;
    assert!(ended.expect("it goes on").unwrap().success());
}
