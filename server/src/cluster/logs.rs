//! The log of one container, line by line, as Kubernetes streams it.
//!
//! Holds one line at a time and reads more only when it is wanted: a slow reader slows down the cluster's stream and fills no
//! memory.

use std::{io, pin::Pin};

use domain::Timestamp;
use futures::{AsyncBufRead, AsyncBufReadExt};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client, api::LogParams};

/// The longest line that is passed on whole. The container runtimes themselves write longer ones in pieces of this size.
const MAX_LINE_BYTES: usize = 16 * 1024;
/// What an RFC 3339 time with nanoseconds, an offset and the space after it may take.
const STAMP_BYTES: usize = 36;
const CUT_MARK: &str = " … [cut: the line is longer than 16 KiB]";

/// A line with the time that Kubernetes noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StampedLine {
    /// None when the line is not the container's: the kubelet writes what keeps it from reading a log into the log.
    pub(crate) time: Option<Timestamp>,
    pub(crate) text: String,
}

pub(crate) struct LogReader {
    source: Pin<Box<dyn AsyncBufRead + Send>>,
    line: Vec<u8>,
    /// The rest of a line that was cut is passed over.
    skipping: bool,
}

impl LogReader {
    /// Asks for a pod's log, with times whatever `params` say. When it is followed, and the container has written nothing
    /// yet, this may take as long as until it does.
    ///
    /// # Errors
    /// What the API server answers instead: there is no such pod, its container waits to start.
    pub(crate) async fn open(
        client: Client,
        namespace: &str,
        pod: &str,
        mut params: LogParams,
    ) -> Result<Self, kube::Error> {
        params.timestamps = true;
        let source = Api::<Pod>::namespaced(client, namespace).log_stream(pod, &params).await?;
        Ok(Self::new(source))
    }

    fn new(source: impl AsyncBufRead + Send + 'static) -> Self {
        Self { source: Box::pin(source), line: Vec::new(), skipping: false }
    }

    /// The next line; none when the log has ended.
    ///
    /// # Errors
    /// When the connection breaks. What had come of the line by then is dropped.
    pub(crate) async fn next(&mut self) -> io::Result<Option<StampedLine>> {
        loop {
            let chunk = self.source.fill_buf().await?;
            if chunk.is_empty() {
                // What is written last need not end its line.
                return Ok((!self.line.is_empty()).then(|| self.finish(false)));
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let piece = end.unwrap_or(chunk.len());
            let room = if self.skipping { 0 } else { MAX_LINE_BYTES + STAMP_BYTES - self.line.len() };
            self.line.extend_from_slice(&chunk[..piece.min(room)]);
            let cut = piece > room && !self.skipping;
            self.source.consume_unpin(piece + usize::from(end.is_some()));
            let skipped = self.skipping;
            self.skipping = end.is_none() && (cut || skipped);
            if cut || (end.is_some() && !skipped) {
                return Ok(Some(self.finish(cut)));
            }
        }
    }

    fn finish(&mut self, cut: bool) -> StampedLine {
        let mut bytes = std::mem::take(&mut self.line);
        if let Err(error) = std::str::from_utf8(&bytes)
            && cut
            && error.error_len().is_none()
        {
            // No half of a character before the mark.
            bytes.truncate(error.valid_up_to());
        }
        let whole = String::from_utf8_lossy(&bytes);
        let whole = whole.strip_suffix('\r').unwrap_or(&whole);
        let (stamp, text) = whole.split_once(' ').unwrap_or((whole, ""));
        let (time, text) = match stamp.parse() {
            Ok(time) => (Some(time), text),
            Err(_) => (None, whole),
        };
        StampedLine { time, text: if cut { format!("{text}{CUT_MARK}") } else { text.to_owned() } }
    }
}

#[cfg(test)]
mod tests {
    use futures::{TryStreamExt, stream};

    use super::*;

    const STAMP: &str = "2026-01-02T03:04:05.678901234Z";

    /// All lines of a log that comes in these pieces.
    async fn read(pieces: Vec<Vec<u8>>) -> Vec<StampedLine> {
        let mut reader = LogReader::new(stream::iter(pieces.into_iter().map(io::Result::Ok)).into_async_read());
        let mut lines = Vec::new();
        while let Some(line) = reader.next().await.unwrap() {
            lines.push(line);
        }
        lines
    }

    fn texts(lines: &[StampedLine]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[tokio::test]
    async fn lines_are_put_together_wherever_they_were_split() {
        let log = format!("{STAMP} one\n{STAMP} two  words\r\n{STAMP} \n{STAMP} the last");
        for size in [1, 7, 1000] {
            let lines = read(log.as_bytes().chunks(size).map(<[u8]>::to_vec).collect()).await;
            assert_eq!(texts(&lines), ["one", "two  words", "", "the last"]);
            assert!(lines.iter().all(|line| line.time == Some(STAMP.parse().unwrap())), "{lines:?}");
        }
    }

    #[tokio::test]
    async fn a_long_line_is_cut_with_a_mark_and_the_next_one_is_whole() {
        // Two bytes each, so that the limit falls into a character for one of the two stamps.
        let long = "é".repeat(MAX_LINE_BYTES);
        for stamp in [STAMP, "2026-01-02T03:04:05Z"] {
            let log = format!("{stamp} {long}\n{stamp} next\n{stamp} {long}");
            for size in [100, 1_000_000] {
                let lines = read(log.as_bytes().chunks(size).map(<[u8]>::to_vec).collect()).await;
                assert_eq!((lines.len(), lines[1].text.as_str()), (3, "next"));
                for cut in [&lines[0], &lines[2]] {
                    let kept = cut.text.strip_suffix(CUT_MARK).unwrap();
                    assert!(kept.chars().all(|c| c == 'é') && kept.len() >= MAX_LINE_BYTES - 1, "{}", kept.len());
                    assert!(kept.len() <= MAX_LINE_BYTES + STAMP_BYTES);
                }
            }
        }
    }

    #[tokio::test]
    async fn what_is_no_text_and_what_has_no_time_is_passed_on() {
        let log = [STAMP.as_bytes(), b" \xff!\nunable to retrieve container logs for containerd://1\n"].concat();
        let lines = read(vec![log]).await;
        assert_eq!(texts(&lines), ["\u{fffd}!", "unable to retrieve container logs for containerd://1"]);
        assert_eq!((lines[0].time.is_some(), lines[1].time), (true, None));
    }
}
