//! An in-memory Kubernetes API: the REST protocol as an [`axum::Router`], and just enough controllers to make
//! Deployments run. Nothing really runs; pods, addresses and logs are made up, but everything that a client of the API
//! relies on behaves as Kubernetes documents it. It knows nothing of the product and depends on no Kubernetes client.

mod admission;
mod apply;
mod compact;
mod controllers;
mod defaults;
mod delete;
mod fields;
mod kinds;
mod logs;
mod managed;
mod names;
mod object;
mod patch;
mod routes;
mod schema;
mod selectors;
mod shutdown;
mod status;
mod store;
mod table;
mod validate;
mod view;
mod yaml;

use std::{sync::Arc, time::Duration};

use axum::Router;
use serde_json::{Value, json};

use self::{
    admission::WriteOptions,
    controllers::Timing,
    kinds::Kind,
    managed::{Manager, Operation},
    routes::Api,
    shutdown::ShutdownTrigger,
    store::Store,
};

/// How the sandbox behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long a pod takes from its creation to being ready.
    pub ready_after: Duration,
    /// How long a pod takes to end, whatever its own grace period says.
    pub terminate_after: Duration,
    /// How often watches that ask for bookmarks get one.
    pub bookmark_every: Duration,
    /// How many changes of each kind a watch can go back.
    pub history: usize,
    pub limits: Limits,
}

/// What clients may ask of the sandbox, which has no more than this process.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Objects of all kinds. Events are not counted: they make room for each other.
    pub max_objects: usize,
    /// Of one Deployment or ReplicaSet.
    pub max_replicas: u32,
    /// Bytes of a request's body.
    pub max_body_bytes: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_objects: 50_000,
            max_replicas: 1000,
            // The API server's own limit.
            max_body_bytes: 3 * 1024 * 1024,
            body_timeout: Duration::from_secs(30),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ready_after: Duration::from_millis(1500),
            terminate_after: Duration::from_millis(300),
            bookmark_every: Duration::from_secs(60),
            history: 4096,
            limits: Limits::default(),
        }
    }
}

/// A running sandbox. Cheap to clone; it ends when its last clone is dropped.
#[derive(Debug, Clone)]
pub struct Sandbox {
    store: Arc<Store>,
    shutdown_trigger: Arc<ShutdownTrigger>,
    bookmark_every: Duration,
    limits: Limits,
}

impl Sandbox {
    /// Starts an empty cluster with the namespaces `default` and `kube-system`.
    ///
    /// # Panics
    /// Outside of a tokio runtime: the controllers are tasks of the current one.
    pub fn start(options: Options) -> Self {
        let store = Arc::new(Store::new(options.history.max(1), options.limits));
        let shutdown_trigger = Arc::new(ShutdownTrigger::new());
        for name in ["default", "kube-system"] {
            make_namespace(&store, name);
        }
        let timing = Timing { ready_after: options.ready_after, terminate_after: options.terminate_after };
        controllers::start(&store, &shutdown_trigger.shutdown(), timing);
        Self { store, shutdown_trigger, bookmark_every: options.bookmark_every, limits: options.limits }
    }

    /// The whole REST API. A router does not keep the sandbox going: once that has ended, it answers 503.
    pub fn router(&self) -> Router {
        let (store, shutdown) = (self.store.clone(), self.shutdown_trigger.shutdown());
        routes::router(Api { store, shutdown, bookmark_every: self.bookmark_every, limits: self.limits })
    }

    /// Ends the sandbox for all its clones: controllers stop, watches and followed logs end.
    pub fn stop(&self) {
        self.shutdown_trigger.end();
    }
}

fn make_namespace(store: &Store, name: &str) {
    let manager = Manager { name: "sandbox".to_owned(), operation: Operation::Update, subresource: String::new() };
    let options = WriteOptions { manager, dry_run: false, managed: true };
    let object: Value = json!({ "metadata": { "name": name } });
    if let Err(failure) = store.write(|state| admission::create(state, Kind::Namespace, "", object, &options)) {
        tracing::error!(%failure, name, "the sandbox could not make a namespace");
    }
}
