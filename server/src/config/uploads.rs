//! How many uploads there may be at once, and the limits of each.

use std::{num::NonZeroU16, time::Duration};

use clap::Args;

use super::values::ByteCount;

/// The window over which the rate of an upload is measured.
const RATE_WINDOW: Duration = Duration::from_secs(10);

/// The limits of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadLimits {
    /// How long an upload waits for a permit.
    pub max_wait: Duration,
    /// How long an upload may take while others wait.
    pub max_duration: Duration,
    /// Bytes per second that have to arrive while others wait.
    pub min_rate: u64,
    /// The window over which the rate is measured: an upload that was fast before may pause for as long.
    pub window: Duration,
}

#[derive(Debug, Clone, Args)]
pub struct UploadFlags {
    /// How many KRT files are uploaded at once; others wait. Each takes some tens of MiB of memory
    #[arg(long, env = "KAI_MAX_UPLOADS", default_value = "16", value_name = "COUNT")]
    pub max_uploads: NonZeroU16,

    /// How long an upload waits before it is refused with 503
    #[arg(long, env = "KAI_UPLOAD_MAX_WAIT", default_value = "1m", value_parser = humantime::parse_duration, value_name = "TIME")]
    pub upload_max_wait: Duration,

    /// How long an upload may take while others wait
    #[arg(long, env = "KAI_UPLOAD_MAX_DURATION", default_value = "30m", value_parser = humantime::parse_duration, value_name = "TIME")]
    pub upload_max_duration: Duration,

    /// The minimum rate of an upload, per second, while others wait. While none waits, 1/64 of it is enough
    #[arg(long, env = "KAI_UPLOAD_MIN_RATE", default_value = "64KiB", value_name = "SIZE")]
    pub upload_min_rate: ByteCount,
}

impl UploadFlags {
    pub(super) fn limits(&self) -> UploadLimits {
        UploadLimits {
            max_wait: self.upload_max_wait,
            max_duration: self.upload_max_duration,
            min_rate: self.upload_min_rate.0,
            window: RATE_WINDOW,
        }
    }
}
