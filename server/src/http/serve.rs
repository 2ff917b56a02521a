//! Serves a listener so that no client can block it: each has to send its request, and read its answer, within time limits,
//! and each listener has a connection limit of its own. `axum::serve` sets no such limits
//! ([decision 19](../../../docs/decisions/0019-what-a-client-may-take.md)).

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc};

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
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::timeout,
};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::tls::Tls;
use crate::config::ClientLimits;

/// Who has connected; an extension of each request.
#[derive(Debug, Clone, Copy)]
pub(super) struct PeerAddr(pub(super) SocketAddr);

/// The address at which a connection reached this machine; an extension of each request.
#[derive(Debug, Clone, Copy)]
pub(super) struct LocalAddr(pub(super) SocketAddr);

/// Serves until it is told to stop, then lets requests under way end. When the future is dropped, they are cut off.
///
/// At the connection limit a new connection waits, and idle ones are closed.
pub async fn serve(
    listener: TcpListener,
    places: usize,
    limits: ClientLimits,
    router: Router,
    tls: Option<Tls>,
    stop: CancellationToken,
) {
    let mut listener = listener.tap_io(|stream| {
        // Events are small, and each is to be seen at once.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("could not set TCP_NODELAY: {error}");
        }
    });
    let free = Arc::new(Semaphore::new(places));
    let mut connections = JoinSet::new();
    let mut make_room = stop.child_token();
    loop {
        while connections.try_join_next().is_some() {}
        let next = async {
            // An error such as too many open files is logged there, and tried again a second later.
            let (stream, peer) = listener.accept().await;
            if free.available_permits() == 0 {
                make_room.cancel();
                make_room = stop.child_token();
            }
            free.clone().acquire_owned().await.map(|place| (stream, peer, place))
        };
        tokio::select! {
            () = stop.cancelled() => break,
            // The semaphore is never closed.
            Ok((stream, peer, place)) = next => {
                let to = Destination { router: router.clone(), peer, tls: tls.as_ref().map(Tls::acceptor) };
                connections.spawn(connection(stream, place, limits, to, make_room.clone()));
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// What a connection speaks to.
struct Destination {
    router: Router,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
}

async fn connection(
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
    limits: ClientLimits,
    to: Destination,
    end: CancellationToken,
) {
    let Ok(local) = stream.local_addr() else { return };
    let mut stream = TimeoutStream::new(stream);
    // No such limit for reading: while an answer is being sent the client has nothing to say.
    stream.set_write_timeout(Some(limits.write_timeout));
    let stream = Box::pin(stream);
    let addresses = (LocalAddr(local), PeerAddr(to.peer));
    match to.tls {
        None => answer(stream, limits, to.router, addresses, end).await,
        // Whoever connects has as long to agree on keys as to send the head of a request.
        Some(tls) => match timeout(limits.header_timeout, tls.accept(stream)).await {
            Ok(Ok(stream)) => answer(stream, limits, to.router, addresses, end).await,
            Ok(Err(error)) => tracing::debug!("a TLS handshake failed: {error}"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        },
    }
}

async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    limits: ClientLimits,
    router: Router,
    (local, peer): (LocalAddr, PeerAddr),
    end: CancellationToken,
) {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(local);
        request.extensions_mut().insert(peer);
        let answer = router.clone().oneshot(request);
        async move { answer.await as Result<Response, Infallible> }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.header_timeout);
    let mut serving = pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = end.cancelled() => {
            // Ends at once when no request is under way, else after its answer.
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection failed: {error}");
    }
}
