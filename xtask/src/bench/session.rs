//! What it costs to know who asks: the same requests to a server where people sign in, with a session, and to one where nobody
//! does.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::{
    Bench,
    figures::{Figure, Limit},
    program::Server,
};
use crate::http;

const NAME: &str = "session";
const ROUNDS: usize = 40;
/// In each round, on one connection.
const REQUESTS: usize = 250;
const PASSWORD: &str = "only for this benchmark";

pub(super) fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let (open, closed) = (bench.fresh_folder("session-open")?, bench.fresh_folder("session-closed")?);
    let link = administrator(&bench.server, &closed)?;
    let without = Server::start(&bench.server, &open, &[])?;
    let with = Server::start(&bench.server, &closed, &[("KAI_LOGIN", "local")])?;
    let cookie = sign_in(&with, &link)?;
    let mut without = Connection::to(&without, "")?;
    let mut with = Connection::to(&with, &format!("cookie: {cookie}\r\n"))?;
    let mut millis = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        millis.0.push(with.millis()?);
        millis.1.push(without.millis()?);
    }
    Ok(vec![
        Figure::new(NAME, format!("{REQUESTS} requests with a session"), "ms", millis.0)
            .against("without logins", millis.1)
            .limit(Limit::AtMost(1.1)),
    ])
}

/// Makes one before the server starts, and answers the path of the link with which they choose a password.
fn administrator(server: &Path, data: &Path) -> Result<String> {
    let mut command = Command::new(server);
    command.args(["admin", "create", "bench"]).env("KAI_DATA_DIR", data).env("KAI_LOGIN", "local");
    let output = command.output().context("cannot run kai-server admin")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "kai-server admin failed: {}", String::from_utf8_lossy(&output.stderr));
    let path = said.split_whitespace().find_map(|word| Some(&word[word.find("/link/")?..]));
    Ok(path.context("kai-server admin names no link")?.to_owned())
}

/// Answers the cookie.
fn sign_in(server: &Server, link: &str) -> Result<String> {
    let form = format!("password={0}&again={0}", PASSWORD.replace(' ', "+"));
    let cookie = http::cookie_from(&server.addr, link, &form)?;
    Ok(cookie.split(';').next().unwrap_or_default().to_owned())
}

/// One that stays open, as a browser's does.
struct Connection {
    stream: BufReader<TcpStream>,
    request: String,
}

impl Connection {
    fn to(server: &Server, header: &str) -> Result<Self> {
        let stream = TcpStream::connect(&server.addr)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let request = format!("GET /api/v1/runtimes HTTP/1.1\r\nhost: {}\r\n{header}\r\n", server.addr);
        Ok(Self { stream: BufReader::new(stream), request })
    }

    /// How long all requests of a round take.
    fn millis(&mut self) -> Result<f64> {
        let begun = Instant::now();
        for _ in 0..REQUESTS {
            self.ask()?;
        }
        Ok(begun.elapsed().as_secs_f64() * 1000.0)
    }

    fn ask(&mut self) -> Result<()> {
        self.stream.get_mut().write_all(self.request.as_bytes())?;
        let mut length = None;
        for number in 0.. {
            let mut line = String::new();
            ensure!(self.stream.read_line(&mut line)? > 0, "the server closed the connection");
            ensure!(number > 0 || line.contains(" 200 "), "the server answered {line}");
            match line.trim_end().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().ok()
                }
                Some(_) => {}
                None if number == 0 => {}
                None => break,
            }
        }
        let mut body = vec![0; length.context("the answer says nothing of its length")?];
        self.stream.read_exact(&mut body)?;
        Ok(())
    }
}
