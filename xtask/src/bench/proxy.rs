//! Stands between a server and its cluster and counts what is asked, by kind. HTTP/1.1 without TLS, as the sandbox
//! speaks it.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use anyhow::Result;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Whether the cluster is there. The server asks every few seconds, whatever else it does: a connection that has
    /// fallen silent tells nobody.
    Probe,
    Discovery,
    List,
    /// A further page of a list.
    NextPage,
    Watch,
    Get,
    Write,
}

#[derive(Clone, Default)]
pub(crate) struct Counts {
    requests: Arc<Mutex<BTreeMap<Kind, u64>>>,
    answered_bytes: Arc<AtomicU64>,
}

impl Counts {
    /// What was counted since the last time.
    pub(crate) fn take(&self) -> (BTreeMap<Kind, u64>, u64) {
        let counted = std::mem::take(&mut *self.requests.lock().unwrap_or_else(PoisonError::into_inner));
        (counted, self.answered_bytes.swap(0, Ordering::Relaxed))
    }

    fn add(&self, kind: Kind) {
        *self.requests.lock().unwrap_or_else(PoisonError::into_inner).entry(kind).or_default() += 1;
    }
}

/// Passes everything on to `upstream` until this program ends; answers its own address.
///
/// # Errors
/// When it cannot listen.
pub(crate) fn start(upstream: String) -> Result<(String, Counts)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?.to_string();
    let counts = Counts::default();
    let counted = counts.clone();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            // When the other side is not there, the client sees its connection close.
            let Ok(server) = TcpStream::connect(&upstream) else { continue };
            let counts = counted.clone();
            // Either direction's end is the connection's; which it was is no concern of a counter.
            thread::spawn(move || {
                let _ = pass_on(client, server, counts);
            });
        }
    });
    Ok((addr, counts))
}

fn pass_on(client: TcpStream, server: TcpStream, counts: Counts) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut answers, mut to_client) = (server.try_clone()?, client.try_clone()?);
    let answered = counts.answered_bytes.clone();
    thread::spawn(move || {
        let mut chunk = vec![0; 64 << 10];
        while let Ok(read) = answers.read(&mut chunk) {
            answered.fetch_add(read as u64, Ordering::Relaxed);
            if read == 0 || to_client.write_all(&chunk[..read]).is_err() {
                break;
            }
        }
        // Already closed, perhaps.
        let _ = to_client.shutdown(std::net::Shutdown::Both);
        let _ = answers.shutdown(std::net::Shutdown::Both);
    });
    let mut requests = BufReader::new(client);
    let mut server_side = server.try_clone()?;
    let outcome = loop {
        match pass_request(&mut requests, &mut server_side, &counts) {
            Ok(true) => {}
            other => break other.map(drop),
        }
    };
    server.shutdown(std::net::Shutdown::Both)?;
    outcome
}

/// False at the connection's end.
fn pass_request(from: &mut impl BufRead, to: &mut impl Write, counts: &Counts) -> io::Result<bool> {
    let mut head = String::new();
    let mut body_bytes = 0;
    loop {
        let begin = head.len();
        if from.read_line(&mut head)? == 0 {
            return Ok(false);
        }
        let line = head[begin..].trim_end().to_ascii_lowercase();
        if line.starts_with("transfer-encoding:") {
            return Err(io::Error::other("a request's body without a length"));
        }
        if let Some(length) = line.strip_prefix("content-length:") {
            body_bytes = length.trim().parse().map_err(io::Error::other)?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut words = head.split(' ');
    if let (Some(method), Some(target)) = (words.next(), words.next()) {
        counts.add(kind_of(method, target));
    }
    let mut request = head.into_bytes();
    from.take(body_bytes).read_to_end(&mut request)?;
    to.write_all(&request)?;
    Ok(true)
}

/// What a request line asks for (Kubernetes API concepts, "Resource URIs").
fn kind_of(method: &str, target: &str) -> Kind {
    if method != "GET" {
        return Kind::Write;
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    if path == "/version" {
        return Kind::Probe;
    }
    let words: Vec<&str> = path.trim_matches('/').split('/').collect();
    let resource = match words.as_slice() {
        ["api", _, rest @ ..] | ["apis", _, _, rest @ ..] => rest,
        _ => return Kind::Discovery,
    };
    let resource = match resource {
        ["namespaces", _, rest @ ..] if !rest.is_empty() => rest,
        all => all,
    };
    match resource.len() {
        0 => Kind::Discovery,
        1 if has("watch") => Kind::Watch,
        1 if has("continue") => Kind::NextPage,
        1 => Kind::List,
        _ => Kind::Get,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_counted_by_what_it_asks_for() {
        for (method, target, kind) in [
            ("GET", "/apis/discovery.k8s.io/v1", Kind::Discovery),
            ("GET", "/version", Kind::Probe),
            ("GET", "/api/v1/pods?labelSelector=a%3Db&limit=500", Kind::List),
            ("GET", "/api/v1/pods?limit=500&continue=abc", Kind::NextPage),
            ("GET", "/apis/apps/v1/deployments?watch=true&resourceVersion=4", Kind::Watch),
            ("GET", "/api/v1/namespaces", Kind::List),
            ("GET", "/api/v1/namespaces/kai-demo", Kind::Get),
            ("GET", "/api/v1/namespaces/kai-demo/pods", Kind::List),
            ("GET", "/api/v1/namespaces/kai-demo/pods/a/log", Kind::Get),
            ("PATCH", "/api/v1/namespaces/kai-demo/services/a", Kind::Write),
        ] {
            assert_eq!(kind_of(method, target), kind, "{method} {target}");
        }
    }

    #[test]
    fn requests_pass_with_their_bodies_and_end_with_the_connection() -> io::Result<()> {
        let two = "PATCH /api/v1/pods/a HTTP/1.1\r\ncontent-length: 5\r\n\r\nfive!GET /version HTTP/1.1\r\n\r\n";
        let (mut from, mut to, counts) = (two.as_bytes(), Vec::new(), Counts::default());
        assert!(pass_request(&mut from, &mut to, &counts)?);
        assert!(pass_request(&mut from, &mut to, &counts)?);
        assert!(!pass_request(&mut from, &mut to, &counts)?);
        assert_eq!(to, two.as_bytes());
        assert_eq!(counts.take().0, BTreeMap::from([(Kind::Write, 1), (Kind::Probe, 1)]));
        Ok(())
    }
}
