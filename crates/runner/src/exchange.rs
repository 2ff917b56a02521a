//! One request on its way through the workflow: a consumer for the answer, then the message, then the answer that carries
//! the request's id.

use std::time::Duration;

use anyhow::{Context as _, Result};
use async_nats::jetstream::{
    consumer::{AckPolicy, DeliverPolicy, push},
    stream::{Config, RetentionPolicy},
};
use bytes::Bytes;
use futures::StreamExt as _;
use prost_reflect::MethodDescriptor;
use prost_types::Any;
use tonic::Status;
use tracing::info;
use uuid::Uuid;

use crate::{
    bus::Bus,
    message::{KreMessage, MessageType},
    payload::{type_name, type_url},
};

pub(crate) struct Exchange {
    pub(crate) stream: String,
    /// The first node's subject, or the one that the first nodes listen to.
    pub(crate) sends_to: String,
    /// Where the last node's answers come.
    pub(crate) listens_to: String,
    pub(crate) timeout: Duration,
}

impl Exchange {
    pub(crate) async fn perform(&self, bus: &Bus, method: &MethodDescriptor, request: Bytes) -> Result<Bytes, Status> {
        let answer = tokio::time::timeout(self.timeout, self.ask(bus, method, request)).await;
        let answer = answer.map_err(|_| Status::deadline_exceeded("no answer came through the workflow in time"))?;
        let answer = answer.map_err(|error| Status::internal(format!("{error:#}")))?;
        if !answer.error.is_empty() || answer.message_type() == MessageType::Error {
            return Err(Status::internal(answer.error));
        }
        let Some(payload) = answer.payload else { return Ok(Bytes::new()) };
        let wanted = method.output();
        if type_name(&payload) != wanted.full_name() {
            let what = format!("the workflow answered with a {}, not a {}", payload.type_url, wanted.full_name());
            return Err(Status::internal(what));
        }
        Ok(payload.value.into())
    }

    async fn ask(&self, bus: &Bus, method: &MethodDescriptor, request: Bytes) -> Result<KreMessage> {
        let deliver_subject = bus.client.new_inbox();
        // It goes with its subscription: the server deletes an ephemeral consumer that nobody listens to.
        let mut answers = bus.client.subscribe(deliver_subject.clone()).await?;
        let consumer = push::Config {
            deliver_subject,
            filter_subject: self.listens_to.clone(),
            deliver_policy: DeliverPolicy::New,
            ack_policy: AckPolicy::None,
            ..push::Config::default()
        };
        let made = bus.jetstream.create_consumer_on_stream(consumer, &self.stream).await;
        made.with_context(|| format!("cannot listen to {}", self.listens_to))?;

        let request_id = Uuid::new_v4().to_string();
        let message = KreMessage {
            request_id: request_id.clone(),
            payload: Some(Any { type_url: type_url(&method.input()), value: request.into() }),
            error: String::new(),
            from_node: "entrypoint".to_owned(),
            message_type: MessageType::Ok.into(),
        };
        bus.publish(&self.sends_to, &message).await?;
        while let Some(answer) = answers.next().await {
            let answer = KreMessage::from_wire(&answer.payload)?;
            // Everybody's answers come this way.
            if answer.request_id == request_id {
                return Ok(answer);
            }
        }
        anyhow::bail!("the connection to NATS has ended")
    }
}

/// Makes the stream of a workflow as generation B's entrypoint does: one that is there and differs makes it fail.
pub(crate) async fn make_stream(bus: &Bus, name: &str) -> Result<()> {
    let config = Config {
        name: name.to_owned(),
        subjects: vec![format!("{name}.*")],
        retention: RetentionPolicy::Interest,
        ..Config::default()
    };
    bus.jetstream.create_stream(config).await.with_context(|| format!("cannot make the stream {name}"))?;
    info!("the stream {name} is there");
    Ok(())
}
