//! KRT files made for a benchmark: the same bytes on every machine.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use flate2::{Compression, GzBuilder};

pub(crate) const PROTO: &str = "syntax = \"proto3\";\nservice Entrypoint {\n  rpc Run (Request) returns (Response) {};\n}\nmessage Request {}\nmessage Response {}\n";

const NODE_IMAGE: &str = "konstellation/kre-py:latest";
/// In the sandbox it logs 10,000 lines as soon as it runs, and goes on.
const CHATTY_IMAGE: &str = "sandbox/chatty:1";

/// A manifest of one workflow with this many nodes, one after the other.
pub(crate) fn manifest(version: &str, nodes: usize) -> String {
    manifest_of(version, nodes, NODE_IMAGE)
}

fn manifest_of(version: &str, nodes: usize, image: &str) -> String {
    let mut text = format!(
        "version: {version}\ndescription: Made for a benchmark.\nentrypoint:\n  proto: public.proto\n  image: \
         konstellation/kre-entrypoint:latest\nnodes:\n"
    );
    for node in 1..=nodes {
        text += &format!("  - name: node-{node}\n    image: {image}\n    src: src/main.py\n");
    }
    text += "workflows:\n  - name: work\n    entrypoint: Run\n    sequential:\n";
    for node in 1..=nodes {
        text += &format!("      - node-{node}\n");
    }
    text
}

/// A small file for one version.
pub(crate) fn small(to: &Path, version: &str, nodes: usize) -> Result<()> {
    let gzip = GzBuilder::new().write(File::create(to)?, Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    begin(&mut tar, &manifest(version, nodes))?;
    tar.into_inner()?.finish()?;
    Ok(())
}

/// A small file for a version whose node has much to say.
pub(crate) fn chatty(to: &Path, version: &str) -> Result<()> {
    let gzip = GzBuilder::new().write(File::create(to)?, Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    begin(&mut tar, &manifest_of(version, 1, CHATTY_IMAGE))?;
    tar.into_inner()?.finish()?;
    Ok(())
}

/// A file with so many bytes in it that do not compress, packed by gzip itself as `tar czf` does, and after them what
/// makes it a KRT: whoever checks it has to read all of it. Made only once.
pub(crate) fn incompressible(to: &Path, version: &str, bytes: u64) -> Result<()> {
    pack_by_gzip(to, version, bytes, bytes, Noise::new(1))
}

fn pack_by_gzip(to: &Path, version: &str, at_least: u64, bytes: u64, content: impl Read) -> Result<()> {
    if fs::metadata(to).is_ok_and(|facts| facts.len() > at_least) {
        return Ok(());
    }
    let unfinished = to.with_extension("part");
    let mut gzip = Command::new("gzip")
        .args(["-6", "-n", "-c"])
        .stdin(Stdio::piped())
        .stdout(File::create(&unfinished)?)
        .spawn()
        .context("cannot start gzip")?;
    let mut tar = tar::Builder::new(gzip.stdin.take().context("gzip's input is a pipe")?);
    append(&mut tar, "models/model.bin", bytes, content.take(bytes))?;
    begin(&mut tar, &manifest(version, 1))?;
    drop(tar.into_inner()?);
    ensure!(gzip.wait()?.success(), "gzip failed");
    fs::rename(unfinished, to)?;
    Ok(())
}

/// The same of text that compresses to about half, made by gzip itself. Its size is that of the packed file, about.
pub(crate) fn compressible(to: &Path, version: &str, bytes: u64) -> Result<()> {
    pack_by_gzip(to, version, bytes, 2 * bytes, HalfNoise(Noise::new(2)))
}

/// A file with so many entries, the manifest the last of them: it may name any of those before.
pub(crate) fn many_files(to: &Path, version: &str, entries: usize) -> Result<()> {
    let gzip = GzBuilder::new().write(File::create(to)?, Compression::default());
    let mut tar = tar::Builder::new(gzip);
    for entry in 0..entries.saturating_sub(3) {
        let text = format!("print({entry})\n");
        append(
            &mut tar,
            &format!("src/package_{}/module_{entry}.py", entry % 100),
            text.len() as u64,
            text.as_bytes(),
        )?;
    }
    let manifest = manifest(version, 1);
    for (name, text) in [("public.proto", PROTO), ("src/main.py", "print('hello')\n"), ("krt.yml", manifest.as_str())] {
        append(&mut tar, name, text.len() as u64, text.as_bytes())?;
    }
    tar.into_inner()?.finish()?;
    Ok(())
}

/// What makes a KRT valid.
fn begin(tar: &mut tar::Builder<impl Write>, manifest: &str) -> Result<()> {
    for (name, text) in [("krt.yml", manifest), ("public.proto", PROTO), ("src/main.py", "print('hello')\n")] {
        append(tar, name, text.len() as u64, text.as_bytes())?;
    }
    Ok(())
}

fn append(tar: &mut tar::Builder<impl Write>, name: &str, size: u64, content: impl Read) -> io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(size);
    header.set_mode(0o644);
    header.set_mtime(1_704_067_200);
    tar.append_data(&mut header, name, content)
}

/// Bytes in which gzip finds no pattern (xorshift64*, Vigna 2016).
struct Noise(u64);

impl Noise {
    fn new(seed: u64) -> Self {
        Self(seed)
    }
}

impl Read for Noise {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        for chunk in into.chunks_mut(8) {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            let word = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(into.len())
    }
}

/// Hexadecimal digits of noise: gzip packs them into little more than half.
struct HalfNoise(Noise);

impl Read for HalfNoise {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(into)?;
        for byte in &mut into[..count] {
            *byte = b"0123456789abcdef"[usize::from(*byte & 0xf)];
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn noise_does_not_compress_and_is_the_same_each_time() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let (one, two) = (dir.path().join("one.krt"), dir.path().join("two.krt"));
        incompressible(&one, "v1", 1 << 20)?;
        incompressible(&two, "v1", 1 << 20)?;
        assert!(fs::metadata(&one)?.len() > 1 << 20);
        assert_eq!(fs::read(one)?, fs::read(two)?);
        Ok(())
    }

    #[test]
    fn a_small_file_has_the_nodes_that_were_asked_for() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("small.krt");
        small(&file, "v7", 3)?;
        let mut archive = tar::Archive::new(GzDecoder::new(File::open(file)?));
        let mut first = archive.entries()?.next().context("it has an entry")??;
        let mut text = String::new();
        first.read_to_string(&mut text)?;
        assert!(text.starts_with("version: v7\n"), "{text}");
        assert_eq!(text.matches("  - name: node-").count(), 3);
        Ok(())
    }
}
