//! What the drawer shows: whose logs, which part of them, and how. All of it is in the address of the page, under the
//! names that the API has for it, so that a link shows the same.

use domain::{LogFilter, LogLevel, Search, Timestamp, parse_time};
use leptos_router::{location::Url, params::ParamsMap};

use crate::route::param;

/// The query parameter that opens the drawer and says whose logs are shown: `all`, `entrypoint`, `workflow/node`, or
/// `workflow/` for all nodes of a workflow.
pub const LOGS_PARAM: &str = "logs";
const SEARCH_PARAM: &str = "search";
const ALL: &str = "all";
/// No node can be called so (docs/krt.md §2.2).
const ENTRYPOINT: &str = "entrypoint";
/// Everything in the address that is about the drawer.
const PARAMS: [&str; 7] = [LOGS_PARAM, "level", SEARCH_PARAM, "since", "until", "previous", "wrap"];
/// How far back the ranges go that a person picks by name, with that name.
pub const RANGES: [(&str, &str); 6] = [
    ("5m", "Last 5 minutes"),
    ("15m", "Last 15 minutes"),
    ("1h", "Last hour"),
    ("6h", "Last 6 hours"),
    ("1d", "Last day"),
    ("7d", "Last 7 days"),
];

/// Whose logs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LogScope {
    #[default]
    All,
    Entrypoint,
    Workflow(String),
    Node {
        workflow: String,
        node: String,
    },
}

impl LogScope {
    pub fn of(text: &str) -> Self {
        match text.split_once('/') {
            None if text == ENTRYPOINT => Self::Entrypoint,
            None => Self::All,
            Some((workflow, "")) => Self::Workflow(workflow.to_owned()),
            Some((workflow, node)) => Self::Node { workflow: workflow.to_owned(), node: node.to_owned() },
        }
    }

    pub fn text(&self) -> String {
        match self {
            Self::All => ALL.to_owned(),
            Self::Entrypoint => ENTRYPOINT.to_owned(),
            Self::Workflow(workflow) => format!("{workflow}/"),
            Self::Node { workflow, node } => format!("{workflow}/{node}"),
        }
    }

    /// Whether the node of this name is among them; without a workflow it is the entrypoint.
    pub fn includes(&self, workflow: Option<&str>, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Entrypoint => workflow.is_none(),
            Self::Workflow(own) => workflow == Some(own),
            Self::Node { workflow: own, node } => workflow == Some(own) && name == node,
        }
    }
}

/// The state of the drawer, but for what is scrolled to and whether it is paused: lines go on, and a link would show others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogView {
    pub whose: LogScope,
    /// Empty for all.
    pub levels: Vec<LogLevel>,
    pub search: String,
    /// How long ago (`5m`), or a time.
    pub since: Option<String>,
    /// A time.
    pub until: Option<String>,
    /// The run before the last restart.
    pub previous: bool,
    pub wrap: bool,
}

impl LogView {
    /// As the address says; none while the drawer is closed. What makes no sense in it is passed over.
    pub fn of(query: &ParamsMap) -> Option<Self> {
        let is_set = |name| query.get_str(name).is_some_and(|value| matches!(value, "" | "1" | "true"));
        let time = |text: &String| parse_time(text).is_some();
        let levels = param(query, "level").unwrap_or_default();
        let mut levels: Vec<LogLevel> = levels.split(',').filter_map(|name| name.parse().ok()).collect();
        levels.sort_unstable();
        levels.dedup();
        Some(Self {
            whose: LogScope::of(&param(query, LOGS_PARAM)?),
            levels,
            search: query.get(SEARCH_PARAM).unwrap_or_default(),
            since: param(query, "since").filter(|text| time(text) || RANGES.iter().any(|(range, _)| range == text)),
            until: param(query, "until").filter(time),
            previous: is_set("previous"),
            wrap: is_set("wrap"),
        })
    }

