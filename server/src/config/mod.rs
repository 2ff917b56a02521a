//! The settings: flags or environment variables in, checked [`Settings`] out. Everything that can be configured is here.

mod calls;
mod krt_limits;
mod limits;
mod logins;
mod messaging;
mod messaging_timeouts;
mod oidc;
mod settings;
mod uploads;
mod values;

use std::{ffi::OsStr, net::SocketAddr, path::Path, path::PathBuf, time::Duration};

use clap::{
    CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum,
    builder::{BoolishValueParser, Resettable},
};

use domain::PersonName;

pub use calls::{CallFlags, CallLimits};
pub use krt_limits::KrtFlags;
pub(crate) use krt_limits::setting_of;
pub use limits::{ClientLimits, FileTimeouts, MeasurementLimits, SessionLimits};
pub(crate) use logins::is_loopback_host;
pub use logins::{LoginFlags, LoginMode, LoginSettings, PublicUrl, TlsFiles};
pub use messaging::{MessagingFlags, MessagingSettings, NatsSettings};
pub use messaging_timeouts::MessagingTimeouts;
pub(crate) use oidc::is_protected;
pub use oidc::{OidcFlags, OidcLimits, OidcSettings};
pub(crate) use settings::reachable_by_pods;
pub use settings::{ClusterChoice, ConfigError, Settings};
pub use uploads::{UploadFlags, UploadLimits};
pub(crate) use values::without_password;
pub use values::{ByteCount, Pairs};

use crate::secret::Secret;

/// The flags. Each is also an environment variable; the flag wins.
// Not Debug: the values may hold passwords.
#[derive(Clone, Parser)]
#[command(
    name = "kai-server",
    version,
    about = "KAI Server: adds, starts and publishes versions of AI/ML workflows on Kubernetes.",
    after_help = "Without any setting it keeps its state in one folder and uses the sandbox, an in-memory Kubernetes in \
                  which nothing really runs. RUST_LOG sets the log level (default: info)."
)]
pub struct Flags {
    /// The address of the pages, the API and the live events. Must be a loopback address unless people sign in
    /// (--login)
    #[arg(long, env = "KAI_ADDR", default_value = "127.0.0.1:3000", value_name = "IP:PORT")]
    pub addr: SocketAddr,

    /// The address where pods download their KRT file and send what they measure. It serves nothing else, and each version
    /// only with its credential
    #[arg(long, env = "KAI_INTERNAL_ADDR", default_value = "127.0.0.1:3001", value_name = "IP:PORT")]
    pub internal_addr: SocketAddr,

    /// The URL at which pods reach --internal-addr [default: http://<internal-addr>]
    #[arg(long, env = "KAI_ADVERTISED_URL", value_name = "URL")]
    pub advertised_url: Option<String>,

    /// The folder for the database and the KRT files, unless they are set separately [default: kai-server in
    /// $XDG_DATA_HOME or in ~/.local/share]
    #[arg(long, env = "KAI_DATA_DIR", value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,

    /// The database: sqlite://<file> or postgres://<user>:<password>@<host>/<database> [default: kai.db in the data
    /// folder]
    #[arg(long, env = "KAI_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<Secret>,

    /// The file store for KRT files: a folder, file:///<folder> or s3://<bucket>/<prefix>. For S3, set the usual AWS_*
    /// variables: AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT, AWS_ALLOW_HTTP [default: files in
    /// the data folder]
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

    /// Deletes versions, with their files, that have been archived for this long, such as 90days. The activity keeps
    /// their history [default: never]
    #[arg(long, env = "KAI_ARCHIVED_RETENTION", value_parser = humantime::parse_duration, value_name = "TIME")]
    pub archived_retention: Option<Duration>,

    /// The Kubernetes cluster to use. A kubeconfig is used only if it is selected here
    #[arg(long, env = "KAI_CLUSTER", value_enum, default_value_t = ClusterFlag::Sandbox)]
    pub cluster: ClusterFlag,

    /// The context of the kubeconfig, with --cluster kubeconfig [default: its current context]
    #[arg(long, env = "KAI_CONTEXT", value_name = "NAME")]
    pub context: Option<String>,

    /// The address of the sandbox for kubectl (kubectl --server http://<address>). A loopback address
    #[arg(long, env = "KAI_SANDBOX_ADDR", default_value = "127.0.0.1:3010", value_name = "IP:PORT")]
    pub sandbox_addr: SocketAddr,

    /// How long the pods of the sandbox take to become ready
    #[arg(long, env = "KAI_SANDBOX_READY_AFTER", default_value = "2s", value_parser = humantime::parse_duration, value_name = "TIME")]
    pub sandbox_ready_after: Duration,

