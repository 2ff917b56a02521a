//! The settings: flags or environment variables in, checked [`Settings`] out. Everything a person can set is in here.

mod krt_limits;
mod settings;
mod uploads;
mod values;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Parser, ValueEnum, builder::BoolishValueParser};

pub use krt_limits::KrtFlags;
pub(crate) use krt_limits::setting_of;
pub(crate) use settings::reachable_by_pods;
pub use settings::{ConfigError, Settings};
pub use uploads::UploadFlags;
pub(crate) use values::without_password;
pub use values::{ByteCount, Pairs};

use crate::secret::Secret;

/// The flags as a person writes them. Each is also an environment variable; the flag wins.
// Not Debug: what is set may hold passwords.
#[derive(Clone, Parser)]
#[command(
    name = "kai-server",
    version,
    about = "KAI Server: adds, starts and publishes versions of AI/ML workflows on Kubernetes.",
    after_help = "With no setting at all it keeps its state in one folder and drives a sandbox, an in-memory Kubernetes in \
                  which nothing really runs. RUST_LOG sets what is logged (default: info)."
)]
pub struct Flags {
    /// Where pages, API and live events are served. Until there are logins only a loopback address is accepted
    #[arg(long, env = "KAI_ADDR", default_value = "127.0.0.1:3000", value_name = "IP:PORT")]
    pub addr: SocketAddr,

    /// Where pods download their KRT file; serves nothing else, and each file only with its own credential
    #[arg(long, env = "KAI_INTERNAL_ADDR", default_value = "127.0.0.1:3001", value_name = "IP:PORT")]
    pub internal_addr: SocketAddr,

    /// The URL at which pods reach --internal-addr [default: http://<internal-addr>]
    #[arg(long, env = "KAI_ADVERTISED_URL", value_name = "URL")]
    pub advertised_url: Option<String>,

    /// The folder that holds the database and the KRT files unless they are set apart [default: kai-server in
    /// $XDG_DATA_HOME or in ~/.local/share]
    #[arg(long, env = "KAI_DATA_DIR", value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,

    /// The database: sqlite://<file> or postgres://<user>:<password>@<host>/<database> [default: kai.db in the data
    /// folder]
    #[arg(long, env = "KAI_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<Secret>,

    /// Where KRT files are kept: a folder, file:///<folder> or s3://<bucket>/<prefix>. For S3 the usual AWS_* variables
    /// say the rest: AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT, AWS_ALLOW_HTTP [default: files
    /// in the data folder]
    #[arg(long, env = "KAI_STORAGE_URL", value_name = "URL")]
    pub storage_url: Option<String>,

    /// How long a file that no version uses stays in the trash (the folder trash/ beside the KRT files) before it is
    /// deleted. Nothing is removed from S3
    #[arg(long, env = "KAI_TRASH_RETENTION", default_value = "1d", value_parser = humantime::parse_duration, value_name = "TIME")]
    pub trash_retention: Duration,

    #[command(flatten)]
    pub krt: KrtFlags,

    #[command(flatten)]
    pub uploads: UploadFlags,

    /// Deletes versions, with their files, that have been archived for this long, such as 90days; what was done to them
    /// stays in the activity [default: never]
    #[arg(long, env = "KAI_ARCHIVED_RETENTION", value_parser = humantime::parse_duration, value_name = "TIME")]
    pub archived_retention: Option<Duration>,

    /// Which Kubernetes to drive. A kubeconfig lying about is never used unasked
    #[arg(long, env = "KAI_CLUSTER", value_enum, default_value_t = ClusterFlag::Sandbox)]
    pub cluster: ClusterFlag,

    /// The context of the kubeconfig, with --cluster kubeconfig [default: its current one]
    #[arg(long, env = "KAI_CONTEXT", value_name = "NAME")]
    pub context: Option<String>,

    /// Where the sandbox answers kubectl (kubectl --server http://<this>). A loopback address
    #[arg(long, env = "KAI_SANDBOX_ADDR", default_value = "127.0.0.1:3010", value_name = "IP:PORT")]
    pub sandbox_addr: SocketAddr,

