//! What the manifest is checked against: the names in the archive and the texts of its proto files.

use std::{collections::BTreeMap, ops::Bound};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    File,
    Folder,
}

#[derive(Debug, Clone)]
struct Found {
    kind: EntryKind,
    size_bytes: u64,
    /// None if the content was skipped.
    sha256: Option<Box<[u8; 32]>>,
    /// It saves data by its runner, as far as that can be seen.
    saves: bool,
}

/// The names in an archive, in the form of `src/main.py`, and the proto files that were small enough to be kept.
#[derive(Debug, Clone, Default)]
pub struct ArchiveIndex {
    entries: BTreeMap<String, Found>,
    protos: BTreeMap<String, String>,
}

impl ArchiveIndex {
    /// Adds a regular file of no size; `name` has no `./` in front.
    pub fn add_file(&mut self, name: impl Into<String>) {
        self.add(name.into(), EntryKind::File, 0);
    }

    /// Adds a proto file with its text.
    pub fn add_proto(&mut self, name: impl Into<String>, text: impl Into<String>) {
        let name = name.into();
        let text = text.into();
        self.add(name.clone(), EntryKind::File, text.len() as u64);
        self.protos.insert(name, text);
    }

    /// Answers false, and leaves the first one, when the name is taken.
    pub(crate) fn add(&mut self, name: String, kind: EntryKind, size_bytes: u64) -> bool {
        match self.entries.entry(name) {
            std::collections::btree_map::Entry::Vacant(vacant) => {
                vacant.insert(Found { kind, size_bytes, sha256: None, saves: false });
                true
            }
            std::collections::btree_map::Entry::Occupied(_) => false,
        }
    }

    pub(crate) fn set_digest(&mut self, name: &str, sha256: [u8; 32]) {
        if let Some(found) = self.entries.get_mut(name) {
            found.sha256 = Some(Box::new(sha256));
        }
    }

    pub(crate) fn set_saves(&mut self, name: &str) {
        if let Some(found) = self.entries.get_mut(name) {
            found.saves = true;
        }
    }

    /// Whether a file was seen to save data by its runner.
    pub(crate) fn saves(&self, name: &str) -> bool {
        self.entries.get(name).is_some_and(|found| found.saves)
    }

    /// Size and SHA-256 of a file that was looked into.
    pub(crate) fn digest(&self, name: &str) -> Option<(u64, [u8; 32])> {
        let found = self.entries.get(name)?;
        Some((found.size_bytes, **found.sha256.as_ref()?))
    }

    pub fn is_file(&self, name: &str) -> bool {
        self.entries.get(name).is_some_and(|found| found.kind == EntryKind::File)
    }

    /// Whether there is a folder of that name; it needs no entry of its own (docs/krt.md §1.2).
    pub fn is_folder(&self, name: &str) -> bool {
        self.entries.get(name).is_some_and(|found| found.kind == EntryKind::Folder)
            || self.something_beneath(name).is_some()
    }

    /// The text of a proto file, if it was kept.
    pub fn proto(&self, name: &str) -> Option<&str> {
        self.protos.get(name).map(String::as_str)
    }

    /// The regular files, by name.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(|(_, found)| found.kind == EntryKind::File).map(|(name, _)| name.as_str())
    }

    /// The regular files whose names begin so, by name.
    pub(crate) fn files_under<'s>(&'s self, prefix: &'s str) -> impl Iterator<Item = &'s str> {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let beneath = self.entries.range::<str, _>(from).take_while(move |(name, _)| name.starts_with(prefix));
        beneath.filter(|(_, found)| found.kind == EntryKind::File).map(|(name, _)| name.as_str())
    }

    /// Files that are at the same time the folder of other entries, each with one of those.
    pub(crate) fn files_used_as_folders(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter_map(|name| Some((name, self.something_beneath(name)?)))
    }

    fn something_beneath(&self, folder: &str) -> Option<&str> {
        let prefix = format!("{folder}/");
        let (first, _) = self.entries.range(prefix.clone()..).next()?;
        first.starts_with(&prefix).then_some(first.as_str())
    }
}