    /// The prefix of namespaces. The namespace of a runtime is this prefix and the id of the runtime
    #[arg(long, env = "KAI_NAMESPACE_PREFIX", default_value = "kai-", value_name = "PREFIX")]
    pub namespace_prefix: String,

    /// The base domain of published versions: <runtime id>.<base domain>
    #[arg(long, env = "KAI_BASE_DOMAIN", default_value = "kai.localhost", value_name = "DOMAIN")]
    pub base_domain: String,

    /// The class of the Ingresses [default: the default class of the cluster]
    #[arg(long, env = "KAI_INGRESS_CLASS", value_name = "NAME")]
    pub ingress_class: Option<String>,

    /// An annotation of the Ingresses, NAME=VALUE; may be repeated. In the environment: one per line, or one JSON object
    #[arg(long = "ingress-annotation", env = "KAI_INGRESS_ANNOTATIONS", value_name = "NAME=VALUE")]
    pub ingress_annotations: Vec<Pairs>,

    /// The Secret with the TLS certificate of the Ingress, in the namespace of each runtime [default: no TLS]
    #[arg(long, env = "KAI_INGRESS_TLS_SECRET", value_name = "NAME")]
    pub ingress_tls_secret: Option<String>,

    /// Creates a preview Ingress for each started version, at <version>.<runtime id>.<base domain>, to try a version
    /// before it is published
    #[arg(long, env = "KAI_INGRESS_PREVIEW", value_parser = BoolishValueParser::new())]
    pub ingress_preview: bool,

    /// The image of the init container that downloads the KRT file; needs sh, wget, sha256sum and tar
    #[arg(long, env = "KAI_INIT_IMAGE", default_value = "busybox:1.37", value_name = "IMAGE")]
    pub init_image: String,

    /// How long a node has to run before it counts as ready. Nodes have no readiness probe; a node that exits right after
    /// its start was never ready
    #[arg(long, env = "KAI_NODE_MIN_READY", default_value = "4s", value_parser = humantime::parse_duration, value_name = "TIME")]
    pub node_min_ready: Duration,

    #[command(flatten)]
    pub messaging: MessagingFlags,

    /// An environment variable of every node and entrypoint, NAME=VALUE; may be repeated. It takes precedence over other
    /// settings. In the environment: one per line, or one JSON object
    #[arg(long, env = "KAI_RUNNER_ENV", value_name = "NAME=VALUE", hide_env_values = true)]
    pub runner_env: Vec<Pairs>,

    /// How long a start or a publication may take before it fails
    #[arg(long, env = "KAI_START_TIMEOUT", default_value = "5m", value_parser = humantime::parse_duration, value_name = "TIME")]
    pub start_timeout: Duration,

    /// How long a stop may take before it is shown as overdue. It continues
    #[arg(long, env = "KAI_STOP_TIMEOUT", default_value = "2m", value_parser = humantime::parse_duration, value_name = "TIME")]
    pub stop_timeout: Duration,

    #[command(flatten)]
    pub calls: CallFlags,

    #[command(flatten)]
    pub logins: LoginFlags,

    /// Accepts addresses that are not loopback although nobody signs in: anyone who can reach the server can do everything.
    /// Use it only behind a proxy that authenticates users
    #[arg(long, env = "KAI_INSECURE_NO_LOGIN", value_parser = BoolishValueParser::new())]
    pub insecure_no_login: bool,

    #[command(subcommand)]
    pub command: Option<Task>,
}

/// What the program does instead of serving.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Task {
    /// Makes administrators, also while the server runs on the same database
    Admin {
        #[command(subcommand)]
        task: AdminTask,
    },
}

/// What is done to administrators. Each prints a link with which they choose a password; it works once.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum AdminTask {
    /// Adds a person with the role admin on all runtimes
    Create { name: PersonName },
    /// Lets a person in again: enables them and gives them the role admin on all runtimes
    Reset { name: PersonName },
}

impl Flags {
    /// The defaults with all data in this folder. The environment is ignored, which tests need.
    ///
    /// # Errors
    /// When a default value cannot be parsed, which the tests of this module rule out.
    pub fn defaults(data_dir: &Path) -> Result<Self, clap::Error> {
        let command = Self::command().mut_args(|argument| argument.env(Resettable::Reset));
        let arguments = [OsStr::new("kai-server"), OsStr::new("--data-dir"), data_dir.as_os_str()];
        Self::from_arg_matches(&command.try_get_matches_from(arguments)?)
    }
}

/// The values of `--cluster`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ClusterFlag {
    /// The in-memory Kubernetes API of this process: nothing really runs there
    Sandbox,
    /// The cluster of the kubeconfig at KUBECONFIG, or else ~/.kube/config
    Kubeconfig,
    /// The cluster that this process runs in
    InCluster,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flag_is_valid_has_help_and_an_environment_variable() {
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
