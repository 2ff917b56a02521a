//! The one stream of events that keeps every page true (`GET /api/v1/events`), and what the header shows of it.
//!
//! Pages hand in listeners; they are called for each event, none is merged away. Nothing here runs on the server but
//! the creation of the signals.

use std::{future::Future, sync::Arc};

use domain::{ClusterInfo, ClusterKind, Deleted, Reachability, RuntimeSummary, ServerEvent, VersionSummary};
use leptos::{prelude::*, task::spawn_local};
use serde::Deserialize;

use crate::{browser, takeover::when_complete};

type Listener = Arc<dyn Fn(&ServerEvent) + Send + Sync>;

/// Whether what the page shows follows the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// The page has just been loaded, so what it shows is fresh.
    Connecting,
    Live,
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
    pub fn tell(self, event: &ServerEvent) {
        // A listener may add or remove others, so the list is not held meanwhile.
        for (_, listener) in self.listeners.get_value() {
            listener(event);
        }
    }

    pub fn announce(self, text: impl Into<String>) {
        self.announcement.set(text.into());
    }

    fn receive(self, message: &str) {
        let event = match read(message) {
            Ok(event) => event,
            Err(error) => {
                leptos::logging::warn!("an event could not be read: {error}");
                return;
            }
        };
        if let ServerEvent::Hello { cluster } | ServerEvent::Cluster { cluster } = &event {
            self.cluster.set(cluster.clone());
        }
        if matches!(event, ServerEvent::Hello { .. }) {
            self.connection.set(Connection::Live);
        }
        self.tell(&event);
    }
}

/// Reads an event. serde's own reader of it would keep what it has not understood yet in a form of its own, from which
/// each type would be read by code that nothing else needs.
fn read(message: &str) -> serde_json::Result<ServerEvent> {
    #[derive(Deserialize)]
    struct Read {
        #[serde(rename = "type")]
        kind: String,
        cluster: Option<ClusterInfo>,
        runtime: Option<Box<RuntimeSummary>>,
        version: Option<Box<VersionSummary>>,
        deleted: Option<Deleted>,
    }

    Ok(match serde_json::from_str(message)? {
        Read { kind, cluster: Some(cluster), .. } if kind == "hello" => ServerEvent::Hello { cluster },
        Read { kind, cluster: Some(cluster), .. } if kind == "cluster" => ServerEvent::Cluster { cluster },
        Read { kind, runtime: Some(runtime), .. } if kind == "runtime" => ServerEvent::Runtime { runtime },
        Read { kind, version: Some(version), .. } if kind == "version" => ServerEvent::Version { version },
        Read { kind, deleted: Some(deleted), .. } if kind == "deleted" => ServerEvent::Deleted { deleted },
        Read { kind, .. } => {
            return Err(serde::de::Error::custom(format!("`{kind}` is no event, or lacks its content")));
        }
    })
}

/// Provides [`Live`], and connects once the page runs in a browser.
pub fn provide_live() -> Live {
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
        browser::follow_events(move |message| live.receive(&message), move || live.connection.set(Connection::Lost));
    };
    Effect::new(move |_| when_complete(follow));
    live
}

pub fn use_live() -> Live {
    expect_context()
}

/// Only the server knows; the browser gets its answer with the page.
fn initial_cluster() -> ClusterInfo {
    #[cfg(feature = "ssr")]
    if let Some(backend) = use_context::<crate::backend::BackendContext>() {
        return backend.0.cluster();
    }
    ClusterInfo { kind: ClusterKind::Kubeconfig, name: "unknown".to_owned(), reachability: Reachability::Connecting }
}

/// Makes a callback that loads something with at most one load under way: whoever asks meanwhile, however often, gets
/// one more load afterwards.
pub fn coalesced<F, Fut>(load: F) -> Callback<()>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + 'static,
{
    #[derive(Clone, Copy, PartialEq)]
    enum Loading {
        Idle,
        UnderWay,
        Again,
    }

    let load = Arc::new(load);
    let loading = StoredValue::new(Loading::Idle);
    Callback::new(move |()| match loading.try_get_value() {
        Some(Loading::Idle) => {
            loading.set_value(Loading::UnderWay);
            let load = Arc::clone(&load);
            spawn_local(async move {
                loop {
                    load().await;
                    // Gone together with the page that it was for.
                    let Some(now) = loading.try_get_value() else { return };
                    if now != Loading::Again {
                        loading.try_set_value(Loading::Idle);
                        return;
                    }
                    loading.try_set_value(Loading::UnderWay);
                }
            });
        }
        Some(Loading::UnderWay | Loading::Again) => loading.set_value(Loading::Again),
        None => {}
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_as_it_was_written() {
        let cluster = ClusterInfo {
            kind: ClusterKind::Sandbox,
            name: "sandbox".to_owned(),
            reachability: Reachability::Unreachable {
                since: "2026-11-23T04:00:00Z".parse().unwrap(),
                reason: "it is off".to_owned(),
            },
        };
        let deleted = Deleted { runtime: "demo".parse().unwrap(), version: Some("v1".parse().unwrap()) };
        for event in [
            ServerEvent::Hello { cluster: cluster.clone() },
            ServerEvent::Cluster { cluster },
            ServerEvent::Deleted { deleted },
        ] {
            assert_eq!(read(&serde_json::to_string(&event).unwrap()).unwrap(), event);
        }
        assert!(read(r#"{"type":"version"}"#).is_err());
        assert!(read(r#"{"type":"nothing"}"#).is_err());
    }
}
