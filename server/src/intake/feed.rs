//! Bytes from an async upload to blocking threads, a few chunks at most between them: one checks them, one hashes them.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use krt::digest;
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinHandle},
};

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

/// The SHA-256 of what it is sent, on a thread of its own: hashing takes about as long as receiving and storing do.
pub(super) struct Hasher {
    feed: Feed,
    digest: JoinHandle<String>,
}

impl Hasher {
    pub(super) fn start() -> Self {
        let (feed, mut chunks) = mpsc::channel::<Bytes>(CHUNKS);
        let digest = tokio::task::spawn_blocking(move || {
            let mut hasher = digest::Sha256::default();
            while let Some(chunk) = chunks.blocking_recv() {
                hasher.update(&chunk);
            }
            digest::hex(hasher.finish())
        });
        Self { feed, digest }
    }

    pub(super) async fn update(&self, chunk: Bytes) {
        // It ends early only by a panic, which `finish` tells.
        let _ = self.feed.send(chunk).await;
    }

    /// In hexadecimal digits.
    pub(super) async fn finish(self) -> Result<String, JoinError> {
        drop(self.feed);
        self.digest.await
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

    #[tokio::test]
    async fn a_digest_is_of_all_that_was_sent() {
        let hasher = Hasher::start();
        for chunk in ["a", "", "bc"] {
            hasher.update(Bytes::from_static(chunk.as_bytes())).await;
        }
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hasher.finish().await.unwrap(), abc);
    }
}
