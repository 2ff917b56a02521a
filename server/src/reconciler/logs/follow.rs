//! Follows all containers that are wanted, those that come later too.

use std::{collections::HashMap, sync::Arc};

use domain::{LogLine, Timestamp};
use futures::{
    StreamExt,
    stream::{self, BoxStream, SelectAll},
};
use tokio::sync::watch;

use super::{MAX_CONCURRENT_LOGS, Reader, Selection, too_many};
use crate::reconciler::Inner;

pub(super) struct Follow {
    inner: Arc<Inner>,
    selection: Selection,
    /// None: one of them has ended.
    logs: SelectAll<BoxStream<'static, Option<LogLine>>>,
    /// The run that was last begun to be read, by the pod's uid.
    opened: HashMap<String, String>,
    /// How many of them have not.
    open: usize,
    /// Tells of each change of a pod; its other end lives as long as `inner`.
    pods: watch::Receiver<()>,
    is_first_scan: bool,
    /// It has been said that there are too many.
    is_over_limit: bool,
}

impl Follow {
    pub(super) fn new(inner: Arc<Inner>, selection: Selection) -> Self {
        let mut pods = inner.watches.pods.changed();
        // Those that are there already.
        pods.mark_changed();
        let logs = SelectAll::new();
        Self {
            inner,
            selection,
            logs,
            opened: HashMap::new(),
            open: 0,
            pods,
            is_first_scan: true,
            is_over_limit: false,
        }
    }

    pub(super) fn lines(self) -> BoxStream<'static, LogLine> {
        stream::unfold(self, |mut follow| async move {
            let line = follow.next().await;
            Some((line, follow))
        })
        .boxed()
    }

    async fn next(&mut self) -> LogLine {
        loop {
            let refused = tokio::select! {
                Some(line) = self.logs.next() => match line {
                    Some(line) => return line,
                    // There is room for another.
                    None => {
                        self.open -= 1;
                        self.scan()
                    }
                },
                Ok(()) = self.pods.changed() => self.scan(),
            };
            if let Some(refused) = refused {
                return refused;
            }
        }
    }

    /// Begins to read what is new. Returns what there is to say of what is not read.
    fn scan(&mut self) -> Option<LogLine> {
        let runs = self.selection.runs(&self.inner.watches);
        let is_first_scan = std::mem::replace(&mut self.is_first_scan, false);
        self.opened.retain(|uid, _| runs.iter().any(|run| run.pod_uid == *uid));
        let mut left_out = Vec::new();
        for run in runs {
            if self.opened.get(&run.pod_uid) == Some(&run.id) {
                continue;
            }
            if self.open >= MAX_CONCURRENT_LOGS {
                left_out.push(run);
                continue;
            }
            self.opened.insert(run.pod_uid.clone(), run.id.clone());
            let reader = Reader::new(self.inner.clone(), &self.selection, run);
            let lines = if is_first_scan { reader.lines() } else { reader.whole().lines() };
            self.open += 1;
            self.logs.push(lines.map(Some).chain(stream::once(async { None })).boxed());
        }
        let was_over_limit = std::mem::replace(&mut self.is_over_limit, !left_out.is_empty());
        let first = left_out.first().filter(|_| !was_over_limit)?;
        Some(first.line(Timestamp::now(), too_many(left_out.len())))
    }
}
