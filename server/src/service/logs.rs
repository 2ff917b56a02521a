//! Logs by query: names and numbers in, lines out.

mod params;

use std::collections::BTreeSet;

use domain::{
    ApiError, Caller, LevelReader, LogFilter, LogLine, LogText, RuntimeId, Timestamp, VersionName, access::Permission,
    strip_ansi,
};
use futures::{StreamExt, future, stream::BoxStream};

pub(crate) use self::params::{LogFormat, LogsParams};
use super::Service;
use crate::{
    reconciler::{ClusterUnavailable, LogRequest, LogSource},
    store::VersionRecord,
};

/// How a query names the entrypoint; no node may be called so (docs/krt.md §2.2).
const ENTRYPOINT: &str = "entrypoint";

/// The answer to a query.
pub(crate) struct LogStream {
    pub(crate) lines: BoxStream<'static, LogLine>,
    pub(crate) format: LogFormat,
}

impl Service {
    /// The lines that the version's pods have written: none for a version that does not run, as `kubectl logs` has it for
    /// a selector that selects nothing. What keeps a log from being read is always among them, whatever is looked for.
    ///
    /// # Errors
    /// `NotFound` naming what there is, `InvalidInput` with a problem for each wrong parameter, `Unavailable` while the
    /// cluster does not answer.
    pub(crate) async fn logs(
        &self,
        caller: &Caller,
        runtime: &RuntimeId,
        version: &VersionName,
        params: &LogsParams,
    ) -> Result<LogStream, ApiError> {
        let wanted = params.read(Timestamp::now())?;
        self.allow(caller, Permission::View, Some(runtime))?;
        let record = self.record(runtime, version).await?;
        let sources = sources(&record, params.workflow.as_deref(), params.node.as_deref())?;
        let no_cluster = |ClusterUnavailable| ApiError::Unavailable { what: "the cluster".to_owned() };
        let lines = self.reconciler.logs(&record, LogRequest { sources, range: wanted.range }).map_err(no_cluster)?;
        Ok(LogStream { lines: filtered(lines, wanted.filter), format: wanted.format })
    }
}

fn filtered(lines: BoxStream<'static, LogLine>, filter: LogFilter) -> BoxStream<'static, LogLine> {
    if filter.is_empty() {
        return lines;
    }
    let mut levels = LevelReader::default();
    let mut keeps = move |line: &LogLine| match &line.text {
        LogText::Line(text) => {
            let text = strip_ansi(text);
            filter.matches(levels.read(line, &text), &text)
        }
        LogText::Error(_) => true,
    };
    lines.filter(move |line| future::ready(keeps(line))).boxed()
}

fn sources(
    version: &VersionRecord,
    workflow: Option<&str>,
    node: Option<&str>,
) -> Result<BTreeSet<LogSource>, ApiError> {
    let workflows = &version.manifest.workflows;
    let named = |names: Vec<&str>| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if let Some(requested) = workflow
        && !workflows.iter().any(|known| known.name.as_str() == requested)
    {
        let known = named(workflows.iter().map(|known| known.name.as_str()).collect());
        let what = format!("workflow `{requested}` in version `{}`, which has {known}", version.name);
        return Err(ApiError::NotFound { what });
    }
    let within = || workflows.iter().filter(|known| workflow.is_none_or(|requested| known.name.as_str() == requested));
    let mut all: BTreeSet<_> = within()
        .flat_map(|workflow| {
            workflow
                .nodes
                .iter()
                .map(|node| LogSource { workflow: Some(workflow.name.clone()), node: node.name.to_string() })
        })
        .collect();
    if workflow.is_none() {
        all.insert(LogSource { workflow: None, node: ENTRYPOINT.to_owned() });
    }
    let Some(requested) = node else { return Ok(all) };
    let (wanted, others): (BTreeSet<_>, BTreeSet<_>) = all.into_iter().partition(|source| source.node == requested);
    if wanted.is_empty() {
        let names: BTreeSet<&str> = others.iter().map(|source| source.node.as_str()).collect();
        let place = match workflow {
            Some(workflow) => format!("workflow `{workflow}` of version `{}`", version.name),
            None => format!("version `{}`", version.name),
        };
        let what = format!("node `{requested}` in {place}, which has {}", named(names.into_iter().collect()));
        return Err(ApiError::NotFound { what });
    }
    Ok(wanted)
}
