//! No request to the cluster waits without an end: how long each may take, by its kind.
//!
//! A layer under the client, so that no caller can forget it.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::body::{Body, Bytes};
use futures::{Stream, StreamExt, stream};
use http::{Request, Response};
use kube::Client;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout_at},
};
use tower::{BoxError, service_fn};

use super::connections::Connections;

/// How long the cluster may take to answer.
#[derive(Debug, Clone, Copy)]
pub struct RequestTimeouts {
    /// An ordinary request, to the end of its answer. A stream has that long for its beginning, and a log that is not
    /// followed for each piece.
    pub request: Duration,
    /// How long a watch may bring neither an event nor a bookmark. API servers send a bookmark about every minute
    /// (Kubernetes API concepts, "Watch bookmarks"); a watch that is reopened continues where it was.
    pub watch_idle: Duration,
    /// The probe.
    pub probe: Duration,
    /// The pause between two probes.
    pub probe_interval: Duration,
}

impl Default for RequestTimeouts {
    fn default() -> Self {
        Self {
            // As long as the slowest admission webhook may take (Kubernetes API reference, `timeoutSeconds`).
            request: Duration::from_secs(30),
            watch_idle: Duration::from_secs(90),
            // Together less than the 15 s within which an outage has to be noticed.
            probe: Duration::from_secs(5),
            probe_interval: Duration::from_secs(5),
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum RequestError {
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    #[error("the request was cancelled because the cluster does not respond")]
    Cancelled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ordinary,
    Watch,
    Log,
    /// May bring nothing for as long as its container writes nothing. The reader requests it again from time to time.
    FollowedLog,
}

/// The client with these limits, which cancels its requests when the connections are dropped.
pub(super) fn limited(client: Client, timeouts: RequestTimeouts, connections: Arc<Connections>) -> Client {
    let namespace = client.default_namespace().to_owned();
    let service = service_fn(move |request| answer(client.clone(), timeouts, connections.resets(), request));
    Client::new(service, namespace)
}

async fn answer(
    client: Client,
    timeouts: RequestTimeouts,
    mut resets: watch::Receiver<u64>,
    request: Request<kube::client::Body>,
) -> Result<Response<Body>, BoxError> {
    let kind = Kind::of(&request);
    let end = Instant::now() + timeouts.request;
    let is_late = async {
        match kind {
            Kind::FollowedLog => std::future::pending().await,
            Kind::Ordinary | Kind::Watch | Kind::Log => sleep_until(end).await,
        }
    };
    let answer = tokio::select! {
        answer = client.send(request) => answer?,
        () = is_late => return Err(RequestError::TimedOut(timeouts.request).into()),
        Ok(()) = resets.changed() => return Err(RequestError::Cancelled.into()),
    };
    let limit = match kind {
        Kind::Ordinary => Limit::At(end, timeouts.request),
        Kind::Log => Limit::Each(timeouts.request),
        Kind::Watch => Limit::Each(timeouts.watch_idle),
        Kind::FollowedLog => Limit::None,
    };
    // Such a stream is simply requested again, from where it was.
    let ends_quietly = matches!(kind, Kind::Watch | Kind::FollowedLog);
    Ok(answer.map(|body| Body::from_stream(with_limit(Body::new(body), limit, ends_quietly, resets))))
}

#[derive(Clone, Copy)]
enum Limit {
    None,
    Each(Duration),
    At(Instant, Duration),
}

fn with_limit(
    body: Body,
    limit: Limit,
    ends_quietly: bool,
    resets: watch::Receiver<u64>,
) -> impl Stream<Item = Result<Bytes, BoxError>> {
    let open = Some((body.into_data_stream(), resets));
    stream::unfold(open, move |open| async move {
        let (mut chunks, mut resets) = open?;
        let failed = {
            let mut next = pin!(within(limit, chunks.next()));
            tokio::select! {
                chunk = &mut next => match chunk {
                    Ok(chunk) => Ok(chunk),
                    Err(late) => Err(late),
                },
                Ok(()) = resets.changed() => Err(RequestError::Cancelled),
            }
        };
        match failed {
            Ok(chunk) => Some((chunk?.map_err(Into::into), Some((chunks, resets)))),
            Err(_) if ends_quietly => None,
            Err(error) => Some((Err(error.into()), None)),
        }
    })
    .fuse()
}

async fn within<T>(limit: Limit, chunk: impl Future<Output = T>) -> Result<T, RequestError> {
    let (end, limit) = match limit {
        Limit::None => return Ok(chunk.await),
        Limit::Each(limit) => (Instant::now() + limit, limit),
        Limit::At(end, limit) => (end, limit),
    };
    timeout_at(end, chunk).await.map_err(|_| RequestError::TimedOut(limit))
}

impl Kind {
    fn of<B>(request: &Request<B>) -> Self {
        let query = request.uri().query().unwrap_or_default();
        let is_set = |name: &str| query.split('&').any(|pair| pair.strip_prefix(name) == Some("=true"));
        match request.uri().path().ends_with("/log") {
            true if is_set("follow") => Self::FollowedLog,
            true => Self::Log,
            false if is_set("watch") => Self::Watch,
            false => Self::Ordinary,
        }
    }
}

#[cfg(test)]
mod tests;
