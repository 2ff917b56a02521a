//! The settings after all checks.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    num::NonZeroU16,
    path::PathBuf,
    time::Duration,
};

use krt::Limits;

use super::{
    CallLimits, ClusterFlag, Flags,
    limits::{ClientLimits, FileTimeouts, MeasurementLimits},
    logins::LoginSettings,
    messaging::MessagingSettings,
    uploads::UploadLimits,
    values::Pairs,
};
use crate::secret::Secret;

/// Why the settings cannot be used. `Display` says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(
        "{setting} is {addr}, which other machines can reach, and nobody signs in. Set KAI_LOGIN, or use a loopback address \
         such as 127.0.0.1:{port}, or --insecure-no-login behind a proxy that authenticates users", port = .addr.port()
    )]
    NotLoopback { setting: &'static str, addr: SocketAddr },
    #[error(
        "KAI_SANDBOX_ADDR is {addr}, which other machines can reach, and the sandbox has no logins. Use a loopback address \
         such as 127.0.0.1:{port}", port = .addr.port()
    )]
    SandboxNotLoopback { addr: SocketAddr },
    #[error("set one of KAI_LOGIN and KAI_INSECURE_NO_LOGIN")]
    LoginAndInsecure,
    #[error(
        "KAI_ADDR is {addr}, which other machines can reach: set KAI_PUBLIC_URL to the URL at which people open the pages, \
         such as https://kai.example.org"
    )]
    NoPublicUrl { addr: SocketAddr },
    #[error(
        "KAI_PUBLIC_URL is `{0}`; use the scheme, the host and the port without a path, such as https://kai.example.org"
    )]
    PublicUrl(String),
    #[error("KAI_PUBLIC_URL is {0}, which other machines can open, and nobody signs in; set KAI_LOGIN")]
    PublicWithoutLogin(String),
    #[error(
        "KAI_PUBLIC_URL is {0}, over which passwords and cookies go in the clear; use https, by KAI_TLS_CERT and KAI_TLS_KEY \
         or by a proxy"
    )]
    PublicWithoutTls(String),
    #[error("KAI_TLS_CERT requires KAI_PUBLIC_URL with https")]
    TlsWithoutPublicUrl,
    #[error("{setting} is {time:?}; use at least one minute and at most a year")]
    SessionTime { setting: &'static str, time: Duration },
    #[error("no data folder: set KAI_DATA_DIR, XDG_DATA_HOME or HOME")]
    NoDataDir,
    #[error("KAI_CONTEXT requires --cluster kubeconfig")]
    ContextWithoutKubeconfig,
    #[error("KAI_START_TIMEOUT is {0:?}; use at least one second and at most a day")]
    StartTimeout(Duration),
    #[error("KAI_STOP_TIMEOUT is {0:?}; use at least one second and at most a day")]
    StopTimeout(Duration),
    #[error("KAI_CALL_TIMEOUT is {0:?}; use at least one second and at most a day")]
    CallTimeout(Duration),
    #[error("KAI_ARCHIVED_RETENTION is {0:?}; use at least one second, or omit it to keep archived versions")]
    ArchivedRetention(Duration),
    #[error("KAI_NATS_URL is not a NATS URL; use nats://<host>:<port>, several of one cluster separated by commas")]
    NatsUrl,
    #[error("KAI_NATS_CREDENTIALS requires KAI_NATS_URL")]
    CredentialsWithoutNats,
    #[error("{0} is required to sign in with OpenID Connect")]
    OidcMissing(&'static str),
    #[error(
        "KAI_OIDC_ISSUER is `{0}`; use the provider's https:// URL, without a query. http:// is only for a provider on this \
         machine"
    )]
    OidcIssuer(String),
    #[error("KAI_OIDC_CLIENT_SECRET_FILE: cannot read {}", .path.display())]
    OidcSecretFile {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("KAI_OIDC_CLIENT_SECRET_FILE: {} is empty; omit it for a public client", .0.display())]
    OidcSecretEmpty(PathBuf),
    #[error("{setting} is {time:?}; use at least one second and at most a day")]
    RunnerTimeout { setting: &'static str, time: Duration },
    #[error("KAI_ADVERTISED_URL is `{0}`; use the http:// or https:// URL at which pods reach the internal listener")]
    AdvertisedUrl(String),
    #[error(
        "KAI_NAMESPACE_PREFIX is `{0}`; use at most 43 lower-case letters, digits and `-`, beginning with a letter"
    )]
    NamespacePrefix(String),
    #[error(
        "KAI_BASE_DOMAIN is `{0}`; use the domain under which published versions answer, such as kai.example.org: at most \
         {MAX_BASE_DOMAIN_LEN} lower-case letters, digits, `-` and `.`, each part beginning and ending with a letter or digit"
    )]
    BaseDomain(String),
}

