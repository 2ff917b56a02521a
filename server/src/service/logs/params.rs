//! The query parameters for logs, and their checks.

use std::str::FromStr;

use domain::{ApiError, LogFilter, LogLevel, Problem, Search, Timestamp};
use serde::Deserialize;

use crate::reconciler::{LogMode, LogRange};

const DEFAULT_TAIL: u32 = 200;
const MAX_TAIL: u32 = 10_000;
const ALL: &str = "all";
const MAX_SEARCH_CHARS: usize = 1000;

/// The query parameters. Each narrows the answer; without any, it is the end of the logs of all nodes.
///
/// Kept as text, so that all mistakes are reported at once.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogsParams {
    pub(crate) workflow: Option<String>,
    /// A node's name, or `entrypoint`.
    pub(crate) node: Option<String>,
    /// The run before the last restart; not with `follow`.
    #[param(value_type = Option<bool>)]
    pub(crate) previous: Option<String>,
    /// Goes on with every pod and restart to come; not with `until`.
    #[param(value_type = Option<bool>)]
    pub(crate) follow: Option<String>,
    /// The most lines of each pod, or `all`; counted before anything is looked for. 200 by default, at most 10,000.
    pub(crate) tail: Option<String>,
    /// A time (RFC 3339), or how long ago (`10m`).
    pub(crate) since: Option<String>,
    /// As `since`.
    pub(crate) until: Option<String>,
    /// A text anywhere in the line, whatever the case of its letters.
    pub(crate) search: Option<String>,
    /// Levels, separated by commas: `error`, `warn`, `info`, `debug`, `plain`.
    pub(crate) level: Option<String>,
    /// `text`: a file to keep, one line as `time pod text`; not with `follow`.
    pub(crate) format: Option<String>,
}

/// [`LogsParams`], parsed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LogsQuery {
    pub(super) range: LogRange,
    pub(super) filter: LogFilter,
    pub(super) format: LogFormat,
}

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum LogFormat {
    /// An object each.
    #[default]
    Json,
    /// For people: a file to keep.
    Text,
}

impl LogsParams {
    /// # Errors
    /// `InvalidInput` with all that is wrong.
    pub(super) fn read(&self, now: Timestamp) -> Result<LogsQuery, ApiError> {
        let mut problems = Vec::new();
        let previous = flag("previous", self.previous.as_deref(), &mut problems);
        let follow = flag("follow", self.follow.as_deref(), &mut problems);
        let mut wrong = |name: &str, what: &str| problems.push(Problem::error(name, what));
        let mode = match (previous, follow) {
            (false, false) => LogMode::Last,
            (false, true) => LogMode::Follow,
            (true, false) => LogMode::Previous,
            (true, true) => {
                wrong("previous", "`previous` cannot be combined with `follow`");
                LogMode::Previous
            }
        };
        let tail = match self.tail.as_deref() {
            // What lies in the past is not counted from the end.
            None if self.until.is_some() => None,
            None => Some(DEFAULT_TAIL),
            Some(ALL) => None,
            Some(number) => number.parse().ok().filter(|lines| *lines <= MAX_TAIL).or_else(|| {
                wrong("tail", &format!("enter a number of lines from 0 to {MAX_TAIL}, or `{ALL}`"));
                None
            }),
        };
        let mut point = |name: &str, text: Option<&str>| {
            let at = text.map(|text| point(text, now));
            if at == Some(None) {
                wrong(name, "enter a time such as `2026-01-31T12:00:00Z`, or a duration such as `10m`");
            }
            at.flatten()
        };
        let since = point("since", self.since.as_deref());
        let until = point("until", self.until.as_deref());
        if self.until.is_some() && follow {
            wrong("until", "`until` cannot be combined with `follow`");
        }
        if self.until.is_some() && tail.is_some() {
            wrong("tail", "`tail` counts from the end of the log; with `until`, omit it or use `all`");
        }
        if since.is_some_and(|since| until.is_some_and(|until| until < since)) {
            wrong("until", "`until` is before `since`");
        }
        let levels = self.level.as_deref().map_or(Some(Vec::new()), levels).unwrap_or_else(|| {
            let known = LogLevel::ALL.map(|level| format!("`{}`", level.as_str())).join(", ");
            wrong("level", &format!("enter levels separated by commas: {known}"));
            Vec::new()
        });
        let search = self.search.as_deref().unwrap_or_default();
        if search.chars().nth(MAX_SEARCH_CHARS).is_some() {
            wrong("search", &format!("enter at most {MAX_SEARCH_CHARS} characters"));
        }
        if search.contains('\0') {
            wrong("search", "NUL characters are not allowed");
        }
        let format = match self.format.as_deref() {
            None | Some("json") => LogFormat::Json,
            Some("text") => LogFormat::Text,
            Some(_) => {
                wrong("format", "enter `json` or `text`");
                LogFormat::Json
            }
        };
        if format == LogFormat::Text && follow {
            wrong("format", "`text` cannot be combined with `follow`; use `json`");
        }
        if !problems.is_empty() {
            return Err(ApiError::InvalidInput { problems });
        }
        let range = LogRange { mode, tail, since, until };
        Ok(LogsQuery { range, filter: LogFilter { levels, search: Search::new(search) }, format })
    }
}

