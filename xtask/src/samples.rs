//! Packs the sample KRTs from their sources, byte for byte the same on every machine.

use std::{
    fs,
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};

use crate::{site::files_under, workspace::Workspace};

/// 2024-01-01: some tools do not unpack what was written in 1970.
const WRITTEN_AT_SECS: u64 = 1_704_067_200;

/// Packs each folder of end2end/samples into `<to>/<folder>.krt`; answers the files in the order of their names.
///
/// # Errors
/// When a folder cannot be read or a file not be written.
pub(crate) fn pack_all(workspace: &Workspace, to: &Path) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    let sources = workspace.root.join("end2end/samples");
    let mut folders = Vec::new();
    for entry in fs::read_dir(&sources).with_context(|| format!("cannot read {}", sources.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    let mut packed = Vec::new();
    for folder in folders {
        let name = folder.file_name().context("a folder has a name")?.to_string_lossy();
        let file = to.join(format!("{name}.krt"));
        pack(&folder, File::create(&file).with_context(|| format!("cannot write {}", file.display()))?)?;
        packed.push(file);
    }
    Ok(packed)
}

/// Writes a gzipped tar of a folder's files, the manifest first, so that a reader may refuse early.
fn pack(folder: &Path, to: impl Write) -> Result<()> {
    let gzip = GzBuilder::new().mtime(0).write(to, Compression::best());
    let mut archive = tar::Builder::new(gzip);
    let mut files = files_under(folder)?;
    files.sort_by_key(|file| file.file_name().is_none_or(|name| name != "krt.yml"));
    for file in files {
        let content = fs::read(&file)?;
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(WRITTEN_AT_SECS);
        archive.append_data(&mut header, file.strip_prefix(folder)?, content.as_slice())?;
    }
    archive.into_inner()?.finish()?.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    fn packed(folder: &Path) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        pack(folder, &mut bytes)?;
        Ok(bytes)
    }

    #[test]
    fn packing_twice_gives_the_same_bytes_whenever_the_sources_were_written() -> Result<()> {
        let (one, two) = (tempfile::tempdir()?, tempfile::tempdir()?);
        for (dir, age_secs) in [(one.path(), 0), (two.path(), 1_000)] {
            let file = File::create(dir.join("krt.yml"))?;
            (&file).write_all(b"version: a")?;
            file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(age_secs))?;
        }
        assert_eq!(packed(one.path())?, packed(two.path())?);
        Ok(())
    }

    #[test]
    fn an_archive_holds_every_file_under_its_path_and_the_manifest_first() -> Result<()> {
        let dir = tempfile::tempdir()?;
        fs::create_dir(dir.path().join("docs"))?;
        fs::write(dir.path().join("docs/README.md"), "# Title")?;
        fs::write(dir.path().join("krt.yml"), "version: a")?;

        let mut archive = tar::Archive::new(GzDecoder::new(std::io::Cursor::new(packed(dir.path())?)));
        let mut found = Vec::new();
        for entry in archive.entries()? {
            let mut entry = entry?;
            let path = entry.path()?.display().to_string();
            let mut content = String::new();
            entry.read_to_string(&mut content)?;
            found.push((path, content));
        }
        let expected = [("krt.yml", "version: a"), ("docs/README.md", "# Title")];
        assert_eq!(found, expected.map(|(path, content)| (path.to_owned(), content.to_owned())));
        Ok(())
    }
}
