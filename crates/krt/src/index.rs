//! What the manifest is checked against: the names in the archive and the texts of its proto files.

use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    File,
    Folder,
}

/// The names in an archive, in the form of `src/main.py`, and the proto files that were small enough to be kept.
#[derive(Debug, Clone, Default)]
pub struct ArchiveIndex {
    entries: BTreeMap<String, EntryKind>,
    protos: BTreeMap<String, String>,
}

impl ArchiveIndex {
    /// Adds a regular file; `name` has no `./` in front.
    pub fn add_file(&mut self, name: impl Into<String>) {
        self.add(name.into(), EntryKind::File);
    }

    /// Adds a proto file with its text.
    pub fn add_proto(&mut self, name: impl Into<String>, text: impl Into<String>) {
        let name = name.into();
        self.protos.insert(name.clone(), text.into());
        self.add(name, EntryKind::File);
    }

    /// Answers false, and leaves the first one, when the name is taken.
    pub(crate) fn add(&mut self, name: String, kind: EntryKind) -> bool {
        match self.entries.entry(name) {
            std::collections::btree_map::Entry::Vacant(vacant) => {
                vacant.insert(kind);
                true
            }
            std::collections::btree_map::Entry::Occupied(_) => false,
        }
    }

    pub fn is_file(&self, name: &str) -> bool {
        self.entries.get(name) == Some(&EntryKind::File)
    }

    /// Whether there is a folder of that name; it needs no entry of its own (krt.md §1.2).
    pub fn is_folder(&self, name: &str) -> bool {
        self.entries.get(name) == Some(&EntryKind::Folder) || self.something_beneath(name).is_some()
    }

    /// The text of a proto file, if it was kept.
    pub fn proto(&self, name: &str) -> Option<&str> {
        self.protos.get(name).map(String::as_str)
    }

    /// The regular files, by name.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(|(_, kind)| **kind == EntryKind::File).map(|(name, _)| name.as_str())
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