/// A flag that is there without a value is set.
fn flag(name: &str, value: Option<&str>, problems: &mut Vec<Problem>) -> bool {
    match value {
        None | Some("false" | "0") => false,
        Some("" | "true" | "1") => true,
        Some(_) => {
            problems.push(Problem::error(name, "enter `true` or `false`"));
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

/// None when one of them is no level. An empty list is all of them.
fn levels(text: &str) -> Option<Vec<LogLevel>> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(LogLevel::from_str).collect::<Result<_, _>>().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(params: LogsParams) -> Result<LogsQuery, ApiError> {
        params.read("2026-01-31T12:00:00Z".parse().unwrap())
    }

    fn range(params: LogsParams) -> LogRange {
        read(params).unwrap().range
    }

    fn text(value: &str) -> Option<String> {
        Some(value.to_owned())
    }

    #[test]
    fn a_query_says_from_where_to_where() {
        let at = |time: &str| Some(time.parse().unwrap());
        let (last, none) =
            (LogRange { mode: LogMode::Last, tail: Some(200), since: None, until: None }, LogsParams::default);
        assert_eq!(range(none()), last);
        let follow = LogsParams { follow: text(""), tail: text("0"), since: text("10m"), ..none() };
        let since = at("2026-01-31T11:50:00Z");
        assert_eq!(range(follow), LogRange { mode: LogMode::Follow, tail: Some(0), since, until: None });
        let previous = LogsParams {
            previous: text("true"),
            follow: text("false"),
            since: text("2026-01-31T12:50:00+01:00"),
            ..none()
        };
        assert_eq!(range(previous), LogRange { mode: LogMode::Previous, since, ..last });
        let bounded = LogsParams { since: text("10m"), until: text("5m"), ..none() };
        let until = at("2026-01-31T11:55:00Z");
        assert_eq!(range(bounded), LogRange { tail: None, since, until, ..last }, "all of a range");
        assert_eq!(
            range(LogsParams { tail: text("all"), until: text("5m"), ..none() }),
            LogRange { tail: None, until, ..last }
        );
    }

    #[test]
    fn a_query_says_what_lines_have_to_have() {
        let params = LogsParams {
            level: text("error, plain"),
            search: text("Gone"),
            format: text("text"),
            ..LogsParams::default()
        };
        let wanted = read(params).unwrap();
        let filter = LogFilter { levels: vec![LogLevel::Error, LogLevel::Plain], search: Search::new("gone") };
        assert_eq!((wanted.filter, wanted.format), (filter, LogFormat::Text));
        let nothing = LogsParams { level: text(""), search: text(""), ..LogsParams::default() };
        assert!(read(nothing).unwrap().filter.is_empty());
    }

    #[test]
    fn all_that_is_wrong_with_a_query_is_said_at_once() {
        let params = LogsParams {
            previous: text("maybe"),
            follow: text("yes"),
            tail: text("10001"),
            since: text("yesterday"),
            until: text("tomorrow"),
            search: Some("x".repeat(1001)),
            level: text("loud"),
            format: text("pdf"),
            ..LogsParams::default()
        };
        let paths = |params: LogsParams| -> Vec<String> {
            read(params).unwrap_err().problems().iter().map(|problem| problem.path.clone()).collect()
        };
        assert_eq!(paths(params), ["previous", "follow", "tail", "since", "until", "level", "search", "format"]);
        let none = LogsParams::default;
        assert_eq!(paths(LogsParams { previous: text("1"), follow: text("1"), ..none() }), ["previous"]);
        assert_eq!(paths(LogsParams { tail: text("-1"), ..none() }), ["tail"]);
        assert_eq!(paths(LogsParams { until: text("1m"), follow: text("1"), ..none() }), ["until"]);
        assert_eq!(paths(LogsParams { until: text("1m"), tail: text("5"), ..none() }), ["tail"]);
        assert_eq!(paths(LogsParams { since: text("1m"), until: text("2m"), ..none() }), ["until"]);
        assert_eq!(paths(LogsParams { format: text("text"), follow: text("1"), ..none() }), ["format"]);
    }
}
