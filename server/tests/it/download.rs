//! The KRT file comes back as it was sent, whole and in parts, from the API and from the pods' listener.

use reqwest::Method;

use crate::support::{
    krt::Krt,
    server::{Answer, TestServer},
};

const FILE: &str = "/api/v1/runtimes/demo/versions/v1/krt";

/// A file of several of the file store's chunks, and where it is served: each URL with the credential it takes.
async fn uploaded() -> (TestServer, Vec<u8>, [(String, String); 2]) {
    let server = TestServer::start().await;
    server.add_runtime("demo").await;
    let krt = Krt::new("v1").padded(300_000).bytes();
    server.upload("demo", krt.clone()).await.expect(201);
    server.post("/api/v1/runtimes/demo/versions/v1/start", serde_json::json!({})).await.expect(202);
    let store = server.store().await;
    let record = store.version(&"demo".parse().unwrap(), &"v1".parse().unwrap()).await.unwrap().unwrap();
    let internal =
        format!("http://{}{}", server.internal_addr(), server::krt_url::krt_path(&record.runtime, &record.name));
    let token = format!("Bearer {}", record.file.download_token.expose());
    let public = server.url(FILE).to_string();
    (server, krt, [(public, String::new()), (internal, token)])
}

async fn ask(server: &TestServer, (url, token): &(String, String), method: Method, headers: &[(&str, &str)]) -> Answer {
    let mut request = server.client().request(method, url);
    for (name, value) in headers.iter().chain(&[("authorization", token.as_str())]) {
        request = request.header(*name, *value);
    }
    server.answer_to(request).await
}

#[tokio::test]
async fn a_part_is_sent_with_its_place_and_the_parts_make_the_file() {
    let (server, krt, places) = uploaded().await;
    let size = krt.len();
    for place in &places {
        let whole = ask(&server, place, Method::GET, &[]).await;
        assert_eq!((whole.status, &whole.body[..]), (200, &krt[..]));
        assert_eq!(whole.header("accept-ranges"), "bytes");
        let tag = whole.header("etag").to_owned();

        let begin = ask(&server, place, Method::GET, &[("range", "bytes=0-99999")]).await;
        assert_eq!((begin.status, begin.header("content-length")), (206, "100000"));
        assert_eq!(begin.header("content-range"), format!("bytes 0-99999/{size}"));
        assert_eq!(begin.header("etag"), tag);
        let rest = ask(&server, place, Method::GET, &[("range", "bytes=100000-"), ("if-range", &tag)]).await;
        assert_eq!(rest.status, 206);
        assert_eq!(rest.header("content-range"), format!("bytes 100000-{}/{size}", size - 1));
        assert_eq!([&begin.body[..], &rest.body[..]].concat(), krt);

        let end = ask(&server, place, Method::GET, &[("range", "bytes=-7")]).await;
        assert_eq!((end.status, &end.body[..]), (206, &krt[size - 7..]));
    }
    let named = ask(&server, &places[0], Method::GET, &[("range", "bytes=0-0")]).await;
    assert_eq!(named.header("content-disposition"), "attachment; filename=\"demo-v1.krt\"");
}

#[tokio::test]
async fn what_cannot_be_sent_in_part_is_said_or_sent_whole() {
    let (server, krt, places) = uploaded().await;
    for place in &places {
        let beyond = format!("bytes={}-", krt.len());
        let nowhere = ask(&server, place, Method::GET, &[("range", &beyond)]).await;
        assert_eq!((nowhere.status, nowhere.body.len()), (416, 0));
        assert_eq!(nowhere.header("content-range"), format!("bytes */{}", krt.len()));
        for headers in [
            &[("range", "bytes=0-1,4-5")][..],
            &[("range", "bytes=5-1")],
            &[("range", "lines=1-2")],
            &[("range", "bytes=5-"), ("if-range", "\"another file\"")],
        ] {
            let whole = ask(&server, place, Method::GET, headers).await;
            assert_eq!((whole.status, &whole.body[..]), (200, &krt[..]), "{headers:?}");
        }
    }
}

#[tokio::test]
async fn who_has_the_file_is_not_sent_it_again() {
    let (server, krt, places) = uploaded().await;
    for place in &places {
        let head = ask(&server, place, Method::HEAD, &[("range", "bytes=0-1")]).await;
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(head.header("content-length"), krt.len().to_string());
        assert_eq!(head.header("content-type"), "application/gzip");
        let tag = head.header("etag").to_owned();
        for method in [Method::GET, Method::HEAD] {
            let known = ask(&server, place, method, &[("if-none-match", &tag)]).await;
            assert_eq!((known.status, known.body.len()), (304, 0));
        }
        let other = ask(&server, place, Method::GET, &[("if-match", "\"another file\"")]).await;
        assert_eq!(other.status, 412);
    }
}
