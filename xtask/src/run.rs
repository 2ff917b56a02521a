//! Builds everything and becomes the server.

use std::{env, os::unix::process::CommandExt, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use crate::{
    samples,
    site::{self, Mode, Site},
    workspace::{Workspace, finish},
};

pub(crate) const DEFAULT_ADDR: &str = "127.0.0.1:3000";

/// Builds, packs the samples, and ends as the server, in the foreground.
///
/// # Errors
/// When something does not build or the server cannot be started. When it works it does not return.
pub(crate) fn run(workspace: &Workspace, mode: Mode, server_args: &[String]) -> Result<()> {
    let site = site::build(workspace, mode)?;
    let binary = build_server(workspace, mode)?;
    greet_when_ready(workspace, std::process::id())?;
    // In this process's place, so that signals reach it and its end is the command's.
    Err(server(&binary, &site, server_args).exec()).with_context(|| format!("cannot start {}", binary.display()))
}

/// Compiles the server; answers its path.
pub(crate) fn build_server(workspace: &Workspace, mode: Mode) -> Result<PathBuf> {
    // Never with leptos' variables set: one of them is read when leptos is compiled, and would compile it again.
    let (profile, folder) = match mode {
        Mode::Development => ("dev", "debug"),
        Mode::Release => ("release", "release"),
    };
    finish(&mut workspace.cargo(["build", "-p", "server", "--bin", "kai-server", "--profile", profile]))?;
    Ok(workspace.target.join(folder).join("kai-server"))
}

pub(crate) fn server(binary: &PathBuf, site: &Site, args: &[String]) -> Command {
    let mut command = Command::new(binary);
    command.envs(site.env()).args(args);
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
