//! Steps that change what NATS holds. Each is idempotent, and each looks again at whose a thing is before it changes or
//! deletes it: what was observed may be a moment old.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::{
    MessagingError,
    api::Api,
    cache::Cache,
    mark::Mark,
    observed::{ObservedConsumer, StreamInfo},
    streams::{ConsumerSpec, StreamSpec},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessagingStep {
    /// Makes a stream, with its mark. Its consumers are steps of their own.
    CreateStream(StreamSpec),
    /// Brings a stream of ours back to its subjects and the like.
    UpdateStream(StreamSpec),
    /// Takes the mark off a stream whose consumers are marked.
    Unmark(StreamSpec),
    /// Makes a durable consumer, or gives one that a node made its mark.
    CreateConsumer { stream: String, mark: Mark, consumer: ConsumerSpec },
    /// Deletes a consumer of ours that is not as it should be and cannot be changed.
    DeleteConsumer { stream: String, mark: Mark, consumer: String },
    /// Deletes a stream that carries this mark, or one of whose consumers does.
    DeleteStream { name: String, mark: Mark },
}

impl MessagingStep {
    /// What it is about, for the log.
    fn subject(&self) -> String {
        match self {
            Self::CreateStream(spec) | Self::UpdateStream(spec) | Self::Unmark(spec) => spec.name(),
            Self::CreateConsumer { stream, consumer, .. } => format!("{stream} > {}", consumer.name),
            Self::DeleteConsumer { stream, consumer, .. } => format!("{stream} > {consumer}"),
            Self::DeleteStream { name, .. } => name.clone(),
        }
    }

    fn verb(&self) -> &'static str {
        match self {
            Self::CreateStream(_) => "creating a stream",
            Self::UpdateStream(_) => "updating a stream",
            Self::Unmark(_) => "taking the mark off a stream",
            Self::CreateConsumer { .. } => "creating a consumer",
            Self::DeleteConsumer { .. } => "deleting a consumer",
            Self::DeleteStream { .. } => "deleting a stream",
        }
    }
}

pub(super) async fn execute(api: &Api, cache: &Mutex<Cache>, step: &MessagingStep) -> Result<(), MessagingError> {
    tracing::info!(name = step.subject(), "{}", step.verb());
    let cache = || -> MutexGuard<'_, Cache> { cache.lock().unwrap_or_else(PoisonError::into_inner) };
    match step {
        MessagingStep::CreateStream(spec) => {
            let name = spec.name();
            let made: StreamInfo = api.write(format!("STREAM.CREATE.{name}"), &spec.config()).await?;
            let mut cache = cache();
            cache.seen(made.into());
            // It is new, so it has none.
            cache.set_consumers(&name, Vec::new());
        }
        MessagingStep::UpdateStream(spec) => {
            let wanted = spec.config();
            let change = |config: &mut Value| {
                for field in ["subjects", "max_msgs_per_subject", "allow_rollup_hdrs", "discard", "allow_direct"] {
                    config[field] = wanted[field].clone();
                }
            };
            if let Some(updated) = update(api, spec, change).await? {
                cache().seen(updated.into());
            }
        }
        MessagingStep::Unmark(spec) => {
            let unmark = |config: &mut Value| {
                if let Some(config) = config.as_object_mut() {
                    config.remove("description");
                }
            };
            if let Some(updated) = update(api, spec, unmark).await? {
                let consumers = api.consumers(&spec.name()).await?;
                let mut cache = cache();
                cache.seen(updated.into());
                cache.set_consumers(&spec.name(), consumers);
            }
        }
        MessagingStep::CreateConsumer { stream, mark, consumer } => {
            let config = json!({ "stream_name": stream, "config": consumer.config(stream, mark) });
            let subject = format!("CONSUMER.DURABLE.CREATE.{stream}.{}", consumer.name);
            let made: ObservedConsumer = api.write(subject, &config).await?;
            cache().set_consumer(stream, made);
        }
        MessagingStep::DeleteConsumer { stream, mark, consumer } => {
            let subject = format!("CONSUMER.INFO.{stream}.{consumer}");
            let found: Option<ObservedConsumer> = api.found(api.read(subject, &json!({})).await)?;
            if found.is_some_and(|found| found.mark().as_ref() == Some(mark)) {
                let subject = format!("CONSUMER.DELETE.{stream}.{consumer}");
                api.found(api.write::<Value>(subject, &json!({})).await)?;
            }
            cache().remove_consumer(stream, consumer);
        }
        MessagingStep::DeleteStream { name, mark } => {
            if let Some(found) = api.stream(name).await? {
                let is_marked = match &found.mark {
                    Some(found) => found == mark,
                    None => api.consumers(name).await?.iter().any(|consumer| consumer.mark().as_ref() == Some(mark)),
                };
                if !is_marked {
                    cache().seen(found);
                    return Err(in_the_way(name));
                }
                api.found(api.write::<Value>(format!("STREAM.DELETE.{name}"), &json!({})).await)?;
            }
            cache().gone(name);
        }
    }
    Ok(())
}

/// Changes the configuration of a stream that carries our mark; none when there is no such stream.
async fn update(
    api: &Api,
    spec: &StreamSpec,
    change: impl FnOnce(&mut Value),
) -> Result<Option<StreamInfo>, MessagingError> {
    let name = spec.name();
    let Some(mut config) = api.config(&name).await? else { return Ok(None) };
    let is_ours = config["description"].as_str().is_some_and(|text| text == spec.mark.to_string());
    // Of generation B the consumers are marked, and the planner has seen them.
    if !is_ours && config.get("description").is_some() {
        return Err(in_the_way(&name));
    }
    change(&mut config);
    api.write(format!("STREAM.UPDATE.{name}"), &config).await.map(Some)
}

fn in_the_way(name: &str) -> MessagingError {
    MessagingError::InTheWay(format!(
        "stream {name} exists in NATS and is not managed by this KAI Server; delete or rename it"
    ))
}
