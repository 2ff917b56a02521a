//! Builds, runs and tests KAI Server. The Makefile's targets call it; `cargo run -p xtask -- --help` lists more.
//!
//! It exists because the pages need steps that cargo alone does not do (cutting the wasm, wasm-bindgen, SCSS), and because
//! the tools that do them take longer to install than everything here takes to compile. It must not hold anything that
//! the server needs at run time.

mod bench;
mod checks;
mod demo;
#[cfg(test)]
mod documents;
mod http;
mod image;
#[cfg(test)]
mod layers;
mod release;
mod run;
mod samples;
mod site;
mod steps;
mod watch;
mod workspace;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{site::Mode, workspace::Workspace};

#[derive(Parser)]
#[command(about, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the pages' wasm, script and style sheet
    Build {
        /// Small and compressed, and the server with it embedded: one file
        #[arg(long)]
        release: bool,
    },
    /// Build everything and run the server, with a runtime "Demo" and two sample KRT files at hand
    Run {
        #[arg(long)]
        release: bool,
        /// Passed on to kai-server
        #[arg(last = true)]
        server_args: Vec<String>,
    },
    /// Like run, and build and start again whenever a source file changes
    Watch {
        /// Passed on to kai-server
        #[arg(last = true)]
        server_args: Vec<String>,
    },
    /// Every check that needs nothing but this machine: format, lints, tests, wasm, browser
    Test,
    /// The tests against the cluster that KUBECONFIG names
    TestCluster,
    /// Random runs with faults in front of the cluster, and a server that is killed again and again
    Soak {
        /// How many runs there are on each store
        #[arg(long, default_value_t = 40)]
        seeds: u32,
        #[arg(long, default_value_t = 100)]
        kills: u32,
    },
    /// Measure what is promised about speed and size (docs/benchmarks.md); all of it unless named
    Bench { names: Vec<bench::Name> },
    /// The browser tests alone
    TestBrowser {
        /// On the pages of a release, as `test` does
        #[arg(long)]
        release: bool,
        /// Passed on to Playwright
        #[arg(last = true)]
        playwright_args: Vec<String>,
    },
    /// Pack the test runner into images, as an archive that `docker load` and `kind load image-archive` take
    Image { to: PathBuf },
    /// Pack each folder of end2end/samples into a KRT file
    PackSamples { to: PathBuf },
    /// Wait for a server and create the runtime "Demo" in it
    #[command(hide = true)]
    SeedDemo { server: u32, addr: String, samples: PathBuf },
}

fn main() -> ExitCode {
    match perform(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not by returning it: what cargo said stands above, and a backtrace would push it out of sight.
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> Result<()> {
    let workspace = Workspace::find()?;
    match task {
        Task::Build { release: false } => site::build(&workspace, Mode::Development).map(drop),
        Task::Build { release: true } => release::build(&workspace).map(drop),
        Task::Run { release, server_args } => run::run(&workspace, Mode::of(release), &server_args),
        Task::Watch { server_args } => watch::watch(&workspace, &server_args),
        Task::Test => checks::test(&workspace),
        Task::TestCluster => checks::test_cluster(&workspace),
        Task::Soak { seeds, kills } => checks::soak(&workspace, seeds, kills),
        Task::Bench { names } => bench::bench(&workspace, &names),
        Task::TestBrowser { release, playwright_args } => {
            checks::test_browser(&workspace, Mode::of(release), &playwright_args)
        }
        Task::Image { to } => image::write(&workspace, &to),
        Task::PackSamples { to } => samples::pack_all(&workspace, &to).map(drop),
        Task::SeedDemo { server, addr, samples } => demo::seed(server, &addr, &samples),
    }
}
