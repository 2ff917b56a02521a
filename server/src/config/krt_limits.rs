//! What a KRT file may cost, as a person sets it.

use clap::Args;
use krt::{Limit, Limits};

use super::values::ByteCount;

/// The limits that can be set. The defaults are those of [`Limits`]; all others follow from these or need no setting.
#[derive(Debug, Clone, Args)]
pub struct KrtFlags {
    /// The largest KRT file that is accepted, in bytes or with KiB, MiB or GiB
    #[arg(long, env = "KAI_MAX_KRT_BYTES", default_value = "2GiB", value_name = "SIZE")]
    pub max_krt_bytes: ByteCount,

    /// The most that a KRT file may unpack to
    #[arg(long, env = "KAI_MAX_KRT_UNPACKED_BYTES", default_value = "8GiB", value_name = "SIZE")]
    pub max_krt_unpacked_bytes: ByteCount,

    /// How many times its own size a KRT file may unpack to; looked at above 64 MiB
    #[arg(
        long,
        env = "KAI_MAX_KRT_RATIO",
        default_value_t = 250,
        value_name = "TIMES",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub max_krt_ratio: u64,

    /// The most files and folders in a KRT file
    #[arg(
        long,
        env = "KAI_MAX_KRT_ENTRIES",
        default_value_t = 100_000,
        value_name = "COUNT",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub max_krt_entries: u64,

    /// The longest name in a KRT file
    #[arg(long, env = "KAI_MAX_KRT_NAME_BYTES", default_value = "1KiB", value_name = "SIZE")]
    pub max_krt_name_bytes: ByteCount,

    /// The largest manifest (krt.yml)
    #[arg(long, env = "KAI_MAX_KRT_MANIFEST_BYTES", default_value = "256KiB", value_name = "SIZE")]
    pub max_krt_manifest_bytes: ByteCount,

    /// The most documentation (docs/) in a KRT file. While a file is taken in, all of it is in memory
    #[arg(long, env = "KAI_MAX_KRT_DOCS_BYTES", default_value = "16MiB", value_name = "SIZE")]
    pub max_krt_docs_bytes: ByteCount,

    /// The most files of documentation (under docs/) in a KRT file
    #[arg(
        long,
        env = "KAI_MAX_KRT_DOCUMENTS",
        default_value_t = 1000,
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

/// The setting that raises a limit, if there is one.
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
    fn what_is_not_set_is_as_the_format_has_it() {
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
