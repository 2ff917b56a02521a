//! The worker that checks a file before it is sent: a classic worker's script and its wasm, apart from the pages' own,
//! since only who adds a version loads them.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use wasm_bindgen_cli_support::Bindgen;

use super::{Mode, PKG_DIR, clear, release, write_changed};
use crate::workspace::Workspace;

/// The stem of the names of its files, and what `hash.txt` calls its hash.
const NAME: &str = "checker";
/// Stands in the script for the wasm's name.
const WASM_FILE: &str = "WASM_FILE";

/// Makes `checker.js` and `checker_bg.wasm` in the folder.
pub(super) fn bindgen(workspace: &Workspace, wasm: &Path, to: &Path, mode: Mode) -> Result<()> {
    clear(to)?;
    let release = mode == Mode::Release;
    Bindgen::new()
        .input_path(wasm)
        .out_name(NAME)
        .no_modules(true)?
        .typescript(false)
        .remove_name_section(release)
        .remove_producers_section(release)
        .generate(to)
        .with_context(|| format!("wasm-bindgen cannot take {}", wasm.display()))?;
    let script = to.join(format!("{NAME}.js"));
    let mut text = fs::read_to_string(&script)?;
    let end = workspace.root.join("checker/src/worker.js");
    let end = fs::read_to_string(&end).with_context(|| format!("cannot read {}", end.display()))?;
    ensure!(end.contains(WASM_FILE), "the worker's script names no {WASM_FILE}");
    text.push_str(&end);
    fs::write(script, text)?;
    if release {
        // For speed: unpacking hundreds of MB is its work.
        release::optimise(workspace, &to.join(format!("{NAME}_bg.wasm")), &["-O3"])?;
    }
    Ok(())
}

/// Puts the files into the site under plain names.
pub(super) fn publish_plain(made: &Path, root: &Path) -> Result<()> {
    let pkg = root.join(PKG_DIR);
    let (script, wasm) = read(made)?;
    let wasm_name = format!("{NAME}.wasm");
    write_changed(&pkg.join(&wasm_name), &wasm)?;
    write_changed(&pkg.join(format!("{NAME}.js")), script.replace(WASM_FILE, &wasm_name).as_bytes())
}

/// Puts the files into the site under names with hashes; answers the line of `hash.txt` for the script. The wasm is
/// named by the script alone.
pub(super) fn publish_hashed(made: &Path, root: &Path) -> Result<String> {
    let pkg = root.join(PKG_DIR);
    let (script, wasm) = read(made)?;
    let wasm_name = format!("{NAME}.{}.wasm", release::hash(&wasm));
    fs::write(pkg.join(&wasm_name), wasm)?;
    let script = script.replace(WASM_FILE, &wasm_name);
    let hash = release::hash(script.as_bytes());
    fs::write(pkg.join(format!("{NAME}.{hash}.js")), script)?;
    Ok(format!("{NAME}: {hash}\n"))
}

fn read(made: &Path) -> Result<(String, Vec<u8>)> {
    Ok((fs::read_to_string(made.join(format!("{NAME}.js")))?, fs::read(made.join(format!("{NAME}_bg.wasm")))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_file_names_the_script_and_the_script_the_wasm() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let (made, root) = (dir.path().join("made"), dir.path().join("site"));
        fs::create_dir_all(&made)?;
        fs::create_dir_all(root.join(PKG_DIR))?;
        fs::write(made.join("checker.js"), r#"load("WASM_FILE")"#)?;
        fs::write(made.join("checker_bg.wasm"), "wasm")?;

        let line = publish_hashed(&made, &root)?;

        let hash = line.strip_prefix("checker: ").and_then(|line| line.strip_suffix('\n')).context("no hash")?;
        let script = fs::read_to_string(root.join(format!("pkg/checker.{hash}.js")))?;
        let wasm = script.strip_prefix(r#"load(""#).and_then(|rest| rest.strip_suffix(r#"")"#)).context("no wasm")?;
        assert_eq!(fs::read_to_string(root.join("pkg").join(wasm))?, "wasm");
        Ok(())
    }
}
