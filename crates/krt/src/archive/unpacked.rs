//! Where the tar's bytes come from: out of gzip, or unpacked already by somebody else.

use std::io::{self, Read};

use super::Stop;
use crate::{
    Limits,
    limits::{Limit, size_in_words},
};

/// Unpacked bytes, counted. Not an [`io::Read`], since a `Stop` says more than an `io::Error`.
pub(super) trait Unpacked {
    /// Some bytes; none at the end only. `into` must not be empty.
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Stop>;

    /// Stops at once when `bytes` more would pass the limit.
    fn expect(&self, bytes: u64) -> Result<(), Stop>;
}

/// Counts what was unpacked.
pub(super) struct Meter {
    bytes: u64,
    max: u64,
}

impl Meter {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { bytes: 0, max: limits.max_unpacked_bytes }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn add(&mut self, bytes: usize) -> Result<(), Stop> {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        self.expect(0)
    }

    pub(super) fn expect(&self, bytes: u64) -> Result<(), Stop> {
        if self.bytes.saturating_add(bytes) <= self.max {
            return Ok(());
        }
        Err(Stop::TooLarge(Limit::UnpackedBytes, format!("at most {} unpacked are allowed", size_in_words(self.max))))
    }
}

/// A tar that was unpacked on its way here, so that its compressed size and ratio are not to be seen.
pub(super) struct Plain<R> {
    inner: R,
    meter: Meter,
}

impl<R: Read> Plain<R> {
    pub(super) fn new(inner: R, limits: &Limits) -> Self {
        Self { inner, meter: Meter::new(limits) }
    }
}

impl<R: Read> Unpacked for Plain<R> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Stop> {
        loop {
            match self.inner.read(into) {
                Ok(read) => {
                    self.meter.add(read)?;
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Stop::Read(error)),
            }
        }
    }

    fn expect(&self, bytes: u64) -> Result<(), Stop> {
        self.meter.expect(bytes)
    }
}
