//! A NATS for benchmarks, with somebody who listens where the nodes of the sandbox, which do not really run, would.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::Value;

use super::program::until;
use crate::http;

/// Killed when dropped.
pub(crate) struct Nats {
    process: Child,
    addr: String,
    monitoring: String,
}

impl Nats {
    /// Debian's `nats-server`, which `scripts/setup` installs, with its state in this folder.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let [port, monitoring] = [free_port()?, free_port()?];
        let config = folder.join("nats.conf");
        let store = folder.join("jetstream");
        let text = format!(
            "listen: 127.0.0.1:{port}\nhttp: 127.0.0.1:{monitoring}\njetstream {{ store_dir: {:?} }}\n",
            store.display().to_string()
        );
        fs::write(&config, text)?;
        let on_path = Command::new("nats-server").arg("--version").stdout(Stdio::null()).status().is_ok();
        let program = if on_path { "nats-server" } else { "/usr/sbin/nats-server" };
        let mut command = Command::new(program);
        command.arg("-c").arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().context("cannot start nats-server; scripts/setup test installs it")?;
        let nats = Self { process, addr: format!("127.0.0.1:{port}"), monitoring: format!("127.0.0.1:{monitoring}") };
        until(Duration::from_secs(20), "NATS answers", || Ok(nats.requests().is_ok()))?;
        Ok(nats)
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.addr)
    }

    /// How many requests JetStream has had so far.
    pub(crate) fn requests(&self) -> Result<u64> {
        let (_, body) = http::request(&self.monitoring, "GET", "/jsz", "")?;
        let facts: Value = serde_json::from_str(&body)?;
        facts["api"]["total"].as_u64().context("NATS does not count its requests")
    }

    /// Listens to these consumers, each a stream and its name, for as long as this program runs.
    pub(crate) fn listen(&self, consumers: impl Iterator<Item = (String, String)>) -> Result<()> {
        let mut stream = TcpStream::connect(&self.addr)?;
        // The protocol of NATS is lines of text (NATS documentation, "Client Protocol").
        let mut text = "CONNECT {\"verbose\":false}\r\n".to_owned();
        for (number, (stream, consumer)) in consumers.enumerate() {
            text += &format!("SUB _kai.deliver.{stream}.{consumer} {consumer} {number}\r\n");
        }
        stream.write_all(text.as_bytes())?;
        let lines = BufReader::new(stream.try_clone()?).lines();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if line.starts_with("PING") && stream.write_all(b"PONG\r\n").is_err() {
                    return;
                }
            }
        });
        Ok(())
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
