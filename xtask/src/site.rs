//! Builds what the browser loads: the wasm and its script, those of the worker that checks files, the style sheet, and
//! static files.
//!
//! In development names are plain and everything is where the last build left it. A release has its content's hash in
//! each name, listed in `hash.txt` as leptos reads it, and copies by gzip and Brotli beside each file.

mod checker;
mod pages;
mod release;
mod uncalled;

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use anyhow::{Context, Result};

use crate::workspace::{WASM, Workspace, finish};

/// The stem of the names of all files that leptos links from a page.
pub(crate) const OUTPUT_NAME: &str = "kai";
pub(crate) const PKG_DIR: &str = "pkg";

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

/// What the server needs to know of a built site.
pub(crate) struct Site {
    pub(crate) root: PathBuf,
    /// Names the hashes; only of a release.
    pub(crate) hash_file: Option<PathBuf>,
}

impl Site {
    /// The environment by which the server finds it.
    pub(crate) fn env(&self) -> Vec<(&'static str, String)> {
        let mut env = vec![
            ("LEPTOS_OUTPUT_NAME", OUTPUT_NAME.to_owned()),
            ("LEPTOS_SITE_ROOT", self.root.display().to_string()),
            ("LEPTOS_SITE_PKG_DIR", PKG_DIR.to_owned()),
        ];
        if let Some(hash_file) = &self.hash_file {
            env.push(("LEPTOS_HASH_FILES", "true".to_owned()));
            env.push(("LEPTOS_HASH_FILE_NAME", hash_file.display().to_string()));
            env.push(("LEPTOS_ENV", "PROD".to_owned()));
        }
        env
    }
}

/// Builds the site; only what has changed since the last time.
///
/// # Errors
/// When a part does not compile or a file cannot be written.
pub(crate) fn build(workspace: &Workspace, mode: Mode) -> Result<Site> {
    let profile = mode.wasm_profile();
    // In one call, so that what both use is compiled with one set of features.
    let packages = ["-p", "frontend", "-p", "checker", "--lib"];
    finish(workspace.cargo(["build", "--target", WASM, "--profile", profile]).args(packages))?;
    let made = workspace.target.join(WASM).join(profile);
    let (wasm, checker_wasm) = (made.join("frontend.wasm"), made.join("checker.wasm"));

    let root = workspace.target.join(mode.folder());
    let pkg = root.join(PKG_DIR);
    fs::create_dir_all(&pkg)?;
    let stamp_file = root.with_extension("stamp");
    let worker_script = workspace.root.join("checker/src/worker.js");
    let stamp = [stamp(&env::current_exe()?)?, stamp(&wasm)?, stamp(&checker_wasm)?, stamp(&worker_script)?].join("\n");
    let fresh = fs::read_to_string(&stamp_file).is_ok_and(|last| last == stamp);
    let css = style_sheet(workspace, mode)?;
    let plain = workspace.target.join(format!("{}-pages", mode.folder()));
    let checker = workspace.target.join(format!("{}-checker", mode.folder()));
    let hash_file = match mode {
        Mode::Development => {
            if !fresh {
                pages::build(workspace, &wasm, &plain, mode)?;
                checker::bindgen(workspace, &checker_wasm, &checker, mode)?;
            }
            copy_folder(&plain, &pkg)?;
            checker::publish_plain(&checker, &root)?;
            write_changed(&pkg.join(format!("{OUTPUT_NAME}.css")), css.as_bytes())?;
            None
        }
        Mode::Release => {
            if !fresh {
                pages::build(workspace, &wasm, &plain, mode)?;
                checker::bindgen(workspace, &checker_wasm, &checker, mode)?;
            }
            clear(&root)?;
            fs::create_dir_all(&pkg)?;
            let of_checker = checker::publish_hashed(&checker, &root)?;
            Some(release::publish(&plain, &css, &of_checker, &root)?)
        }
    };
    for public in ["app/public", "style/public"] {
        let public = workspace.root.join(public);
        if public.is_dir() {
            copy_folder(&public, &root)?;
        }
    }
    if mode == Mode::Release {
        let kept = workspace.target.join(format!("{}-packed", mode.folder()));
        if !fresh {
            // Of other pages, or packed by another xtask.
            clear(&kept)?;
        }
        release::compress_folder(&root, &kept)?;
    }
    fs::write(&stamp_file, stamp)?;
    println!("site: {}", root.display());
    Ok(Site { root, hash_file })
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

/// Writes only what differs, so that browsers may keep what they have.
fn write_changed(path: &Path, content: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}

pub(crate) fn clear(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

pub(crate) fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    for file in files_under(from)? {
        let to = to.join(file.strip_prefix(from)?);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        write_changed(&to, &fs::read(&file)?)?;
    }
    Ok(())
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
