//! What a release does beyond a development build: smaller wasm, hashed names, compressed copies.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use super::{OUTPUT_NAME, PKG_DIR, files_under, pages};
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

/// How Leptos begins the names of the script that loads parts, and of the list of their files.
const LOADER_STEM: &str = "__wasm_split";
const MANIFEST_STEM: &str = "__wasm_split_manifest";

/// Runs wasm-opt's passes on the file.
///
/// # Errors
/// When there is no wasm-opt, or it fails.
pub(super) fn optimise(workspace: &Workspace, wasm: &Path, passes: &[&str]) -> Result<()> {
    let wasm_opt = find_wasm_opt(workspace).context("there is no wasm-opt; `scripts/setup release` installs it")?;
    let before = fs::metadata(wasm)?.len();
    finish(Command::new(wasm_opt).args(passes).args(FEATURES).arg(wasm).arg("-o").arg(wasm))?;
    println!("wasm-opt: {before} -> {} bytes", fs::metadata(wasm)?.len());
    Ok(())
}

fn find_wasm_opt(workspace: &Workspace) -> Option<PathBuf> {
    let paths = env::var_os("PATH").unwrap_or_default();
    let installed = workspace.root.join("xtask/tools/node_modules/.bin");
    env::split_paths(&paths).chain([installed]).map(|dir| dir.join("wasm-opt")).find(|file| file.is_file())
}

/// Copies the pages' files and the style sheet into the site under hashed names; answers the file that lists the hashes,
/// `more` among them. Leptos' page asks for `<name>.<hash>.{js,wasm,css}` then.
pub(super) fn publish(plain: &Path, css: &str, more: &str, root: &Path) -> Result<PathBuf> {
    let pkg = root.join(PKG_DIR);
    let write = |stem: &str, hash: &str, ending: &str, content: &[u8]| {
        fs::write(pkg.join(format!("{stem}.{hash}.{ending}")), content).with_context(|| format!("cannot write {stem}"))
    };
    let read = |name: &str| fs::read_to_string(plain.join(name)).with_context(|| format!("there is no {name}"));
    let (script, first) = (format!("{OUTPUT_NAME}.js"), format!("{OUTPUT_NAME}_bg.wasm"));
    let (mut script_text, mut loader_text, mut manifest) =
        (read(&script)?, read(pages::LOADER)?, read(pages::MANIFEST)?);

    let css_hash = hash(css.as_bytes());
    write(OUTPUT_NAME, &css_hash, "css", css.as_bytes())?;
    let wasm = fs::read(plain.join(&first)).with_context(|| format!("there is no {first}"))?;
    let wasm_hash = hash(&wasm);
    write(OUTPUT_NAME, &wasm_hash, "wasm", &wasm)?;
    for file in files_under(plain)? {
        let name = file.strip_prefix(plain)?.to_str().context("a name that is no UTF-8")?;
        if [script.as_str(), &first, pages::LOADER, pages::MANIFEST].contains(&name) {
            continue;
        }
        if let Some(part) = name.strip_suffix(".wasm") {
            let content = fs::read(&file)?;
            let hash = hash(&content);
            write(part, &hash, "wasm", &content)?;
            loader_text = renamed(&loader_text, &format!("\"./{name}\""), &format!("\"./{part}.{hash}.wasm\""))?;
            manifest = renamed(&manifest, &format!("\"{part}\""), &format!("\"{part}.{hash}\""))?;
        } else {
            // Scripts that crates bring along; wasm-bindgen has put a hash into their folders' names.
            let to = pkg.join(name);
            fs::create_dir_all(to.parent().context("a file in a folder has a parent")?)?;
            fs::copy(&file, to)?;
        }
    }
    (script_text, loader_text) = (terse(&script_text), terse(&loader_text));
    // The two scripts name each other, so one hash stands for both.
    let scripts_hash = hash(format!("{script_text}{loader_text}").as_bytes());
    let loader_name = format!("{LOADER_STEM}.{scripts_hash}.js");
    script_text =
        renamed(&script_text, &format!("from \"./{}\"", pages::LOADER), &format!("from \"./{loader_name}\""))?;
    let script_name = format!("{OUTPUT_NAME}.{scripts_hash}.js");
    loader_text = renamed(&loader_text, &format!("from \"./{script}\""), &format!("from \"./{script_name}\""))?;
    write(OUTPUT_NAME, &scripts_hash, "js", script_text.as_bytes())?;
    write(LOADER_STEM, &scripts_hash, "js", loader_text.as_bytes())?;
    let manifest_hash = hash(manifest.as_bytes());
    write(MANIFEST_STEM, &manifest_hash, "json", manifest.as_bytes())?;

    let hashes = format!(
        "{more}css: {css_hash}\nwasm: {wasm_hash}\njs: {scripts_hash}\nsplit: {scripts_hash}\nmanifest: {manifest_hash}\n"
    );
    let hash_file = root.with_file_name("hash.txt");
    fs::write(&hash_file, hashes)?;
    Ok(hash_file)
}

