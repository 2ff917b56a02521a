//! What follows from the settings: hosts and origins, the cookie, TLS.

use std::process::Command;

use domain::{Timestamp, access::Role};
use reqwest::{Certificate, Client, Method};
use server::config::{Flags, LoginMode, Settings, TlsFiles};

use crate::support::{
    server::{Answer, TestServer},
    team::{As, add_member},
};

const PUBLIC: &str = "https://kai.example";

/// Local logins at this URL.
fn at(settings: &mut Settings, public_url: &str, change: impl FnOnce(&mut Flags)) {
    let mut flags = Flags::defaults(&settings.data_dir).unwrap();
    flags.logins.login = vec![LoginMode::Local];
    flags.logins.public_url = Some(public_url.to_owned());
    change(&mut flags);
    settings.logins = Settings::try_from(flags).unwrap().logins;
}

#[tokio::test]
async fn the_public_url_alone_is_host_and_origin_and_its_cookie_goes_over_https_alone() {
    let server = TestServer::start_with(|settings| at(settings, PUBLIC, |_| {})).await;
    let admin = add_member(&*server.store().await, "root", Some(Role::Admin), Timestamp::now()).await;
    let As::Session(secret) = &admin.by else { panic!() };
    let ask = async |method: Method, path: &str, host: &str, origin: Option<&str>| {
        let mut request = server.client().request(method, server.url(path)).header("host", host);
        request = request.header("cookie", format!("__Host-kai-session={secret}"));
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        Answer::of(request.body(r#"{"id":"demo","name":"Demo"}"#).send().await.unwrap()).await
    };
    for (host, status) in [
        ("kai.example", 200),
        ("KAI.example:443", 200),
        ("127.0.0.1", 403),
        ("kai.example:80", 403),
        ("evil.example", 403),
    ] {
        assert_eq!(ask(Method::GET, "/api/v1/me", host, None).await.status, status, "{host}");
    }
    assert_eq!(ask(Method::GET, "/healthz", "10.0.0.7:3000", None).await.status, 200, "a probe names an address");
    for origin in ["http://kai.example", "https://kai.example.evil", "https://kai.example:444", "null"] {
        let refused = ask(Method::POST, "/api/v1/runtimes", "kai.example", Some(origin)).await;
        refused.expect_error(403, "forbidden");
    }
    let made = ask(Method::POST, "/api/v1/runtimes", "kai.example", Some(PUBLIC)).await;
    made.expect(201);
    assert_eq!(made.header("strict-transport-security"), "max-age=31536000");
    let out = ask(Method::POST, "/sign-out", "kai.example", Some(PUBLIC)).await;
    let expected = "__Host-kai-session=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0";
    assert_eq!(out.header("set-cookie"), expected);
}

#[tokio::test]
async fn the_server_speaks_tls_with_the_certificate_of_its_files() {
    let dir = tempfile::tempdir().unwrap();
    let files = TlsFiles { cert: dir.path().join("cert.pem"), key: dir.path().join("key.pem") };
    let mut openssl = Command::new("openssl");
    openssl.args(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost".split(' '),
    );
    openssl
        .args(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .arg(&files.key)
        .arg("-out")
        .arg(&files.cert);
    assert!(openssl.output().unwrap().status.success());
    let server = TestServer::start_with(|settings| {
        at(settings, "https://localhost", |flags| {
            (flags.logins.tls_cert, flags.logins.tls_key) = (Some(files.cert.clone()), Some(files.key.clone()));
        });
    })
    .await;
    let ours = Certificate::from_pem(&std::fs::read(&files.cert).unwrap()).unwrap();
    let client = Client::builder().tls_certs_only([ours]).build().unwrap();
    let url = format!("https://localhost:{}/healthz", server.addr().port());
    assert_eq!(client.get(url).send().await.unwrap().status(), 200);
    assert!(server.client().get(server.url("/healthz")).send().await.is_err(), "it speaks nothing else");
}
