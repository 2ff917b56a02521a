//! From where a request comes. A proxy's word counts only when the proxy is one of ours.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};
use ipnet::IpNet;

use crate::accounts::ClientInfo;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// `peer` is who has connected.
pub(super) fn client(headers: &HeaderMap, peer: Option<IpAddr>, trusted: &[IpNet]) -> ClientInfo {
    let peer = peer.unwrap_or(IpAddr::from([0, 0, 0, 0])).to_canonical();
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    ClientInfo { address: address(headers, peer, trusted), agent: agent.to_owned() }
}

/// Each proxy adds at the end who connected to it, so the list is true from its end up to the first that is not ours.
fn address(headers: &HeaderMap, peer: IpAddr, trusted: &[IpNet]) -> IpAddr {
    let is_ours = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let lists = headers.get_all(FORWARDED_FOR).iter().map(|value| value.to_str().unwrap_or_default());
    let named: Vec<&str> = lists.flat_map(|list| list.split(',')).map(str::trim).collect();
    let mut last = peer;
    for text in named.into_iter().rev() {
        if !is_ours(last) {
            break;
        }
        // Some write a port after it.
        let address = text.parse().or_else(|_| text.parse::<std::net::SocketAddr>().map(|with_port| with_port.ip()));
        match address {
            Ok(address) => last = address.to_canonical(),
            Err(_) => break,
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_believed_only_when_it_is_one_of_ours() {
        let trusted = ["10.0.0.7/32".parse().unwrap(), "10.1.0.0/16".parse().unwrap()];
        for (peer, forwarded, expected) in [
            ("9.9.9.9", &[][..], "9.9.9.9"),
            ("9.9.9.9", &["1.1.1.1"], "9.9.9.9"),
            ("10.0.0.7", &[], "10.0.0.7"),
            ("10.0.0.7", &["1.1.1.1"], "1.1.1.1"),
            ("::ffff:10.0.0.7", &["1.1.1.1"], "1.1.1.1"),
            ("10.0.0.7", &["6.6.6.6, 1.1.1.1"], "1.1.1.1"),
            ("10.0.0.7", &["6.6.6.6, 1.1.1.1, 10.1.2.3"], "1.1.1.1"),
            ("10.0.0.7", &["6.6.6.6", "1.1.1.1, 10.1.2.3"], "1.1.1.1"),
            ("10.0.0.7", &["1.1.1.1:4711"], "1.1.1.1"),
            ("10.0.0.7", &["fd00::1"], "fd00::1"),
            ("10.0.0.7", &["nonsense"], "10.0.0.7"),
        ] {
            let mut headers = HeaderMap::new();
            for list in forwarded {
                headers.append(FORWARDED_FOR, list.parse().unwrap());
            }
            let client = client(&headers, Some(peer.parse().unwrap()), &trusted);
            assert_eq!(client.address.to_string(), expected, "{peer} {forwarded:?}");
        }
    }
}
