//! NATS and what else runners reach: flags in, checked [`MessagingSettings`] out.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::{ConfigError, MessagingTimeouts};
use crate::secret::Secret;

// Not Debug: the values may hold passwords.
#[derive(Clone, Args)]
pub struct MessagingFlags {
    /// The URL at which this server reaches NATS, which needs JetStream: nats://<host>:<port>, several of one cluster
    /// separated by commas. Without it the server makes no streams, and nodes cannot exchange messages
    #[arg(long, env = "KAI_NATS_URL", value_name = "URL", hide_env_values = true)]
    pub nats_url: Option<Secret>,

    /// The file with the credentials (.creds) with which this server connects to NATS
    #[arg(long, env = "KAI_NATS_CREDENTIALS", value_name = "FILE")]
    pub nats_credentials: Option<PathBuf>,

    /// The URL at which pods reach NATS; {namespace} in it is the namespace of the runtime [default: the same as
    /// --nats-url, or else nats://nats:4222]
    #[arg(long, env = "KAI_NATS_POD_URL", value_name = "URL", hide_env_values = true)]
    pub nats_pod_url: Option<Secret>,

    /// How long NATS may be down before the pods of all running versions are restarted one after another once it is back.
    /// Runners reconnect by themselves only after shorter outages
    #[arg(long, env = "KAI_NATS_RESTART_AFTER", default_value = "10s", value_parser = humantime::parse_duration, value_name = "TIME")]
    pub nats_restart_after: Duration,

    /// The URI of MongoDB for nodes
    #[arg(long, env = "KAI_MONGO_URI", value_name = "URI", hide_env_values = true)]
    pub mongo_uri: Option<Secret>,

    /// The URL of the InfluxDB that nodes write their measurements to; then this server has none of them [default: the
    /// internal listener of this server]
    #[arg(long, env = "KAI_INFLUX_URI", value_name = "URL", hide_env_values = true)]
    pub influx_uri: Option<Secret>,

    /// How long an entrypoint waits for the response to a request
    #[arg(long, env = "KAI_REQUEST_TIMEOUT", default_value = "30s", value_parser = humantime::parse_duration, value_name = "TIME")]
    pub request_timeout: Duration,

    /// How long nodes and entrypoints wait for a response from JetStream
    #[arg(long, env = "KAI_JS_REQUEST_TIMEOUT", default_value = "5s", value_parser = humantime::parse_duration, value_name = "TIME")]
    pub js_request_timeout: Duration,
}

/// NATS and what else runners reach.
#[derive(Debug, Clone)]
pub struct MessagingSettings {
    /// None turns messaging off.
    pub nats: Option<NatsSettings>,
    /// How long NATS may take. They have no flag.
    pub timeouts: MessagingTimeouts,
    /// Where pods reach NATS; none for where they look by themselves.
    pub pod_url: Option<Secret>,
    pub mongo_uri: Option<Secret>,
    pub influx_uri: Option<Secret>,
    pub request_timeout: Duration,
    pub js_request_timeout: Duration,
    /// How long an outage of NATS may last that runners survive.
    pub restart_after: Duration,
}

/// How this server reaches NATS.
#[derive(Debug, Clone)]
pub struct NatsSettings {
    /// One server or several of one cluster, separated by commas.
    pub url: Secret,
    pub credentials: Option<PathBuf>,
}

impl TryFrom<MessagingFlags> for MessagingSettings {
    type Error = ConfigError;

    fn try_from(flags: MessagingFlags) -> Result<Self, ConfigError> {
        let nats = match (flags.nats_url, flags.nats_credentials) {
            (None, Some(_)) => return Err(ConfigError::CredentialsWithoutNats),
            (None, None) => None,
            (Some(url), credentials) => Some(NatsSettings { url: checked(url)?, credentials }),
        };
        let seconds = Duration::from_secs(1)..=Duration::from_secs(24 * 60 * 60);
        for (setting, time) in
            [("KAI_REQUEST_TIMEOUT", flags.request_timeout), ("KAI_JS_REQUEST_TIMEOUT", flags.js_request_timeout)]
        {
            if !seconds.contains(&time) {
                return Err(ConfigError::RunnerTimeout { setting, time });
            }
        }
        Ok(Self {
            pod_url: flags.nats_pod_url.or_else(|| nats.as_ref().map(|nats| nats.url.clone())),
            nats,
            timeouts: MessagingTimeouts::default(),
            mongo_uri: flags.mongo_uri,
            influx_uri: flags.influx_uri,
            request_timeout: flags.request_timeout,
            js_request_timeout: flags.js_request_timeout,
            restart_after: flags.nats_restart_after,
        })
    }
}

/// Not in the message: the URL, which may hold a password.
fn checked(url: Secret) -> Result<Secret, ConfigError> {
    let is_server = |server: &str| {
        let server = server.trim();
        let with_scheme = if server.contains("://") { server.to_owned() } else { format!("nats://{server}") };
        let parsed = reqwest::Url::parse(&with_scheme);
        parsed.is_ok_and(|url| ["nats", "tls"].contains(&url.scheme()) && url.has_host())
    };
    if url.expose().split(',').all(is_server) { Ok(url) } else { Err(ConfigError::NatsUrl) }
}
