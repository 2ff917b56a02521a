//! What a query for logs says, and whether it makes sense.

use std::str::FromStr;

use domain::{ApiError, LogFilter, LogLevel, Problem, Search, Timestamp};

use crate::reconciler::{Part, Window};

const DEFAULT_TAIL: u32 = 200;
const MOST_TAIL: u32 = 10_000;
const ALL: &str = "all";
const LONGEST_SEARCH_CHARS: usize = 1000;

/// What a query says, as text. Everything narrows the answer; with nothing it is the end of all nodes' logs.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogsAsked {
    pub(crate) workflow: Option<String>,
    pub(crate) node: Option<String>,
    pub(crate) previous: Option<String>,
    pub(crate) follow: Option<String>,
    /// A number of lines of each pod, or `all`; counted before anything is looked for.
    pub(crate) tail: Option<String>,
    /// A time (RFC 3339), or how long ago (`10m`).
    pub(crate) since: Option<String>,
    pub(crate) until: Option<String>,
    /// A text anywhere in the line, whatever the case of its letters.
    pub(crate) search: Option<String>,
    /// Levels, separated by commas.
    pub(crate) level: Option<String>,
    pub(crate) format: Option<String>,
}

/// The same, understood.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LogsWanted {
    pub(super) window: Window,
    pub(super) filter: LogFilter,
    pub(super) form: LogForm,
}

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum LogForm {
    /// An object each.
    #[default]
    Json,
    /// For people: a file to keep.
    Text,
}

impl LogsAsked {
    /// # Errors
    /// `InvalidInput` with all that is wrong.
    pub(super) fn read(&self, now: Timestamp) -> Result<LogsWanted, ApiError> {
        let mut problems = Vec::new();
        let previous = flag("previous", self.previous.as_deref(), &mut problems);
        let follow = flag("follow", self.follow.as_deref(), &mut problems);
        let mut wrong = |name: &str, what: &str| problems.push(Problem::error(name, what));
        let part = match (previous, follow) {
            (false, false) => Part::Last,
            (false, true) => Part::Follow,
            (true, false) => Part::Previous,
            (true, true) => {
                wrong("previous", "the run before the last restart is over; leave out `follow`");
                Part::Previous
            }
        };
        let tail = match self.tail.as_deref() {
            // What lies in the past is not counted from the end.
            None if self.until.is_some() => None,
            None => Some(DEFAULT_TAIL),
            Some(ALL) => None,
            Some(number) => number.parse().ok().filter(|lines| *lines <= MOST_TAIL).or_else(|| {
                wrong("tail", &format!("give a number of lines, from 0 to {MOST_TAIL}, or `{ALL}`"));
                None
            }),
        };
        let mut point = |name: &str, text: Option<&str>| {
            let at = text.map(|text| point(text, now));
            if at == Some(None) {
                wrong(name, "give a time such as `2026-01-31T12:00:00Z`, or how long ago: `10m`");
            }
            at.flatten()
        };
        let since = point("since", self.since.as_deref());
        let until = point("until", self.until.as_deref());
        if self.until.is_some() && follow {
            wrong("until", "what is followed has no end; leave out `follow`");
        }
        if self.until.is_some() && tail.is_some() {
            wrong("tail", "lines are counted from the end of a log; with `until` leave it out, or say `all`");
        }
        if since.is_some_and(|since| until.is_some_and(|until| until < since)) {
            wrong("until", "it is before `since`");
        }
        let levels = self.level.as_deref().map_or(Some(Vec::new()), levels).unwrap_or_else(|| {
            let known = LogLevel::ALL.map(|level| format!("`{}`", level.as_str())).join(", ");
            wrong("level", &format!("give some of {known}, separated by commas"));
            Vec::new()
        });
        let search = self.search.as_deref().unwrap_or_default();
        if search.chars().nth(LONGEST_SEARCH_CHARS).is_some() {
            wrong("search", &format!("give at most {LONGEST_SEARCH_CHARS} characters"));
        }
        if search.contains('\0') {
            wrong("search", "this has a NUL character in it, which no line has");
        }
        let form = match self.format.as_deref() {
            None | Some("json") => LogForm::Json,
            Some("text") => LogForm::Text,
            Some(_) => {
                wrong("format", "give `json` or `text`");
                LogForm::Json
            }
        };
        if form == LogForm::Text && follow {
            wrong("format", "a file has an end; leave out `follow`, or take `json`");
        }
        if !problems.is_empty() {
            return Err(ApiError::InvalidInput { problems });
        }
        let window = Window { part, tail, since, until };
        Ok(LogsWanted { window, filter: LogFilter { levels, search: Search::new(search) }, form })
    }
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

/// None when one of them is no level. An empty list is all of them.
fn levels(text: &str) -> Option<Vec<LogLevel>> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(LogLevel::from_str).collect::<Result<_, _>>().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(asked: LogsAsked) -> Result<LogsWanted, ApiError> {
        asked.read("2026-01-31T12:00:00Z".parse().unwrap())
    }

