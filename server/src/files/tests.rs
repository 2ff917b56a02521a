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
enum Silent {
    Everything,
    Parts,
    Completion,
    Copy,
    /// In the midst of a file, its connection open.
    Download,
}

async fn s3(State(silent): State<Silent>, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let copies = request.headers().contains_key("x-amz-copy-source");
    let kind = match *request.method() {
        Method::PUT if query.contains("partNumber") => Silent::Parts,
        Method::PUT if copies => Silent::Copy,
        Method::POST if query.contains("uploadId") => Silent::Completion,
        Method::GET => Silent::Download,
        _ => Silent::Everything,
    };
    if silent == Silent::Everything || (silent == kind && kind != Silent::Download) {
        return std::future::pending().await;
    }
    match (kind, request.method().clone()) {
        (Silent::Parts, _) => {
            let _ = axum::body::to_bytes(request.into_body(), usize::MAX).await;
            [(header::ETAG, "\"part\"")].into_response()
        }
        (Silent::Download, _) => {
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

async fn files(silent: Silent) -> Files {
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
async fn every_request_to_a_silent_file_store_ends_and_says_what_it_waited_for() {
    let asks: [(Silent, &str, Ask); 11] = [
        (Silent::Everything, "read `installation-id`", |files| async move { files.marker().await.map(drop) }.boxed()),
        (Silent::Everything, "write `installation-id`", |files| async move { files.mark("x").await }.boxed()),
        (Silent::Everything, "look for `krt/x`", |files| async move { files.exists("krt/x").await.map(drop) }.boxed()),
        (Silent::Everything, "begin a file", |files| async move { files.begin().await.map(drop) }.boxed()),
        (Silent::Everything, "remove `krt/x`", |files| async move { files.remove("krt/x").await }.boxed()),
        (Silent::Everything, "list `krt`", |files| async move { files.list("krt").await.map(drop) }.boxed()),
        (Silent::Everything, "read `krt/x`", |files| async move { files.read("krt/x", None).await.map(drop) }.boxed()),
        (Silent::Copy, "store `krt/x`", |files| {
            async move { files.promote("incoming/1", "krt/x").await.map(drop) }.boxed()
        }),
        (Silent::Parts, "receive a file", |files| {
            async move {
                let mut incoming = files.begin().await?;
                for _ in 0..=PARTS_IN_FLIGHT + 1 {
                    incoming.write(Bytes::from(vec![0; PART_BYTES])).await?;
                }
                Ok(())
            }
            .boxed()
        }),
        (Silent::Parts, "receive a file", |files| {
            async move {
                let mut incoming = files.begin().await?;
                incoming.write(Bytes::from_static(b"a small one")).await?;
                incoming.finish().await.map(drop)
            }
            .boxed()
        }),
        (Silent::Completion, "receive a file", |files| {
            async move {
                let mut incoming = files.begin().await?;
                incoming.write(Bytes::from_static(b"a small one")).await?;
                incoming.finish().await.map(drop)
            }
            .boxed()
        }),
    ];
    for (silent, waited_for, ask) in asks {
        let asked = timeout(Duration::from_secs(10), ask(files(silent).await)).await;
        match asked.unwrap_or_else(|_| panic!("{silent:?}: `{waited_for}` has no end")) {
            Err(FilesError::Timeout { what, .. }) => assert_eq!(what, waited_for, "{silent:?}"),
            other => panic!("{silent:?}: {waited_for}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_download_that_falls_silent_in_the_midst_ends_in_an_error() {
    let content = files(Silent::Download).await.read("krt/x", None).await.unwrap();
    let read = timeout(Duration::from_secs(10), content.try_collect::<Vec<_>>()).await;
    let error = read.expect("it has no end").expect_err("it was never whole");
    let said = crate::service::error_chain(&error);
    assert!(said.contains("did not read `krt/x`"), "{said}");
}
