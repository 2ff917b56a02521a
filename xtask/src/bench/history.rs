//! A server on which 300,000 things were done: the last page of its activity, what happened last, and all of it as CSV.
//!
//! The entries are put into its SQLite file by `sqlite3` while it is off.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::{
    Bench,
    archives::small,
    figures::{Figure, Limit},
    program::Server,
};
use crate::http;

const NAME: &str = "history";
const ENTRIES: u32 = 300_000;
const ROUNDS: usize = 20;
const EXPORTS: usize = 3;

pub(super) fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let data = bench.fresh_folder(NAME)?;
    let krt = data.join("v1.krt");
    small(&krt, "v1", 1)?;
    let server = Server::start(&bench.server, &data, &[])?;
    for runtime in ["busy", "calm"] {
        server.create_runtime(runtime)?;
        server.upload(runtime, &krt)?;
    }
    drop(server);
    add_entries(&data.join("kai.db"))?;
    let server = Server::start(&bench.server, &data, &[])?;

    let first = "/api/v1/activity?limit=100";
    let last = "/api/v1/activity?limit=100&before=101";
    let mut pages = (Vec::new(), Vec::new());
    let mut lasts = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        pages.0.push(millis(&server, last)?);
        pages.1.push(millis(&server, first)?);
        // Each reads what happened last in its runtime.
        lasts.0.push(millis(&server, "/api/v1/runtimes/busy/versions")?);
        lasts.1.push(millis(&server, "/api/v1/runtimes/calm/versions")?);
    }
    let half = format!("/api/v1/activity.csv?limit={}", ENTRIES / 2);
    let mut exports = (Vec::new(), Vec::new());
    for _ in 0..EXPORTS {
        exports.0.push(millis(&server, "/api/v1/activity.csv")?);
        exports.1.push(millis(&server, &half)?);
    }
    Ok(vec![
        Figure::new(NAME, "the last page of 300,000 entries", "ms", pages.0)
            .against("the first page", pages.1)
            .limit(Limit::AtMost(1.5)),
        Figure::new(NAME, "versions of a runtime with them, and what happened last", "ms", lasts.0)
            .against("a runtime with one entry", lasts.1)
            .limit(Limit::AtMost(1.5)),
        Figure::new(NAME, "all of them as CSV", "ms", exports.0)
            .against("half of them", exports.1)
            .limit(Limit::AtMost(2.5)),
    ])
}

fn add_entries(database: &Path) -> Result<()> {
    let sql = format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {ENTRIES})
         INSERT INTO history (version_key, runtime, version, at, who, action, detail, outcome, finished_at)
         SELECT v.key, v.runtime, v.name, v.created_at + n, 'mira', 'configure', 'set REPLY_SIGNATURE', 'reached',
            v.created_at + n + 1000
         FROM n JOIN versions v ON v.runtime = 'busy';"
    );
    let status = Command::new("sqlite3").arg(database).arg(sql).status();
    ensure!(status.context("sqlite3 is needed (Debian's package has this name)")?.success(), "sqlite3 failed");
    Ok(())
}

fn millis(server: &Server, path: &str) -> Result<f64> {
    let begun = Instant::now();
    let (status, body) = http::request(&server.addr, "GET", path, "")?;
    let took: Duration = begun.elapsed();
    ensure!(status == 200 && body.len() > 100, "{path} was answered with {status}: {body:.200}");
    Ok(took.as_secs_f64() * 1000.0)
}