/// The cluster to use. A kubeconfig is used only when it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterChoice {
    Sandbox,
    /// The kubeconfig that KUBECONFIG or the home folder names, in this or its current context.
    Kubeconfig {
        context: Option<String>,
    },
    InCluster,
}

/// Everything the server is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    pub addr: SocketAddr,
    pub internal_addr: SocketAddr,
    pub sandbox_addr: SocketAddr,
    /// None: derived from the address of the internal listener.
    pub advertised_url: Option<String>,
    pub data_dir: PathBuf,
    /// It may hold a password.
    pub database_url: Secret,
    pub storage_url: String,
    /// How long a file stays in the trash of the file store.
    pub trash_retention: Duration,
    /// Timeouts of the file store. They have no flag.
    pub file_timeouts: FileTimeouts,
    /// Limits of a KRT file.
    pub krt_limits: Limits,
    /// How many files are uploaded at once.
    pub max_uploads: NonZeroU16,
    /// How long archived versions are kept; forever when none.
    pub archived_retention: Option<Duration>,
    pub upload_limits: UploadLimits,
    pub cluster: ClusterChoice,
    pub sandbox_ready_after: Duration,
    pub namespace_prefix: String,
    pub base_domain: String,
    pub ingress_class: Option<String>,
    pub ingress_annotations: BTreeMap<String, String>,
    pub ingress_tls_secret: Option<String>,
    pub ingress_preview: bool,
    pub init_image: String,
    pub node_min_ready: Duration,
    pub messaging: MessagingSettings,
    /// Values such as KRT_MONGO_URI may hold passwords.
    pub runner_env: BTreeMap<String, Secret>,
    pub start_timeout: Duration,
    pub stop_timeout: Duration,
    /// Limits of calls that people make to entrypoints from here.
    pub calls: CallLimits,
    pub logins: LoginSettings,
    pub insecure_no_login: bool,
    /// Limits for the clients of the listeners. They have no flag.
    pub clients: ClientLimits,
    /// What measurements may cost. It has no flag.
    pub measurements: MeasurementLimits,
}

impl TryFrom<Flags> for Settings {
    type Error = ConfigError;

