//! Decompression: gzip members one after the other, distinct errors, and the limits on the compressed and the unpacked
//! size.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use flate2::bufread::GzDecoder;

use super::{
    ReadError,
    formats::{GZIP, HEAD_BYTES, format_of},
};
use crate::{
    Limits,
    limits::{Limit, size_in_words},
};

const BUFFER_BYTES: usize = 64 << 10;

type Input<R> = BufReader<Chain<Cursor<Vec<u8>>, CountingReader<R>>>;

pub(super) struct Gunzip<R: Read> {
    /// None once the file's end was reached.
    decoder: Option<GzDecoder<Input<R>>>,
    unpacked_bytes: u64,
    max_unpacked_bytes: u64,
    max_ratio: u64,
    ratio_free_bytes: u64,
}

impl<R: Read> Gunzip<R> {
    pub(super) fn new(archive: R, limits: &Limits) -> Result<Self, ReadError> {
        let mut counted =
            CountingReader { inner: archive, bytes: 0, max_bytes: limits.max_packed_bytes, failure: None };
        let mut head = Vec::new();
        if let Err(error) = (&mut counted).take(HEAD_BYTES as u64).read_to_end(&mut head) {
            return Err(counted.failure.take().unwrap_or(ReadError::Io(error)));
        }
        if !head.starts_with(&GZIP[..head.len().min(GZIP.len())]) || head.is_empty() {
            return Err(ReadError::invalid(not_gzip(&head)));
        }
        let input = BufReader::with_capacity(BUFFER_BYTES, Cursor::new(head).chain(counted));
        Ok(Self {
            decoder: Some(GzDecoder::new(input)),
            unpacked_bytes: 0,
            max_unpacked_bytes: limits.max_unpacked_bytes,
            max_ratio: limits.max_ratio,
            ratio_free_bytes: limits.ratio_free_bytes,
        })
    }

    /// Some unpacked bytes; none at the end only. `into` must not be empty. Not an [`io::Read`], since a [`ReadError`]
    /// says more than an [`io::Error`].
    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<usize, ReadError> {
        loop {
            let Some(decoder) = &mut self.decoder else { return Ok(0) };
            match decoder.read(into) {
                Ok(0) => self.next_member()?,
                Ok(read) => {
                    self.unpacked_bytes = self.unpacked_bytes.saturating_add(read as u64);
                    self.expect(0)?;
                    self.check_ratio()?;
                    return Ok(read);
                }
                Err(error) => return Err(self.error_of(&error)),
            }
        }
    }

    /// Stops at once when `bytes` more would pass the limit.
    pub(super) fn expect(&self, bytes: u64) -> Result<(), ReadError> {
        let max = self.max_unpacked_bytes;
        if self.unpacked_bytes.saturating_add(bytes) <= max {
            return Ok(());
        }
        let message = format!("it may unpack to at most {}", size_in_words(max));
        Err(ReadError::TooLarge(Limit::UnpackedBytes, message))
    }

    fn check_ratio(&self) -> Result<(), ReadError> {
        let packed = self.decoder.as_ref().map_or(0, |decoder| decoder.get_ref().get_ref().get_ref().1.bytes);
        let allowed = packed.saturating_mul(self.max_ratio).max(self.ratio_free_bytes);
        if self.unpacked_bytes > allowed {
            let message = format!("it may unpack to at most {} times its own size", self.max_ratio);
            return Err(ReadError::TooLarge(Limit::Ratio, message));
        }
        Ok(())
    }

    /// After a member's end: another member, or the end of the file. Zeros may pad the last block.
    fn next_member(&mut self) -> Result<(), ReadError> {
        let Some(decoder) = self.decoder.take() else { return Ok(()) };
        let mut input = decoder.into_inner();
        let mut padded = false;
        loop {
            let (length, zeros) = match input.fill_buf() {
                Ok(bytes) => (bytes.len(), bytes.iter().take_while(|b| **b == 0).count()),
                Err(error) => return Err(input.get_mut().get_mut().1.failure.take().unwrap_or(ReadError::Io(error))),
            };
            let first = input.buffer().get(zeros).copied();
            match first {
                _ if length == 0 => return Ok(()),
                None => {
                    input.consume(zeros);
                    padded = true;
                }
                Some(byte) if byte == GZIP[0] && zeros == 0 && !padded => {
                    self.decoder = Some(GzDecoder::new(input));
                    return Ok(());
                }
                Some(_) => {
                    return Err(ReadError::invalid(
                        "there is data after the end of the gzip data; pack the file again and append nothing to it",
                    ));
                }
            }
        }
    }

    /// The reason for an error of the decoder: the reader beneath, or the data.
    fn error_of(&mut self, error: &io::Error) -> ReadError {
        let counted =
            self.decoder.as_mut().map(|decoder| decoder.get_mut().get_mut().get_mut()).map(|(_, counted)| counted);
        if let Some(failure) = counted.and_then(|counted| counted.failure.take()) {
            return failure;
        }
        match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                ReadError::invalid("the gzip data ends too early: the file is cut off; copy or send it again")
            }
            _ => ReadError::invalid(
                "the gzip data is damaged: it does not unpack or its checksum is wrong; pack it again",
            ),
        }
    }
}

fn not_gzip(head: &[u8]) -> String {
    if head.is_empty() {
        return "the file is empty; a KRT file is a gzip-compressed tar".to_owned();
    }
    let what =
        format_of(head).map_or_else(|| "it does not begin like gzip data".to_owned(), |what| format!("it is {what}"));
    format!("the file is not gzip: {what}; a KRT file is a gzip-compressed tar, as `tar czf name.krt` makes it")
}

/// Counts the bytes and keeps the first error, which the decoder would hide.
struct CountingReader<R> {
    inner: R,
    bytes: u64,
    max_bytes: u64,
    failure: Option<ReadError>,
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.inner.read(into) {
                Ok(read) => {
                    self.bytes = self.bytes.saturating_add(read as u64);
                    if self.bytes > self.max_bytes {
                        let message = format!("a KRT file may have at most {}", size_in_words(self.max_bytes));
                        self.failure.get_or_insert(ReadError::TooLarge(Limit::PackedBytes, message));
                        return Err(io::ErrorKind::FileTooLarge.into());
                    }
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let stand_in = io::Error::from(error.kind());
                    self.failure.get_or_insert(ReadError::Io(error));
                    return Err(stand_in);
                }
            }
        }
    }
}