    /// Writes it into the query of an address, in place of what is there.
    pub fn write(&self, query: &mut ParamsMap) {
        clear(query);
        // What is inserted is unescaped on the way.
        let mut set = |name: &'static str, value: &str| {
            if !value.is_empty() {
                query.insert(name, Url::escape(value));
            }
        };
        set(LOGS_PARAM, &self.whose.text());
        set("level", &self.level_names());
        set(SEARCH_PARAM, &self.search);
        set("since", self.since.as_deref().unwrap_or_default());
        set("until", self.until.as_deref().unwrap_or_default());
        set("previous", if self.previous { "true" } else { "" });
        set("wrap", if self.wrap { "true" } else { "" });
    }

    pub fn filter(&self) -> LogFilter {
        LogFilter { levels: self.levels.clone(), search: Search::new(&self.search) }
    }

    /// The same logs with all their lines.
    pub fn unfiltered(&self) -> Self {
        Self { levels: Vec::new(), search: String::new(), since: None, until: None, ..self.clone() }
    }

    pub fn is_filtered(&self) -> bool {
        *self != self.unfiltered()
    }

    /// The part that needs a new request when it changes; the rest is applied to the lines that are there.
    pub fn asked(&self) -> Self {
        Self { levels: Vec::new(), search: String::new(), wrap: false, ..self.clone() }
    }

    /// It ends before it begins.
    pub(super) fn is_backwards(&self) -> bool {
        let at = |text: &Option<String>| text.as_deref().and_then(parse_time);
        matches!((at(&self.since), at(&self.until)), (Some(since), Some(until)) if until < since)
    }

    /// More is to come.
    pub fn follows(&self) -> bool {
        !self.previous && self.until.is_none()
    }

    fn level_names(&self) -> String {
        self.levels.iter().map(|level| level.as_str()).collect::<Vec<_>>().join(",")
    }

    /// The query of the API for these logs, whatever is looked for in them.
    fn of_api(&self) -> Vec<(&'static str, String)> {
        let mut query = Vec::new();
        let mut add = |name: &'static str, value: &str| query.push((name, value.to_owned()));
        match &self.whose {
            LogScope::All => {}
            LogScope::Entrypoint => add("node", ENTRYPOINT),
            LogScope::Workflow(workflow) => add("workflow", workflow),
            LogScope::Node { workflow, node } => {
                add("workflow", workflow);
                add("node", node);
            }
        }
        if let Some(since) = &self.since {
            add("since", since);
        }
        if let Some(until) = &self.until {
            add("until", until);
        }
        if self.previous {
            add("previous", "true");
        }
        query
    }

    /// The query for the lines up to now, in the order of time.
    pub(super) fn first_address(&self, base: &str, tail: usize) -> String {
        let mut query = self.of_api();
        // Of what has an end, all of it is read: the server counts from the end of a log alone.
        if self.until.is_none() {
            query.push(("tail", tail.to_string()));
        }
        address(base, &query)
    }

    /// The query for later lines. `since` is the time of the last one seen.
    pub(super) fn next_address(&self, base: &str, tail: usize, since: Option<Timestamp>) -> String {
        let mut query = self.of_api();
        if let Some(since) = since {
            query.retain(|(name, _)| *name != "since");
            query.push(("since", since.to_string()));
        }
        query.extend([("tail", tail.to_string()), ("follow", "true".to_owned())]);
        address(base, &query)
    }

    /// All that matches, as a file.
    pub(super) fn file_address(&self, base: &str) -> String {
        let mut query = self.of_api();
        query.push(("tail", ALL.to_owned()));
        if !self.levels.is_empty() {
            query.push(("level", self.level_names()));
        }
        if !self.search.is_empty() {
            query.push(("search", self.search.clone()));
        }
        query.push(("format", "text".to_owned()));
        address(base, &query)
    }
}

/// Takes all that is about the drawer out of a query: closes it.
pub fn clear(query: &mut ParamsMap) {
    for name in PARAMS {
        query.remove(name);
    }
}

/// What an address has to carry for the drawer to stay as it is, with its question mark; empty while it is closed.
pub fn carried(query: &ParamsMap) -> String {
    let mut carried = ParamsMap::new();
    if let Some(view) = LogView::of(query) {
        view.write(&mut carried);
    }
    carried.to_query_string()
}

