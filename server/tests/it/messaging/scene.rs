//! A server with the sandbox and a NATS, which is looked into from the side.

use std::{collections::BTreeMap, time::Duration};

use async_nats::jetstream::{self, Context, stream};
use futures::TryStreamExt;
use serde_json::{Value, json};
use server::config::{NatsSettings, Settings};

use super::connection::TIMEOUTS;
use crate::support::{fixture::Fixture, krt::Krt, nats::Nats, nodes::Nodes};

pub(super) const RUNTIME: &str = "demo";

pub(super) struct Scene {
    pub(super) nats: Nats,
    pub(super) fixture: Fixture,
    pub(super) context: Context,
}

/// What tells whether a stream is as it was: its configuration, its messages, its consumers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Look {
    config: stream::Config,
    pub(super) messages: u64,
    consumers: usize,
}

fn with_nats(settings: &mut Settings, url: &str) {
    settings.messaging.nats = Some(NatsSettings { url: url.into(), credentials: None });
    settings.messaging.timeouts = TIMEOUTS;
    settings.sandbox_ready_after = Duration::from_millis(20);
    settings.node_min_ready = Duration::ZERO;
}

impl Scene {
    pub(super) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let nats = Nats::start().await;
        let url = nats.url().to_owned();
        let fixture = Fixture::sandbox_with(|settings| {
            with_nats(settings, &url);
            change(settings);
        })
        .await;
        let context = jetstream::new(nats.client().await);
        Self { nats, fixture, context }
    }

    pub(super) async fn nodes(&self) -> Nodes {
        Nodes::listening(self.nats.client().await)
    }

    /// A stopped version whose images are of this generation.
    pub(super) async fn add(&self, version: &str, generation: &str) {
        if self.fixture.server.get(&format!("/api/v1/runtimes/{RUNTIME}")).await.status == 404 {
            self.fixture.server.add_runtime(RUNTIME).await;
        }
        self.fixture.server.upload(RUNTIME, Krt::new(version).bytes()).await.expect(201);
        self.choose(version, json!(generation)).await;
    }

    pub(super) async fn choose(&self, version: &str, generation: Value) {
        let path = format!("/api/v1/runtimes/{RUNTIME}/versions/{version}/generation");
        self.fixture.server.put(&path, json!({ "generation": generation })).await.expect(200);
    }

    pub(super) async fn act(&self, version: &str, action: &str) {
        self.fixture.act(RUNTIME, version, action).await;
    }

    pub(super) async fn reach(&self, version: &str, action: &str, state: &str) {
        self.fixture.reach(RUNTIME, version, action, state).await;
    }

    pub(super) async fn until(&self, version: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        self.fixture.until(RUNTIME, version, what, holds).await
    }

    /// All streams by name.
    pub(super) async fn streams(&self) -> BTreeMap<String, Look> {
        let all: Vec<stream::Info> = self.context.streams().try_collect().await.unwrap();
        let look = |info: stream::Info| {
            let (messages, consumers) = (info.state.messages, info.state.consumer_count);
            (info.config.name.clone(), Look { config: info.config, messages, consumers })
        };
        all.into_iter().map(look).collect()
    }

    pub(super) async fn stream_names(&self) -> Vec<String> {
        self.streams().await.into_keys().collect()
    }

    pub(super) async fn until_streams(&self, what: &str, holds: impl Fn(&[String]) -> bool) {
        let end = tokio::time::Instant::now() + crate::support::server::MAX_WAIT;
        loop {
            let names = self.stream_names().await;
            if holds(&names) {
                return;
            }
            assert!(tokio::time::Instant::now() < end, "never {what}: {names:?}");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// What the history of a version says that the server put back, newest first.
    pub(super) async fn repairs(&self, version: &str) -> Vec<String> {
        let history = self.fixture.history(RUNTIME, version).await;
        let repairs = history.iter().filter(|entry| entry["action"] == "repair");
        repairs.map(|entry| entry["comment"].as_str().unwrap_or_default().to_owned()).collect()
    }
}
