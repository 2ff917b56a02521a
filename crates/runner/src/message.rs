//! The message that a version's parts exchange (docs/runners.md §4).

use std::io::{Read as _, Write as _};

use anyhow::{Context, Result, ensure};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use prost::Message as _;
use prost_types::Any;

/// How a gzip file begins (RFC 1952 §2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct KreMessage {
    #[prost(string, tag = "1")]
    pub(crate) request_id: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) payload: Option<Any>,
    #[prost(string, tag = "3")]
    pub(crate) error: String,
    #[prost(string, tag = "4")]
    pub(crate) from_node: String,
    #[prost(enumeration = "MessageType", tag = "5")]
    pub(crate) message_type: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum MessageType {
    Undefined = 0,
    Ok = 1,
    Error = 2,
    EarlyReply = 3,
    EarlyExit = 4,
}

impl KreMessage {
    /// As it goes over NATS: compressed when it is larger than what the server takes.
    pub(crate) fn to_wire(&self, max_bytes: usize) -> Result<Vec<u8>> {
        let plain = self.encode_to_vec();
        if plain.len() <= max_bytes {
            return Ok(plain);
        }
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&plain)?;
        let compressed = gzip.finish()?;
        ensure!(compressed.len() <= max_bytes, "a message of {} bytes is too large even compressed", plain.len());
        Ok(compressed)
    }

    pub(crate) fn from_wire(bytes: &[u8]) -> Result<Self> {
        if !bytes.starts_with(&GZIP) {
            return Self::decode(bytes).context("this is no message of a runner");
        }
        let mut plain = Vec::new();
        GzDecoder::new(bytes).read_to_end(&mut plain)?;
        Self::decode(plain.as_slice()).context("this is no message of a runner")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_is_too_large_is_compressed_and_read_again() -> Result<()> {
        let message = KreMessage { request_id: "a".repeat(10_000), ..KreMessage::default() };
        assert_eq!(message.to_wire(20_000)?, message.encode_to_vec());
        let compressed = message.to_wire(1_000)?;
        assert!(compressed.starts_with(&GZIP) && compressed.len() < 1_000);
        assert_eq!(KreMessage::from_wire(&compressed)?, message);
        assert!(message.to_wire(10).is_err());
        Ok(())
    }
}
