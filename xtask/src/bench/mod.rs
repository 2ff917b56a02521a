//! Measures what is promised about speed and size (docs/benchmarks.md). Not a test: a busy machine would fail it, so
//! what can be compared is compared with something else in the same run.

mod archives;
mod cluster;
mod figures;
mod history;
mod intake;
mod listeners;
mod nats;
mod pages;
mod program;
mod proxy;
mod session;
mod thousand;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, ensure};
use clap::ValueEnum;

use crate::{release, site::clear, workspace::Workspace};

/// Names the folder of a release to measure, instead of building one.
const RELEASE: &str = "KAI_BENCH_RELEASE";

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    /// An upload of 1 GB against gzip and sha256sum
    Intake,
    /// A restart with 1,000 started versions, and 1,000 browsers
    Thousand,
    /// The same with messaging: what NATS is asked
    Messaging,
    /// The activity of a server on which 300,000 things were done
    History,
    /// A request with a session against one where nobody signs in
    Session,
    /// A start on a real cluster against kubectl's
    ClusterStart,
    /// A publish on a real cluster against kubectl's
    ClusterPublish,
    /// A gRPC request on a real cluster against the same nodes wired by hand
    Request,
    /// What the first visit transfers
    FirstLoad,
    /// When a slow machine's first click is answered
    Interactive,
    /// A runtime with 1,000 versions opens and scrolls
    LongList,
    /// An action in one browser is seen in another
    SideBySide,
    /// The logs with 10,000 lines open, follow and scroll
    LogDrawer,
    /// 500 MB are checked in the browser
    BigFile,
    /// 10,000 entries are checked in the browser
    #[value(name = "archive-10000")]
    Archive10000,
}

/// What the benchmarks share.
struct Bench {
    /// Where they put what they make; results are in it too.
    folder: PathBuf,
    /// The release build of the server.
    server: PathBuf,
}

impl Bench {
    fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// The same, with nothing in it.
    fn fresh_folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        clear(&folder)?;
        Ok(folder)
    }
}

/// Runs these, or all of them, and prints and records the figures.
///
/// # Errors
/// When something cannot be measured, or a limit does not hold.
pub(crate) fn bench(workspace: &Workspace, names: &[Name]) -> Result<()> {
    let names = if names.is_empty() { Name::value_variants() } else { names };
    let bench = prepare(workspace)?;
    let mut figures = Vec::new();
    for name in names {
        println!("\n== {}", name.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned()));
        figures.extend(match name {
            Name::Intake => intake::measure(&bench)?,
            Name::Thousand => thousand::measure(&bench)?,
            Name::Messaging => thousand::measure_messaging(&bench)?,
            Name::History => history::measure(&bench)?,
            Name::Session => session::measure(&bench)?,
            Name::ClusterStart => cluster::start(&bench)?,
            Name::ClusterPublish => cluster::publish(&bench)?,
            Name::Request => cluster::request(workspace)?,
            Name::FirstLoad => pages::first_load(&bench, workspace)?,
            Name::Interactive => pages::interactive(&bench, workspace)?,
            Name::LongList => pages::long_list(&bench, workspace)?,
            Name::SideBySide => pages::side_by_side(&bench, workspace)?,
            Name::LogDrawer => pages::log_drawer(&bench, workspace)?,
            Name::BigFile => pages::big_file(&bench, workspace)?,
            Name::Archive10000 => pages::archive(&bench, workspace)?,
        });
    }
    let results = bench.folder.join("results.jsonl");
    figures::record(&figures, &results)?;
    println!("\n{}\nAlso in {}", figures::table(&figures), results.display());
    let broken = figures.iter().filter(|figure| figure.holds() == Some(false)).count();
    ensure!(broken == 0, "{broken} of the limits do not hold");
    Ok(())
}

fn prepare(workspace: &Workspace) -> Result<Bench> {
    let folder = workspace.target.join("bench");
    fs::create_dir_all(&folder)?;
    if let Some(release) = env::var_os(RELEASE) {
        let server = Path::new(&release).join("kai-server");
        ensure!(server.is_file(), "{RELEASE} is no folder that `make release` made: there is no {}", server.display());
        return Ok(Bench { folder, server });
    }
    // A copy, which nobody builds anew in the midst of a run.
    let server = folder.join("kai-server");
    copy(&release::build(workspace)?, &server)?;
    Ok(Bench { folder, server })
}

/// By a rename: the last run's copy may still be running.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let beside = to.with_extension("new");
    fs::copy(from, &beside)?;
    fs::rename(beside, to)?;
    Ok(())
}
