//! A release build of the server, as a process of its own with data of its own.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::http;

/// A server that answers. Killed when dropped.
pub(crate) struct Server {
    process: Child,
    /// `ip:port` of pages and API.
    pub(crate) addr: String,
    /// `ip:port` of its sandbox, when it has one.
    pub(crate) sandbox: Option<String>,
}

impl Server {
    /// Starts it with its state in this folder, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not start; its own words are in `server.log` in the folder.
    pub(crate) fn start(binary: &Path, data: &Path, settings: &[(&str, &str)]) -> Result<Self> {
        fs::create_dir_all(data)?;
        let log = fs::OpenOptions::new().create(true).append(true).open(data.join("server.log"))?;
        let mut command = Command::new(binary);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("KAI_")) {
            command.env_remove(name);
        }
        for name in ["KAI_ADDR", "KAI_INTERNAL_ADDR", "KAI_SANDBOX_ADDR"] {
            command.env(name, "127.0.0.1:0");
        }
        command.env("KAI_DATA_DIR", data).env("RUST_LOG", "warn").envs(settings.iter().copied());
        command.stdout(Stdio::piped()).stderr(log);
        let mut process = command.spawn().with_context(|| format!("cannot start {}", binary.display()))?;
        let stdout = process.stdout.take().context("the server's output is a pipe")?;
        let mut server = Self { process, addr: String::new(), sandbox: None };
        let mut lines = BufReader::new(stdout).lines();
        server.addr = match lines.next() {
            Some(line) => address_in(&line?).context("the server does not say where it is")?,
            None => bail!("the server ended at once; see {}", data.join("server.log").display()),
        };
        if !settings.iter().any(|(name, _)| *name == "KAI_CLUSTER") {
            server.sandbox = lines.next().transpose()?.as_deref().and_then(address_in);
        }
        // What else it prints is read, so that it never waits for a reader.
        thread::spawn(move || lines.for_each(drop));
        until(Duration::from_secs(60), "the server is ready", || {
            Ok(http::request(&server.addr, "GET", "/readyz", "").is_ok_and(|(status, _)| status == 200))
        })?;
        Ok(server)
    }

    /// What it answers, when that is a success.
    pub(crate) fn call(&self, method: &str, path: &str, json: &str) -> Result<Value> {
        let (status, body) = http::request(&self.addr, method, &format!("/api/v1{path}"), json)?;
        answer(method, path, status, &body)
    }

    pub(crate) fn create_runtime(&self, id: &str) -> Result<()> {
        self.call("POST", "/runtimes", &format!(r#"{{"id":"{id}","name":"{id}"}}"#)).map(drop)
    }

    pub(crate) fn upload(&self, runtime: &str, krt: &Path) -> Result<Value> {
        let path = format!("/runtimes/{runtime}/versions");
        let (status, body) = http::upload(&self.addr, &format!("/api/v1{path}"), krt)?;
        answer("POST", &path, status, &body)
    }

    /// Does `start`, `stop`, `publish` or `unpublish`.
    pub(crate) fn command(&self, runtime: &str, version: &str, action: &str) -> Result<()> {
        let path = format!("/runtimes/{runtime}/versions/{version}/{action}");
        self.call("POST", &path, r#"{"comment":"bench"}"#).map(drop)
    }

    /// What it holds of the memory now, in bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        self.status("VmRSS:")
    }

    /// The most that it has held since the last [`Server::forget_peak`].
    pub(crate) fn peak_memory(&self) -> Result<u64> {
        self.status("VmHWM:")
    }

    pub(crate) fn forget_peak(&self) -> Result<()> {
        // proc(5), /proc/pid/clear_refs: 5 resets the peak.
        fs::write(format!("/proc/{}/clear_refs", self.process.id()), "5").context("cannot reset the peak memory")
    }

    /// The processor time that it has taken so far, in seconds.
    pub(crate) fn processor_secs(&self) -> Result<f64> {
        // proc(5): utime and stime are the 14th and 15th fields, the 12th and 13th after the name in parentheses, in
        // hundredths of a second on Linux.
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        let (_, after_name) = stat.rsplit_once(')').context("a process has a name")?;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
        let ticks = ticks(11).zip(ticks(12)).context("no such field of a process")?;
        Ok((ticks.0 + ticks.1) / 100.0)
    }

    fn status(&self, field: &str) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)).context("no such field of a process")?;
        let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib << 10)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn answer(method: &str, path: &str, status: u16, body: &str) -> Result<Value> {
    ensure!((200..300).contains(&status), "{method} {path} was answered with {status}: {body}");
    if body.is_empty() { Ok(Value::Null) } else { serde_json::from_str(body).context("the answer is no JSON") }
}

/// `KAI Server is at http://127.0.0.1:3000` says an address.
fn address_in(line: &str) -> Option<String> {
    let url = line.split_whitespace().find_map(|word| word.strip_prefix("http://"))?;
    Some(url.trim_end_matches('/').to_owned())
}

/// Asks every few milliseconds until it is so.
///
/// # Errors
/// When it is not so in time, or the question fails.
pub(crate) fn until(patience: Duration, what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<Duration> {
    let begin = Instant::now();
    while !is_so()? {
        ensure!(begin.elapsed() < patience, "not seen within {} s: {what}", patience.as_secs());
        thread::sleep(Duration::from_millis(5));
    }
    Ok(begin.elapsed())
}
