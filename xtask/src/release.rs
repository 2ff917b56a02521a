//! Builds a release: one file that runs wherever it is copied to.

use std::{fs, path::PathBuf};

use anyhow::Result;

use crate::{
    site::{self, Mode, clear},
    workspace::{Workspace, finish},
};

/// Tells the server's build script what to embed.
const EMBED: &str = "KAI_EMBED_SITE";

/// Builds the pages, and the server with them embedded; answers its path.
///
/// # Errors
/// When something does not build or cannot be copied.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf> {
    let site = site::build(workspace, Mode::Release)?;
    finish(workspace.cargo(["build", "-p", "server", "--bin", "kai-server", "--release"]).env(EMBED, site))?;
    let folder = workspace.target.join("dist");
    clear(&folder)?;
    let server = folder.join("kai-server");
    fs::copy(workspace.target.join("release/kai-server"), &server)?;
    println!("release: {}", server.display());
    Ok(server)
}
