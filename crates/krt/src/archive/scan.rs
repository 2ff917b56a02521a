//! The one pass over an archive: which entries it has, whether they may be there, and what of them is kept.

use std::io;

use domain::Problem;
use tar::EntryType;

use super::{
    Stop,
    gzip::Gunzip,
    new_problems,
    tar_entries::{Entry, TarEntries},
};
use crate::{
    ArchiveIndex, Limits,
    index::EntryKind,
    paths::{self, PathError},
    problems::{Problems, shown},
};

pub(super) struct Scan<'l> {
    limits: &'l Limits,
    pub(super) problems: Problems,
    pub(super) index: ArchiveIndex,
    /// Names and contents of the manifests at the root, two at most.
    pub(super) manifests: Vec<(String, Vec<u8>)>,
    /// Proto files that were too large to be kept, or are not text.
    pub(super) unread_protos: Vec<String>,
    pub(super) entries: u64,
    pub(super) unpacked_bytes: u64,
    seen_entries: u64,
    names_bytes: u64,
    protos_bytes: u64,
}

impl<'l> Scan<'l> {
    pub(super) fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            problems: new_problems(limits),
            index: ArchiveIndex::default(),
            manifests: Vec::new(),
            unread_protos: Vec::new(),
            entries: 0,
            unpacked_bytes: 0,
            seen_entries: 0,
            names_bytes: 0,
            protos_bytes: 0,
        }
    }

    /// Reads the archive to its end.
    pub(super) fn run(&mut self, archive: impl io::Read) -> Result<(), Stop> {
        let mut tar = TarEntries::new(Gunzip::new(archive, self.limits)?, self.limits);
        while let Some(entry) = tar.next_entry()? {
            self.count(&entry)?;
            self.look_at(&entry, &mut tar)?;
        }
        Ok(())
    }

    fn count(&mut self, entry: &Entry) -> Result<(), Stop> {
        self.seen_entries += 1;
        if self.seen_entries > self.limits.max_entries {
            return Err(Stop::TooLarge(format!("at most {} files and folders are allowed", self.limits.max_entries)));
        }
        self.names_bytes += entry.name.len() as u64;
        if self.names_bytes > self.limits.max_names_bytes {
            return Err(Stop::TooLarge(format!(
                "at most {} are allowed for the names of all files",
                crate::limits::size_in_words(self.limits.max_names_bytes)
            )));
        }
        Ok(())
    }

    fn look_at<R: io::Read>(&mut self, entry: &Entry, tar: &mut TarEntries<R>) -> Result<(), Stop> {
        let Ok(written_name) = str::from_utf8(&entry.name) else {
            self.refuse(&String::from_utf8_lossy(&entry.name), "the name is not UTF-8; rename the file");
            return Ok(());
        };
        let kind = match kind_of(entry, written_name) {
            Ok(kind) => kind,
            Err(reason) => {
                self.refuse(written_name, reason);
                // The manifest may name it; that it is not there would be said of it for no use.
                if let Ok(name) = paths::normalize(written_name) {
                    self.index.add(name, EntryKind::File);
                }
                return Ok(());
            }
        };
        let name = match paths::normalize(written_name) {
            Ok(name) => name,
            // `./`, which many archives begin with.
            Err(PathError::Empty) if kind == EntryKind::Folder && !written_name.is_empty() => return Ok(()),
            Err(error) => {
                self.refuse(written_name, reason_of(error));
                return Ok(());
            }
        };
        // What macOS keeps beside a file (krt.md §1.2).
        if paths::file_name(&name).starts_with("._") {
            return Ok(());
        }
        self.entries += 1;
        if kind == EntryKind::File {
            self.unpacked_bytes = self.unpacked_bytes.saturating_add(entry.size);
            if matches!(name.as_str(), "krt.yml" | "krt.yaml") {
                return self.keep_manifest(name, tar);
            }
        }
        if !self.index.add(name.clone(), kind) {
            self.refuse(&name, "is in the archive twice; every name may be there once");
            return Ok(());
        }
        if kind == EntryKind::File && name.ends_with(".proto") { self.keep_proto(name, entry, tar) } else { Ok(()) }
    }

    fn keep_manifest<R: io::Read>(&mut self, name: String, tar: &mut TarEntries<R>) -> Result<(), Stop> {
        let text = tar.content(self.limits.max_manifest_bytes, "the manifest (`krt.yml`)")?;
        if self.manifests.len() < 2 {
            self.manifests.push((name.clone(), text));
        }
        self.index.add(name, EntryKind::File);
        Ok(())
    }

    fn keep_proto<R: io::Read>(&mut self, name: String, entry: &Entry, tar: &mut TarEntries<R>) -> Result<(), Stop> {
        if self.protos_bytes.saturating_add(entry.size) > self.limits.max_protos_bytes {
            self.unread_protos.push(name);
            return Ok(());
        }
        self.protos_bytes += entry.size;
        match String::from_utf8(tar.content(self.limits.max_protos_bytes, "the `.proto` files")?) {
            Ok(text) => self.index.add_proto(name, text),
            Err(_) => self.unread_protos.push(name),
        }
        Ok(())
    }

    fn refuse(&mut self, name: &str, reason: &str) {
        self.problems.push(Problem::error(shown(name), reason));
    }
}

fn kind_of(entry: &Entry, name: &str) -> Result<EntryKind, &'static str> {
    if entry.sparse {
        return Err("is stored as a sparse file; pack it without `--sparse`");
    }
    match entry.kind {
        // The oldest tars mark a folder by its slash alone.
        EntryType::Regular | EntryType::Continuous if name.ends_with('/') && entry.size == 0 => Ok(EntryKind::Folder),
        EntryType::Regular | EntryType::Continuous if name.ends_with('/') => Err("is a folder with a content"),
        EntryType::Regular | EntryType::Continuous => Ok(EntryKind::File),
        EntryType::Directory if entry.size == 0 => Ok(EntryKind::Folder),
        EntryType::Directory => Err("is a folder with a content"),
        EntryType::Symlink => {
            Err("is a symbolic link; only files and folders are allowed: pack what it points to (`tar --dereference`)")
        }
        EntryType::Link => {
            Err("is a hard link; only files and folders are allowed: pack it as a file (`tar --hard-dereference`)")
        }
        EntryType::Char | EntryType::Block => Err("is a device; only files and folders are allowed"),
        EntryType::Fifo => Err("is a pipe; only files and folders are allowed"),
        _ => Err("is of an unknown type; only files and folders are allowed"),
    }
}

fn reason_of(error: PathError) -> &'static str {
    match error {
        PathError::Empty => "an entry without a name",
        PathError::Absolute => {
            "the name is absolute; names must be relative to the archive's root, without `/` in front"
        }
        PathError::Parent => "the name has `..`; files must lie inside the archive",
        PathError::Nul => "the name has a NUL character; rename the file",
    }
}
