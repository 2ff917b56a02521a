//! Until there are logins, whoever reaches the server may do everything. This keeps other web pages in a person's
//! browser from doing it: by cross-site requests, and by names that are made to point at this machine (DNS rebinding).

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, Uri, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::ApiError;

use super::error::ErrorAnswer;

/// What the server takes for its own name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// A loopback name or address with this port.
    Loopback { port: u16 },
    /// Whatever the request's Host says: with `--insecure-no-login` something in front of the server knows better.
    AnyHost,
}

impl Own {
    pub fn of(addr: SocketAddr, insecure_no_login: bool) -> Self {
        if insecure_no_login { Self::AnyHost } else { Self::Loopback { port: addr.port() } }
    }
}

/// Refuses what another site's page, or a name that is not the server's, asks for.
pub(super) async fn refuse_foreign(State(own): State<Own>, request: Request, next: Next) -> Response {
    match check(own, request.method(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(reason) => ErrorAnswer::from(ApiError::Forbidden { reason }).into_response(),
    }
}

fn check(own: Own, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), String> {
    // HTTP/2 has the host in the request's target.
    let host = match uri.authority() {
        Some(authority) => Some(authority.clone()),
        None => headers.get(header::HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok()),
    };
    let host = host.ok_or("the request names no Host")?;
    if let Own::Loopback { port } = own
        && !is_loopback(&host, port)
    {
        return Err(format!(
            "Host `{host}` is not this server's; open it as http://127.0.0.1:{port}, or start it with --insecure-no-login \
             behind something that asks who is there"
        ));
    }
    if [Method::GET, Method::HEAD].contains(method) {
        return Ok(());
    }
    if let Some(origin) = headers.get(header::ORIGIN) {
        let origin = String::from_utf8_lossy(origin.as_bytes());
        return if is_own_origin(own, &origin, &host) {
            Ok(())
        } else {
            Err(format!("a page of `{origin}` asks for a change, and that is not this server's"))
        };
    }
    // Programs such as curl send neither; a browser that leaves out Origin still says this much.
    match headers.get("sec-fetch-site").map(|site| site.as_bytes()) {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err("a page of another site asks for a change".to_owned()),
    }
}

fn is_own_origin(own: Own, origin: &str, host: &Authority) -> bool {
    // `null`, as of a sandboxed frame, has no `://`.
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let Ok(authority) = authority.parse::<Authority>() else { return false };
    match own {
        Own::Loopback { port } => scheme == "http" && is_loopback(&authority, port),
        // The scheme is not compared: whatever is in front may speak TLS where this server does not.
        Own::AnyHost => ["http", "https"].contains(&scheme) && authority.as_str().eq_ignore_ascii_case(host.as_str()),
    }
}

fn is_loopback(authority: &Authority, port: u16) -> bool {
    let host = authority.host();
    let loopback = host.eq_ignore_ascii_case("localhost")
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback());
    loopback && authority.port_u16().unwrap_or(80) == port
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(own: Own, method: Method, headers: &[(&'static str, &str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        check(own, &method, &Uri::from_static("/api/v1/runtimes"), &headers).is_ok()
    }

    const LOOPBACK: Own = Own::Loopback { port: 3000 };

    #[test]
    fn on_loopback_only_loopback_names_with_the_port_are_its_own() {
        for (host, own) in [
            ("127.0.0.1:3000", true),
            ("localhost:3000", true),
            ("LOCALHOST:3000", true),
            ("[::1]:3000", true),
            ("localhost", false),
            ("localhost:3001", false),
            ("kai.example:3000", false),
            ("127.0.0.1.example:3000", false),
            ("localhost.example:3000", false),
        ] {
            assert_eq!(allows(LOOPBACK, Method::GET, &[("host", host)]), own, "{host}");
            assert_eq!(allows(LOOPBACK, Method::POST, &[("host", host)]), own, "{host}");
        }
        assert!(!allows(LOOPBACK, Method::GET, &[]));
    }

    #[test]
    fn a_change_that_a_foreign_page_asks_for_is_refused_and_its_reading_is_left_to_the_browser() {
        for (origin, own) in [
            ("http://127.0.0.1:3000", true),
            ("http://localhost:3000", true),
            ("http://localhost:8080", false),
            ("https://localhost:3000", false),
            ("http://kai.example", false),
            ("http://127.0.0.1:3000.example", false),
            ("null", false),
            ("", false),
        ] {
            let headers = [("host", "127.0.0.1:3000"), ("origin", origin)];
            for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
                assert_eq!(allows(LOOPBACK, method, &headers), own, "{origin}");
            }
            assert!(allows(LOOPBACK, Method::GET, &headers), "{origin}");
        }
    }

    #[test]
    fn without_an_origin_the_browser_s_word_on_the_site_counts() {
        for (site, own) in [("same-origin", true), ("none", true), ("same-site", false), ("cross-site", false)] {
            let headers = [("host", "127.0.0.1:3000"), ("sec-fetch-site", site)];
            assert_eq!(allows(LOOPBACK, Method::POST, &headers), own, "{site}");
        }
        assert!(allows(LOOPBACK, Method::POST, &[("host", "127.0.0.1:3000")]));
    }

    #[test]
    fn without_logins_any_host_goes_but_origin_has_to_be_the_same() {
        let host = ("host", "kai.example");
        assert!(allows(Own::AnyHost, Method::GET, &[host]));
        for (origin, own) in [
            ("https://kai.example", true),
            ("http://kai.example", true),
            ("https://other.example", false),
            ("null", false),
        ] {
            assert_eq!(allows(Own::AnyHost, Method::POST, &[host, ("origin", origin)]), own, "{origin}");
        }
    }
}
