//! An upload over HTTP, against unpacking and hashing the same file with the system's tools.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::Result;

use super::{
    Bench,
    archives::incompressible,
    figures::{Figure, Limit},
    program::Server,
};
use crate::workspace::finish;

const NAME: &str = "intake";
const ARCHIVE_BYTES: u64 = 1_000_000_000;
const ROUNDS: usize = 5;

pub(super) fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let archive = bench.folder("intake")?.join("incompressible.krt");
    incompressible(&archive, "incompressible", ARCHIVE_BYTES)?;
    let bytes = std::fs::metadata(&archive)?.len() as f64;
    let server = Server::start(&bench.server, &bench.fresh_folder("intake-data")?, &[])?;
    // Once each, unmeasured: the file is in the page cache then, and the server has seen an upload.
    unpack_and_hash(&archive)?;
    let idle = server.memory()?;

    let (mut ours, mut theirs, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let runtime = format!("round-{round}");
        server.create_runtime(&runtime)?;
        server.forget_peak()?;
        let begin = Instant::now();
        server.upload(&runtime, &archive)?;
        let upload_secs = begin.elapsed().as_secs_f64();
        memory.push((server.peak_memory()?.saturating_sub(idle)) as f64 / f64::from(1 << 20));
        let begin = Instant::now();
        unpack_and_hash(&archive)?;
        let unpack_secs = begin.elapsed().as_secs_f64();
        println!("round {round}: upload {upload_secs:.2} s, gzip and sha256sum {unpack_secs:.2} s");
        ours.push(bytes / upload_secs / 1e6);
        theirs.push(bytes / unpack_secs / 1e6);
    }
    Ok(vec![
        Figure::new(NAME, "upload of 1 GB", "MB/s", ours)
            .against("gzip -dc | sha256sum", theirs)
            .limit(Limit::AtLeast(0.9)),
        Figure::new(NAME, "peak memory above idle", "MiB", memory).limit(Limit::AtMost(64.0)),
        Figure::new(NAME, "memory when idle", "MiB", vec![idle as f64 / f64::from(1 << 20)]),
    ])
}

fn unpack_and_hash(archive: &Path) -> Result<()> {
    let mut shell = Command::new("sh");
    shell.args(["-c", "gzip -dc \"$0\" | sha256sum"]).arg(archive).stdout(Stdio::null());
    finish(&mut shell)
}
