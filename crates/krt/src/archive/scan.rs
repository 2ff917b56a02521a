//! Reads an archive's entries once: counts them, refuses what is not allowed, and keeps what the check needs.

use std::{collections::BTreeSet, io::Read};

use domain::Problem;
use tar::EntryType;

use super::{
    DOCS, Document, ReadError, ReadOptions, Until, documents,
    gzip::Gunzip,
    saves::SaveSearch,
    tar_entries::{Entry, TarEntries, VOLUME_LABEL},
};
use crate::{
    ArchiveIndex, Limits,
    digest::Sha256,
    index::EntryKind,
    limits::{Limit, size_in_words},
    manifest,
    paths::{self, PathError},
    problems::{Problems, shown},
};

/// The longest name that file systems take for one file or folder.
const MAX_PART_BYTES: usize = 255;

pub(super) struct Scan<'l> {
    limits: &'l Limits,
    options: &'l ReadOptions,
    pub(super) problems: Problems,
    pub(super) index: ArchiveIndex,
    /// Names and contents of the manifests at the root, two at most.
    pub(super) manifests: Vec<(String, Vec<u8>)>,
    /// Proto files that were too large to be kept, or are not text.
    pub(super) skipped_protos: Vec<String>,
    pub(super) documents: Vec<Document>,
    pub(super) entries: u64,
    pub(super) unpacked_bytes: u64,
    /// Whether the reading went on to the archive's end.
    pub(super) complete: bool,
    /// The files that the manifest names, once it has been read, without those that are there already.
    missing: Option<BTreeSet<String>>,
    seen_entries: u64,
    names_bytes: u64,
    protos_bytes: u64,
    docs_bytes: u64,
    documents_seen: u64,
    /// What is left to be hashed of files before the manifest.
    hash_ahead_bytes_left: u64,
}

impl<'l> Scan<'l> {
    pub(super) fn new(limits: &'l Limits, options: &'l ReadOptions) -> Self {
        Self {
            limits,
            options,
            problems: Problems::new(limits.max_problems),
            index: ArchiveIndex::default(),
            manifests: Vec::new(),
            skipped_protos: Vec::new(),
            documents: Vec::new(),
            entries: 0,
            unpacked_bytes: 0,
            complete: false,
            missing: None,
            seen_entries: 0,
            names_bytes: 0,
            protos_bytes: 0,
            docs_bytes: 0,
            documents_seen: 0,
            hash_ahead_bytes_left: limits.hash_ahead_bytes,
        }
    }

    /// Reads the archive as far as the options say.
    pub(super) fn run(&mut self, input: Gunzip<impl Read>) -> Result<(), ReadError> {
        let mut tar = TarEntries::new(input, self.limits);
        while let Some(entry) = tar.next_entry()? {
            self.count(&entry)?;
            self.read_entry(&entry, &mut tar)?;
            let found_all = self.missing.as_ref().is_some_and(BTreeSet::is_empty);
            if found_all && self.options.until == Until::NamedFilesFound {
                return Ok(());
            }
        }
        self.complete = true;
        Ok(())
    }

    fn count(&mut self, entry: &Entry) -> Result<(), ReadError> {
        self.seen_entries += 1;
        if self.seen_entries > self.limits.max_entries {
            let message = format!("at most {} files and folders are allowed", self.limits.max_entries);
            return Err(ReadError::TooLarge(Limit::Entries, message));
        }
        self.names_bytes += entry.name.len() as u64;
        if self.names_bytes > self.limits.max_names_bytes {
            let max = size_in_words(self.limits.max_names_bytes);
            let message = format!("at most {max} are allowed for the names of all files");
            return Err(ReadError::TooLarge(Limit::NamesBytes, message));
        }
        Ok(())
    }

