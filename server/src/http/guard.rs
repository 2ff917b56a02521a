//! Keeps other web pages in a person's browser from doing what that person may do: by cross-site requests, and by names that
//! are made to point at this machine (DNS rebinding).

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, Uri, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::ApiError;

use super::error::ErrorAnswer;
use crate::config::{PublicUrl, is_loopback_host};

/// The host names that a listener accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedHosts {
    /// A loopback name or address. Any port goes, for it may be forwarded from another one: a page can make its own
    /// name point at this machine, but not `localhost`.
    Loopback {
        /// Where the listener is, to say so.
        port: u16,
    },
    /// The public URL's. Pages are of its origin, to the scheme.
    Public(Arc<PublicUrl>),
    /// Whatever the request's Host says: with `--insecure-no-login` something in front of the server knows better.
    AnyHost,
}

impl AllowedHosts {
    pub fn of(addr: SocketAddr, public_url: Option<&PublicUrl>, insecure_no_login: bool) -> Self {
        match public_url {
            Some(url) if !url.is_loopback() => Self::Public(Arc::new(url.clone())),
            _ if insecure_no_login => Self::AnyHost,
            _ => Self::Loopback { port: addr.port() },
        }
    }
}

/// Why a request goes no further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It does not say, or not clearly, which host it is for (RFC 9112 §3.2).
    NoHost(&'static str),
    Foreign(String),
}

impl Refusal {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NoHost(_) => StatusCode::BAD_REQUEST,
            Self::Foreign(_) => StatusCode::FORBIDDEN,
        }
    }
}

