//! Does for one message what the node's source says.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context as _, Result, anyhow, bail};
use async_nats::jetstream::kv::Store;
use serde_json::Value;
use tracing::info;

use crate::{
    bus::Bus,
    config::{Generation, Node},
    measurements::Measurements,
    message::{KreMessage, MessageType},
    payload::{Payload, Types},
    script::{Action, Scope, Test},
};

#[derive(Clone)]
pub(crate) struct Handler {
    pub(crate) config: Arc<Node>,
    pub(crate) actions: Arc<Vec<Action>>,
    pub(crate) types: Arc<Types>,
    pub(crate) bus: Bus,
    pub(crate) buckets: Vec<Store>,
    pub(crate) measurements: Measurements,
    pub(crate) gathered: Arc<Mutex<Gathered>>,
}

/// What has come of requests whose other parts are awaited: by request id, then by node.
pub(crate) type Gathered = BTreeMap<String, BTreeMap<String, Payload>>;

/// Whether a handler goes on with its next line.
enum Next {
    Line,
    /// Also not to the next node.
    End,
}

/// A message while it is handled.
struct Request<'m> {
    message: &'m KreMessage,
    /// As it came.
    input: Payload,
    current: Payload,
}

impl Handler {
    /// # Errors
    /// The handler's error, for the caller.
    pub(crate) async fn handle(&self, message: &KreMessage) -> Result<()> {
        let is_ok = matches!(message.message_type(), MessageType::Ok | MessageType::Undefined);
        let input = Payload::of(message.payload.as_ref(), &self.types)?;
        let mut request = Request { message, current: input.clone(), input };
        for action in self.actions.iter() {
            // An error or early answer of another node is nothing to work on, only to pass on.
            if !is_ok && !matches!(action, Action::Forward | Action::Log(_)) {
                continue;
            }
            if let Next::End = self.perform(action, &mut request).await? {
                return Ok(());
            }
        }
        if is_ok && self.config.generation == Generation::B {
            self.send(&self.config.output, &request, MessageType::Ok).await?;
        }
        Ok(())
    }

    async fn perform(&self, action: &Action, request: &mut Request<'_>) -> Result<Next> {
        match action {
            Action::As(name) => {
                let message = self.types.find(name).with_context(|| format!("no proto file has a message {name}"))?;
                request.current.become_a(message)?;
            }
            Action::Set { field, value } => request.current.set(field, request.value(value)?)?,
            Action::Append { field, value } => request.current.append(field, request.value(value)?)?,
            Action::Send { subtopic: None } => self.send(&self.config.output, request, MessageType::Ok).await?,
            Action::Send { subtopic: Some(subtopic) } => {
                let subject = format!("{}.{subtopic}", self.config.output);
                self.send(&subject, request, MessageType::Ok).await?;
            }
            Action::ReplyEarly => self.send(self.answers(), request, MessageType::EarlyReply).await?,
            Action::ExitEarly => {
                self.send(self.answers(), request, MessageType::EarlyExit).await?;
                return Ok(Next::End);
            }
            Action::Forward => {
                if !matches!(request.message.message_type(), MessageType::Ok | MessageType::Undefined) {
                    self.bus.publish(&self.config.output, request.message).await?;
                    return Ok(Next::End);
                }
            }
            Action::Gather(nodes) => return Ok(self.gather(nodes, request)),
            Action::Fail(text) => bail!("{}", request.filled(text)),
            Action::Sleep(time) => tokio::time::sleep(*time).await,
            Action::Crash => std::process::exit(3),
            Action::Log(text) => info!("{}", request.filled(text)),
            Action::Measure { name, fields } => self.measurements.save(name, fields),
            Action::Put { scope, key, field } => {
                let value = request.look_up(field).cloned().unwrap_or_default();
                self.bucket(*scope)?.put(request.filled(key), serde_json::to_vec(&value)?.into()).await?;
            }
            Action::Get { scope, key, field } => {
                let found = self.bucket(*scope)?.get(request.filled(key)).await?;
                let found = found.with_context(|| format!("the bucket has no {key}"))?;
                request.current.set(field, serde_json::from_slice(&found)?)?;
            }
            Action::Store => {
                let saved = self.bus.client.request(self.config.mongo_writer.clone(), "{}".into()).await;
                saved.context("the mongo writer does not answer")?;
            }
            Action::When { field, test, then } => {
                let value = shown(request.look_up(field).unwrap_or(&Value::Null)).to_lowercase();
                let holds = match test {
                    Test::Is(wanted) => value == wanted.to_lowercase(),
                    Test::Has(part) => value.contains(&part.to_lowercase()),
                };
                if holds {
                    return Box::pin(self.perform(then, request)).await;
                }
            }
            Action::From { node, then } => {
                if request.message.from_node == *node {
                    return Box::pin(self.perform(then, request)).await;
                }
            }
        }
        Ok(Next::Line)
    }

