//! As much of an HTTP client as talking to a server on this machine needs.

use std::{
    fs::File,
    io::{self, Read, Write},
    net::TcpStream,
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result};

/// Sends one request and answers its status and body.
///
/// # Errors
/// When nobody listens there, or the answer is no HTTP.
pub(crate) fn request(addr: &str, method: &str, path: &str, json: &str) -> Result<(u16, String)> {
    request_as(addr, method, path, "application/json", json)
}

/// The same with a body of another type.
///
/// # Errors
/// When nobody listens there, or the answer is no HTTP.
pub(crate) fn request_as(addr: &str, method: &str, path: &str, kind: &str, body: &str) -> Result<(u16, String)> {
    parse(&exchange(addr, method, path, kind, body)?)
}

/// Sends a form and answers the cookie that comes back, with its attributes.
///
/// # Errors
/// When nobody listens there, or no cookie comes.
pub(crate) fn cookie_from(addr: &str, path: &str, form: &str) -> Result<String> {
    let answer = exchange(addr, "POST", path, "application/x-www-form-urlencoded", form)?;
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    Ok(cookie.with_context(|| format!("{path} sets no cookie: {answer:.300}"))?.to_owned())
}

fn exchange(addr: &str, method: &str, path: &str, kind: &str, body: &str) -> Result<String> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let length = body.len();
    // HTTP/1.0, so that no answer comes in chunks.
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nhost: {addr}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Sends a file as a POST's body and answers status and body.
///
/// # Errors
/// When it cannot be read, nobody listens there, or the answer is no HTTP.
pub(crate) fn upload(addr: &str, path: &str, file: &Path) -> Result<(u16, String)> {
    let mut file = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(Duration::from_secs(120)))?;
    let length = file.metadata()?.len();
    write!(
        stream,
        "POST {path} HTTP/1.0\r\nhost: {addr}\r\ncontent-type: application/gzip\r\ncontent-length: {length}\r\n\r\n"
    )?;
    io::copy(&mut file, &mut stream)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    parse(&String::from_utf8_lossy(&answer))
}

fn parse(answer: &str) -> Result<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer has no end of its head")?;
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).context("the answer has no status")?;
    Ok((status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_its_status_and_its_body() -> Result<()> {
        let (status, body) = parse("HTTP/1.1 409 Conflict\r\na: b\r\n\r\n{\"error\":1}")?;
        assert_eq!((status, body.as_str()), (409, "{\"error\":1}"));
        Ok(())
    }

    #[test]
    fn what_is_no_http_is_an_error() {
        assert!(parse("SSH-2.0\r\n\r\n").is_err());
        assert!(parse("HTTP/1.1 200 OK").is_err());
    }
}