/// The script without comments and indentation. Lines are told apart by how they begin, which is enough for what
/// wasm-bindgen and the cutter write: they have no text that goes over several lines.
fn terse(script: &str) -> String {
    let mut in_comment = false;
    let mut terse = String::new();
    for line in script.lines().map(str::trim) {
        in_comment |= line.starts_with("/*");
        if !in_comment && !line.is_empty() && !line.starts_with("//") {
            terse.push_str(line);
            terse.push('\n');
        }
        in_comment &= !line.ends_with("*/");
    }
    terse
}

/// # Errors
/// When nothing of the text has that name: then wasm-bindgen or the cutter writes names otherwise than it did.
pub(super) fn renamed(text: &str, from: &str, to: &str) -> Result<String> {
    ensure!(text.contains(from), "nothing of the pages names {from}");
    Ok(text.replace(from, to))
}

/// What stands in a file's name for its content.
pub(super) fn hash(content: &[u8]) -> String {
    hex::encode(&Sha256::digest(content)[..8])
}

/// Puts a copy by gzip and one by Brotli beside each file, unless a copy is no smaller. All browsers take Brotli over
/// TLS or from this machine; gzip is for what stands between. What was packed is kept in `kept`, by content, since the
/// best compression takes a minute.
pub(super) fn compress_folder(folder: &Path, kept: &Path) -> Result<()> {
    fs::create_dir_all(kept)?;
    for file in files_under(folder)? {
        let content = fs::read(&file)?;
        for (ending, pack) in [("gz", gzip as Pack), ("br", brotli)] {
            let before = kept.join(format!("{}.{ending}", hash(&content)));
            let packed = match fs::read(&before) {
                Ok(packed) => packed,
                Err(_) => {
                    let packed = pack(&content)?;
                    // At once, so that a build that is ended here leaves no half of it.
                    let half = before.with_extension("half");
                    fs::write(&half, &packed)?;
                    fs::rename(&half, &before)?;
                    packed
                }
            };
            if packed.len() < content.len() {
                let mut name = file.clone().into_os_string();
                name.push(format!(".{ending}"));
                fs::write(name, packed)?;
            }
        }
    }
    Ok(())
}

type Pack = fn(&[u8]) -> io::Result<Vec<u8>>;

fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = Vec::new();
    zopfli::compress(zopfli::Options::default(), zopfli::Format::Gzip, content, &mut packed)?;
    Ok(packed)
}

