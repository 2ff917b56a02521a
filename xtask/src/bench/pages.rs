//! What the release site costs a browser: size, time, and how long it keeps a person waiting. A script in `end2end/bench`
//! drives the browser; the stage and the limits are set here.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{
    Bench,
    archives::{chatty, incompressible, many_files, small},
    figures::{Figure, Limit},
    program::{Server, until},
};
use crate::workspace::Workspace;

/// Of any page, by Brotli.
const FIRST_LOAD_KB: f64 = 500.0;
const INTERACTIVE_MS: f64 = 1000.0;
const VISIT_TASK_MS: f64 = 200.0;
const LIST_TASK_MS: f64 = 50.0;
const SEEN_MS: f64 = 500.0;
const LOG_TASK_MS: f64 = 50.0;
const FILE_TASK_MS: f64 = 100.0;
const ARCHIVE_MS: f64 = 1000.0;
const VERSIONS: usize = 1000;
const BIG_FILE_BYTES: u64 = 500_000_000;
const ENTRIES: usize = 10_000;
const RUNTIME: &str = "bench";

/// A server with the release site.
struct Stage<'b> {
    bench: &'b Bench,
    workspace: &'b Workspace,
    server: Server,
    data: PathBuf,
}

pub(super) fn first_load(bench: &Bench, workspace: &Workspace) -> Result<Vec<Figure>> {
    let stage = Stage::new(bench, workspace)?;
    stage.add_version("v0")?;
    let figures = stage.browse("first-load", "first-load", "/", None)?;
    let is_limited = |what: &str| what.ends_with("by Brotli");
    Ok(limited(figures, is_limited, Limit::AtMost(FIRST_LOAD_KB)))
}

pub(super) fn interactive(bench: &Bench, workspace: &Workspace) -> Result<Vec<Figure>> {
    let stage = Stage::new(bench, workspace)?;
    stage.add_version("v0")?;
    let figures = stage.browse("interactive", "interactive", "/", None)?;
    let figures = limited(figures, |what| what.contains("is answered"), Limit::MedianAtMost(INTERACTIVE_MS));
    Ok(limited(figures, |what| what.starts_with("longest task"), Limit::AtMost(VISIT_TASK_MS)))
}

pub(super) fn long_list(bench: &Bench, workspace: &Workspace) -> Result<Vec<Figure>> {
    let stage = Stage::new(bench, workspace)?;
    stage.server.create_runtime(RUNTIME)?;
    for version in 0..VERSIONS {
        let (name, krt) = (format!("v{version}"), stage.data.join("version.krt"));
        small(&krt, &name, 2)?;
        stage.server.upload(RUNTIME, &krt)?;
    }
    let figures = stage.browse("long-list", "long-list", &format!("/runtimes/{RUNTIME}"), None)?;
    let is_visit = |what: &str| what.starts_with("longest task of a first visit");
    let figures = limited(figures, is_visit, Limit::AtMost(VISIT_TASK_MS));
    Ok(limited(figures, |what| what.starts_with("longest task while"), Limit::AtMost(LIST_TASK_MS)))
}

pub(super) fn side_by_side(bench: &Bench, workspace: &Workspace) -> Result<Vec<Figure>> {
    let stage = Stage::new(bench, workspace)?;
    stage.add_version("v0")?;
    let figures = stage.browse("side-by-side", "side-by-side", &format!("/runtimes/{RUNTIME}"), None)?;
    Ok(limited(figures, |what| what.starts_with("an action in one"), Limit::AtMost(SEEN_MS)))
}

pub(super) fn log_drawer(bench: &Bench, workspace: &Workspace) -> Result<Vec<Figure>> {
    let stage = Stage::new(bench, workspace)?;
    stage.server.create_runtime(RUNTIME)?;
    let krt = stage.data.join("version.krt");
    chatty(&krt, "v1")?;
    stage.server.upload(RUNTIME, &krt)?;
    stage.server.command(RUNTIME, "v1", "start")?;
    let version = format!("/runtimes/{RUNTIME}/versions/v1");
    until(Duration::from_secs(60), "the version is started", || {
        Ok(stage.server.call("GET", &version, "")?["state"] == "started")
    })?;
    let figures = stage.browse("log-drawer", "log-drawer", &version, None)?;
    Ok(limited(figures, |what| what.starts_with("longest task"), Limit::AtMost(LOG_TASK_MS)))
}

pub(super) fn big_file(bench: &Bench, workspace: &Workspace) -> Result<Vec<Figure>> {
    let stage = Stage::new(bench, workspace)?;
    let file = bench.folder("pages")?.join("big.krt");
    incompressible(&file, "big", BIG_FILE_BYTES)?;
    let figures = stage.check("big-file", "big-file", &file)?;
    Ok(limited(figures, |what| what.starts_with("longest task"), Limit::AtMost(FILE_TASK_MS)))
}

