//! How many uploads there may be at once, and what each is held to.

use std::{num::NonZeroU16, time::Duration};

use clap::Args;

use super::values::ByteCount;
use crate::intake::UploadPace;

/// Sixteen.
pub(super) const MAX_UPLOADS: NonZeroU16 = NonZeroU16::MIN.saturating_add(15);

#[derive(Debug, Clone, Args)]
pub struct UploadFlags {
    /// How many KRT files are taken in at once; others wait for their turn. Each takes some tens of MiB of memory
    #[arg(long, env = "KAI_MAX_UPLOADS", default_value_t = MAX_UPLOADS, value_name = "COUNT")]
    pub max_uploads: NonZeroU16,

    /// How long an upload waits for its turn before it is refused with 503
    #[arg(long, env = "KAI_UPLOAD_MAX_WAIT", default_value = "1m", value_parser = humantime::parse_duration, value_name = "TIME")]
    pub upload_max_wait: Duration,

    /// How long an upload may take while others wait
    #[arg(long, env = "KAI_UPLOAD_MAX_TURN", default_value = "30m", value_parser = humantime::parse_duration, value_name = "TIME")]
    pub upload_max_turn: Duration,

    /// What an upload has to bring in a second while others wait; while nobody does, a sixty-fourth of it is enough
    #[arg(long, env = "KAI_UPLOAD_MIN_RATE", default_value = "64KiB", value_name = "SIZE")]
    pub upload_min_rate: ByteCount,
}

impl UploadFlags {
    pub(super) fn pace(&self) -> UploadPace {
        UploadPace {
            max_wait: self.upload_max_wait,
            max_turn: self.upload_max_turn,
            min_rate: self.upload_min_rate.0,
            ..UploadPace::DEFAULT
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::config::Flags;

    #[test]
    fn what_is_not_set_is_the_default() {
        let pace = |args: &[&str]| Flags::try_parse_from(["kai-server"].iter().chain(args)).unwrap().uploads.pace();
        assert_eq!(pace(&[]), UploadPace::DEFAULT);
        let set = pace(&["--upload-max-wait", "5s", "--upload-min-rate", "1MiB"]);
        let expected = UploadPace { max_wait: Duration::from_secs(5), min_rate: 1 << 20, ..UploadPace::DEFAULT };
        assert_eq!(set, expected);
    }
}