fn brotli(mut content: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = Vec::new();
    let best = brotli::enc::BrotliEncoderParams { size_hint: content.len(), ..Default::default() };
    brotli::BrotliCompress(&mut content, &mut packed, &best)?;
    Ok(packed)
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
        fs::write(plain.join("kai.js"), format!("from \"./{}\"", pages::LOADER))?;
        fs::write(plain.join("kai_bg.wasm"), "wasm")?;
        fs::write(plain.join("part.wasm"), "part")?;
        fs::write(plain.join(pages::LOADER), r#"from "./kai.js"; fetch("./part.wasm")"#)?;
        fs::write(plain.join(pages::MANIFEST), r#"{"screen":["part"]}"#)?;
        fs::write(plain.join("snippets/x-1/inline.js"), "snippet")?;

        let hash_file = publish(&plain, "body{}", "checker: 12\n", &root)?;

        let listed = fs::read_to_string(hash_file)?;
        assert!(listed.contains("checker: 12\n"), "{listed}");
        let named =
            |kind: &str| listed.lines().find_map(|line| line.strip_prefix(&format!("{kind}: "))).context("no line");
        let published = |name: String| fs::read_to_string(root.join(PKG_DIR).join(name));
        let (scripts, part) = (named("js")?, hash(b"part"));
        assert_eq!(published(format!("kai.{}.wasm", named("wasm")?))?, "wasm");
        assert_eq!(published(format!("kai.{}.css", named("css")?))?, "body{}");
        assert_eq!(published(format!("part.{part}.wasm"))?, "part");
        assert_eq!(published(format!("kai.{scripts}.js"))?, format!("from \"./__wasm_split.{scripts}.js\"\n"));
        assert_eq!(named("split")?, scripts);
        assert_eq!(
            published(format!("__wasm_split.{scripts}.js"))?,
            format!(r#"from "./kai.{scripts}.js"; fetch("./part.{part}.wasm")"#) + "\n"
        );
        let manifest = published(format!("__wasm_split_manifest.{}.json", named("manifest")?))?;
        assert_eq!(manifest, format!(r#"{{"screen":["part.{part}"]}}"#));
        assert_eq!(fs::read_to_string(root.join("pkg/snippets/x-1/inline.js"))?, "snippet");
        Ok(())
    }

    #[test]
    fn a_terse_script_says_the_same() {
        let script = "/**\n * Adds.\n */\nfunction add(a, b) {\n    // Both.\n    return a + b; /* c */\n\n}\n/* d */\nadd(1, 2);\n";
        assert_eq!(terse(script), "function add(a, b) {\nreturn a + b; /* c */\n}\nadd(1, 2);\n");
    }

    #[test]
    fn compressed_copies_stand_beside_what_gets_smaller_and_nothing_else() -> Result<()> {
        let dir = tempfile::tempdir()?;
        fs::write(dir.path().join("long.css"), "a".repeat(4096))?;
        fs::write(dir.path().join("short.css"), "a")?;

        let kept = tempfile::tempdir()?;

        compress_folder(dir.path(), kept.path())?;

        let mut unpacked = String::new();
        GzDecoder::new(fs::File::open(dir.path().join("long.css.gz"))?).read_to_string(&mut unpacked)?;
        assert_eq!(unpacked, "a".repeat(4096));
        let mut unpacked = Vec::new();
        brotli::BrotliDecompress(&mut fs::File::open(dir.path().join("long.css.br"))?, &mut unpacked)?;
        assert_eq!(unpacked, "a".repeat(4096).as_bytes());
        assert!(!dir.path().join("short.css.gz").exists() && !dir.path().join("short.css.br").exists());
        Ok(())
    }

    #[test]
    fn what_was_packed_before_is_not_packed_again() -> Result<()> {
        let (dir, kept) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let content = "a".repeat(4096);
        fs::write(dir.path().join("old.css"), &content)?;
        fs::write(kept.path().join(format!("{}.gz", hash(content.as_bytes()))), "packed before")?;
        fs::write(dir.path().join("new.css"), "b".repeat(4096))?;

        compress_folder(dir.path(), kept.path())?;

        assert_eq!(fs::read_to_string(dir.path().join("old.css.gz"))?, "packed before");
        assert!(dir.path().join("old.css.br").exists() && dir.path().join("new.css.gz").exists());
        Ok(())
    }
}
