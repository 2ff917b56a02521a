//! JetStream's API: requests in JSON over NATS itself (NATS documentation, "JetStream wire API reference").

use std::time::Duration;

use async_nats::{
    Client,
    jetstream::{
        self, Context, ErrorCode,
        context::{RequestError, RequestErrorKind},
        response::Response,
    },
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::observed::{ObservedConsumer, ObservedStream, StreamInfo};
use crate::config::MessagingTimeouts;

#[derive(Debug, thiserror::Error)]
pub enum MessagingError {
    /// The settings cannot be used; says which.
    #[error("{reason}")]
    Unusable { reason: String },
    #[error("no answer from NATS within {0:?}")]
    TimedOut(Duration),
    #[error("NATS answers, but JetStream is not turned on")]
    NoJetStream,
    #[error("no connection to NATS: {0}")]
    NoConnection(String),
    /// What JetStream says.
    #[error("{description}")]
    Refused { code: ErrorCode, description: String },
    /// Something of the name is there that this server did not make.
    #[error("{0}")]
    InTheWay(String),
}

impl MessagingError {
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { code, .. }
            if [ErrorCode::STREAM_NOT_FOUND, ErrorCode::CONSUMER_NOT_FOUND].contains(code))
    }

    /// Whether NATS said it, so that it is reachable.
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::InTheWay(_))
    }
}

pub(super) struct Api {
    context: Context,
    timeouts: MessagingTimeouts,
}

/// A page of a list.
#[derive(Deserialize)]
struct Page {
    total: usize,
}

#[derive(Deserialize)]
struct StreamPage {
    #[serde(flatten)]
    page: Page,
    #[serde(default)]
    streams: Option<Vec<StreamInfo>>,
}

#[derive(Deserialize)]
struct ConsumerPage {
    #[serde(flatten)]
    page: Page,
    #[serde(default)]
    consumers: Option<Vec<ObservedConsumer>>,
}

impl Api {
    pub(super) fn new(client: Client, timeouts: MessagingTimeouts) -> Self {
        let mut context = jetstream::new(client);
        // The limits here are the ones that count.
        context.set_timeout(timeouts.read.max(timeouts.write) * 2);
        Self { context, timeouts }
    }

    pub(super) fn client(&self) -> Client {
        self.context.client()
    }

    /// Whether JetStream is there.
    pub(super) async fn account(&self) -> Result<(), MessagingError> {
        self.read::<Value>("INFO".to_owned(), &json!({})).await.map(drop)
    }

    /// All streams with their states, in pages.
    pub(super) async fn streams(&self) -> Result<Vec<ObservedStream>, MessagingError> {
        let mut all = Vec::new();
        loop {
            let page: StreamPage = self.read("STREAM.LIST".to_owned(), &json!({ "offset": all.len() })).await?;
            let streams = page.streams.unwrap_or_default();
            let is_last = streams.is_empty();
            all.extend(streams.into_iter().map(ObservedStream::from));
            if is_last || all.len() >= page.page.total {
                return Ok(all);
            }
        }
    }

    /// None when there is no such stream.
    pub(super) async fn stream(&self, name: &str) -> Result<Option<ObservedStream>, MessagingError> {
        Ok(self.found(self.read::<StreamInfo>(format!("STREAM.INFO.{name}"), &json!({})).await)?.map(Into::into))
    }

    /// Its configuration as it is, with fields that this program does not know, too.
    pub(super) async fn config(&self, name: &str) -> Result<Option<Value>, MessagingError> {
        let info = self.found(self.read::<Value>(format!("STREAM.INFO.{name}"), &json!({})).await)?;
        Ok(info.map(|mut info| info["config"].take()))
    }

    /// The durable ones: all others come and go with a request.
    pub(super) async fn consumers(&self, stream: &str) -> Result<Vec<ObservedConsumer>, MessagingError> {
        let (mut all, mut seen) = (Vec::new(), 0);
        loop {
            let page: ConsumerPage = self.read(format!("CONSUMER.LIST.{stream}"), &json!({ "offset": seen })).await?;
            let consumers = page.consumers.unwrap_or_default();
            seen += consumers.len();
            let is_last = consumers.is_empty() || seen >= page.page.total;
            all.extend(consumers.into_iter().filter(|consumer| consumer.config.durable_name.is_some()));
            if is_last {
                return Ok(all);
            }
        }
    }

    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        subject: String,
        payload: &Value,
    ) -> Result<T, MessagingError> {
        self.request(subject, payload, self.timeouts.read).await
    }

    pub(super) async fn write<T: DeserializeOwned>(
        &self,
        subject: String,
        payload: &Value,
    ) -> Result<T, MessagingError> {
        self.request(subject, payload, self.timeouts.write).await
    }

    pub(super) fn found<T>(&self, answer: Result<T, MessagingError>) -> Result<Option<T>, MessagingError> {
        match answer {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn request<T: DeserializeOwned>(
        &self,
        subject: String,
        payload: &Value,
        limit: Duration,
    ) -> Result<T, MessagingError> {
        let answer = timeout(limit, self.context.request::<_, _, Response<T>>(subject, payload)).await;
        match answer.map_err(|_| MessagingError::TimedOut(limit))?.map_err(|error| lost(&error, limit))? {
            Response::Ok(answer) => Ok(answer),
            Response::Err { error } => {
                Err(MessagingError::Refused { code: error.error_code(), description: error.to_string() })
            }
        }
    }
}

fn lost(error: &RequestError, limit: Duration) -> MessagingError {
    match error.kind() {
        RequestErrorKind::NoResponders => MessagingError::NoJetStream,
        RequestErrorKind::TimedOut => MessagingError::TimedOut(limit),
        _ => MessagingError::NoConnection(error.to_string()),
    }
}