pub(super) fn archive(bench: &Bench, workspace: &Workspace) -> Result<Vec<Figure>> {
    let stage = Stage::new(bench, workspace)?;
    let file = stage.data.join("many.krt");
    many_files(&file, "many", ENTRIES)?;
    let figures = stage.check("archive-10000", "archive", &file)?;
    Ok(limited(figures, |what| what.starts_with("until"), Limit::AtMost(ARCHIVE_MS)))
}

/// Sets the limit of those with such a description.
fn limited(figures: Vec<Figure>, is_limited: impl Fn(&str) -> bool, limit: Limit) -> Vec<Figure> {
    let limit = |figure: Figure| match is_limited(&figure.what) {
        true => figure.limit(limit),
        false => figure,
    };
    figures.into_iter().map(limit).collect()
}

impl<'b> Stage<'b> {
    fn new(bench: &'b Bench, workspace: &'b Workspace) -> Result<Self> {
        let data = bench.fresh_folder("pages-data")?;
        let server = Server::start(&bench.server, &data, &[])?;
        Ok(Self { bench, workspace, server, data })
    }

    /// Makes the runtime, with one version.
    fn add_version(&self, name: &str) -> Result<()> {
        self.server.create_runtime(RUNTIME)?;
        let krt = self.data.join("version.krt");
        small(&krt, name, 2)?;
        self.server.upload(RUNTIME, &krt).map(drop)
    }

    /// Has the page of a runtime check a file.
    fn check(&self, name: &'static str, what: &str, file: &Path) -> Result<Vec<Figure>> {
        self.server.create_runtime(RUNTIME)?;
        self.browse(name, what, &format!("/runtimes/{RUNTIME}"), Some(file))
    }

    /// Runs the script and reads the figures that it prints.
    fn browse(&self, name: &'static str, what: &str, path: &str, file: Option<&Path>) -> Result<Vec<Figure>> {
        let end2end = self.workspace.root.join("end2end");
        ensure!(
            end2end.join("node_modules").is_dir(),
            "end2end/node_modules is missing; `scripts/setup test` makes it"
        );
        let mut node = Command::new("node");
        node.args(["bench/pages.mjs", what, &format!("http://{}{path}", self.server.addr)]).args(file);
        node.current_dir(&end2end).env("CHROMIUM", chromium()?).env("TMPDIR", self.bench.folder("browser")?);
        let output = node.stderr(Stdio::inherit()).output().context("cannot start node")?;
        ensure!(output.status.success(), "the measuring of {name} in the browser failed");
        let printed = String::from_utf8(output.stdout)?;
        print!("{printed}");
        printed.lines().map(|line| read(name, line)).collect()
    }
}

fn read(name: &'static str, line: &str) -> Result<Figure> {
    let said: Value = serde_json::from_str(line).with_context(|| format!("no figure: {line}"))?;
    let unit = match said["unit"].as_str() {
        Some("kB") => "kB",
        Some("ms") => "ms",
        Some("s") => "s",
        _ => anyhow::bail!("a figure of no unit: {line}"),
    };
    let values = said["values"].as_array().context("a figure has values")?.iter().filter_map(Value::as_f64).collect();
    Ok(Figure::new(name, said["what"].as_str().unwrap_or_default(), unit, values))
}

/// The browser that CHROMIUM names or that is on PATH, as for the browser tests.
fn chromium() -> Result<PathBuf> {
    if let Some(named) = env::var_os("CHROMIUM") {
        return Ok(named.into());
    }
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let mut places = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    places.find(|path| path.is_file()).context("no Chromium on PATH; `scripts/setup test` installs it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_script_is_a_figure_and_the_limit_goes_to_those_it_is_meant_for() -> Result<()> {
        let lines = [
            r#"{"what":"longest task while it opens","unit":"ms","values":[10.5,70]}"#,
            r#"{"what":"until it is there","unit":"ms","values":[700]}"#,
        ];
        let figures: Vec<Figure> = lines.iter().map(|line| read("long-list", line)).collect::<Result<_>>()?;
        let figures = limited(figures, |what| what.starts_with("longest task"), Limit::AtMost(LIST_TASK_MS));
        assert_eq!(figures[0].values, [10.5, 70.0]);
        assert_eq!((figures[0].holds(), figures[1].holds()), (Some(false), None));
        assert!(read("long-list", r#"{"what":"x","unit":"miles","values":[1]}"#).is_err());
        Ok(())
    }
}
