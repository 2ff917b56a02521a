//! Whether NATS answers, and what it holds.

use std::{path::PathBuf, time::Duration};

use async_nats::jetstream::{self, stream};
use domain::Reachability;
use server::{
    config::{MessagingTimeouts, NatsSettings},
    messaging::{Messaging, MessagingState},
};
use tokio::{task::JoinHandle, time::timeout};

use crate::support::{nats::Nats, proxy::Proxy, server::MAX_WAIT};

/// Short, so that tests are.
pub(crate) const TIMEOUTS: MessagingTimeouts = MessagingTimeouts {
    connect: Duration::from_secs(1),
    reconnect: Duration::from_millis(100),
    read: Duration::from_secs(2),
    write: Duration::from_secs(2),
    probe: Duration::from_millis(500),
    probe_interval: Duration::from_millis(500),
    relist: Duration::from_secs(60),
};

struct Connected {
    messaging: Messaging,
    task: JoinHandle<()>,
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn connect(url: &str) -> Connected {
    let settings = NatsSettings { url: url.into(), credentials: None };
    let messaging = Messaging::connect(&settings, TIMEOUTS).await.unwrap();
    let running = messaging.clone();
    let task = tokio::spawn(async move { running.run(|_| {}).await });
    Connected { messaging, task }
}

impl Connected {
    async fn until(&self, what: &str, holds: impl FnMut(&MessagingState) -> bool) -> MessagingState {
        let mut changed = self.messaging.changed();
        let state = timeout(MAX_WAIT, changed.wait_for(holds)).await;
        state.unwrap_or_else(|_| panic!("not {what}: {:?}", self.messaging.state())).unwrap().clone()
    }

    async fn until_read(&self) {
        self.until("read", |state| state.is_read).await;
    }

    /// Why it is not reachable.
    async fn until_unreachable(&self) -> String {
        let is_lost = |state: &MessagingState| matches!(state.reachability, Reachability::Unreachable { .. });
        match self.until("unreachable", is_lost).await.reachability {
            Reachability::Unreachable { reason, .. } => reason,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_nats_that_comes_later_is_connected_to_when_it_comes() {
    let mut nats = Nats::start().await;
    nats.kill();
    let connected = connect(nats.url()).await;
    assert_eq!(connected.until_unreachable().await, "cannot connect");
    nats.start_again().await;
    connected.until_read().await;
}

#[tokio::test]
async fn a_nats_that_is_killed_and_started_again_is_unreachable_in_between() {
    let mut nats = Nats::start().await;
    let connected = connect(nats.url()).await;
    connected.until_read().await;
    nats.kill();
    connected.until_unreachable().await;
    let runtime = "demo".parse().unwrap();
    assert!(connected.messaging.streams(&runtime).is_none(), "what it held says nothing now");
    nats.start_again_empty().await;
    connected.until_read().await;
}

#[tokio::test]
async fn a_nats_that_falls_silent_is_noticed_and_found_again() {
    let nats = Nats::start().await;
    let proxy = Proxy::to(nats.addr()).await;
    let connected = connect(&format!("nats://{}", proxy.addr())).await;
    connected.until_read().await;
    proxy.fall_silent();
    connected.until_unreachable().await;
    proxy.speak_again();
    connected.until_read().await;
}

#[tokio::test]
async fn a_nats_that_refuses_the_user_says_so() {
    let nats = Nats::start_with("authorization { user: kai, password: s3cret }", "kai:s3cret@").await;
    connect(nats.url()).await.until_read().await;
    let stranger = connect(&format!("nats://{}", nats.addr())).await;
    let reason = stranger.until_unreachable().await;
    assert!(reason.to_lowercase().contains("authorization"), "{reason}");
}

#[tokio::test]
async fn a_nats_without_jetstream_says_so() {
    let nats = Nats::start_with("accounts { A { users: [{ user: a, password: a }] } }", "a:a@").await;
    let connected = connect(nats.url()).await;
    let reason = connected.until_unreachable().await;
    assert!(reason.contains("JetStream"), "{reason}");
}

#[tokio::test]
async fn credentials_that_cannot_be_read_are_refused_at_once() {
    let settings = NatsSettings { url: "nats://127.0.0.1:1".into(), credentials: Some(PathBuf::from("/nowhere")) };
    let refused = Messaging::connect(&settings, TIMEOUTS).await.err().unwrap().to_string();
    assert!(refused.contains("KAI_NATS_CREDENTIALS") && refused.contains("/nowhere"), "{refused}");
}

#[tokio::test]
async fn streams_are_seen_as_others_make_and_delete_them_without_being_asked_for() {
    let nats = Nats::start().await;
    let context = jetstream::new(nats.client().await);
    let connected = connect(nats.url()).await;
    connected.until_read().await;
    let runtime = "demo".parse().unwrap();
    connected.messaging.want(&runtime, ["theirs".to_owned()].into());
    // As the reconciler says when it has recorded what a last outage means.
    assert!(connected.messaging.streams(&runtime).is_none());
    connected.messaging.outage_recorded();
    let seen = || connected.messaging.streams(&runtime).is_some_and(|streams| streams.contains_key("theirs"));
    assert!(!seen());
    let theirs = stream::Config { name: "theirs".to_owned(), ..stream::Config::default() };
    context.create_stream(theirs).await.unwrap();
    let until = tokio::time::Instant::now() + MAX_WAIT;
    for is_there in [true, false] {
        while seen() != is_there {
            assert!(tokio::time::Instant::now() < until, "the stream is never seen as {is_there}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if is_there {
            context.delete_stream("theirs").await.unwrap();
        }
    }
}