    /// Where an early answer goes: to the caller, or to whoever listens to this node.
    fn answers(&self) -> &str {
        match self.config.generation {
            Generation::B => &self.config.entrypoint_subject,
            Generation::C1 | Generation::C2 => &self.config.output,
        }
    }

    async fn send(&self, subject: &str, request: &Request<'_>, message_type: MessageType) -> Result<()> {
        let message = KreMessage {
            request_id: request.message.request_id.clone(),
            payload: request.current.to_any()?,
            error: String::new(),
            from_node: self.config.name.clone(),
            message_type: message_type.into(),
        };
        self.bus.publish(subject, &message).await
    }

    /// Tells the caller, or whoever listens to this node, that the handler has failed.
    pub(crate) async fn send_error(&self, request: &KreMessage, error: &anyhow::Error) -> Result<()> {
        let message = KreMessage {
            request_id: request.request_id.clone(),
            payload: None,
            error: format!("error in node '{}': {error:#}", self.config.name),
            from_node: self.config.name.clone(),
            message_type: MessageType::Error.into(),
        };
        self.bus.publish(self.answers(), &message).await
    }

    fn gather(&self, nodes: &[String], request: &mut Request<'_>) -> Next {
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        let parts = gathered.entry(request.message.request_id.clone()).or_default();
        parts.insert(request.message.from_node.clone(), request.current.clone());
        if !nodes.iter().all(|node| parts.contains_key(node)) {
            return Next::End;
        }
        let parts = gathered.remove(&request.message.request_id).unwrap_or_default();
        for (node, part) in parts {
            if node != request.message.from_node {
                request.current.merge(part);
            }
        }
        Next::Line
    }

    fn bucket(&self, scope: Scope) -> Result<&Store> {
        self.buckets.get(scope as usize).ok_or_else(|| anyhow!("there are no key-value buckets in this generation"))
    }
}

impl Request<'_> {
    fn look_up(&self, field: &str) -> Option<&Value> {
        self.current.get(field).or_else(|| self.input.get(field))
    }

    /// JSON, or else the text as it is.
    fn value(&self, text: &str) -> Result<Value> {
        let filled = self.filled(text);
        if text.starts_with('"') {
            // Only the outer quotes count: what is filled in may have any character.
            let inner = filled.trim_matches('"').replace("\\n", "\n");
            return Ok(Value::String(inner));
        }
        serde_json::from_str(&filled).with_context(|| format!("{filled} is no JSON"))
    }

    /// With `{field}` and `{$VARIABLE}` replaced.
    fn filled(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            filled.push_str(&rest[..open]);
            rest = &rest[open..];
            let name = rest.find('}').map(|close| &rest[1..close]);
            let value = name.and_then(|name| match name.strip_prefix('$') {
                Some(variable) => std::env::var(variable).ok(),
                None => self.look_up(name).map(shown),
            });
            match (name, value) {
                (Some(name), Some(value)) => {
                    filled.push_str(&value);
                    rest = &rest[name.len() + 2..];
                }
                _ => {
                    filled.push('{');
                    rest = &rest[1..];
                }
            }
        }
        filled + rest
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
