//! Serves a listener so that no client can hold its door shut: each has to send its request, and take its answer,
//! within time limits, and each listener has places of its own. `axum::serve` sets no such limits
//! ([decision 19](../../../docs/decisions/0019-what-a-client-may-take.md)).

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::Request,
    response::Response,
    serve::{Listener, ListenerExt},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// What clients may take.
#[derive(Debug, Clone, Copy)]
pub struct ClientLimits {
    /// Connections to the pages' listener. A browser with a page open has one for its events and, now and then, others.
    pub public_connections: usize,
    pub internal_connections: usize,
    pub sandbox_connections: usize,
    /// For the head of a request, from the connection's beginning or the end of the request before it. So it is also
    /// how long a connection stays open with nothing asked for.
    pub header_timeout: Duration,
    /// For the whole body of a request that is no upload.
    pub body_timeout: Duration,
    /// How long a client may take nothing of its answer.
    pub write_timeout: Duration,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            public_connections: 4096,
            internal_connections: 1024,
            sandbox_connections: 512,
            header_timeout: Duration::from_secs(15),
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(60),
        }
    }
}

impl ClientLimits {
    /// The same, with no more connections than leave files for all else: the database, uploads, the cluster.
    #[must_use]
    pub fn within(self, open_files: u64) -> Self {
        let share = |wanted: usize, part: u64| wanted.min(usize::try_from(open_files / part).unwrap_or(wanted)).max(1);
        Self {
            public_connections: share(self.public_connections, 2),
            internal_connections: share(self.internal_connections, 8),
            sandbox_connections: share(self.sandbox_connections, 16),
            ..self
        }
    }
}

/// The address at which a connection reached this machine; an extension of each request.
#[derive(Debug, Clone, Copy)]
pub(super) struct LocalAddr(pub(super) SocketAddr);

/// Serves until it is told to stop, then lets requests under way end. When the future is dropped, they are cut off.
///
/// When all places are taken, whoever connects waits for one, and connections with no request under way make room.
pub async fn serve(
    listener: TcpListener,
    places: usize,
    limits: ClientLimits,
    router: Router,
    stop: CancellationToken,
) {
    let mut listener = listener.tap_io(|stream| {
        // Events are small, and each is to be seen at once.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("a connection keeps its delay: {error}");
        }
    });
    let free = Arc::new(Semaphore::new(places));
    let mut connections = JoinSet::new();
    let mut make_room = stop.child_token();
    loop {
        while connections.try_join_next().is_some() {}
        let next = async {
            // An error such as too many open files is logged there, and tried again a second later.
            let (stream, _) = listener.accept().await;
            if free.available_permits() == 0 {
                make_room.cancel();
                make_room = stop.child_token();
            }
            free.clone().acquire_owned().await.map(|place| (stream, place))
        };
        tokio::select! {
            () = stop.cancelled() => break,
            // The semaphore is never closed.
            Ok((stream, place)) = next => {
                connections.spawn(connection(stream, place, limits, router.clone(), make_room.clone()));
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
    limits: ClientLimits,
    router: Router,
    end: CancellationToken,
) {
    let Ok(local) = stream.local_addr() else { return };
    let mut stream = TimeoutStream::new(stream);
    // No such limit for reading: while an answer is being sent the client has nothing to say.
    stream.set_write_timeout(Some(limits.write_timeout));
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(LocalAddr(local));
        let answer = router.clone().oneshot(request);
        async move { answer.await as Result<Response, Infallible> }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.header_timeout);
    let mut serving = pin!(http.serve_connection(TokioIo::new(Box::pin(stream)), service));
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = end.cancelled() => {
            // Ends at once when no request is under way, else after its answer.
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection broke: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_all_else() {
        let usual = ClientLimits::default();
        let few = usual.within(1024);
        assert_eq!((few.public_connections, few.internal_connections, few.sandbox_connections), (512, 128, 64));
        let many = usual.within(u64::MAX);
        assert_eq!(many.public_connections, usual.public_connections);
        assert_eq!(usual.within(0).internal_connections, 1);
    }
}