    fn try_from(flags: Flags) -> Result<Self, ConfigError> {
        let logins = flags.logins.settings(flags.addr, flags.insecure_no_login)?;
        if !flags.insecure_no_login && !flags.sandbox_addr.ip().to_canonical().is_loopback() {
            return Err(ConfigError::SandboxNotLoopback { addr: flags.sandbox_addr });
        }
        let second_to_day = Duration::from_secs(1)..=Duration::from_secs(24 * 60 * 60);
        if !second_to_day.contains(&flags.start_timeout) {
            return Err(ConfigError::StartTimeout(flags.start_timeout));
        }
        if !second_to_day.contains(&flags.stop_timeout) {
            return Err(ConfigError::StopTimeout(flags.stop_timeout));
        }
        if !second_to_day.contains(&flags.calls.call_timeout) {
            return Err(ConfigError::CallTimeout(flags.calls.call_timeout));
        }
        if let Some(retention) = flags.archived_retention.filter(|retention| *retention < Duration::from_secs(1)) {
            return Err(ConfigError::ArchivedRetention(retention));
        }
        if !is_namespace_prefix(&flags.namespace_prefix) {
            return Err(ConfigError::NamespacePrefix(flags.namespace_prefix));
        }
        if !is_base_domain(&flags.base_domain) {
            return Err(ConfigError::BaseDomain(flags.base_domain));
        }
        let cluster = match (flags.cluster, flags.context) {
            (ClusterFlag::Kubeconfig, context) => ClusterChoice::Kubeconfig { context },
            (_, Some(_)) => return Err(ConfigError::ContextWithoutKubeconfig),
            (ClusterFlag::Sandbox, None) => ClusterChoice::Sandbox,
            (ClusterFlag::InCluster, None) => ClusterChoice::InCluster,
        };
        let data_dir = flags.data_dir.or_else(default_data_dir).ok_or(ConfigError::NoDataDir)?;
        let data_dir = std::path::absolute(&data_dir).unwrap_or(data_dir);
        let database_url = format!("sqlite://{}", data_dir.join("kai.db").display());
        let storage_url = data_dir.join("files").display().to_string();
        let runner_env = Pairs::merge(flags.runner_env).into_iter().map(|(name, value)| (name, value.into())).collect();
        let calls = flags.calls.limits(flags.messaging.request_timeout);
        Ok(Self {
            addr: flags.addr,
            internal_addr: flags.internal_addr,
            sandbox_addr: flags.sandbox_addr,
            advertised_url: flags.advertised_url.map(advertised_url).transpose()?,
            data_dir,
            database_url: flags.database_url.unwrap_or_else(|| database_url.into()),
            storage_url: flags.storage_url.unwrap_or(storage_url),
            trash_retention: flags.trash_retention,
            file_timeouts: FileTimeouts::DEFAULT,
            krt_limits: flags.krt.into(),
            archived_retention: flags.archived_retention,
            max_uploads: flags.uploads.max_uploads,
            upload_limits: flags.uploads.limits(),
            cluster,
            sandbox_ready_after: flags.sandbox_ready_after,
            namespace_prefix: flags.namespace_prefix,
            base_domain: flags.base_domain,
            ingress_class: flags.ingress_class,
            ingress_annotations: Pairs::merge(flags.ingress_annotations),
            ingress_tls_secret: flags.ingress_tls_secret,
            ingress_preview: flags.ingress_preview,
            init_image: flags.init_image,
            node_min_ready: flags.node_min_ready,
            messaging: flags.messaging.try_into()?,
            runner_env,
            start_timeout: flags.start_timeout,
            stop_timeout: flags.stop_timeout,
            calls,
            logins,
            insecure_no_login: flags.insecure_no_login,
            clients: ClientLimits::default(),
            measurements: MeasurementLimits::default(),
        })
    }
}

/// A namespace has at most 63 characters, of which a runtime's id takes up to 19; one is left to spare.
fn is_namespace_prefix(prefix: &str) -> bool {
    prefix.len() <= 43
        && prefix.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && prefix.bytes().next().is_none_or(|b| b.is_ascii_lowercase())
}

/// A host has at most 253 characters (RFC 1123), of which the names of a version and a runtime take up to 20 each with
/// their dots.
const MAX_BASE_DOMAIN_LEN: usize = 253 - 2 * (domain::NAME_MAX_LEN + 1);

/// Whether Kubernetes accepts the text as the end of an Ingress host ("DNS-1123 subdomain").
fn is_base_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    text.len() <= MAX_BASE_DOMAIN_LEN && text.split('.').all(is_label)
}

fn advertised_url(url: String) -> Result<String, ConfigError> {
    match reqwest::Url::parse(&url) {
        Ok(parsed) if ["http", "https"].contains(&parsed.scheme()) && parsed.has_host() => {
            Ok(url.trim_end_matches('/').to_owned())
        }
        _ => Err(ConfigError::AdvertisedUrl(url)),
    }
}

/// Whether pods of a real cluster could reach this URL.
pub(crate) fn reachable_by_pods(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else { return false };
    match url.host_str() {
        None | Some("localhost") => false,
        Some(host) => host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .map_or(true, |ip| !ip.to_canonical().is_loopback() && !ip.is_unspecified()),
    }
}

