//! The pages' own wasm: what every page needs, and the parts of it that are files of their own (`frontend/src/parts.rs`),
//! with the script that loads them.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, anyhow};
use walrus::{FunctionBuilder, FunctionId, FunctionKind, LocalFunction, ModuleConfig};
use wasm_bindgen_cli_support::Bindgen;
use wasm_split_cli_support::Options;

use super::{Mode, OUTPUT_NAME, clear, release};
use crate::workspace::Workspace;

/// The script that loads parts, where names have no hashes: Leptos expects it of this name.
pub(super) const LOADER: &str = "__wasm_split.______________________.js";
/// Which files a part consists of, by its name; Leptos reads it to have a page's parts loaded early.
pub(super) const MANIFEST: &str = "__wasm_split_manifest.json";

/// In the names of functions for the way to take a page over that is not used.
const UNCALLED: &str = "hydrate_async";
/// In instructions.
const LEAST_SIZE: u64 = 32;

/// Makes all of it in the folder, under plain names.
pub(super) fn build(workspace: &Workspace, wasm: &Path, to: &Path, mode: Mode) -> Result<()> {
    clear(to)?;
    let first = to.with_extension("wasm");
    split(wasm, &first, to)?;
    let release = mode == Mode::Release;
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
        for file in super::files_under(to)? {
            if file.extension().is_some_and(|ending| ending == "wasm") {
                leave_out_uncalled(&file)?;
                // More than that makes fewer bytes of it, but more once they are compressed.
                release::optimise(workspace, &file, "-O1")?;
            }
        }
    }
    Ok(())
}

/// Empties the functions that take a page over step by step, and drops all names.
///
/// Leptos has two ways to take a page over, and the entry point uses the one that does it in one go. The other is
/// reachable all the same, through the table of methods that each kind of view has, so no tool finds that nobody calls
/// it. It was a sixteenth of the code.
fn leave_out_uncalled(file: &Path) -> Result<()> {
    let mut config = ModuleConfig::new();
    config.generate_name_section(false).generate_producers_section(false);
    let mut module = config.parse_file(file).with_context(|| format!("cannot read {}", file.display()))?;
    let is_uncalled = |function: &LocalFunction, name: &str| {
        // A small one may stand for another of the same code, whatever its name.
        name.contains(UNCALLED) && function.size() >= LEAST_SIZE
    };
    let uncalled: Vec<FunctionId> = module
        .funcs
        .iter_local()
        .filter(|(id, function)| module.funcs.get(*id).name.as_ref().is_some_and(|name| is_uncalled(function, name)))
        .map(|(id, _)| id)
        .collect();
    for id in uncalled {
        let (params, results) = module.types.params_results(module.funcs.get(id).ty());
        let (params, results) = (params.to_vec(), results.to_vec());
        let arguments = params.iter().map(|kind| module.locals.add(*kind)).collect();
        let mut empty = FunctionBuilder::new(&mut module.types, &params, &results);
        empty.func_body().unreachable();
        module.funcs.get_mut(id).kind = FunctionKind::Local(empty.local_func(arguments));
    }
    module.emit_wasm_file(file).with_context(|| format!("cannot write {}", file.display()))
}

/// Cuts the parts off into the folder; what is left, for wasm-bindgen, goes to `first`.
fn split(wasm: &Path, first: &Path, to: &Path) -> Result<()> {
    let input = fs::read(wasm).with_context(|| format!("cannot read {}", wasm.display()))?;
    let (script, loader) = (format!("./{OUTPUT_NAME}.js"), format!("./{LOADER}"));
    let mut options = Options::new(&input);
    options.output_dir = to;
    options.main_out_path = first;
    options.main_module = &script;
    options.link_name = &loader;
    let made = wasm_split_cli_support::transform(options)
        .map_err(|error| anyhow!("{error:#}"))
        .with_context(|| format!("cannot cut {}", wasm.display()))?;
    let files: BTreeMap<_, _> = made.prefetch_map.into_iter().collect();
    fs::write(to.join(MANIFEST), serde_json::to_string(&files)?)?;
    Ok(())
}
