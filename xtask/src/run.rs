//! Builds everything and becomes the server.

use std::{
    env,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{
    release, samples,
    site::{self, Mode},
    workspace::{Workspace, finish},
};

pub(crate) const DEFAULT_ADDR: &str = "127.0.0.1:3000";

/// Builds, packs the samples, and ends as the server, in the foreground.
///
/// # Errors
/// When something does not build or the server cannot be started. When it works it does not return.
pub(crate) fn run(workspace: &Workspace, mode: Mode, server_args: &[String]) -> Result<()> {
    let mut server = match mode {
        Mode::Development => server(&build_server(workspace)?, Some(&site::build(workspace, mode)?), server_args),
        Mode::Release => server(&release::build(workspace)?, None, server_args),
    };
    greet_when_ready(workspace, std::process::id())?;
    // In this process's place, so that signals reach it and its end is the command's.
    Err(server.exec()).context("cannot start the server")
}

/// Compiles the server for development, without the pages; answers its path.
pub(crate) fn build_server(workspace: &Workspace) -> Result<PathBuf> {
    finish(&mut workspace.cargo(["build", "-p", "server", "--bin", "kai-server"]))?;
    Ok(workspace.target.join("debug/kai-server"))
}

/// `site` is where the pages' files are, when they are not embedded.
pub(crate) fn server(binary: &Path, site: Option<&Path>, args: &[String]) -> Command {
    let mut command = Command::new(binary);
    command.args(args);
    if let Some(site) = site {
        command.env(site::ROOT, site);
    }
    if env::var_os("KAI_ADDR").is_none() {
        command.env("KAI_ADDR", DEFAULT_ADDR);
    }
    command
}

/// Starts a process that creates the demo runtime once the server, of this process id, is ready, and says where it is.
pub(crate) fn greet_when_ready(workspace: &Workspace, server: u32) -> Result<()> {
    let samples = workspace.target.join("samples");
    samples::pack_all(workspace, &samples)?;
    let addr = env::var("KAI_ADDR").unwrap_or_else(|_| DEFAULT_ADDR.to_owned()).replace("0.0.0.0:", "127.0.0.1:");
    // Through a shell that goes away at once: it is no child of the server then, which would not collect it.
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "\"$0\" seed-demo \"$@\" &"])
        .arg(env::current_exe()?)
        .arg(server.to_string())
        .arg(addr)
        .arg(samples);
    finish(&mut shell)
}