/// The data folder of a user, by the XDG base directory specification.
fn default_data_dir() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_DATA_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".local/share")))
        .map(|data| data.join("kai-server"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn settings(args: &[&str]) -> Result<Settings, ConfigError> {
        let flags = Flags::try_parse_from(["kai-server", "--data-dir", "/data"].iter().chain(args)).unwrap();
        flags.try_into()
    }

    #[test]
    fn with_nothing_set_all_is_in_the_data_folder_and_on_loopback() {
        let settings = settings(&[]).unwrap();
        assert_eq!(settings.database_url.expose(), "sqlite:///data/kai.db");
        assert_eq!(settings.storage_url, "/data/files");
        assert!(settings.addr.ip().is_loopback());
        assert_eq!(settings.cluster, ClusterChoice::Sandbox);
        assert!(settings.messaging.nats.is_none() && settings.messaging.pod_url.is_none());
    }

    #[test]
    fn an_address_that_others_reach_is_refused_until_insisted_upon() {
        for flag in ["--addr", "--sandbox-addr"] {
            let refusal = settings(&[flag, "0.0.0.0:3000"]).unwrap_err().to_string();
            assert!(refusal.contains("which other machines can reach"), "{refusal}");
            assert!(settings(&[flag, "0.0.0.0:3000", "--insecure-no-login"]).is_ok());
        }
        assert!(settings(&["--addr", "[::1]:3000", "--internal-addr", "0.0.0.0:3001"]).is_ok());
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        for wrong in [
            &["--context", "prod"][..],
            &["--nats-url", "http://nats:4222"],
            &["--nats-url", ""],
            &["--nats-url", "nats://a:4222,"],
            &["--nats-credentials", "/nats.creds"],
            &["--request-timeout", "10ms"],
            &["--js-request-timeout", "0s"],
            &["--start-timeout", "0s"],
            &["--stop-timeout", "0s"],
            &["--call-timeout", "0s"],
            &["--archived-retention", "0s"],
            &["--advertised-url", "kai:3001"],
            &["--namespace-prefix", "Kai-"],
            &["--namespace-prefix=-kai"],
            &["--base-domain", ""],
            &["--base-domain", ".example.org"],
            &["--base-domain", "Example.org"],
            &["--base-domain", "a_b.org"],
            &["--base-domain", "a-.org"],
            &["--base-domain", &"a.".repeat(120)],
            &["--base-domain", &"a".repeat(64)],
        ] {
            assert!(settings(wrong).is_err(), "{wrong:?}");
        }
        for right in ["localhost", "kai.example.org", "xn--a.1.b-c"] {
            assert_eq!(settings(&["--base-domain", right]).unwrap().base_domain, right);
        }
    }

    #[test]
    fn runner_variables_may_be_given_one_by_one() {
        let settings =
            settings(&["--runner-env", "KRT_MONGO_URI=mongodb://a,b", "--runner-env", "KRT_NATS_SERVER=nats://x"]);
        let env = settings.unwrap().runner_env;
        assert_eq!((env["KRT_MONGO_URI"].expose(), env["KRT_NATS_SERVER"].expose()), ("mongodb://a,b", "nats://x"));
    }

    #[test]
    fn pods_reach_nats_where_the_server_does_unless_it_is_said_otherwise() {
        let pod_url = |args: &[&str]| settings(args).unwrap().messaging.pod_url.unwrap().expose().to_owned();
        assert_eq!(pod_url(&["--nats-url", "nats://a:1,b:2"]), "nats://a:1,b:2");
        let apart = ["--nats-url", "nats://127.0.0.1:4222", "--nats-pod-url", "nats://nats.{namespace}:4222"];
        assert_eq!(pod_url(&apart), "nats://nats.{namespace}:4222");
    }

    #[test]
    fn settings_print_no_password() {
        let url = "postgres://kai:s3cret@db/kai";
        let nats = "nats://kai:s3cret@nats:4222";
        let env = "KRT_MONGO_URI=mongodb://a:s3cret@b";
        let printed = format!("{:?}", settings(&["--database-url", url, "--nats-url", nats, "--runner-env", env]));
        assert!(!printed.contains("s3cret"), "{printed}");
    }

    #[test]
    fn loopback_is_not_reachable_by_pods() {
        for (url, reachable) in [
            ("http://127.0.0.1:3001", false),
            ("http://[::1]:3001", false),
            ("http://0.0.0.0:3001", false),
            ("http://localhost:3001", false),
            ("http://10.0.0.4:3001", true),
            ("http://kai-server.kai.svc:3001", true),
            ("nats://127.0.0.1:4222", false),
            ("nats://nats.{namespace}:4222", true),
        ] {
            assert_eq!(reachable_by_pods(url), reachable, "{url}");
        }
    }
}
