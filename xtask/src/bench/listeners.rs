//! Many browsers that listen: how soon the last of them knows of a change, and what the server holds then.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader, Write},
    net::{Shutdown, TcpStream},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::{
    figures::{Figure, Limit},
    program::Server,
};

const CHANGES: usize = 10;
const MAX_WAIT: Duration = Duration::from_secs(30);
/// What a person at another browser may have to wait for a change.
const SOON_MS: f64 = 500.0;
/// The runtimes that are created to be heard of.
const HEARD_OF: &str = "\"heard-of-";

pub(super) fn measure(bench: &'static str, server: &Server, listeners: usize) -> Result<Vec<Figure>> {
    let (heard, hears) = mpsc::channel();
    let mut streams = Vec::new();
    for listener in 0..listeners {
        let mut stream = TcpStream::connect(&server.addr)?;
        write!(stream, "GET /api/v1/events HTTP/1.1\r\nhost: {}\r\n\r\n", server.addr)?;
        let (reader, heard) = (stream.try_clone()?, heard.clone());
        // So many threads, so little stack.
        let thread = thread::Builder::new().stack_size(128 << 10);
        thread.spawn(move || listen(listener, reader, &heard))?;
        streams.push(stream);
    }
    // Each greets; only then it listens.
    for _ in 0..listeners {
        hears.recv_timeout(MAX_WAIT).context("a listener was not greeted")?;
    }

    let mut last_ms = Vec::new();
    for change in 0..CHANGES {
        let begin = Instant::now();
        server.create_runtime(&format!("heard-of-{change}"))?;
        let mut know = HashSet::new();
        let mut last = begin;
        while know.len() < listeners {
            let left = MAX_WAIT.saturating_sub(begin.elapsed());
            let (listener, of, at) = hears.recv_timeout(left).context("a listener did not hear of a change")?;
            if of == Some(change) && know.insert(listener) {
                last = last.max(at);
            }
        }
        last_ms.push((last - begin).as_secs_f64() * 1000.0);
    }
    let memory_mib = server.memory()? as f64 / f64::from(1 << 20);
    for stream in streams {
        // The other side may be gone already.
        let _ = stream.shutdown(Shutdown::Both);
    }
    Ok(vec![
        Figure::new(bench, format!("until the last of {listeners} listeners knows"), "ms", last_ms)
            .limit(Limit::AtMost(SOON_MS)),
        Figure::new(bench, format!("memory with {listeners} listeners"), "MiB", vec![memory_mib]),
    ])
}

type Heard = (usize, Option<usize>, Instant);

/// Tells that it was greeted, and of each change, until its connection ends.
fn listen(listener: usize, stream: TcpStream, heard: &mpsc::Sender<Heard>) {
    let mut greeted = false;
    for line in BufReader::with_capacity(4 << 10, stream).lines().map_while(Result::ok) {
        let of = line.split_once(HEARD_OF).and_then(|(_, rest)| rest.split('"').next()?.parse().ok());
        let is_greeting = !greeted && line.starts_with("data:");
        greeted |= is_greeting;
        if (is_greeting || of.is_some()) && heard.send((listener, of, Instant::now())).is_err() {
            return;
        }
    }
}
