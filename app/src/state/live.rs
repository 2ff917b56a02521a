//! The one stream of events that keeps every page true (`GET /api/v1/events`), and what the header shows of it.
//!
//! Pages hand in listeners; they are called for each event, none is merged away. Nothing here runs on the server but
//! the creation of the signals.

use std::sync::Arc;

use domain::{ClusterInfo, ClusterKind, Reachability, ServerEvent};
use leptos::{prelude::*, task::spawn_local};

use crate::platform;

type Listener = Arc<dyn Fn(&ServerEvent) + Send + Sync>;

/// Whether what the page shows follows the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// The page has just been loaded, so what it shows is fresh.
    Connecting,
    Live,
    /// The session has ended. What is shown stays, with what was typed, and goes on after somebody has signed in again.
    SignedOut,
    /// The stream broke and the browser tries again by itself; what the page shows may be old.
    Lost,
}

/// What the whole app shares; in every component's context.
#[derive(Clone, Copy)]
pub struct Live {
    pub cluster: RwSignal<ClusterInfo>,
    pub connection: RwSignal<Connection>,
    /// What a screen reader is told, politely.
    pub announcement: RwSignal<String>,
    listeners: StoredValue<Vec<(u64, Listener)>>,
    next_listener: StoredValue<u64>,
}

impl Live {
    /// Calls `listener` for every event until the calling component is gone.
    pub fn on_event(self, listener: impl Fn(&ServerEvent) + Send + Sync + 'static) {
        let id = self.next_listener.get_value();
        self.next_listener.set_value(id + 1);
        self.listeners.update_value(|all| all.push((id, Arc::new(listener))));
        on_cleanup(move || {
            self.listeners.try_update_value(|all| all.retain(|(other, _)| *other != id));
        });
    }

    /// What this page has been answered, told to all that listen before its event comes.
    pub fn dispatch(self, event: &ServerEvent) {
        // A listener may add or remove others, so the list is not held meanwhile.
        for (_, listener) in self.listeners.get_value() {
            listener(event);
        }
    }

    pub fn announce(self, text: impl Into<String>) {
        self.announcement.set(text.into());
    }

    fn receive(self, message: &str) {
        let event = match serde_json::from_str::<ServerEvent>(message) {
            Ok(event) => event,
            Err(error) => {
                leptos::logging::warn!("an event could not be read: {error}");
                return;
            }
        };
        if let ServerEvent::Hello { cluster, .. } | ServerEvent::Cluster(cluster) = &event {
            self.cluster.set(cluster.clone());
        }
        match event {
            ServerEvent::Hello { .. } => self.connection.set(Connection::Live),
            ServerEvent::SignedOut { .. } => self.connection.set(Connection::SignedOut),
            _ => {}
        }
        self.dispatch(&event);
    }
}

/// Provides [`Live`], and connects once the page is `hydrated`: what an event changes has to be there.
pub fn provide_live(hydrated: Signal<bool>) -> Live {
    let cluster = SharedValue::new(initial_cluster).into_inner();
    let live = Live {
        cluster: RwSignal::new(cluster),
        connection: RwSignal::new(Connection::Connecting),
        announcement: RwSignal::new(String::new()),
        listeners: StoredValue::new(Vec::new()),
        next_listener: StoredValue::new(0),
    };
    provide_context(live);
    let follow = move || {
        spawn_local(platform::follow_events(
            move |message| live.receive(&message),
            move |is_signed_in| {
                live.connection.set(if is_signed_in { Connection::Lost } else { Connection::SignedOut })
            },
        ));
    };
    Effect::new(move |connected: Option<bool>| {
        let connected = connected.unwrap_or_default();
        if hydrated.get() && !connected {
            follow();
        }
        connected || hydrated.get()
    });
    live
}

pub fn use_live() -> Live {
    expect_context()
}

/// Only the server knows; the browser gets its answer with the page.
fn initial_cluster() -> ClusterInfo {
    #[cfg(feature = "ssr")]
    if let Some(backend) = use_context::<crate::api::backend::BackendContext>() {
        return backend.0.cluster();
    }
    ClusterInfo { kind: ClusterKind::Kubeconfig, name: "unknown".to_owned(), reachability: Reachability::Connecting }
}
