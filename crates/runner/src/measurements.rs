//! Measurements by InfluxDB's v2 write API (docs/runners.md §8). As with the originals' clients nobody waits for them.

use std::{fmt::Write as _, time::Duration};

use anyhow::Result;
use reqwest::Client;
use tokio::sync::mpsc;
use tracing::error;

use crate::config::Node;

const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(crate) struct Measurements {
    /// None where there is nowhere to write to.
    lines: Option<mpsc::UnboundedSender<String>>,
    tags: String,
}

impl Measurements {
    pub(crate) fn start(config: &Node) -> Result<Self> {
        let tags = format!(
            ",version={},workflow={},node={}",
            escaped(&config.version),
            escaped(&config.workflow),
            escaped(&config.name)
        );
        if config.influx_uri.is_empty() {
            return Ok(Self { lines: None, tags });
        }
        let client = Client::builder().timeout(TIMEOUT).build()?;
        let base = config.influx_uri.trim_end_matches('/');
        let url = format!("{base}/api/v2/write?org=&bucket={}&precision=ns", config.runtime);
        let (lines, mut received) = mpsc::unbounded_channel::<String>();
        tokio::spawn(async move {
            while let Some(mut batch) = received.recv().await {
                while let Ok(line) = received.try_recv() {
                    batch.push('\n');
                    batch.push_str(&line);
                }
                let sent = client.post(&url).header("authorization", "Token ").body(batch).send().await;
                if let Err(error) = sent.and_then(reqwest::Response::error_for_status) {
                    error!("a measurement could not be written: {error}");
                }
            }
        });
        Ok(Self { lines: Some(lines), tags })
    }

    /// How long the handler took for one message.
    pub(crate) fn elapsed(&self, from_node: &str, took: Duration, success: bool) {
        let from_node = if from_node.is_empty() { String::new() } else { format!(",from_node={}", escaped(from_node)) };
        let elapsed_ms = took.as_secs_f64() * 1000.0;
        let (tags, at) = (&self.tags, now_ns());
        self.write(format!("node_elapsed_time{from_node}{tags} elapsed_ms={elapsed_ms},success={success} {at}"));
    }

    /// One of the version's own.
    pub(crate) fn save(&self, name: &str, fields: &[(String, f64)]) {
        let mut list = String::new();
        for (at, (field, value)) in fields.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            // Writing to a String does not fail.
            let _ = write!(list, "{comma}{}={value}", escaped(field));
        }
        self.write(format!("{}{} {list} {}", escaped(name), self.tags, now_ns()));
    }

    fn write(&self, line: String) {
        if let Some(lines) = &self.lines {
            let _ = lines.send(line);
        }
    }
}

fn now_ns() -> u128 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}

/// Of a name, tag or key (line protocol, special characters).
fn escaped(text: &str) -> String {
    text.replace(',', "\\,").replace('=', "\\=").replace(' ', "\\ ")
}
