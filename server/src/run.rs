//! Puts the server together, starts it, and stops it. Tests start whole servers with it, in their own process.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use domain::{ApiError, ClusterKind, PersonName};
use sandbox::Sandbox;
use tokio::{net::TcpListener, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    accounts::{
        Accounts,
        oidc::{OidcError, OidcSignIn},
    },
    broadcast::EventBroadcaster,
    changes::Changes,
    cluster::{Cluster, ClusterError},
    config::{
        ClientLimits, ClusterChoice, LoginMode, OidcSettings, PublicUrl, Settings, reachable_by_pods, without_password,
    },
    file_lock::{FileLock, FileLockError},
    files::{Files, FilesError},
    http::{
        self, Logins,
        guard::AllowedHosts,
        internal::Internal,
        serve::serve,
        tls::{Tls, TlsError},
    },
    identity::{self, IdentityError},
    intake::{
        Intake,
        sweep::{SweepError, empty_trash, sweep},
    },
    measurements::Measurements,
    messaging::{Messaging, MessagingError},
    private::tighten,
    reconciler::{ObjectSettings, Reconciler, ReconcilerTimings, RunnerSettings},
    retention,
    service::{Service, ServiceParts, Timeouts, error_chain},
    site::Site,
    store::{self, Holder, Lock, Store, StoreError, Timings},
};

