//! Copies by gzip and Brotli beside each file of a release: all browsers take Brotli over TLS or from their own machine;
//! gzip is for what stands between.

use std::{fs, io::Write, path::Path};

use anyhow::Result;
use flate2::{Compression, write::GzEncoder};

use super::files_under;

/// Leaves out a copy that is no smaller than the file.
pub(super) fn folder(folder: &Path) -> Result<()> {
    for file in files_under(folder)? {
        let content = fs::read(&file)?;
        for (ending, packed) in [("gz", gzip(&content)?), ("br", brotli(&content)?)] {
            if packed.len() < content.len() {
                let mut name = file.clone().into_os_string();
                name.push(format!(".{ending}"));
                fs::write(name, packed)?;
            }
        }
    }
    Ok(())
}

fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(content)?;
    Ok(packed.finish()?)
}

fn brotli(mut content: &[u8]) -> Result<Vec<u8>> {
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
    fn each_file_that_compresses_has_a_copy_of_each_kind() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let text = "a page of text ".repeat(100);
        fs::write(dir.path().join("page.css"), &text)?;
        fs::write(dir.path().join("short"), "x")?;

        folder(dir.path())?;

        let mut unpacked = String::new();
        GzDecoder::new(&fs::read(dir.path().join("page.css.gz"))?[..]).read_to_string(&mut unpacked)?;
        assert_eq!(unpacked, text);
        let mut unpacked = Vec::new();
        brotli::BrotliDecompress(&mut &fs::read(dir.path().join("page.css.br"))?[..], &mut unpacked)?;
        assert_eq!(unpacked, text.as_bytes());
        assert!(!dir.path().join("short.gz").exists() && !dir.path().join("short.br").exists());
        Ok(())
    }
}
