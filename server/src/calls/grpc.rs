//! One unary call over a stream that leads to an entrypoint (gRPC over HTTP/2, without TLS).

use std::{error::Error, time::Duration};

use bytes::{Buf, BufMut, Bytes};
use domain::{CallFailure, CallOutcome};
use http::{Uri, uri::PathAndQuery};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};
use tower::service_fn;

/// Of one call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Until when the entrypoint is to answer; it is told.
    pub(crate) left: Duration,
    pub(crate) answer_bytes: usize,
}

/// Sends `request`, a message as protobuf, to the rpc of this name (`package.Service/Rpc`), and waits for its answer for as
/// long as it takes: whoever calls ends it in time. The stream is closed in any case.
///
/// # Errors
/// What came instead of an answer.
pub(crate) async fn call(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    rpc: &str,
    request: Vec<u8>,
    limits: Limits,
) -> Result<Bytes, CallOutcome> {
    let path = PathAndQuery::try_from(format!("/{rpc}")).map_err(|error| unreachable(&error))?;
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (sender, connection) = handshake.map_err(|error| unreachable(&error))?;
    let service = service_fn(move |request| {
        let mut sender = sender.clone();
        async move { sender.send_request(request).await }
    });
    let mut client = Grpc::with_origin(service, Uri::from_static("http://entrypoint"))
        .max_decoding_message_size(limits.answer_bytes)
        .max_encoding_message_size(usize::MAX);
    let answered = async {
        let mut request = Request::new(Bytes::from(request));
        request.set_timeout(limits.left);
        client.ready().await.map_err(|error| unreachable(&error))?;
        client.unary(request, path, Raw).await.map_err(|status| outcome(&status, limits.answer_bytes))
    };
    tokio::select! {
        // An answer counts even if the connection ends right behind it.
        biased;
        answer = answered => Ok(answer?.into_inner()),
        ended = connection => Err(match ended {
            Err(error) => unreachable(&error),
            Ok(()) => failed(CallFailure::Unreachable, "the entrypoint closed the connection".to_owned()),
        }),
    }
}

fn outcome(status: &Status, limit: usize) -> CallOutcome {
    // Only what this side noticed has a cause.
    if let Some(cause) = status.source() {
        return unreachable(cause);
    }
    // What tonic says of an answer that it does not read.
    if status.code() == Code::OutOfRange && status.message().starts_with("Error, decoded message length too large") {
        let reason = format!("the answer has more than {} KiB, the most that is taken here", limit >> 10);
        return failed(CallFailure::TooLarge, reason);
    }
    CallOutcome::Status {
        status: status.code().into(),
        name: name(status.code()),
        message: status.message().to_owned(),
    }
}

fn unreachable(error: &(dyn Error + 'static)) -> CallOutcome {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    failed(CallFailure::Unreachable, format!("the entrypoint cannot be reached by gRPC: {innermost}"))
}

fn failed(failure: CallFailure, reason: String) -> CallOutcome {
    CallOutcome::Failed { failure, reason }
}

/// `INVALID_ARGUMENT`, as gRPC's documentation has it.
fn name(code: Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

/// Messages as they are on the wire.
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use hyper::server::conn::http2 as server;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tonic::{Response, server::UnaryService};

    use super::*;

    const LIMITS: Limits = Limits { left: Duration::from_secs(9), answer_bytes: 1000 };

    /// Answers by what it is sent.
    struct Entrypoint;

    impl UnaryService<Bytes> for Entrypoint {
        type Response = Bytes;
        type Future = std::future::Ready<Result<Response<Bytes>, Status>>;

        fn call(&mut self, request: Request<Bytes>) -> Self::Future {
            let timeout = request.metadata().get("grpc-timeout").map(|left| left.to_str().unwrap().to_owned());
            std::future::ready(match request.get_ref().as_ref() {
                b"large" => Ok(Response::new(Bytes::from(vec![0; 2000]))),
                b"fail" => Err(Status::invalid_argument("name: 100 % wrong, naïve")),
                b"timeout" => Ok(Response::new(timeout.unwrap_or_default().into())),
                other => Ok(Response::new(Bytes::copy_from_slice(other))),
            })
        }
    }

    /// The other end of a stream to an entrypoint that knows the rpc `demo.Entrypoint/Greet`.
    fn entrypoint() -> DuplexStream {
        let (ours, theirs) = duplex(64 << 10);
        let service = hyper::service::service_fn(|request: http::Request<hyper::body::Incoming>| async move {
            if request.uri().path() != "/demo.Entrypoint/Greet" {
                return Ok::<_, Infallible>(Status::unimplemented("no such rpc").into_http());
            }
            Ok(tonic::server::Grpc::new(Raw).unary(Entrypoint, request).await)
        });
        tokio::spawn(server::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(theirs), service));
        ours
    }

    async fn greet(message: &str) -> Result<Bytes, CallOutcome> {
        call(entrypoint(), "demo.Entrypoint/Greet", message.as_bytes().to_vec(), LIMITS).await
    }

    #[tokio::test]
    async fn the_answer_comes_back_and_the_entrypoint_knows_the_deadline() {
        assert_eq!(greet("hello").await.unwrap(), "hello");
        assert_eq!(greet("").await.unwrap(), "", "an empty message is one");
        assert_eq!(greet("timeout").await.unwrap(), "9000000u");
    }

    #[tokio::test]
    async fn a_status_is_told_with_its_name_and_message() {
        let status = |status, name: &str, message: &str| {
            Err(CallOutcome::Status { status, name: name.to_owned(), message: message.to_owned() })
        };
        assert_eq!(greet("fail").await, status(3, "INVALID_ARGUMENT", "name: 100 % wrong, naïve"));
        let unknown = call(entrypoint(), "demo.Entrypoint/Other", Vec::new(), LIMITS).await;
        assert_eq!(unknown, status(12, "UNIMPLEMENTED", "no such rpc"));
    }

    #[tokio::test]
    async fn an_answer_that_is_too_large_is_not_read() {
        let reason = |outcome| match outcome {
            Err(CallOutcome::Failed { failure: CallFailure::TooLarge, reason }) => reason,
            other => panic!("{other:?}"),
        };
        assert!(reason(greet("large").await).contains("the most that is taken here"));
    }

    #[tokio::test]
    async fn who_does_not_speak_grpc_is_unreachable() {
        let is_unreachable = |outcome: &Result<Bytes, CallOutcome>| {
            matches!(outcome, Err(CallOutcome::Failed { failure: CallFailure::Unreachable, .. }))
        };
        let (ours, theirs) = duplex(1000);
        drop(theirs);
        let closed = call(ours, "E/R", Vec::new(), LIMITS).await;
        assert!(is_unreachable(&closed), "{closed:?}");

        let (ours, mut theirs) = duplex(1000);
        tokio::spawn(async move {
            theirs.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
            let mut rest = Vec::new();
            theirs.read_to_end(&mut rest).await
        });
        let http1 = call(ours, "E/R", Vec::new(), LIMITS).await;
        assert!(is_unreachable(&http1), "{http1:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_falls_silent_waits_until_the_caller_gives_up_and_is_let_go_of_then() {
        let (ours, mut theirs) = duplex(1000);
        let limit = Duration::from_secs(30);
        assert!(tokio::time::timeout(limit, call(ours, "E/R", vec![0; 5000], LIMITS)).await.is_err());
        let mut rest = Vec::new();
        theirs.read_to_end(&mut rest).await.unwrap();
    }
}
