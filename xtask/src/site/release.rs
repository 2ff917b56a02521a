//! What a release does beyond a development build: smaller wasm, hashed names, compressed copies.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

use super::{OUTPUT_NAME, PKG_DIR, files_under};
use crate::workspace::{Workspace, finish};

/// What rustc's output uses, and every browser of the last years understands. Allowed more, wasm-opt would use more.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Runs wasm-opt on the file when there is one, at `level` (`-Oz`, `-O3`); otherwise says that the file stays larger than
/// it could be.
pub(super) fn optimise(workspace: &Workspace, wasm: &Path, level: &str) -> Result<()> {
    let Some(wasm_opt) = find_wasm_opt(workspace) else {
        println!("wasm-opt not found (`scripts/setup release` installs it); the wasm stays about a third larger");
        return Ok(());
    };
    let before = fs::metadata(wasm)?.len();
    finish(Command::new(wasm_opt).arg(level).args(FEATURES).arg(wasm).arg("-o").arg(wasm))?;
    println!("wasm-opt: {before} -> {} bytes", fs::metadata(wasm)?.len());
    Ok(())
}

fn find_wasm_opt(workspace: &Workspace) -> Option<PathBuf> {
    let paths = env::var_os("PATH").unwrap_or_default();
    let installed = workspace.root.join("xtask/tools/node_modules/.bin");
    env::split_paths(&paths).chain([installed]).map(|dir| dir.join("wasm-opt")).find(|file| file.is_file())
}

/// Copies what wasm-bindgen made and the style sheet into the site under hashed names; answers the file that lists the
/// hashes, `more` among them. Leptos' page asks for `<name>.<hash>.{js,wasm,css}` then.
pub(super) fn publish(plain: &Path, css: &str, more: &str, root: &Path) -> Result<PathBuf> {
    let pkg = root.join(PKG_DIR);
    let mut hashes = more.to_owned();
    let mut publish = |kind: &str, content: &[u8]| -> Result<()> {
        let hash = hash(content);
        fs::write(pkg.join(format!("{OUTPUT_NAME}.{hash}.{kind}")), content)?;
        hashes.push_str(&format!("{kind}: {hash}\n"));
        Ok(())
    };
    publish("css", css.as_bytes())?;
    for file in files_under(plain)? {
        let name = file.strip_prefix(plain)?;
        if name == Path::new(&format!("{OUTPUT_NAME}.js")) {
            publish("js", &fs::read(&file)?)?;
        } else if name == Path::new(&format!("{OUTPUT_NAME}_bg.wasm")) {
            publish("wasm", &fs::read(&file)?)?;
        } else {
            // Scripts that crates bring along; wasm-bindgen has put a hash into their folders' names.
            let to = pkg.join(name);
            fs::create_dir_all(to.parent().context("a file in a folder has a parent")?)?;
            fs::copy(&file, to)?;
        }
    }
    let hash_file = root.with_file_name("hash.txt");
    fs::write(&hash_file, hashes)?;
    Ok(hash_file)
}

/// What stands in a file's name for its content.
pub(super) fn hash(content: &[u8]) -> String {
    hex::encode(&Sha256::digest(content)[..8])
}

/// Puts a copy by gzip and one by Brotli beside each file, unless a copy is no smaller. All browsers take Brotli over
/// TLS or from this machine; gzip is for what stands between.
pub(super) fn compress_folder(folder: &Path) -> Result<()> {
    for file in files_under(folder)? {
        let content = fs::read(&file)?;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&content)?;
        let mut brotli = Vec::new();
        let best = brotli::enc::BrotliEncoderParams { size_hint: content.len(), ..Default::default() };
        brotli::BrotliCompress(&mut content.as_slice(), &mut brotli, &best)?;
        for (ending, packed) in [("gz", gzip.finish()?), ("br", brotli)] {
            if packed.len() < content.len() {
                let mut name = file.clone().into_os_string();
                name.push(format!(".{ending}"));
                fs::write(name, packed)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn a_release_has_each_hash_that_leptos_asks_for_and_the_file_it_names() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let (plain, root) = (dir.path().join("plain"), dir.path().join("site"));
        fs::create_dir_all(plain.join("snippets/x-1"))?;
        fs::create_dir_all(root.join(PKG_DIR))?;
        fs::write(plain.join("kai.js"), "script")?;
        fs::write(plain.join("kai_bg.wasm"), "wasm")?;
        fs::write(plain.join("snippets/x-1/inline.js"), "snippet")?;

        let hash_file = publish(&plain, "body{}", "checker: 12\n", &root)?;

        let listed = fs::read_to_string(hash_file)?;
        assert!(listed.contains("checker: 12\n"), "{listed}");
        for (kind, content) in [("js", "script"), ("wasm", "wasm"), ("css", "body{}")] {
            let line = listed.lines().find_map(|line| line.strip_prefix(&format!("{kind}: "))).context("no line")?;
            assert_eq!(fs::read_to_string(root.join(format!("pkg/kai.{line}.{kind}")))?, content);
        }
        assert_eq!(fs::read_to_string(root.join("pkg/snippets/x-1/inline.js"))?, "snippet");
        Ok(())
    }

    #[test]
    fn compressed_copies_stand_beside_what_gets_smaller_and_nothing_else() -> Result<()> {
        let dir = tempfile::tempdir()?;
        fs::write(dir.path().join("long.css"), "a".repeat(4096))?;
        fs::write(dir.path().join("short.css"), "a")?;

        compress_folder(dir.path())?;

        let mut unpacked = String::new();
        GzDecoder::new(fs::File::open(dir.path().join("long.css.gz"))?).read_to_string(&mut unpacked)?;
        assert_eq!(unpacked, "a".repeat(4096));
        let mut unpacked = Vec::new();
        brotli::BrotliDecompress(&mut fs::File::open(dir.path().join("long.css.br"))?, &mut unpacked)?;
        assert_eq!(unpacked, "a".repeat(4096).as_bytes());
        assert!(!dir.path().join("short.css.gz").exists() && !dir.path().join("short.css.br").exists());
        Ok(())
    }
}