/// Refuses what another site's page, or a name that is not the server's, asks for.
pub(super) async fn csrf_guard(State(allowed_hosts): State<AllowedHosts>, request: Request, next: Next) -> Response {
    match check(&allowed_hosts, request.method(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(Refusal::Foreign(reason)) => ErrorAnswer::from(ApiError::Forbidden { reason }).into_response(),
        Err(Refusal::NoHost(reason)) => {
            ErrorAnswer::request(StatusCode::BAD_REQUEST, "bad_request", reason).into_response()
        }
    }
}

/// The host that a request is for.
pub(super) fn host(uri: &Uri, headers: &HeaderMap) -> Result<Authority, Refusal> {
    let mut named = headers.get_all(header::HOST).iter();
    let (first, second) = (named.next(), named.next());
    if second.is_some() {
        return Err(Refusal::NoHost("the request has more than one Host header"));
    }
    // A target with a host in it goes before the header (RFC 9112 §3.2.2).
    let host = uri.authority().cloned();
    let host = host.or_else(|| first.and_then(|host| Authority::try_from(host.as_bytes()).ok()));
    host.ok_or(Refusal::NoHost("the request has no valid Host header"))
}

/// Whether the listener may do what the request asks for.
pub(super) fn check(
    allowed_hosts: &AllowedHosts,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<(), Refusal> {
    let host = host(uri, headers)?;
    match allowed_hosts {
        AllowedHosts::Loopback { port } if !is_loopback(&host) => {
            return Err(Refusal::Foreign(format!(
                "Host `{host}` is not allowed; open http://127.0.0.1:{port}, or set KAI_LOGIN and KAI_PUBLIC_URL"
            )));
        }
        // Probes name the address that they connect to; what they get is nobody's.
        AllowedHosts::Public(url) if !is_host_of(&host, url) && !["/healthz", "/readyz"].contains(&uri.path()) => {
            return Err(Refusal::Foreign(format!("Host `{host}` is not allowed; open {url}")));
        }
        _ => {}
    }
    if [Method::GET, Method::HEAD].contains(method) {
        return Ok(());
    }
    if let Some(origin) = headers.get(header::ORIGIN) {
        let origin = String::from_utf8_lossy(origin.as_bytes());
        let is_own = match allowed_hosts {
            AllowedHosts::Public(url) => origin.eq_ignore_ascii_case(&url.to_string()),
            AllowedHosts::Loopback { .. } | AllowedHosts::AnyHost => is_of_host(&origin, &host),
        };
        return if is_own {
            Ok(())
        } else {
            Err(Refusal::Foreign(format!(
                "cross-origin request from `{origin}`; only pages of this server may make changes"
            )))
        };
    }
    // Programs such as curl send neither; a browser that leaves out Origin still says this much.
    match headers.get("sec-fetch-site").map(|site| site.as_bytes()) {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err(Refusal::Foreign("cross-site request; only pages of this server may make changes".to_owned())),
    }
}

fn is_host_of(host: &Authority, url: &PublicUrl) -> bool {
    let default_port = if url.is_https() { 443 } else { 80 };
    let Ok(public) = url.authority().parse::<Authority>() else { return false };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(default_port);
    public.host().eq_ignore_ascii_case(host.host()) && port(&public) == port(host)
}

/// The scheme is not compared: whatever is in front may speak TLS where this server does not.
fn is_of_host(origin: &str, host: &Authority) -> bool {
    // `null`, as of a sandboxed frame, has no `://`.
    let (default_port, authority) = match origin.split_once("://") {
        Some(("http", authority)) => (80, authority),
        Some(("https", authority)) => (443, authority),
        _ => return false,
    };
    let Ok(authority) = authority.parse::<Authority>() else { return false };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(default_port);
    authority.host().eq_ignore_ascii_case(host.host()) && port(&authority) == port(host)
}

/// The address that stands for a host, if it is none that a name server could give another meaning.
pub(super) fn address(authority: &Authority) -> Option<IpAddr> {
    authority.host().trim_matches(['[', ']']).parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

pub(super) fn is_loopback(authority: &Authority) -> bool {
    is_loopback_host(authority.host())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(
        allowed_hosts: AllowedHosts,
        method: Method,
        headers: &[(&'static str, &str)],
    ) -> Result<(), StatusCode> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        check(&allowed_hosts, &method, &Uri::from_static("/api/v1/runtimes"), &map).map_err(|refusal| refusal.status())
    }

    fn allows(allowed_hosts: AllowedHosts, method: Method, headers: &[(&'static str, &str)]) -> bool {
        response(allowed_hosts, method, headers).is_ok()
    }

    const LOOPBACK: AllowedHosts = AllowedHosts::Loopback { port: 3000 };

    #[test]
    fn on_loopback_only_loopback_hosts_are_allowed_whatever_port_is_forwarded() {
        for (host, allowed) in [
            ("127.0.0.1:3000", true),
            ("localhost:3000", true),
            ("LOCALHOST:3000", true),
            ("[::1]:3000", true),
            ("localhost", true),
            ("localhost:8080", true),
            ("localhost.:8080", true),
            ("127.0.0.2:80", true),
            ("[::ffff:127.0.0.1]:9", true),
            ("kai.example:3000", false),
            ("localhost.example.:3000", false),
            ("[::2]:3000", false),
            ("[::ffff:10.0.0.1]:3000", false),
            ("127.0.0.1.example:3000", false),
            ("localhost.example:3000", false),
            ("10.0.0.1:3000", false),
        ] {
            assert_eq!(allows(LOOPBACK, Method::GET, &[("host", host)]), allowed, "{host}");
            assert_eq!(allows(LOOPBACK, Method::POST, &[("host", host)]), allowed, "{host}");
        }
    }

    #[test]
    fn a_request_for_no_host_or_for_two_is_malformed() {
        let malformed = Err(StatusCode::BAD_REQUEST);
        for headers in [
            &[][..],
            &[("host", "a b")],
            &[("host", "localhost:3000"), ("host", "localhost:3000")],
            &[("host", "localhost:3000"), ("host", "evil.example")],
        ] {
            for allowed_hosts in [LOOPBACK, AllowedHosts::AnyHost] {
                assert_eq!(response(allowed_hosts, Method::GET, headers), malformed, "{headers:?}");
            }
        }
    }

    #[test]
    fn a_change_that_a_foreign_page_asks_for_is_refused_and_its_reading_is_left_to_the_browser() {
        for (host, origin, allowed) in [
            ("127.0.0.1:3000", "http://127.0.0.1:3000", true),
            ("localhost:8080", "http://localhost:8080", true),
            ("[::1]:8080", "http://[::1]:8080", true),
            ("localhost:8443", "https://localhost:8443", true),
            ("localhost", "http://localhost", true),
            ("localhost:80", "http://localhost", true),
            ("127.0.0.1:3000", "http://localhost:3000", false),
            ("127.0.0.1:3000", "http://127.0.0.1:8080", false),
            ("127.0.0.1:3000", "http://127.0.0.1", false),
            ("127.0.0.1:3000", "http://kai.example", false),
            ("127.0.0.1:3000", "http://127.0.0.1:3000.example", false),
            ("127.0.0.1:3000", "file://127.0.0.1:3000", false),
            ("127.0.0.1:3000", "null", false),
            ("127.0.0.1:3000", "", false),
        ] {
            let headers = [("host", host), ("origin", origin)];
            for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
                assert_eq!(allows(LOOPBACK, method, &headers), allowed, "{origin}");
            }
            assert!(allows(LOOPBACK, Method::GET, &headers), "{origin}");
        }
    }

    #[test]
    fn without_an_origin_the_browser_s_word_on_the_site_counts() {
        for (site, allowed) in [("same-origin", true), ("none", true), ("same-site", false), ("cross-site", false)] {
            let headers = [("host", "127.0.0.1:3000"), ("sec-fetch-site", site)];
            assert_eq!(allows(LOOPBACK, Method::POST, &headers), allowed, "{site}");
        }
        assert!(allows(LOOPBACK, Method::POST, &[("host", "127.0.0.1:3000")]));
    }

    #[test]
    fn without_logins_any_host_goes_but_origin_has_to_be_the_same() {
        let host = ("host", "kai.example");
        assert!(allows(AllowedHosts::AnyHost, Method::GET, &[host]));
        for (origin, allowed) in [
            ("https://kai.example", true),
            ("http://kai.example", true),
            ("https://other.example", false),
            ("null", false),
        ] {
            assert_eq!(allows(AllowedHosts::AnyHost, Method::POST, &[host, ("origin", origin)]), allowed, "{origin}");
        }
    }
}
