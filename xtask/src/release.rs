//! Puts a release together: one folder that runs wherever it is copied to.

use std::fs;

use anyhow::{Context, Result};

use crate::{
    run,
    site::{self, Mode, clear, copy_folder},
    workspace::Workspace,
};

/// Builds the pages and the server. The server finds `site` and `hash.txt` beside itself.
///
/// # Errors
/// When something does not build or cannot be copied.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    let site = site::build(workspace, Mode::Release)?;
    let server = run::build_server(workspace, Mode::Release)?;
    let folder = workspace.target.join("dist");
    clear(&folder)?;
    fs::copy(&server, folder.join("kai-server"))?;
    copy_folder(&site.root, &folder.join("site"))?;
    let hash_file = site.hash_file.context("a release has hashes")?;
    fs::copy(hash_file, folder.join("hash.txt"))?;
    println!("release: {}", folder.display());
    Ok(())
}
