//! Limits for reading a KRT file, in one struct: everything that grows with the archive has one.

use serde::{Deserialize, Serialize};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Limits for a hostile or broken archive. Passing one of the `max_*` ends the reading with
/// [`CheckError::TooLarge`](crate::CheckError::TooLarge), unless its description says otherwise.
///
/// Serializable, so that a browser can check with the limits of the server that it will send to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of the file as it is sent.
    pub max_packed_bytes: u64,
    /// Bytes of the unpacked tar, its headers included. Models of hundreds of MB are usual.
    pub max_unpacked_bytes: u64,
    /// Unpacked bytes for each compressed one; looked at once more than `ratio_free_bytes` are unpacked.
    pub max_ratio: u64,
    /// Unpacked bytes below which any ratio will do: a small file of zeros is no attack.
    pub ratio_free_bytes: u64,
    /// Files and folders in the archive, those that are passed over (`._*`) included.
    pub max_entries: u64,
    /// Bytes in the name of one entry.
    pub max_name_bytes: u64,
    /// Bytes in the names of all entries together; they are kept until the manifest has been read.
    pub max_names_bytes: u64,
    /// Bytes of one extended (PAX) header. Those of a megabyte and more busybox passes over, name and all.
    pub max_header_bytes: u64,
    /// Bytes of `krt.yml`.
    pub max_manifest_bytes: u64,
    /// Bytes of all files under `docs/`.
    pub max_docs_bytes: u64,
    /// Files under `docs/`. Each is a row in a database.
    pub max_documents: u64,
    /// Bytes of all `.proto` files that are kept for the manifest, which may come after them. One that no longer fits
    /// is accepted. If it is the entrypoint's there is a warning that its rpcs were not looked at; when versions are
    /// compared it is said of each one that was needed.
    pub max_protos_bytes: u64,
    /// Bytes of files that are hashed before it is known whether the manifest names them. Those beyond take a second
    /// reading, should it name them.
    pub hash_ahead_bytes: u64,
    /// Findings about the archive's entries and, counted on their own, about the manifest. Those beyond are counted,
    /// not listed.
    pub max_problems: usize,
}

impl Limits {
    /// Room for usual files.
    pub const DEFAULT: Self = Self {
        max_packed_bytes: 2 * GIB,
        max_unpacked_bytes: 8 * GIB,
        max_ratio: 250,
        ratio_free_bytes: 64 * MIB,
        max_entries: 100_000,
        max_name_bytes: KIB,
        max_names_bytes: 16 * MIB,
        max_header_bytes: 512 * KIB,
        max_manifest_bytes: 256 * KIB,
        max_docs_bytes: 16 * MIB,
        max_documents: 1000,
        max_protos_bytes: 4 * MIB,
        hash_ahead_bytes: 64 * MIB,
        max_problems: MAX_PROBLEMS,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Which of the [`Limits`] was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    PackedBytes,
    UnpackedBytes,
    Ratio,
    Entries,
    NameBytes,
    NamesBytes,
    HeaderBytes,
    ManifestBytes,
    DocsBytes,
    Documents,
}

/// How many findings are listed by default; a person reads no more of them at once.
pub(crate) const MAX_PROBLEMS: usize = 100;
/// Levels of lists and mappings in a manifest. The format needs six.
pub(crate) const MAX_YAML_DEPTH: usize = 32;
/// Values in a manifest, with all aliases expanded.
pub(crate) const MAX_YAML_NODES: usize = 50_000;
/// Bytes of text that aliases may repeat.
pub(crate) const MAX_ALIAS_BYTES: usize = 1 << 20;

/// A Kubernetes object holds about a megabyte. These limits keep a version's objects within that.
pub(crate) const MAX_WORKFLOWS: usize = 100;
/// In all workflows together.
pub(crate) const MAX_NODES: usize = 1000;
/// Of all nodes together. Each replica is a pod, so a few lines can ask for more than a cluster holds.
pub(crate) const MAX_REPLICAS: u32 = 1000;
pub(crate) const MAX_SUBSCRIPTIONS: usize = 100;
/// Variables and files together.
pub(crate) const MAX_CONFIG_VALUES: usize = 500;
/// Characters in the name of an rpc, and in a subtopic.
pub(crate) const MAX_RPC_LEN: usize = 128;
pub(crate) const MAX_SUBTOPIC_LEN: usize = 128;

/// Proto files of a version, and bytes of them, that are kept to compare it with others: of all that an archive has,
/// those that the entrypoint's leads to.
pub(crate) const MAX_COMPARED_FILES: usize = 300;
pub(crate) const MAX_COMPARED_BYTES: usize = 512 << 10;
/// Bytes of one that is read: the parser needs up to 300 for each.
pub(crate) const MAX_PROTO_BYTES: usize = 256 << 10;
/// Bytes in the full name of a message: it is kept once for each use.
pub(crate) const MAX_PROTO_NAME_BYTES: usize = 512;

/// A size as people write it: `8 GiB`, `256 KiB`, `1000 bytes`.
pub(crate) fn size_in_words(bytes: u64) -> String {
    match bytes {
        b if b >= GIB && b % GIB == 0 => format!("{} GiB", b / GIB),
        b if b >= MIB && b % MIB == 0 => format!("{} MiB", b / MIB),
        b if b >= KIB && b % KIB == 0 => format!("{} KiB", b / KIB),
        b => format!("{b} bytes"),
    }
}