    /// How long the sandbox's pods take to become ready
    #[arg(long, env = "KAI_SANDBOX_READY_AFTER", default_value = "2s", value_parser = humantime::parse_duration, value_name = "TIME")]
    pub sandbox_ready_after: Duration,

    /// What a runtime's namespace is called: this, then the runtime's id
    #[arg(long, env = "KAI_NAMESPACE_PREFIX", default_value = "kai-", value_name = "PREFIX")]
    pub namespace_prefix: String,

    /// A published version answers at <runtime id>.<this>
    #[arg(long, env = "KAI_BASE_DOMAIN", default_value = "kai.localhost", value_name = "DOMAIN")]
    pub base_domain: String,

    /// The class of the Ingresses [default: the cluster's default class]
    #[arg(long, env = "KAI_INGRESS_CLASS", value_name = "NAME")]
    pub ingress_class: Option<String>,

    /// An annotation of the Ingresses, NAME=VALUE; may be repeated. In the environment: one per line, or one JSON object
    #[arg(long = "ingress-annotation", env = "KAI_INGRESS_ANNOTATIONS", value_name = "NAME=VALUE")]
    pub ingress_annotations: Vec<Pairs>,

    /// The Secret, in each runtime's namespace, with the certificate of its Ingress [default: no TLS]
    #[arg(long, env = "KAI_INGRESS_TLS_SECRET", value_name = "NAME")]
    pub ingress_tls_secret: Option<String>,

    /// Also make an Ingress for each started version, at <version>.<runtime id>.<base domain>, to try it before it is
    /// published
    #[arg(long, env = "KAI_INGRESS_PREVIEW", value_parser = BoolishValueParser::new())]
    pub ingress_preview: bool,

    /// The image of the init container that fetches the KRT file; needs sh, wget, sha256sum and tar
    #[arg(long, env = "KAI_INIT_IMAGE", default_value = "busybox:1.37", value_name = "IMAGE")]
    pub init_image: String,

    /// How long a node has to have run before it counts as ready: nodes have no probe, and one that ends right after it
    /// began was not ready
    #[arg(long, env = "KAI_NODE_MIN_READY", default_value = "4s", value_parser = humantime::parse_duration, value_name = "TIME")]
    pub node_min_ready: Duration,

    /// A variable in the environment of every node and entrypoint, such as KRT_MONGO_URI, NAME=VALUE; may be repeated.
    /// In the environment: one per line, or one JSON object [default: KRT_NATS_SERVER=nats://nats:4222]
    #[arg(long, env = "KAI_RUNNER_ENV", value_name = "NAME=VALUE", hide_env_values = true)]
    pub runner_env: Vec<Pairs>,

    /// How long a version may take to start or to be published before that counts as failed
    #[arg(long, env = "KAI_START_TIMEOUT", default_value = "5m", value_parser = humantime::parse_duration, value_name = "TIME")]
    pub start_timeout: Duration,

    /// How long a stop may take before the version is shown as overdue; it goes on
    #[arg(long, env = "KAI_STOP_TIMEOUT", default_value = "2m", value_parser = humantime::parse_duration, value_name = "TIME")]
    pub stop_timeout: Duration,

    /// Accept addresses that are not loopback although nobody logs in: whoever reaches the server may do everything.
    /// Only behind something that does ask who is there
    #[arg(long, env = "KAI_INSECURE_NO_LOGIN", value_parser = BoolishValueParser::new())]
    pub insecure_no_login: bool,
}

/// The values of `--cluster`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ClusterFlag {
    /// The in-memory Kubernetes API of this process: nothing really runs there
    Sandbox,
    /// The cluster that KUBECONFIG, or else ~/.kube/config, names
    Kubeconfig,
    /// The cluster that this process runs in
    InCluster,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_flags_are_well_formed_and_each_is_explained_and_settable_by_environment() {
        let command = Flags::command();
        command.clone().debug_assert();
        for argument in command.get_arguments().filter(|a| !["help", "version"].contains(&a.get_id().as_str())) {
            assert!(argument.get_help().is_some(), "{}", argument.get_id());
            assert!(
                argument.get_env().is_some_and(|e| e.to_string_lossy().starts_with("KAI_")),
                "{}",
                argument.get_id()
            );
        }
    }
}
