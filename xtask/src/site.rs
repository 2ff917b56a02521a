//! Builds what the browser loads: the wasm of the pages, cut into files by Leptos' `#[lazy]`, that of the worker which
//! checks files, their scripts and the style sheet.
//!
//! A release's wasm is optimised, and each file has copies by gzip and Brotli beside it; the server's build embeds them.

mod compress;
mod wasm;

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use anyhow::{Context, Result};

use crate::workspace::{WASM, Workspace, finish};

/// The stem of the names of all files that leptos links from a page.
const OUTPUT_NAME: &str = "kai";
const PKG_DIR: &str = "pkg";
/// The variable by which the server finds a site that it has not embedded, as cargo-leptos sets it.
pub(crate) const ROOT: &str = "LEPTOS_SITE_ROOT";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Development,
    Release,
}

impl Mode {
    pub(crate) fn of(release: bool) -> Self {
        if release { Self::Release } else { Self::Development }
    }

    fn wasm_profile(self) -> &'static str {
        match self {
            Self::Development => "wasm-dev",
            Self::Release => "wasm-release",
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Development => "site",
            Self::Release => "site-release",
        }
    }
}

/// Builds the site, only what has changed since the last time, and answers its folder.
///
/// # Errors
/// When a part does not compile or a file cannot be written.
pub(crate) fn build(workspace: &Workspace, mode: Mode) -> Result<PathBuf> {
    let profile = mode.wasm_profile();
    // In one call, so that what both use is compiled with one set of features.
    let packages = ["-p", "frontend", "-p", "checker", "--lib"];
    finish(workspace.cargo(["build", "--target", WASM, "--profile", profile]).args(packages))?;
    let made = workspace.target.join(WASM).join(profile);
    let (pages, checker) = (made.join("frontend.wasm"), made.join("checker.wasm"));

    let root = workspace.target.join(mode.folder());
    let pkg = root.join(PKG_DIR);
    let stamp_file = root.with_extension("stamp");
    let worker_script = workspace.root.join("checker/src/worker.js");
    let css = style_sheet(workspace, mode)?;
    let parts = [stamp(&env::current_exe()?)?, stamp(&pages)?, stamp(&checker)?, stamp(&worker_script)?, css.clone()];
    let stamp = parts.join("\n");
    if fs::read_to_string(&stamp_file).is_ok_and(|last| last == stamp) {
        return Ok(root);
    }
    clear(&root)?;
    fs::create_dir_all(&pkg)?;
    wasm::pages(workspace, &pages, &pkg, mode)?;
    wasm::checker(workspace, &checker, &worker_script, &pkg, mode)?;
    fs::write(pkg.join(format!("{OUTPUT_NAME}.css")), css)?;
    if mode == Mode::Release {
        compress::folder(&root)?;
    }
    fs::write(&stamp_file, stamp)?;
    println!("site: {}", root.display());
    Ok(root)
}

/// Tells one build's output from another's. Cargo leaves the file alone when it has nothing to do.
fn stamp(file: &Path) -> Result<String> {
    let facts = fs::metadata(file).with_context(|| format!("there is no {}", file.display()))?;
    let modified = facts.modified()?.duration_since(UNIX_EPOCH)?.as_nanos();
    Ok(format!("{} {} {modified}", file.display(), facts.len()))
}

fn style_sheet(workspace: &Workspace, mode: Mode) -> Result<String> {
    let main = workspace.root.join("style/main.scss");
    let style = match mode {
        Mode::Development => grass::OutputStyle::Expanded,
        Mode::Release => grass::OutputStyle::Compressed,
    };
    grass::from_path(&main, &grass::Options::default().style(style))
        .with_context(|| format!("cannot compile {}", main.display()))
}

pub(crate) fn clear(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

/// All regular files in a folder and the folders in it, in the order of their names.
pub(crate) fn files_under(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files_under(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
