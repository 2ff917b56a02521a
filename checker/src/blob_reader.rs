//! The file as a [`Read`]: slice by slice, so that memory does not grow with the file.

use std::io::{self, Read};

use gloo_file::Blob;
use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use web_sys::FileReaderSync;

/// Large enough to keep the cost of browser calls low.
const SLICE_BYTES: u64 = 2 << 20;

pub(crate) struct BlobReader<F> {
    file: Blob,
    reader: FileReaderSync,
    on_read: F,
    /// Where the next slice begins.
    next: u64,
    slice: Vec<u8>,
    /// Bytes of the slice that were read.
    taken: usize,
}

impl<F: Fn(u64)> BlobReader<F> {
    /// `on_read` gets how many bytes have been read, after each slice.
    ///
    /// # Errors
    /// Outside of a worker, where a browser has no synchronous reader.
    pub(crate) fn new(file: Blob, on_read: F) -> Result<Self, JsValue> {
        Ok(Self { file, reader: FileReaderSync::new()?, on_read, next: 0, slice: Vec::new(), taken: 0 })
    }

    pub(crate) fn read_bytes(&self) -> u64 {
        self.next
    }

    /// Reads the next slice; an empty one at the file's end.
    fn advance(&mut self) -> io::Result<()> {
        let end = self.next.saturating_add(SLICE_BYTES).min(self.file.size());
        let part = self.file.slice(self.next, end);
        let buffer = self.reader.read_as_array_buffer(part.as_ref()).map_err(|error| {
            // NotReadableError: since it was picked the file was changed, moved or removed.
            io::Error::other(format!("{error:?}"))
        })?;
        let bytes = Uint8Array::new(&buffer);
        self.slice.resize(bytes.length() as usize, 0);
        bytes.copy_to(&mut self.slice);
        self.taken = 0;
        self.next = end;
        (self.on_read)(self.next);
        Ok(())
    }
}

impl<F: Fn(u64)> Read for BlobReader<F> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.slice.len() && self.next < self.file.size() {
            self.advance()?;
        }
        let rest = &self.slice[self.taken..];
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        Ok(count)
    }
}
