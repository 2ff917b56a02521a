//! Where the files of the pages are: what the browser gets besides HTML.

use std::{
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use leptos::config::LeptosOptions;

const HASH_FILE: &str = "hash.txt";

/// What Leptos needs to know, from the `LEPTOS_*` variables as cargo-leptos sets them, and else from what lies beside
/// the binary.
pub(crate) fn site_options(addr: SocketAddr) -> LeptosOptions {
    let beside = env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned)).unwrap_or_default();
    let root = env::var("LEPTOS_SITE_ROOT").unwrap_or_else(|_| site_root(&beside).display().to_string());
    let hash_file = env::var("LEPTOS_HASH_FILE_NAME").unwrap_or_else(|_| HASH_FILE.to_owned());
    // Leptos panics when it is told of hashes that are not there.
    let hash_files =
        env::var("LEPTOS_HASH_FILES").map_or(true, |said| said == "true") && beside.join(&hash_file).exists();
    LeptosOptions::builder()
        .output_name(env::var("LEPTOS_OUTPUT_NAME").unwrap_or_else(|_| "kai".to_owned()))
        .site_root(root)
        .site_pkg_dir(env::var("LEPTOS_SITE_PKG_DIR").unwrap_or_else(|_| "pkg".to_owned()))
        .site_addr(addr)
        .hash_files(hash_files)
        .hash_file(hash_file.into())
        .build()
}

/// Where the worker is that checks files in the browser; of a release `hash.txt` says which one belongs to its pages.
pub(crate) fn checker_url(options: &LeptosOptions) -> String {
    let name = match checker_hash(options) {
        Some(hash) => format!("checker.{hash}.js"),
        None => "checker.js".to_owned(),
    };
    format!("/{}/{name}", options.site_pkg_dir)
}

fn checker_hash(options: &LeptosOptions) -> Option<String> {
    if !options.hash_files {
        return None;
    }
    let beside = env::current_exe().ok()?.parent()?.join(options.hash_file.as_ref());
    let hashes = fs::read_to_string(beside).ok()?;
    hashes.lines().find_map(|line| line.strip_prefix("checker:")).map(|hash| hash.trim().to_owned())
}

/// `site` beside the binary as it is installed, or `target/site` as it is built.
fn site_root(beside: &Path) -> PathBuf {
    let installed = beside.join("site");
    if installed.is_dir() { installed } else { PathBuf::from("target/site") }
}
