//! An upload over HTTP, against unpacking and hashing the same file with the system's tools: data that compresses and data
//! that does not. What a processor can do decides as much as the program, so it is named.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::Result;

use super::{
    Bench,
    archives::{compressible, incompressible},
    figures::{Figure, Limit},
    program::Server,
};
use crate::workspace::finish;

const NAME: &str = "intake";
const ARCHIVE_BYTES: u64 = 1_000_000_000;
const ROUNDS: usize = 5;

pub(super) fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    println!("processor: {}", processor());
    let folder = bench.folder("intake")?;
    let (noise, text) = (folder.join("incompressible.krt"), folder.join("compressible.krt"));
    incompressible(&noise, "incompressible", ARCHIVE_BYTES)?;
    compressible(&text, "compressible", ARCHIVE_BYTES)?;
    let server = Server::start(&bench.server, &bench.fresh_folder("intake-data")?, &[])?;
    let idle = server.memory()?;
    let mut figures = Vec::new();
    for (what, archive) in [("1 GB that does not compress", &noise), ("1 GB that compresses", &text)] {
        figures.extend(measure_one(&server, idle, what, archive)?);
    }
    figures.push(Figure::new(NAME, "memory when idle", "MiB", vec![mebibytes(idle)]));
    Ok(figures)
}

/// Rates are of the packed file's bytes.
fn measure_one(server: &Server, idle: u64, what: &str, archive: &Path) -> Result<[Figure; 3]> {
    let megabytes = std::fs::metadata(archive)?.len() as f64 / 1e6;
    // Once, unmeasured: the file is in the page cache then.
    unpack_and_hash(archive)?;
    let (mut ours, mut pipe, mut digest, mut memory) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let runtime = format!("{}-{round}", archive.file_stem().unwrap_or_default().to_string_lossy());
        server.create_runtime(&runtime)?;
        server.forget_peak()?;
        let secs = [
            timed(|| server.upload(&runtime, archive).map(drop))?,
            timed(|| unpack_and_hash(archive))?,
            timed(|| finish(Command::new("openssl").args(["dgst", "-sha256"]).arg(archive).stdout(Stdio::null())))?,
        ];
        memory.push(mebibytes(server.peak_memory()?.saturating_sub(idle)));
        let [upload, piped, hashed] = secs;
        println!("{what}, round {round}: upload {upload:.2} s, gzip and sha256sum {piped:.2} s, openssl {hashed:.2} s");
        for (rates, secs) in [(&mut ours, upload), (&mut pipe, piped), (&mut digest, hashed)] {
            rates.push(megabytes / secs);
        }
    }
    let upload = format!("upload of {what}");
    Ok([
        Figure::new(NAME, upload.as_str(), "MB/s", ours.clone())
            .against("gzip -dc | sha256sum", pipe)
            .limit(Limit::AtLeast(1.2)),
        Figure::new(NAME, upload, "MB/s", ours).against("openssl dgst -sha256", digest).limit(Limit::AtLeast(0.5)),
        Figure::new(NAME, format!("peak memory above idle, {what}"), "MiB", memory).limit(Limit::AtMost(64.0)),
    ])
}

fn timed(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let begin = Instant::now();
    work()?;
    Ok(begin.elapsed().as_secs_f64())
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn unpack_and_hash(archive: &Path) -> Result<()> {
    let mut shell = Command::new("sh");
    shell.args(["-c", "gzip -dc \"$0\" | sha256sum"]).arg(archive).stdout(Stdio::null());
    finish(&mut shell)
}

/// Its model, and whether it has SHA instructions, as Linux says it.
fn processor() -> String {
    let facts = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let of = |name: &str| {
        let line = facts.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let model = of("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    // `sha_ni` on x86-64, `sha2` on ARM.
    let has_sha = [of("flags"), of("Features")]
        .iter()
        .flatten()
        .any(|flags| flags.split_whitespace().any(|flag| flag == "sha_ni" || flag == "sha2"));
    format!("{model}, {} SHA instructions", if has_sha { "with" } else { "without" })
}