/// How long requests and uploads under way may take to end when the server is told to.
const GRACE: Duration = Duration::from_secs(10);

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot use the data folder {}", .folder.display())]
    DataDir {
        folder: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{setting}: cannot listen on {addr}")]
    Listen {
        setting: &'static str,
        addr: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("KAI_DATABASE_URL: cannot open the database")]
    Store(#[from] StoreError),
    #[error("KAI_STORAGE_URL: cannot open the file store")]
    Files(#[from] FilesError),
    #[error("KAI_STORAGE_URL: the file store is in use")]
    FilesInUse(#[from] FileLockError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error("cannot remove the files of unfinished uploads")]
    Sweep(#[from] SweepError),
    #[error("KAI_CLUSTER: cannot use the cluster")]
    Cluster(#[from] ClusterError),
    #[error("cannot use NATS")]
    Messaging(#[from] MessagingError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("cannot hash passwords: {0}")]
    Passwords(argon2::password_hash::Error),
    #[error("cannot make a link for the first administrator")]
    FirstAdministrator(#[source] ApiError),
    #[error(transparent)]
    Oidc(#[from] OidcError),
}

/// A server that runs.
pub struct Running {
    /// Where pages and API are, with the port that was got when it was asked for port 0.
    pub addr: SocketAddr,
    pub internal_addr: SocketAddr,
    /// Where people open the pages.
    pub public_url: PublicUrl,
    /// Whom a link was made for, as long as nobody could be an administrator, and the link.
    pub first_administrator: Option<(PersonName, String)>,
    // None when the cluster is a real one.
    sandbox: Option<(Sandbox, SocketAddr)>,
    stop: CancellationToken,
    tasks: JoinSet<&'static str>,
    intake: Intake,
    // Held for as long as the server runs.
    database_lock: Lock,
    _files_lock: Option<FileLock>,
}

/// Starts everything. When this returns, all listeners answer.
///
/// # Errors
/// What cannot be opened, bound or used.
pub async fn start(settings: Settings) -> Result<Running, StartError> {
    prepare_data_dir(&settings.data_dir)?;
    // One server has a database and a file store to itself; nothing in either is touched before they are its own.
    let holder = Holder::this();
    let (store, database_lock) = store::open_alone(settings.database_url.expose(), &holder, Timings::default()).await?;
    let files = Files::open(&settings.storage_url, settings.file_timeouts).await?;
    let files_lock = files.lock(&holder.to_string())?;
    identity::ensure_one(&store, &files, &without_password(settings.database_url.expose())).await?;
    let public = listen("KAI_ADDR", settings.addr).await?;
    let internal = listen("KAI_INTERNAL_ADDR", settings.internal_addr).await?;
    sweep(&files, &store).await?;

    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    let clients = client_limits(&settings);
    let (cluster, sandbox) = connect(&settings, clients, &stop, &mut tasks).await?;

    let objects = object_settings(&settings, internal.addr);
    if cluster.info().kind != ClusterKind::Sandbox && !reachable_by_pods(&objects.advertised_url) {
        tracing::warn!(
            "pods cannot reach this server at {}, so no version will start: set KAI_INTERNAL_ADDR to an address that \
             pods reach, such as 0.0.0.0:3001, and KAI_ADVERTISED_URL to its URL",
            objects.advertised_url
        );
    }
    let first_nats = objects.runners.nats_url.expose().split(',').next().unwrap_or_default();
    if cluster.info().kind != ClusterKind::Sandbox && objects.runners.messaging && !reachable_by_pods(first_nats) {
        tracing::warn!(
            "pods cannot reach NATS at {}, so no version will start: set KAI_NATS_POD_URL to the URL at which pods reach it",
            without_password(first_nats)
        );
    }
    let messaging = match &settings.messaging.nats {
        Some(nats) => Some(Messaging::connect(nats, settings.messaging.timeouts).await?),
        None => None,
    };
    let (store_of_accounts, store_of_provider) = (store.clone(), store.clone());
    let changed = Changes::default();
    let (start_timeout, stop_timeout) = (settings.start_timeout, settings.stop_timeout);
    let messaging_outage = settings.messaging.restart_after;
    let timings = ReconcilerTimings { start_timeout, stop_timeout, messaging_outage, ..ReconcilerTimings::default() };
    let reconciler = Reconciler::with_messaging(
        store.clone(),
        cluster.clone(),
        messaging,
        objects.clone(),
        timings,
        changed.clone(),
    );
    let timeouts = Timeouts { start: settings.start_timeout, stop: settings.stop_timeout, calls: settings.calls };
    let advertised_url = objects.advertised_url.clone();
    let measurements = Arc::new(Measurements::new(store.clone(), settings.measurements));
    let service = Arc::new(Service::new(ServiceParts {
        store,
        files: files.clone(),
        reconciler: reconciler.clone(),
        cluster,
        objects,
        changed: changed.clone(),
        timeouts,
        measurements: measurements.clone(),
    }));
    if let Some(retention) = settings.archived_retention {
        let deleting = retention::run(service.clone(), retention, stop.clone());
        spawn(&mut tasks, "the deletion of archived versions", deleting);
    }
    let broadcaster = EventBroadcaster::new(service.clone());
    let limits = settings.krt_limits.clone();
    let intake = Intake::new(service.clone(), files.clone(), limits, settings.max_uploads, settings.upload_limits);

    spawn(&mut tasks, "the reconciler", reconciler.run(stop.clone()));
    spawn(&mut tasks, "the event broadcaster", broadcaster.clone().run(changed, stop.clone()));
    spawn(&mut tasks, "the trash", empty_trash(files.clone(), settings.trash_retention, stop.clone()));
    spawn(&mut tasks, "the store of measurements", measurements.clone().run(stop.clone()));
    let (addr, internal_addr) = (public.addr, internal.addr);
    let public_url = settings.logins.public_url(addr);
    let accounts = Accounts::new(store_of_accounts, settings.logins.sessions, public_url.to_string())
        .map_err(StartError::Passwords)?;
    let oidc = match settings.logins.oidc.clone() {
        Some(oidc) => Some(sign_in_with_provider(oidc, &public_url, &accounts, store_of_provider).await?),
        None => None,
    };
    let first_administrator = if settings.logins.modes.contains(&LoginMode::Local) {
        accounts.first_administrator().await.map_err(StartError::FirstAdministrator)?
    } else {
        None
    };
    let tls = match &settings.logins.tls {
        Some(files) => {
            let (tls, renewal) = Tls::open(files).await?;
            spawn(&mut tasks, "the renewal of the TLS certificate", renewal.run(stop.clone()));
            Some(tls)
        }
        None => None,
    };
    let logins = Logins::new(accounts.clone(), oidc, &settings.logins, &public_url);
    spawn(&mut tasks, "the sessions", accounts.run(stop.clone()));
    let pods = http::internal::router(Internal {
        service: service.clone(),
        files: files.clone(),
        measurements,
        body_timeout: clients.body_timeout,
        advertised_url,
    });
    let people = http::public(http::Public {
        service,
        files,
        intake: intake.clone(),
        broadcaster,
        site: Site::find(),
        addr,
        allowed_hosts: AllowedHosts::of(addr, settings.logins.public_url.as_ref(), settings.insecure_no_login),
        logins,
        is_https: public_url.is_https(),
        body_timeout: clients.body_timeout,
        stop: stop.clone(),
    });
    let serving = serve(internal.listener, clients.internal_connections, clients, pods, None, stop.clone());
    spawn(&mut tasks, "the internal listener", serving);
    let serving = serve(public.listener, clients.public_connections, clients, people, tls, stop.clone());
    spawn(&mut tasks, "the public listener", serving);
    Ok(Running {
        addr,
        internal_addr,
        public_url,
        first_administrator,
        sandbox,
        stop,
        tasks,
        intake,
        database_lock,
        _files_lock: files_lock,
    })
}

async fn sign_in_with_provider(
    settings: OidcSettings,
    public_url: &PublicUrl,
    accounts: &Accounts,
    store: Arc<Store>,
) -> Result<OidcSignIn, StartError> {
    let oidc = OidcSignIn::new(settings, &public_url.to_string(), store)?;
    if let Some(group) = oidc.admin_group() {
        accounts.make_administrators(group).await.map_err(StartError::FirstAdministrator)?;
    }
    Ok(oidc)
}

impl Running {
    /// Where kubectl looks into the sandbox; none when the cluster is a real one.
    pub fn sandbox_addr(&self) -> Option<SocketAddr> {
        self.sandbox.as_ref().map(|(_, addr)| *addr)
    }

    /// Returns only when a task of the server has ended before it was told to, or when another server has taken the database,
    /// with the reason.
    pub async fn failed(&mut self) -> String {
        tokio::select! {
            ended = self.tasks.join_next() => match ended {
                Some(Ok(name)) => format!("{name} has ended"),
                Some(Err(panicked)) => format!("a part of the server has panicked: {panicked}"),
                None => "all parts of the server have ended".to_owned(),
            },
            lost = self.database_lock.lost() => error_chain(&lost),
        }
    }

    /// Lets requests and uploads that are under way end, for at most ten seconds, and ends the rest.
    pub async fn shut_down(mut self) {
        self.stop.cancel();
        if let Some((sandbox, _)) = &self.sandbox {
            // Ends the watches of those who look into it.
            sandbox.stop();
        }
        let ended = timeout(GRACE, async {
            while self.tasks.join_next().await.is_some() {}
            self.intake.finish().await;
        });
        if ended.await.is_err() {
            tracing::warn!("some requests did not end within {} seconds and are aborted", GRACE.as_secs());
        }
        self.tasks.shutdown().await;
    }
}

struct BoundListener {
    listener: TcpListener,
    addr: SocketAddr,
}

async fn listen(setting: &'static str, addr: SocketAddr) -> Result<BoundListener, StartError> {
    let failed = |source| StartError::Listen { setting, addr, source };
    let listener = TcpListener::bind(addr).await.map_err(failed)?;
    let addr = listener.local_addr().map_err(failed)?;
    Ok(BoundListener { listener, addr })
}

fn spawn(tasks: &mut JoinSet<&'static str>, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
    tasks.spawn(async move {
        task.await;
        name
    });
}

/// Makes the folder, for its owner's eyes only.
fn prepare_data_dir(folder: &Path) -> Result<(), StartError> {
    let mut builder = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let made = builder.recursive(true).create(folder);
    made.map_err(|source| StartError::DataDir { folder: folder.to_owned(), source })?;
    tighten(folder);
    Ok(())
}

async fn connect(
    settings: &Settings,
    clients: ClientLimits,
    stop: &CancellationToken,
    tasks: &mut JoinSet<&'static str>,
) -> Result<(Cluster, Option<(Sandbox, SocketAddr)>), StartError> {
    match &settings.cluster {
        ClusterChoice::Kubeconfig { context } => Ok((Cluster::from_kubeconfig(context.clone()).await?, None)),
        ClusterChoice::InCluster => Ok((Cluster::from_pod()?, None)),
        ClusterChoice::Sandbox => {
            let bound = listen("KAI_SANDBOX_ADDR", settings.sandbox_addr).await?;
            let addr = bound.addr;
            let limits = sandbox::Limits { body_timeout: clients.body_timeout, ..Default::default() };
            let options = sandbox::Options { ready_after: settings.sandbox_ready_after, limits, ..Default::default() };
            let sandbox = Sandbox::start(options);
            let cluster = Cluster::in_process(Cluster::client_for(sandbox.router()));
            let allowed_hosts = AllowedHosts::of(addr, None, settings.insecure_no_login);
            let kubectl = http::sandbox(sandbox.router(), allowed_hosts);
            let serving = serve(bound.listener, clients.sandbox_connections, clients, kubectl, None, stop.clone());
            spawn(tasks, "the sandbox's listener", serving);
            Ok((cluster, Some((sandbox, addr))))
        }
    }
}

/// What is set, or less where the system lets this process open few files: each connection is one.
fn client_limits(settings: &Settings) -> ClientLimits {
    match rlimit::getrlimit(rlimit::Resource::NOFILE) {
        Ok((open_files, _)) => settings.clients.within(open_files),
        Err(error) => {
            tracing::warn!("cannot read the limit of open files: {error}");
            settings.clients
        }
    }
}

fn object_settings(settings: &Settings, internal_addr: SocketAddr) -> ObjectSettings {
    ObjectSettings {
        namespace_prefix: settings.namespace_prefix.clone(),
        base_domain: settings.base_domain.clone(),
        ingress_class: settings.ingress_class.clone(),
        ingress_annotations: settings.ingress_annotations.clone(),
        ingress_tls_secret: settings.ingress_tls_secret.clone(),
        ingress_preview: settings.ingress_preview,
        advertised_url: settings.advertised_url.clone().unwrap_or_else(|| format!("http://{internal_addr}")),
        init_image: settings.init_image.clone(),
        node_min_ready: settings.node_min_ready,
        runners: runner_settings(settings),
    }
}

fn runner_settings(settings: &Settings) -> RunnerSettings {
    let messaging = settings.messaging.clone();
    let defaults = RunnerSettings::default();
    RunnerSettings {
        nats_url: messaging.pod_url.unwrap_or(defaults.nats_url),
        messaging: messaging.nats.is_some(),
        mongo_uri: messaging.mongo_uri,
        influx_uri: messaging.influx_uri,
        request_timeout: messaging.request_timeout,
        js_request_timeout: messaging.js_request_timeout,
        env: settings.runner_env.clone(),
    }
}
