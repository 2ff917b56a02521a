//! A file store that falls silent: every kind of request ends, and says what it waited for.

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::{FutureExt, TryStreamExt, future::BoxFuture};
use tokio::net::TcpListener;

use super::*;

const SHORT: Duration = Duration::from_millis(200);
const SHORTLY: FileTimeouts = FileTimeouts { request: SHORT, transfer: SHORT, completion: SHORT };

/// What of an S3 server falls silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unresponsive {
    Everything,
    Parts,
    Completion,
    Copy,
    /// In the midst of a file, its connection open.
    Download,
}

async fn s3(State(silent): State<Unresponsive>, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let copies = request.headers().contains_key("x-amz-copy-source");
    let kind = match *request.method() {
        Method::PUT if query.contains("partNumber") => Unresponsive::Parts,
        Method::PUT if copies => Unresponsive::Copy,
        Method::POST if query.contains("uploadId") => Unresponsive::Completion,
        Method::GET => Unresponsive::Download,
        _ => Unresponsive::Everything,
    };
    if silent == Unresponsive::Everything || (silent == kind && kind != Unresponsive::Download) {
        return std::future::pending().await;
    }
    match (kind, request.method().clone()) {
        (Unresponsive::Parts, _) => {
            let _ = axum::body::to_bytes(request.into_body(), usize::MAX).await;
            [(header::ETAG, "\"part\"")].into_response()
        }
        (Unresponsive::Download, _) => {
            let begun = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"begun"))]);
            let headers = [
                (header::CONTENT_LENGTH, "100"),
                (header::ETAG, "\"x\""),
                (header::LAST_MODIFIED, "Mon, 23 Nov 2026 07:00:00 GMT"),
            ];
            (headers, Body::from_stream(begun.chain(stream::pending()))).into_response()
        }
        (_, Method::POST) => {
            "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>".into_response()
        }
        (_, Method::HEAD) => StatusCode::NOT_FOUND.into_response(),
        _ => StatusCode::OK.into_response(),
    }
}

async fn files(silent: Unresponsive) -> Files {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = axum::serve(listener, Router::new().fallback(s3).with_state(silent));
    tokio::spawn(async move { server.await });
    let variables = [
        ("AWS_ENDPOINT", endpoint.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "here"),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_PAGER", "of another program"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Files::open_remote(&Url::parse("s3://bucket/prefix").unwrap(), variables, SHORTLY).unwrap()
}

/// What is asked of the store; each ends in an error.
type Ask = fn(Files) -> BoxFuture<'static, Result<(), FilesError>>;

#[tokio::test]
async fn every_request_to_an_unresponsive_file_store_ends_and_says_what_it_waited_for() {
    let asks: [(Unresponsive, &str, Ask); 11] = [
        (Unresponsive::Everything, "read `installation-id`", |files| {
            async move { files.marker().await.map(drop) }.boxed()
        }),
        (Unresponsive::Everything, "write `installation-id`", |files| async move { files.mark("x").await }.boxed()),
        (Unresponsive::Everything, "look for `krt/x`", |files| {
            async move { files.exists("krt/x").await.map(drop) }.boxed()
        }),
        (Unresponsive::Everything, "begin a file", |files| async move { files.begin().await.map(drop) }.boxed()),
        (Unresponsive::Everything, "remove `krt/x`", |files| async move { files.remove("krt/x").await }.boxed()),
        (Unresponsive::Everything, "list `krt`", |files| async move { files.list("krt").await.map(drop) }.boxed()),
        (Unresponsive::Everything, "read `krt/x`", |files| {
            async move { files.read("krt/x", None).await.map(drop) }.boxed()
        }),
        (Unresponsive::Copy, "store `krt/x`", |files| {
            async move { files.promote("incoming/1", "krt/x").await.map(drop) }.boxed()
        }),
        (Unresponsive::Parts, "receive a file", |files| {
            async move {
                let mut incoming = files.begin().await?;
                for _ in 0..=PARTS_IN_FLIGHT + 1 {
                    incoming.write(Bytes::from(vec![0; PART_BYTES])).await?;
                }
                Ok(())
            }
            .boxed()
        }),
        (Unresponsive::Parts, "receive a file", |files| {
            async move {
                let mut incoming = files.begin().await?;
                incoming.write(Bytes::from_static(b"a small one")).await?;
                incoming.finish().await.map(drop)
            }
            .boxed()
        }),
        (Unresponsive::Completion, "receive a file", |files| {
            async move {
                let mut incoming = files.begin().await?;
                incoming.write(Bytes::from_static(b"a small one")).await?;
                incoming.finish().await.map(drop)
            }
            .boxed()
        }),
    ];
    for (silent, waited_for, ask) in asks {
        let request = timeout(Duration::from_secs(10), ask(files(silent).await)).await;
        match request.unwrap_or_else(|_| panic!("{silent:?}: `{waited_for}` has no end")) {
            Err(FilesError::Timeout { what, .. }) => assert_eq!(what, waited_for, "{silent:?}"),
            other => panic!("{silent:?}: {waited_for}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_download_that_stalls_ends_in_an_error() {
    let content = files(Unresponsive::Download).await.read("krt/x", None).await.unwrap();
    let read = timeout(Duration::from_secs(10), content.try_collect::<Vec<_>>()).await;
    let error = read.expect("it has no end").expect_err("it was never whole");
    let said = crate::service::error_chain(&error);
    assert!(said.contains("did not read `krt/x`"), "{said}");
}