    fn read_entry<R: Read>(&mut self, entry: &Entry, tar: &mut TarEntries<R>) -> Result<(), ReadError> {
        let Ok(written_name) = str::from_utf8(&entry.name) else {
            self.refuse(&String::from_utf8_lossy(&entry.name), "the name is not UTF-8; rename the file");
            return Ok(());
        };
        let kind = match kind_of(entry, written_name) {
            Ok(kind) => kind,
            Err(reason) => {
                self.refuse(written_name, reason);
                // The manifest may name it, and must not be told that it is missing.
                if let Ok(name) = paths::normalize(written_name) {
                    self.mark_found(&name);
                    self.index.add(name, EntryKind::File, entry.size);
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
        if name.split('/').any(|part| part.len() > MAX_PART_BYTES) {
            self.refuse(&name, "a part of the name is longer than 255 bytes, which no file system allows; shorten it");
            return Ok(());
        }
        if is_left_by_macos(paths::file_name(&name)) {
            return Ok(());
        }
        self.entries += 1;
        if kind == EntryKind::Folder {
            if !self.index.add(name.clone(), kind, 0) {
                self.refuse_duplicate(&name);
            }
            return Ok(());
        }
        self.unpacked_bytes = self.unpacked_bytes.saturating_add(entry.size);
        if matches!(name.as_str(), "krt.yml" | "krt.yaml") {
            return self.keep_manifest(name, entry, tar);
        }
        if !self.index.add(name.clone(), kind, entry.size) {
            self.refuse_duplicate(&name);
            return Ok(());
        }
        let content = self.keep(&name, entry, tar)?;
        if self.options.digests {
            if let Some(content) = &content {
                let mut hasher = Sha256::default();
                hasher.update(content);
                self.index.set_digest(&name, hasher.finish());
            } else if self.is_to_be_hashed(&name, entry) {
                let mut search = SaveSearch::default();
                let is_python = name.ends_with(".py");
                let digest = tar.digest_with(|chunk| search.look(if is_python { chunk } else { &[] }))?;
                self.index.set_digest(&name, digest);
                if search.found {
                    self.index.set_saves(&name);
                }
            }
        }
        self.mark_found(&name);
        if let Some(content) = content {
            self.store_content(name, content);
        }
        Ok(())
    }

    /// The manifest may name a file that comes before it. Small files are hashed ahead. Large ones are models more often
    /// than sources; [`super::digests_of`] reads the archive again if the manifest names one.
    fn is_to_be_hashed(&mut self, name: &str, entry: &Entry) -> bool {
        if let Some(missing) = &self.missing {
            return missing.contains(name);
        }
        let left = self.hash_ahead_bytes_left.checked_sub(entry.size);
        self.hash_ahead_bytes_left = left.unwrap_or(self.hash_ahead_bytes_left);
        left.is_some()
    }

    fn mark_found(&mut self, name: &str) {
        if let Some(missing) = &mut self.missing {
            missing.remove(name);
        }
    }

    fn keep_manifest<R: Read>(
        &mut self,
        name: String,
        entry: &Entry,
        tar: &mut TarEntries<R>,
    ) -> Result<(), ReadError> {
        let text = tar.content(self.limits.max_manifest_bytes, Limit::ManifestBytes, "the manifest (`krt.yml`)")?;
        self.index.add(name.clone(), EntryKind::File, entry.size);
        if self.manifests.is_empty() {
            let mut named = manifest::files_named(&text);
            named.retain(|file| !self.index.is_file(file));
            self.missing = Some(named);
        }
        if self.manifests.len() < 2 {
            self.manifests.push((name, text));
        }
        Ok(())
    }

    /// The content of an entry, if it is kept.
    fn keep<R: Read>(
        &mut self,
        name: &str,
        entry: &Entry,
        tar: &mut TarEntries<R>,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        if name.starts_with(DOCS) {
            let left = self.limits.max_docs_bytes.saturating_sub(self.docs_bytes);
            if entry.size > left {
                let max = size_in_words(self.limits.max_docs_bytes);
                let message = format!(
                    "at most {max} are allowed for the documentation (`{DOCS}`), which `{}` exceeds",
                    shown(name)
                );
                return Err(ReadError::TooLarge(Limit::DocsBytes, message));
            }
            self.docs_bytes += entry.size;
            self.documents_seen += 1;
            if self.documents_seen > self.limits.max_documents {
                let message =
                    format!("at most {} files are allowed in the documentation (`{DOCS}`)", self.limits.max_documents);
                return Err(ReadError::TooLarge(Limit::Documents, message));
            }
            if self.options.documents {
                return tar.content(left, Limit::DocsBytes, "the documentation").map(Some);
            }
        }
        if name.ends_with(".proto") {
            let left = self.limits.max_protos_bytes.saturating_sub(self.protos_bytes);
            if entry.size > left {
                self.skipped_protos.push(name.to_owned());
                return Ok(None);
            }
            self.protos_bytes += entry.size;
            return tar.content(left, Limit::UnpackedBytes, "the `.proto` files").map(Some);
        }
        Ok(None)
    }

    fn store_content(&mut self, name: String, content: Vec<u8>) {
        if name.ends_with(".proto") {
            match str::from_utf8(&content) {
                Ok(text) => self.index.add_proto(name.clone(), text),
                Err(_) => self.skipped_protos.push(name.clone()),
            }
        }
        if name.starts_with(DOCS) && self.options.documents {
            if documents::is_page(&name)
                && let Some(problem) = documents::not_utf_8(&name, &content)
            {
                self.problems.push(problem);
            }
            self.documents.push(Document { path: name, content });
        }
    }

    fn refuse_duplicate(&mut self, name: &str) {
        self.refuse(name, "is in the archive twice; each name must be unique");
    }

    fn refuse(&mut self, name: &str, reason: &str) {
        self.problems.push(Problem::error(shown(name), reason));
    }
}

/// macOS's metadata files (docs/krt.md §1.2) and its Finder's.
fn is_left_by_macos(file_name: &str) -> bool {
    file_name.starts_with("._") || file_name == ".DS_Store"
}

fn kind_of(entry: &Entry, name: &str) -> Result<EntryKind, &'static str> {
    if entry.sparse {
        return Err(
            "is stored as a sparse file; pack it without `--sparse` (GNU tar) or with `--no-read-sparse` (bsdtar)",
        );
    }
    if entry.of_backup {
        return Err(
            "is stored as part of an incremental backup, which nodes unpack under another name; pack it without `--incremental`",
        );
    }
    match entry.kind {
        // The oldest tars mark a folder only by its slash.
        EntryType::Regular | EntryType::Continuous if name.ends_with('/') && entry.size == 0 => Ok(EntryKind::Folder),
        EntryType::Regular | EntryType::Continuous if name.ends_with('/') => Err("is a folder that has content"),
        EntryType::Regular | EntryType::Continuous => Ok(EntryKind::File),
        EntryType::Directory if entry.size == 0 => Ok(EntryKind::Folder),
        EntryType::Directory => Err("is a folder that has content"),
        EntryType::Symlink => {
            Err("is a symbolic link; only files and folders are allowed: pack what it points to (`tar --dereference`)")
        }
        EntryType::Link => Err(
            "is a hard link; only files and folders are allowed: pack it as a file, with GNU tar by `--hard-dereference`, with another tar from a copy of the folder (`cp -R`)",
        ),
        EntryType::Char | EntryType::Block => Err("is a device; only files and folders are allowed"),
        EntryType::Fifo => Err("is a pipe; only files and folders are allowed"),
        kind if kind.as_byte() == VOLUME_LABEL => {
            Err("is the tar's volume label, not a file; pack it without `--label` (`-V`)")
        }
        kind if kind.as_byte() == b'M' => {
            Err("is the rest of a file that begins in another volume; pack all into one, without `--multi-volume`")
        }
        kind if matches!(kind.as_byte(), b'D' | b'N') => {
            Err("belongs to an incremental backup; pack it without `--incremental`")
        }
        _ => Err("is of an unknown type; only files and folders are allowed"),
    }
}

fn reason_of(error: PathError) -> &'static str {
    match error {
        PathError::Empty => "an entry without a name",
        PathError::Absolute => {
            "the name is absolute; names must be relative to the archive's root, without a leading `/`"
        }
        PathError::Parent => "the name has `..`; files must lie inside the archive",
        PathError::Nul => "the name has a NUL character; rename the file",
    }
}
