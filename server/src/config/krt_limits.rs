//! The limits of a KRT file, as flags.

use clap::Args;
use krt::{Limit, Limits};

use super::values::ByteCount;

/// The limits that have a flag; their defaults are those of [`Limits`].
#[derive(Debug, Clone, Args)]
pub struct KrtFlags {
    /// The maximum size of a KRT file, in bytes or with KiB, MiB or GiB
    #[arg(long, env = "KAI_MAX_KRT_BYTES", default_value_t = ByteCount(Limits::DEFAULT.max_packed_bytes), value_name = "SIZE")]
    pub max_krt_bytes: ByteCount,

    /// The maximum unpacked size of a KRT file
    #[arg(long, env = "KAI_MAX_KRT_UNPACKED_BYTES", default_value_t = ByteCount(Limits::DEFAULT.max_unpacked_bytes), value_name = "SIZE")]
    pub max_krt_unpacked_bytes: ByteCount,

    /// The maximum compression ratio of a KRT file; applies above 64 MiB unpacked
    #[arg(
        long,
        env = "KAI_MAX_KRT_RATIO",
        default_value_t = Limits::DEFAULT.max_ratio,
        value_name = "TIMES",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub max_krt_ratio: u64,

    /// The maximum number of files and folders in a KRT file
    #[arg(
        long,
        env = "KAI_MAX_KRT_ENTRIES",
        default_value_t = Limits::DEFAULT.max_entries,
        value_name = "COUNT",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub max_krt_entries: u64,

    /// The maximum length of a name in a KRT file
    #[arg(long, env = "KAI_MAX_KRT_NAME_BYTES", default_value_t = ByteCount(Limits::DEFAULT.max_name_bytes), value_name = "SIZE")]
    pub max_krt_name_bytes: ByteCount,

    /// The maximum size of the manifest (krt.yml)
    #[arg(long, env = "KAI_MAX_KRT_MANIFEST_BYTES", default_value_t = ByteCount(Limits::DEFAULT.max_manifest_bytes), value_name = "SIZE")]
    pub max_krt_manifest_bytes: ByteCount,

    /// The maximum size of the documentation (docs/) in a KRT file. It is held in memory during an upload
    #[arg(long, env = "KAI_MAX_KRT_DOCS_BYTES", default_value_t = ByteCount(Limits::DEFAULT.max_docs_bytes), value_name = "SIZE")]
    pub max_krt_docs_bytes: ByteCount,

    /// The maximum number of documentation files (under docs/) in a KRT file
    #[arg(
        long,
        env = "KAI_MAX_KRT_DOCUMENTS",
        default_value_t = Limits::DEFAULT.max_documents,
        value_name = "COUNT",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub max_krt_documents: u64,
}

impl From<KrtFlags> for Limits {
    fn from(flags: KrtFlags) -> Self {
        Self {
            max_packed_bytes: flags.max_krt_bytes.0,
            max_unpacked_bytes: flags.max_krt_unpacked_bytes.0,
            max_ratio: flags.max_krt_ratio,
            max_entries: flags.max_krt_entries,
            max_name_bytes: flags.max_krt_name_bytes.0,
            max_manifest_bytes: flags.max_krt_manifest_bytes.0,
            max_docs_bytes: flags.max_krt_docs_bytes.0,
            max_documents: flags.max_krt_documents,
            ..Self::DEFAULT
        }
    }
}

/// The setting that changes a limit, if there is one.
pub(crate) fn setting_of(limit: Limit) -> Option<&'static str> {
    match limit {
        Limit::PackedBytes => Some("KAI_MAX_KRT_BYTES"),
        Limit::UnpackedBytes => Some("KAI_MAX_KRT_UNPACKED_BYTES"),
        Limit::Ratio => Some("KAI_MAX_KRT_RATIO"),
        Limit::Entries => Some("KAI_MAX_KRT_ENTRIES"),
        Limit::NameBytes => Some("KAI_MAX_KRT_NAME_BYTES"),
        Limit::ManifestBytes => Some("KAI_MAX_KRT_MANIFEST_BYTES"),
        Limit::DocsBytes => Some("KAI_MAX_KRT_DOCS_BYTES"),
        Limit::Documents => Some("KAI_MAX_KRT_DOCUMENTS"),
        Limit::NamesBytes | Limit::HeaderBytes => None,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::config::Flags;

    fn limits(args: &[&str]) -> Result<Limits, clap::Error> {
        Flags::try_parse_from(["kai-server"].iter().chain(args)).map(|flags| flags.krt.into())
    }

    #[test]
    fn limits_are_set_by_flags() {
        assert_eq!(limits(&[]).unwrap(), Limits::DEFAULT);
        let set = limits(&["--max-krt-bytes", "3GiB", "--max-krt-ratio", "9", "--max-krt-docs-bytes", "1MiB"]).unwrap();
        let expected = Limits { max_packed_bytes: 3 << 30, max_ratio: 9, max_docs_bytes: 1 << 20, ..Limits::DEFAULT };
        assert_eq!(set, expected);
        for wrong in [
            ["--max-krt-ratio", "0"],
            ["--max-krt-entries", "0"],
            ["--max-krt-docs-bytes", "much"],
            ["--max-krt-documents", "0"],
        ] {
            assert!(limits(&wrong).is_err(), "{wrong:?}");
        }
    }
}
