//! Several logs as one, in the order of their times.

use domain::LogLine;
use futures::{
    StreamExt,
    future::join_all,
    stream::{self, BoxStream},
};

struct Source {
    lines: BoxStream<'static, LogLine>,
    /// Its next line, once it has been read.
    head: Option<LogLine>,
}

/// Holds one line of each log, whatever their length.
pub(super) fn merge(logs: Vec<BoxStream<'static, LogLine>>) -> BoxStream<'static, LogLine> {
    let sources: Vec<_> = logs.into_iter().map(|lines| Source { lines, head: None }).collect();
    stream::unfold(sources, |mut sources| async move {
        let unread = sources.iter_mut().filter(|source| source.head.is_none());
        join_all(unread.map(|source| async { source.head = source.lines.next().await })).await;
        sources.retain(|source| source.head.is_some());
        let earliest = sources.iter_mut().min_by_key(|source| source.head.as_ref().map(|line| line.time))?;
        let line = earliest.head.take()?;
        Some((line, sources))
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use domain::{LogText, Timestamp};

    use super::*;

    #[tokio::test]
    async fn lines_come_in_the_order_of_their_times_and_of_equal_ones_in_their_logs_order() {
        let log = |pod: &str, seconds: &[i64]| {
            let lines: Vec<_> = seconds
                .iter()
                .map(|second| LogLine {
                    time: Timestamp::from_second(*second).unwrap(),
                    workflow: None,
                    node: "entrypoint".to_owned(),
                    pod: pod.to_owned(),
                    container: "entrypoint".to_owned(),
                    text: LogText::Line(String::new()),
                })
                .collect();
            stream::iter(lines).boxed()
        };
        let merged = merge(vec![log("a", &[1, 4, 4]), log("b", &[]), log("c", &[0, 2, 5]), log("d", &[4])]);
        let order: Vec<_> = merged.map(|line| format!("{}{}", line.pod, line.time.as_second())).collect().await;
        assert_eq!(order, ["c0", "a1", "c2", "a4", "a4", "d4", "c5"]);
        assert_eq!(merge(Vec::new()).count().await, 0);
    }
}
