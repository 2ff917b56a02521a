//! A NATS of a test's own: `nats-server` with JetStream in a folder that goes with it. It can be killed, started again with
//! or without what it held, and reached through somebody who falls silent.

use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use async_nats::{Client, ConnectOptions};
use tempfile::TempDir;

use super::server::MAX_WAIT;

pub(crate) struct Nats {
    dir: TempDir,
    port: u16,
    process: Option<Child>,
    config: String,
    url: String,
}

impl Nats {
    pub(crate) async fn start() -> Self {
        Self::start_with("", "").await
    }

    /// With these lines in its configuration, and this before the host in URLs, such as `user:password@`.
    pub(crate) async fn start_with(config: &str, user: &str) -> Self {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let dir = tempfile::tempdir().unwrap();
        let url = format!("nats://{user}127.0.0.1:{port}");
        let mut nats = Self { dir, port, process: None, config: config.to_owned(), url };
        nats.start_again().await;
        nats
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// A client of a test's own, with which it looks from the side.
    pub(crate) async fn client(&self) -> Client {
        let until = tokio::time::Instant::now() + MAX_WAIT;
        loop {
            match ConnectOptions::new().connect(&self.url).await {
                Ok(client) => return client,
                Err(error) => assert!(tokio::time::Instant::now() < until, "no connection to NATS: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// As with `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended already.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// On the same port, with what it held.
    pub(crate) async fn start_again(&mut self) {
        let store = self.dir.path().join("jetstream");
        let config = self.dir.path().join("nats.conf");
        let text = format!(
            "listen: 127.0.0.1:{}\njetstream {{ store_dir: {:?} }}\n{}\n",
            self.port,
            store.display().to_string(),
            self.config
        );
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new(program());
        command.arg("-c").arg(&config).stdin(Stdio::null()).stdout(Stdio::null());
        let log = std::fs::File::create(self.dir.path().join("log")).unwrap();
        self.process = Some(command.stderr(log).spawn().unwrap());
        let until = tokio::time::Instant::now() + MAX_WAIT;
        while tokio::net::TcpStream::connect(self.addr()).await.is_err() {
            let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
            assert!(tokio::time::Instant::now() < until, "nats-server does not start: {log}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// As one without a persistent volume whose pod is replaced.
    pub(crate) async fn start_again_empty(&mut self) {
        // It may have held nothing.
        let _ = std::fs::remove_dir_all(self.dir.path().join("jetstream"));
        self.start_again().await;
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The first of PATH, or else Debian's.
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join("nats-server")).find(|file| file.is_file());
    let debian = PathBuf::from("/usr/sbin/nats-server");
    found.or(Some(debian).filter(|file| file.is_file())).expect(
        "these tests need `nats-server`, on PATH or in /usr/sbin: install Debian's `nats-server` (`make test` does it)",
    )
}
