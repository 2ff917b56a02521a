//! Limits of calls that people make to entrypoints from here.

use std::time::Duration;

use clap::Args;

/// Of a message each way, as protobuf: what gRPC servers take unless they are told otherwise.
const MAX_MESSAGE_BYTES: usize = 4 << 20;
/// Calls of all people together.
const MAX_AT_ONCE: usize = 16;

/// The limits of calls. Only the deadline has a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimits {
    /// From the click to the answer.
    pub deadline: Duration,
    pub max_request_bytes: usize,
    pub max_answer_bytes: usize,
    /// How many calls of different people are made at once.
    pub max_at_once: usize,
}

#[derive(Debug, Clone, Args)]
pub struct CallFlags {
    /// How long a call that somebody makes under "Try it" waits for its answer, at most --request-timeout
    #[arg(long, env = "KAI_CALL_TIMEOUT", default_value = "30s", value_parser = humantime::parse_duration, value_name = "TIME")]
    pub call_timeout: Duration,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(30),
            max_request_bytes: MAX_MESSAGE_BYTES,
            max_answer_bytes: MAX_MESSAGE_BYTES,
            max_at_once: MAX_AT_ONCE,
        }
    }
}

impl CallFlags {
    /// Nobody waits for longer than the entrypoint does.
    pub(super) fn limits(&self, request_timeout: Duration) -> CallLimits {
        CallLimits { deadline: self.call_timeout.min(request_timeout), ..CallLimits::default() }
    }
}