    fn window(asked: LogsAsked) -> Window {
        read(asked).unwrap().window
    }

    fn text(value: &str) -> Option<String> {
        Some(value.to_owned())
    }

    #[test]
    fn a_query_says_from_where_to_where() {
        let at = |time: &str| Some(time.parse().unwrap());
        let (last, none) = (Window { part: Part::Last, tail: Some(200), since: None, until: None }, LogsAsked::default);
        assert_eq!(window(none()), last);
        let follow = LogsAsked { follow: text(""), tail: text("0"), since: text("10m"), ..none() };
        let since = at("2026-01-31T11:50:00Z");
        assert_eq!(window(follow), Window { part: Part::Follow, tail: Some(0), since, until: None });
        let previous = LogsAsked {
            previous: text("true"),
            follow: text("false"),
            since: text("2026-01-31T12:50:00+01:00"),
            ..none()
        };
        assert_eq!(window(previous), Window { part: Part::Previous, since, ..last });
        let range = LogsAsked { since: text("10m"), until: text("5m"), ..none() };
        let until = at("2026-01-31T11:55:00Z");
        assert_eq!(window(range), Window { tail: None, since, until, ..last }, "all of a range");
        assert_eq!(
            window(LogsAsked { tail: text("all"), until: text("5m"), ..none() }),
            Window { tail: None, until, ..last }
        );
    }

    #[test]
    fn a_query_says_what_lines_have_to_have() {
        let asked = LogsAsked {
            level: text("error, plain"),
            search: text("Gone"),
            format: text("text"),
            ..LogsAsked::default()
        };
        let wanted = read(asked).unwrap();
        let filter = LogFilter { levels: vec![LogLevel::Error, LogLevel::Plain], search: Search::new("gone") };
        assert_eq!((wanted.filter, wanted.form), (filter, LogForm::Text));
        let nothing = LogsAsked { level: text(""), search: text(""), ..LogsAsked::default() };
        assert!(read(nothing).unwrap().filter.is_empty());
    }

    #[test]
    fn all_that_is_wrong_with_a_query_is_said_at_once() {
        let asked = LogsAsked {
            previous: text("maybe"),
            follow: text("yes"),
            tail: text("10001"),
            since: text("yesterday"),
            until: text("tomorrow"),
            search: Some("x".repeat(1001)),
            level: text("loud"),
            format: text("pdf"),
            ..LogsAsked::default()
        };
        let paths = |asked: LogsAsked| -> Vec<String> {
            read(asked).unwrap_err().problems().iter().map(|problem| problem.path.clone()).collect()
        };
        assert_eq!(paths(asked), ["previous", "follow", "tail", "since", "until", "level", "search", "format"]);
        let none = LogsAsked::default;
        assert_eq!(paths(LogsAsked { previous: text("1"), follow: text("1"), ..none() }), ["previous"]);
        assert_eq!(paths(LogsAsked { tail: text("-1"), ..none() }), ["tail"]);
        assert_eq!(paths(LogsAsked { until: text("1m"), follow: text("1"), ..none() }), ["until"]);
        assert_eq!(paths(LogsAsked { until: text("1m"), tail: text("5"), ..none() }), ["tail"]);
        assert_eq!(paths(LogsAsked { since: text("1m"), until: text("2m"), ..none() }), ["until"]);
        assert_eq!(paths(LogsAsked { format: text("text"), follow: text("1"), ..none() }), ["format"]);
    }
}
