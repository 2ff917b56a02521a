//! The pages' own wasm: what every page needs, and the parts of it that are files of their own (`frontend/src/parts.rs`),
//! with the script that loads them.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, anyhow};
use walrus::{FunctionKind, Module, ModuleConfig};
use wasm_bindgen_cli_support::Bindgen;
use wasm_split_cli_support::Options;

use super::{Mode, OUTPUT_NAME, clear, release, uncalled};
use crate::workspace::Workspace;

/// The script that loads parts, where names have no hashes: Leptos expects it of this name.
pub(super) const LOADER: &str = "__wasm_split.______________________.js";
/// Which files a part consists of, by its name; Leptos reads it to have a page's parts loaded early.
pub(super) const MANIFEST: &str = "__wasm_split_manifest.json";

/// A browser compiles a function when it is first called, which costs more for being one function than for what is in it:
/// a small one that only one other calls is put into that. Large ones are not, for of larger functions fewer are alike,
/// which compresses worse. `-g` keeps the names for the others.
const PASSES: [&str; 13] = [
    "-g",
    "--duplicate-function-elimination",
    "-O2",
    "--dae-optimizing",
    "--always-inline-max-function-size",
    "0",
    "--flexible-inline-max-function-size",
    "0",
    "--one-caller-inline-max-function-size",
    "100",
    "--inlining-optimizing",
    "--reorder-functions-by-name",
    "--duplicate-function-elimination",
];

/// Makes all of it in the folder, under plain names.
pub(super) fn build(workspace: &Workspace, wasm: &Path, to: &Path, mode: Mode) -> Result<()> {
    clear(to)?;
    let release = mode == Mode::Release;
    let first = to.with_extension("wasm");
    let mut program = fs::read(wasm).with_context(|| format!("cannot read {}", wasm.display()))?;
    if release {
        program = uncalled::leave_out(&program)?;
    }
    split(&program, &first, to).with_context(|| format!("cannot cut {}", wasm.display()))?;
    Bindgen::new()
        .input_path(&first)
        .out_name(OUTPUT_NAME)
        .web(true)?
        .typescript(false)
        // What the parts import from what is loaded first.
        .keep_lld_exports(true)
        .remove_producers_section(release)
        .generate(to)
        .with_context(|| format!("wasm-bindgen cannot take {}", wasm.display()))?;
    if release {
        shorten_imports(&to.join(format!("{OUTPUT_NAME}_bg.wasm")), &to.join(format!("{OUTPUT_NAME}.js")))?;
        for file in super::files_under(to)? {
            if file.extension().is_some_and(|ending| ending == "wasm") {
                slim(workspace, &file)?;
            }
        }
    }
    Ok(())
}

/// Gives what the wasm imports from its script short names. wasm-bindgen puts hashes into them, in both files, which do
/// not compress.
fn shorten_imports(wasm: &Path, script: &Path) -> Result<()> {
    let mut module = Module::from_file(wasm).with_context(|| format!("cannot read {}", wasm.display()))?;
    let mut text = fs::read_to_string(script).with_context(|| format!("cannot read {}", script.display()))?;
    let from = format!("./{OUTPUT_NAME}_bg.js");
    for (number, import) in module.imports.iter_mut().filter(|import| import.module == from).enumerate() {
        let short = format!("i{number}");
        text = release::renamed(&text, &format!(" {}: ", import.name), &format!(" {short}: "))?;
        import.name = short;
    }
    fs::write(script, text).with_context(|| format!("cannot write {}", script.display()))?;
    module.emit_wasm_file(wasm).with_context(|| format!("cannot write {}", wasm.display()))
}

/// Makes a part small once it is compressed: functions that are like each other stand side by side.
fn slim(workspace: &Workspace, file: &Path) -> Result<()> {
    let mut config = ModuleConfig::new();
    config.generate_producers_section(false);
    let mut module = config.parse_file(file).with_context(|| format!("cannot read {}", file.display()))?;
    name_by_likeness(&mut module);
    module.emit_wasm_file(file).with_context(|| format!("cannot write {}", file.display()))?;
    release::optimise(workspace, file, &PASSES)?;
    release::optimise(workspace, file, &["--strip-debug"])
}

/// Gives the functions names of which the order is also that of their likeness: all that were made of one generic
/// function, from the smallest to the largest.
fn name_by_likeness(module: &mut Module) {
    for function in module.funcs.iter_mut() {
        let size = match &function.kind {
            FunctionKind::Local(local) => local.size(),
            _ => 0,
        };
        let path = uncalled::path_of(function.name.as_deref().unwrap_or_default());
        function.name = Some(format!("{path} {size:08} {}", function.id().index()));
    }
}

/// Cuts the parts off into the folder; what is left, for wasm-bindgen, goes to `first`.
fn split(program: &[u8], first: &Path, to: &Path) -> Result<()> {
    let (script, loader) = (format!("./{OUTPUT_NAME}.js"), format!("./{LOADER}"));
    let mut options = Options::new(program);
    options.output_dir = to;
    options.main_out_path = first;
    options.main_module = &script;
    options.link_name = &loader;
    let made = wasm_split_cli_support::transform(options).map_err(|error| anyhow!("{error:#}"))?;
    let files: BTreeMap<_, _> = made.prefetch_map.into_iter().collect();
    fs::write(to.join(MANIFEST), serde_json::to_string(&files)?)?;
    Ok(())
}
