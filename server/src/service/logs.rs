//! Logs as they are asked for: names and numbers in, lines out.

use std::collections::BTreeSet;

use domain::{ApiError, LogLine, Problem, RuntimeId, Timestamp, VersionName};
use futures::stream::BoxStream;

use super::Service;
use crate::{
    reconciler::{LogQuery, LogSource, NoCluster, Window},
    store::VersionRecord,
};

const DEFAULT_TAIL: u32 = 200;
const MOST_TAIL: u32 = 10_000;
/// How a query names the entrypoint; no node may be called so (krt.md §2).
const ENTRYPOINT: &str = "entrypoint";

/// What a query says, as text. Everything narrows the answer; with nothing it is all nodes of the version.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogsAsked {
    pub(crate) workflow: Option<String>,
    pub(crate) node: Option<String>,
    pub(crate) previous: Option<String>,
    pub(crate) follow: Option<String>,
    pub(crate) tail: Option<String>,
    /// A time (RFC 3339), or how long ago (`10m`).
    pub(crate) since: Option<String>,
}

impl Service {
    /// The lines that the version's pods have written: none for a version that does not run, as `kubectl logs` has it for
    /// a selector that selects nothing.
    ///
    /// # Errors
    /// `NotFound` naming what there is, `InvalidInput` with a problem for each wrong parameter, `Unavailable` while the
    /// cluster does not answer.
    pub(crate) async fn logs(
        &self,
        runtime: &RuntimeId,
        version: &VersionName,
        asked: LogsAsked,
    ) -> Result<BoxStream<'static, LogLine>, ApiError> {
        let window = window(&asked, Timestamp::now())?;
        let record = self.record(runtime, version).await?;
        let sources = sources(&record, asked.workflow.as_deref(), asked.node.as_deref())?;
        let no_cluster = |NoCluster| ApiError::Unavailable { what: "the cluster".to_owned() };
        self.reconciler.logs(&record, LogQuery { sources, window }).map_err(no_cluster)
    }
}

fn window(asked: &LogsAsked, now: Timestamp) -> Result<Window, ApiError> {
    let mut problems = Vec::new();
    let previous = flag("previous", asked.previous.as_deref(), &mut problems);
    let follow = flag("follow", asked.follow.as_deref(), &mut problems);
    if previous && follow {
        problems.push(Problem::error("previous", "the run before the last restart is over; leave out `follow`"));
    }
    let tail = match asked.tail.as_deref().map(str::parse::<u32>) {
        None => DEFAULT_TAIL,
        Some(Ok(lines)) if lines <= MOST_TAIL => lines,
        Some(_) => {
            problems.push(Problem::error("tail", format!("give a number of lines, from 0 to {MOST_TAIL}")));
            DEFAULT_TAIL
        }
    };
    let since = asked.since.as_deref().map(|text| point(text, now));
    if since == Some(None) {
        problems.push(Problem::error("since", "give a time such as `2026-01-31T12:00:00Z`, or how long ago: `10m`"));
    }
    let since = since.flatten();
    if !problems.is_empty() {
        return Err(ApiError::InvalidInput { problems });
    }
    Ok(match (previous, follow) {
        (true, _) => Window::Previous { tail, since },
        (false, true) => Window::Follow { tail, since },
        (false, false) => Window::Last { tail, since },
    })
}

/// A flag that is there without a value is set.
fn flag(name: &str, value: Option<&str>, problems: &mut Vec<Problem>) -> bool {
    match value {
        None | Some("false" | "0") => false,
        Some("" | "true" | "1") => true,
        Some(_) => {
            problems.push(Problem::error(name, "give `true` or `false`"));
            false
        }
    }
}

fn point(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    now.checked_sub(humantime::parse_duration(text).ok()?).ok()
}

fn sources(
    version: &VersionRecord,
    workflow: Option<&str>,
    node: Option<&str>,
) -> Result<BTreeSet<LogSource>, ApiError> {
    let workflows = &version.manifest.workflows;
    let named = |names: Vec<&str>| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if let Some(asked) = workflow
        && !workflows.iter().any(|known| known.name.as_str() == asked)
    {
        let known = named(workflows.iter().map(|known| known.name.as_str()).collect());
        let what = format!("workflow `{asked}` in version `{}`, which has {known}", version.name);
        return Err(ApiError::NotFound { what });
    }
    let within = || workflows.iter().filter(|known| workflow.is_none_or(|asked| known.name.as_str() == asked));
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
    let Some(asked) = node else { return Ok(all) };
    let (wanted, others): (BTreeSet<_>, BTreeSet<_>) = all.into_iter().partition(|source| source.node == asked);
    if wanted.is_empty() {
        let names: BTreeSet<&str> = others.iter().map(|source| source.node.as_str()).collect();
        let place = match workflow {
            Some(workflow) => format!("workflow `{workflow}` of version `{}`", version.name),
            None => format!("version `{}`", version.name),
        };
        let what = format!("node `{asked}` in {place}, which has {}", named(names.into_iter().collect()));
        return Err(ApiError::NotFound { what });
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window_of(asked: LogsAsked) -> Result<Window, ApiError> {
        window(&asked, "2026-01-31T12:00:00Z".parse().unwrap())
    }

    fn text(value: &str) -> Option<String> {
        Some(value.to_owned())
    }

    #[test]
    fn a_query_says_from_where_to_where() {
        let since = "2026-01-31T11:50:00Z".parse().ok();
        assert_eq!(window_of(LogsAsked::default()), Ok(Window::Last { tail: 200, since: None }));
        let follow = LogsAsked { follow: text(""), tail: text("0"), since: text("10m"), ..LogsAsked::default() };
        assert_eq!(window_of(follow), Ok(Window::Follow { tail: 0, since }));
        let previous = LogsAsked {
            previous: text("true"),
            follow: text("false"),
            since: text("2026-01-31T12:50:00+01:00"),
            ..LogsAsked::default()
        };
        assert_eq!(window_of(previous), Ok(Window::Previous { tail: 200, since }));
    }

    #[test]
    fn all_that_is_wrong_with_a_query_is_said_at_once() {
        let asked = LogsAsked {
            previous: text("maybe"),
            follow: text("yes"),
            tail: text("10001"),
            since: text("yesterday"),
            ..LogsAsked::default()
        };
        let paths = |refused: Result<Window, ApiError>| -> Vec<String> {
            refused.unwrap_err().problems().iter().map(|problem| problem.path.clone()).collect()
        };
        assert_eq!(paths(window_of(asked)), ["previous", "follow", "tail", "since"]);
        let both = LogsAsked { previous: text("1"), follow: text("1"), ..LogsAsked::default() };
        assert_eq!(paths(window_of(both)), ["previous"]);
        assert_eq!(paths(window_of(LogsAsked { tail: text("-1"), ..LogsAsked::default() })), ["tail"]);
    }
}
