//! What every runner is told, whatever its version (docs/runners.md §2).

use std::{collections::BTreeMap, time::Duration};

use domain::RuntimeId;

use crate::secret::Secret;

/// Where NATS is when no setting says otherwise: a Service `nats` in the namespace of the runtime.
const DEFAULT_NATS_URL: &str = "nats://nats:4222";
/// Python nodes need a URI that can be parsed, and contact it only when their code uses it.
const NO_MONGO_URI: &str = "mongodb://localhost:27017";

/// What runners reach, and how long they wait.
#[derive(Debug, Clone)]
pub struct RunnerSettings {
    /// The URL of NATS for pods; `{namespace}` in it is that of the runtime. It may hold a password.
    pub nats_url: Secret,
    /// Whether the server makes the streams, so that nodes can exchange messages.
    pub messaging: bool,
    pub mongo_uri: Option<Secret>,
    /// Where measurements go; none for the server's internal listener.
    pub influx_uri: Option<Secret>,
    /// How long the entrypoint waits for an answer.
    pub request_timeout: Duration,
    /// How long a runner waits for JetStream.
    pub js_request_timeout: Duration,
    /// Further environment of every runner, which goes before all of the above.
    pub env: BTreeMap<String, Secret>,
}

impl Default for RunnerSettings {
    fn default() -> Self {
        Self {
            nats_url: DEFAULT_NATS_URL.into(),
            messaging: false,
            mongo_uri: None,
            influx_uri: None,
            request_timeout: Duration::from_secs(30),
            js_request_timeout: Duration::from_secs(5),
            env: BTreeMap::new(),
        }
    }
}

impl RunnerSettings {
    /// `KRT_NATS_SERVER`.
    pub(super) fn nats_url(&self, namespace: &str) -> String {
        self.nats_url.expose().replace("{namespace}", namespace)
    }

    /// The ports at which pods reach NATS: 4222 where the URL of a server names none.
    pub(super) fn nats_ports(&self) -> Vec<u16> {
        let url = self.env.get("KRT_NATS_SERVER").unwrap_or(&self.nats_url).expose().replace("{namespace}", "n");
        let mut ports: Vec<u16> = url.split(',').map(|server| port(server.trim())).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    pub(super) fn mongo_uri(&self) -> &str {
        self.mongo_uri.as_ref().map_or(NO_MONGO_URI, Secret::expose)
    }

    /// Whether any setting says where MongoDB is.
    pub fn has_mongo(&self) -> bool {
        self.mongo_uri.is_some() || self.env.contains_key("KRT_MONGO_URI")
    }

    /// Subject at which a writer to MongoDB takes what nodes save, if there is one.
    pub(super) fn mongo_writer(runtime: &RuntimeId) -> String {
        format!("mongo_writer_data.{runtime}")
    }
}

fn port(server: &str) -> u16 {
    let with_scheme = if server.contains("://") { server.to_owned() } else { format!("nats://{server}") };
    reqwest::Url::parse(&with_scheme).ok().and_then(|url| url.port()).unwrap_or(4222)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_has_the_namespace_of_the_runtime_and_names_its_ports() {
        let of = |url: &str| RunnerSettings { nats_url: url.into(), ..RunnerSettings::default() };
        assert_eq!(of("nats://nats.{namespace}:4222").nats_url("kai-demo"), "nats://nats.kai-demo:4222");
        for (url, ports) in [
            ("nats://nats:4222", vec![4222]),
            ("nats://u:p@nats.{namespace}", vec![4222]),
            ("tls://a:4333,b:4444, c", vec![4222, 4333, 4444]),
            ("10.0.0.1:30422", vec![30422]),
        ] {
            assert_eq!(of(url).nats_ports(), ports, "{url}");
        }
    }
}
