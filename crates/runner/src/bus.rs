//! The connection to NATS, with the patience that the originals have.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use async_nats::{
    Client, ConnectOptions,
    jetstream::{self, Context},
};
use tracing::{info, warn};

use crate::{config::Nats, message::KreMessage};

/// What the originals' NATS client does by default: two minutes in all. After that they live on without NATS.
const RECONNECTS: usize = 60;
const RECONNECT_DELAY: Duration = Duration::from_secs(2);

#[derive(Clone)]
pub(crate) struct Bus {
    pub(crate) client: Client,
    pub(crate) jetstream: Context,
}

impl Bus {
    /// Tries for two minutes.
    pub(crate) async fn connect(name: &str, config: &Nats) -> Result<Self> {
        let begin = Instant::now();
        let client = loop {
            let options = ConnectOptions::new()
                .name(name)
                .max_reconnects(RECONNECTS)
                // Asked before the first attempt, too.
                .reconnect_delay_callback(|attempts| if attempts > 1 { RECONNECT_DELAY } else { Duration::ZERO })
                .event_callback(|event| async move { info!("NATS: {event}") });
            match options.connect(&config.url).await {
                Ok(client) => break client,
                Err(error) if begin.elapsed() > RECONNECT_DELAY * 60 => {
                    return Err(error).with_context(|| format!("NATS at {} cannot be reached", config.url));
                }
                Err(error) => warn!("NATS at {} cannot be reached yet: {error}", config.url),
            }
            tokio::time::sleep(RECONNECT_DELAY).await;
        };
        let jetstream = jetstream::context::ContextBuilder::new()
            .timeout(config.timeout)
            .ack_timeout(config.timeout)
            .build(client.clone());
        info!("connected to NATS at {}", config.url);
        Ok(Self { client, jetstream })
    }

    /// Returns when the stream has the message.
    pub(crate) async fn publish(&self, subject: &str, message: &KreMessage) -> Result<()> {
        let bytes = message.to_wire(self.client.max_payload())?;
        let sent = self.jetstream.publish(subject.to_owned(), bytes.into()).await;
        sent.with_context(|| format!("cannot publish to {subject}"))?
            .await
            .with_context(|| format!("cannot publish to {subject}"))?;
        Ok(())
    }
}
