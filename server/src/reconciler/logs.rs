//! What the pods of a version log, of all replicas at once.
//!
//! The pods come from the watch caches, and their logs are streamed as they are read: nothing is stored here, and a reader
//! that goes away ends the requests to the cluster.

mod follow;
mod merge;
mod reader;
mod runs;

use std::collections::BTreeSet;

use domain::{LogLine, LogText, Timestamp, WorkflowName};
use futures::{StreamExt, stream::BoxStream};

use self::{follow::Follow, merge::merge, reader::Reader, runs::Run};
use super::Reconciler;
use crate::{cluster::Watches, store::VersionRecord};

/// How many logs are read at once for one answer. Each is a connection to a kubelet.
const MAX_CONCURRENT_LOGS: usize = 64;

/// Who logs: a node, or without a workflow the entrypoint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogSource {
    pub workflow: Option<WorkflowName>,
    pub node: String,
}

/// Which lines are wanted.
#[derive(Debug, Clone)]
pub struct LogRequest {
    pub sources: BTreeSet<LogSource>,
    pub range: LogRange,
}

/// From where to where each log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogRange {
    pub mode: LogMode,
    /// The most lines of each log, counted from its end; none for all.
    pub tail: Option<u32>,
    /// Nothing that is older.
    pub since: Option<Timestamp>,
    /// Nothing that is newer. Goes with no `tail`: Kubernetes counts from the end of the log alone.
    pub until: Option<Timestamp>,
}

/// Which part of a container's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogMode {
    /// The run of the container that is under way or was the last, up to now.
    Last,
    /// The run before the last restart; nothing of a container that has not been restarted.
    Previous,
    /// As `Last`, and on; also every pod, and every run of a container, that comes later, from its beginning.
    Follow,
}

impl LogRange {
    fn follows(self) -> bool {
        self.mode == LogMode::Follow
    }
}

/// The cluster cannot be observed, so its pods are unknown.
#[derive(Debug, thiserror::Error)]
#[error("the cluster is unavailable")]
pub struct ClusterUnavailable;

impl Reconciler {
    /// The lines of a version's pods. In the order of their times, and ending when all is read; followed lines come as
    /// they come, each container's in its order, and never end by themselves: a version that does not run yet is waited
    /// for. What keeps one log from being read is a line of its own.
    ///
    /// # Errors
    /// [`ClusterUnavailable`], which may have passed at the next try.
    pub fn logs(
        &self,
        version: &VersionRecord,
        query: LogRequest,
    ) -> Result<BoxStream<'static, LogLine>, ClusterUnavailable> {
        if !self.is_observed() {
            return Err(ClusterUnavailable);
        }
        let mut namespace = self.0.settings.namespace(&version.runtime);
        if self.foreign(&namespace).is_some() {
            // What logs in another installation's namespace is no version of ours. No pod is without a namespace.
            namespace.clear();
        }
        let select = Selection { namespace, version: version.name.to_string(), query };
        if select.query.range.follows() {
            return Ok(Follow::new(self.0.clone(), select).lines());
        }
        let mut runs = select.runs(&self.0.watches);
        let left_out = runs.split_off(runs.len().min(MAX_CONCURRENT_LOGS));
        let logs = runs.into_iter().map(|run| Reader::new(self.0.clone(), &select, run).lines());
        let refused = left_out.first().map(|run| run.line(Timestamp::now(), too_many(left_out.len())));
        Ok(merge(logs.collect()).chain(futures::stream::iter(refused)).boxed())
    }
}

/// The containers whose logs are wanted.
#[derive(Debug, Clone)]
struct Selection {
    namespace: String,
    version: String,
    query: LogRequest,
}

impl Selection {
    /// One run for each pod that has one to read, as far as the caches know.
    fn runs(&self, watches: &Watches) -> Vec<Run> {
        let pods = watches.pods.in_namespace(&self.namespace);
        let previous = self.query.range.mode == LogMode::Previous;
        let runs = pods.values().filter_map(|pod| runs::run_of(pod, &self.version, previous));
        runs.filter(|run| self.query.sources.contains(&run.source)).collect()
    }
}

fn too_many(left_out: usize) -> LogText {
    let which = match left_out {
        1 => "this pod's log is".to_owned(),
        more => format!("the logs of this pod and {} more are", more - 1),
    };
    LogText::Error(format!("{which} left out: at most {MAX_CONCURRENT_LOGS} logs are read at once; select fewer nodes"))
}
