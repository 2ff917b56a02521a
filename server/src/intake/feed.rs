//! Bytes from an async upload to a blocking reader, a few chunks at most between them.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use tokio::sync::mpsc;

/// Chunks between the two. hyper's are at most some hundred KiB.
const CHUNKS: usize = 4;

pub(super) type Feed = mpsc::Sender<Bytes>;

/// What was sent, as a [`Read`] for a blocking thread. It ends when the sender is dropped.
pub(super) struct Reader {
    chunks: mpsc::Receiver<Bytes>,
    rest: Bytes,
}

pub(super) fn channel() -> (Feed, Reader) {
    let (feed, chunks) = mpsc::channel(CHUNKS);
    (feed, Reader { chunks, rest: Bytes::new() })
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.chunks.blocking_recv() {
                Some(chunk) => self.rest = chunk,
                None => return Ok(0),
            }
        }
        let count = self.rest.len().min(into.len());
        self.rest.copy_to_slice(&mut into[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reader_reads_all_that_was_sent_and_then_ends() {
        let (feed, mut reader) = channel();
        let read = tokio::task::spawn_blocking(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).unwrap();
            all
        });
        for chunk in ["one ", "", "two ", "three ", "four ", "five ", "six"] {
            feed.send(Bytes::from_static(chunk.as_bytes())).await.unwrap();
        }
        drop(feed);
        assert_eq!(read.await.unwrap(), b"one two three four five six");
    }
}
