//! Everything that is checked before a change is good. What fails fast comes first.

use std::{env, path::Path, process::Command};

use anyhow::{Result, ensure};

use crate::{
    run, samples,
    site::{self, Mode},
    steps::Steps,
    workspace::{WASM, Workspace, finish},
};

/// What runs natively. One selection for all of cargo's calls, so that dependencies are compiled with one set of
/// features; `app` is in it with `ssr`, as `server` uses it.
#[rustfmt::skip]
const NATIVE: [&str; 16] = [
    "-p", "server", "-p", "krt", "-p", "domain", "-p", "graph", "-p", "sandbox", "-p", "runner", "-p", "app",
    "--features", "app/ssr",
];
const DENY_WARNINGS: [&str; 3] = ["--", "-D", "warnings"];

/// Every check that needs nothing but this machine.
///
/// # Errors
/// The first step that fails.
pub(crate) fn test(workspace: &Workspace) -> Result<()> {
    let mut steps = Steps::default();
    let cargo = |groups: &[&[&str]]| finish(&mut workspace.cargo(groups.concat()));

    steps.run("format", || cargo(&[&["fmt", "--all", "--check"]]))?;
    steps.run("pure crates build for wasm", || {
        cargo(&[&["build", "-p", "krt", "-p", "domain", "-p", "graph", "--target", WASM]])
    })?;
    steps.run("clippy: xtask", || cargo(&[&["clippy", "-p", "xtask", "--all-targets"], &DENY_WARNINGS]))?;
    steps.run("clippy: pure crates for wasm", || {
        cargo(&[&["clippy", "-p", "krt", "-p", "domain", "-p", "graph", "--target", WASM], &DENY_WARNINGS])
    })?;
    steps.run("clippy: pages for the browser", || {
        cargo(&[
            &["clippy", "-p", "frontend", "-p", "checker", "-p", "app", "--features", "app/hydrate", "--target", WASM],
            &DENY_WARNINGS,
        ])
    })?;
    steps.run("clippy: server, and pages for it", || {
        // The tests on a cluster are no part of `cargo test`, but of what is linted.
        cargo(&[&["clippy", "--all-targets", "--test", "cluster"], &NATIVE, &DENY_WARNINGS])
    })?;
    steps.run("tests: xtask", || cargo(&[&["test", "-p", "xtask"]]))?;
    steps.run("tests: unit and integration", || cargo(&[&["test"], &NATIVE]))?;
    // The tests have built it too, so this only says where it is: built for itself, some dependencies would have other
    // features and be compiled once more.
    let server = steps.run("build: server", || {
        cargo(&[&["build", "--tests", "--bins"], &NATIVE])?;
        Ok(workspace.target.join("debug/kai-server"))
    })?;
    // What people get: a release's pages are made by more than the compiler.
    browser(workspace, &mut steps, &server, Mode::Release, &[])?;
    println!("{}", steps.summary());
    Ok(())
}

/// The browser tests, after building what they need.
pub(crate) fn test_browser(workspace: &Workspace, pages: Mode, playwright_args: &[String]) -> Result<()> {
    let mut steps = Steps::default();
    let server = steps.run("build: server", || run::build_server(workspace))?;
    browser(workspace, &mut steps, &server, pages, playwright_args)
}

fn browser(
    workspace: &Workspace,
    steps: &mut Steps,
    server: &Path,
    pages: Mode,
    playwright_args: &[String],
) -> Result<()> {
    let site = steps.run("build: pages", || site::build(workspace, pages))?;
    let samples = workspace.target.join("samples");
    steps.run("tests: browser", || {
        samples::pack_all(workspace, &samples)?;
        let end2end = workspace.root.join("end2end");
        let playwright = end2end.join("node_modules/.bin/playwright");
        ensure!(playwright.exists(), "end2end/node_modules is missing; `scripts/setup test` installs it");
        let mut command = Command::new(playwright);
        command.arg("test").args(playwright_args).current_dir(&end2end).env(site::ROOT, site);
        command.env("KAI_SERVER_BINARY", server).env("KAI_SAMPLES", &samples);
        finish(&mut command)
    })
}

/// The tests against a real cluster.
///
/// # Errors
/// When KUBECONFIG is not set: no cluster is used unasked.
pub(crate) fn test_cluster(workspace: &Workspace) -> Result<()> {
    ensure!(
        env::var_os("KUBECONFIG").is_some(),
        "set KUBECONFIG to the cluster to test on; it gets namespaces of its own"
    );
    let mut steps = Steps::default();
    steps.run("tests: cluster", || {
        let samples = workspace.target.join("samples");
        samples::pack_all(workspace, &samples)?;
        finish(workspace.cargo(["test", "-p", "server", "--test", "cluster"]).env("KAI_SAMPLES", samples))
    })?;
    println!("{}", steps.summary());
    Ok(())
}

/// The tests that depend on chance, with more of it than every change can wait for. A failure names its seed.
///
/// # Errors
/// The first step that fails.
pub(crate) fn soak(workspace: &Workspace, seeds: u32, kills: u32) -> Result<()> {
    let mut steps = Steps::default();
    // One after another and with all that they print: they say how far they are.
    let test = |name: &str, variable: &str, count: u32| {
        let mut cargo = workspace.cargo(["test", "-p", "server", "--test", "it", "--", "--nocapture", name]);
        finish(cargo.env(variable, count.to_string()))
    };
    steps.run("runs with faults: SQLite", || {
        test("faults_and_restarts_converges_on_sqlite", "KAI_FAULT_SEEDS", seeds)
    })?;
    steps.run("runs with faults: PostgreSQL", || {
        test("faults_and_restarts_converges_on_postgres", "KAI_FAULT_SEEDS", seeds)
    })?;
    steps.run("kills", || test("whenever_a_server_is_killed", "KAI_KILLS", kills))?;
    // Minutes without NATS are more than every change can wait for, too.
    if env::var_os("KUBECONFIG").is_some() {
        steps.run("NATS away for long, and many starts, on the cluster", || {
            finish(&mut workspace.cargo([
                "test",
                "-p",
                "server",
                "--test",
                "cluster",
                "--",
                "--ignored",
                "messaging::",
            ]))
        })?;
    }
    println!("{}", steps.summary());
    Ok(())
}
