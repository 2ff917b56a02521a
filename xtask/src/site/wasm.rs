//! From what cargo makes to what a browser loads: cutting, wasm-bindgen, wasm-opt.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, anyhow, ensure};
use wasm_bindgen_cli_support::Bindgen;
use wasm_split_cli_support::Options;

use super::{Mode, OUTPUT_NAME, files_under};
use crate::workspace::{Workspace, finish};

/// The script that loads lazy views: Leptos expects it of this name.
const LOADER: &str = "__wasm_split.______________________.js";
/// Which files a lazy view consists of; Leptos reads it to have a page's files loaded early.
const MANIFEST: &str = "__wasm_split_manifest.json";
/// Stands in the worker's script for the wasm's name.
const WASM_FILE: &str = "WASM_FILE";
/// What rustc's output uses, and every browser of the last years understands. Allowed more, wasm-opt would use more.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Makes the pages' files in the folder.
pub(super) fn pages(workspace: &Workspace, wasm: &Path, pkg: &Path, mode: Mode) -> Result<()> {
    let first = wasm.with_extension("first.wasm");
    let program = fs::read(wasm).with_context(|| format!("cannot read {}", wasm.display()))?;
    let (script, loader) = (format!("./{OUTPUT_NAME}.js"), format!("./{LOADER}"));
    let mut options = Options::new(&program);
    options.output_dir = pkg;
    options.main_out_path = &first;
    options.main_module = &script;
    options.link_name = &loader;
    let made = wasm_split_cli_support::transform(options)
        .map_err(|error| anyhow!("cannot cut {}: {error:#}", wasm.display()))?;
    let files: BTreeMap<_, _> = made.prefetch_map.into_iter().collect();
    fs::write(pkg.join(MANIFEST), serde_json::to_string(&files)?)?;
    let release = mode == Mode::Release;
    Bindgen::new()
        .input_path(&first)
        .out_name(OUTPUT_NAME)
        .web(true)?
        .typescript(false)
        // What the other files import from this one.
        .keep_lld_exports(true)
        .remove_producers_section(release)
        .remove_name_section(release)
        .generate(pkg)
        .with_context(|| format!("wasm-bindgen cannot take {}", wasm.display()))?;
    if release {
        for file in files_under(pkg)? {
            if file.extension().is_some_and(|ending| ending == "wasm") {
                optimise(workspace, &file, "-Oz")?;
            }
        }
    }
    Ok(())
}

/// Makes `checker.js`, a classic worker's script, and `checker_bg.wasm` in the folder: apart from the pages' own files,
/// since only who adds a version loads them.
pub(super) fn checker(workspace: &Workspace, wasm: &Path, end: &Path, pkg: &Path, mode: Mode) -> Result<()> {
    let release = mode == Mode::Release;
    Bindgen::new()
        .input_path(wasm)
        .out_name("checker")
        .no_modules(true)?
        .typescript(false)
        .remove_name_section(release)
        .remove_producers_section(release)
        .generate(pkg)
        .with_context(|| format!("wasm-bindgen cannot take {}", wasm.display()))?;
    let script = pkg.join("checker.js");
    let end = fs::read_to_string(end).with_context(|| format!("cannot read {}", end.display()))?;
    ensure!(end.contains(WASM_FILE), "the worker's script names no {WASM_FILE}");
    let whole = fs::read_to_string(&script)? + &end.replace(WASM_FILE, "checker_bg.wasm");
    fs::write(script, whole)?;
    if release {
        // For speed: unpacking hundreds of MB is its work.
        optimise(workspace, &pkg.join("checker_bg.wasm"), "-O3")?;
    }
    Ok(())
}

fn optimise(workspace: &Workspace, wasm: &Path, level: &str) -> Result<()> {
    let wasm_opt = find_wasm_opt(workspace).context("there is no wasm-opt; `scripts/setup release` installs it")?;
    let before = fs::metadata(wasm)?.len();
    finish(Command::new(wasm_opt).arg(level).args(FEATURES).arg(wasm).arg("-o").arg(wasm))?;
    let name = wasm.file_name().unwrap_or_default().to_string_lossy();
    println!("wasm-opt: {name}: {before} -> {} bytes", fs::metadata(wasm)?.len());
    Ok(())
}

fn find_wasm_opt(workspace: &Workspace) -> Option<PathBuf> {
    let paths = env::var_os("PATH").unwrap_or_default();
    let installed = workspace.root.join("xtask/tools/node_modules/.bin");
    env::split_paths(&paths).chain([installed]).map(|dir| dir.join("wasm-opt")).find(|file| file.is_file())
}
