//! The proto files of an archive that callers depend on, kept to compare versions by.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::{
    ArchiveIndex,
    limits::{MAX_COMPARED_BYTES, MAX_COMPARED_FILES},
    proto,
};

/// The entrypoint's proto file and those that it imports, directly or not, as far as the archive has them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Protos {
    /// Texts by path in the archive.
    pub texts: BTreeMap<String, String>,
    /// Paths of files that are in the archive, but are not UTF-8, or too many or too large to be kept.
    pub unread: BTreeSet<String>,
    /// Whether only the entrypoint's own file was kept, so that nothing is known of those that it imports.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_imports: bool,
}

impl Protos {
    /// Of a version that was added when no other file was kept.
    pub fn without_imports(entrypoint_proto: &str, text: &str) -> Self {
        let texts = BTreeMap::from([(entrypoint_proto.to_owned(), text.to_owned())]);
        Self { texts, unread: BTreeSet::new(), without_imports: true }
    }

    /// What of the archive's proto files the entrypoint's leads to.
    pub(crate) fn of(entrypoint_proto: &str, index: &ArchiveIndex) -> Self {
        let mut found = Self::default();
        let mut bytes_left = MAX_COMPARED_BYTES;
        // The nearest first, so that those are kept.
        let mut left = VecDeque::from([entrypoint_proto.to_owned()]);
        while let Some(path) = left.pop_front() {
            if found.has(&path) {
                continue;
            }
            let has_room = |text: &&str| found.texts.len() < MAX_COMPARED_FILES && text.len() <= bytes_left;
            let Some(text) = index.proto(&path).filter(has_room) else {
                found.unread.insert(path);
                continue;
            };
            bytes_left -= text.len();
            // Where a file is broken is said when it is compared.
            let imports = proto::parse(text).map(|file| file.dependency).unwrap_or_default();
            let imports = imports.iter().filter(|import| !proto::is_well_known(import));
            left.extend(
                imports
                    .filter_map(|import| proto::places_of(import, entrypoint_proto).find(|place| index.is_file(place))),
            );
            found.texts.insert(path, text.to_owned());
        }
        found
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.texts.contains_key(path) || self.unread.contains(path)
    }
}