fn address(base: &str, query: &[(&str, String)]) -> String {
    let pairs: Vec<_> = query.iter().map(|(name, value)| format!("{name}={}", Url::escape(value))).collect();
    format!("{base}?{}", pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(pairs: &[(&'static str, &str)]) -> Option<LogView> {
        let mut query = ParamsMap::new();
        for (name, value) in pairs {
            query.insert(*name, (*value).to_owned());
        }
        LogView::of(&query)
    }

    fn everything() -> LogView {
        LogView {
            whose: LogScope::Node { workflow: "rate".to_owned(), node: "score".to_owned() },
            levels: vec![LogLevel::Error, LogLevel::Plain],
            search: "100% & more".to_owned(),
            since: Some("2026-01-01T00:00:00Z".to_owned()),
            until: Some("2026-01-02T00:00:00Z".to_owned()),
            previous: true,
            wrap: true,
        }
    }

    #[test]
    fn an_address_shows_what_it_was_written_for() {
        for whose in ["all", "entrypoint", "rate/", "rate/score"] {
            assert_eq!(LogScope::of(whose).text(), whose);
            let view = LogView { whose: LogScope::of(whose), ..everything() };
            let mut query = ParamsMap::new();
            query.insert("node", "kept".to_owned());
            view.write(&mut query);
            assert_eq!(LogView::of(&query), Some(view.clone()));
            assert_eq!(query.get_str("node"), Some("kept"));
            view.write(&mut query);
            assert_eq!(LogView::of(&query), Some(view), "written twice");
            clear(&mut query);
            assert_eq!(query.to_query_string(), "?node=kept");
        }
        assert_eq!(carried(&ParamsMap::new()), "");
    }

    #[test]
    fn what_makes_no_sense_in_an_address_is_passed_over() {
        assert_eq!(view(&[("level", "error")]), None);
        assert_eq!(view(&[("logs", "all")]), Some(LogView::default()));
        let odd =
            [("logs", "what"), ("level", "loud,warn,warn"), ("since", "yesterday"), ("until", "5m"), ("wrap", "no")];
        let expected = LogView { levels: vec![LogLevel::Warn], ..LogView::default() };
        assert_eq!(view(&odd), Some(expected));
        assert_eq!(view(&[("logs", "all"), ("since", "15m")]).unwrap().since.as_deref(), Some("15m"));
    }

    #[test]
    fn the_server_is_asked_for_the_range_and_the_browser_looks_for_the_rest() {
        let view = LogView { until: None, previous: false, ..everything() };
        let first = view.first_address("/logs", 500);
        assert!(first.contains("workflow=rate&node=score&since=2026") && first.ends_with("&tail=500"), "{first}");
        assert!(!first.contains("search") && !first.contains("level"), "{first}");
        let next = view.next_address("/logs", 500, Some(Timestamp::UNIX_EPOCH));
        assert!(next.contains("since=1970") && !next.contains("2026") && next.ends_with("&follow=true"), "{next}");
        let file = everything().file_address("/logs");
        for part in ["tail=all", "level=error%2Cplain", "search=100%25%20%26%20more", "previous=true", "format=text"] {
            assert!(file.contains(part), "{file}");
        }
        assert!(!everything().first_address("/logs", 500).contains("tail"));
        assert!(!everything().follows() && view.follows());
        assert!(!everything().is_backwards());
        assert!(LogView { until: Some("2025-01-01T00:00:00Z".to_owned()), ..everything() }.is_backwards());
        assert_eq!(view.asked(), LogView { search: "other".to_owned(), wrap: false, ..view.clone() }.asked());
    }

    #[test]
    fn whose_logs_says_which_nodes_are_among_them() {
        for (whose, entrypoint, score, other) in [
            ("all", true, true, true),
            ("entrypoint", true, false, false),
            ("rate/", false, true, false),
            ("rate/score", false, true, false),
            ("rate/else", false, false, false),
        ] {
            let whose = LogScope::of(whose);
            assert_eq!(whose.includes(None, "entrypoint"), entrypoint);
            assert_eq!(whose.includes(Some("rate"), "score"), score);
            assert_eq!(whose.includes(Some("other"), "score"), other);
        }
    }
}
