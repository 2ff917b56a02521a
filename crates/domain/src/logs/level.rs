//! How serious a line of a log is, as far as its text says. Containers write as they like, so this knows the forms that
//! are common, and guesses nothing where none of them is there.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::trace::{LineLevel, line_level_after};
use crate::LogLine;

/// How far into a line a level is looked for: times, threads and names stand before it, sentences after it.
pub(super) const HEAD_BYTES: usize = 96;
/// How far into a line that is an object its level is looked for.
const OBJECT_BYTES: usize = 4096;

/// The worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// And whatever is worse: fatal, critical, panic.
    Error,
    Warn,
    Info,
    /// And whatever is less: trace, verbose.
    Debug,
    /// The line names none. A class of its own: such a line is neither taken for harmless nor left out unasked.
    Plain,
}

impl LogLevel {
    pub const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Plain];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Plain => "plain",
        }
    }
}

/// It is the name of no level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownLevel;

impl FromStr for LogLevel {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        Self::ALL.into_iter().find(|level| level.as_str() == text).ok_or(UnknownLevel)
    }
}

/// The levels of the lines of many containers, as they come.
#[derive(Debug, Clone, Default)]
pub struct LevelReader {
    /// What was last said, by pod and container. Few, so a list.
    last: Vec<(String, String, LineLevel)>,
}

impl LevelReader {
    /// `text` is what the container wrote, without colours.
    pub fn read(&mut self, line: &LogLine, text: &str) -> LogLevel {
        let known = self.last.iter().position(|(pod, container, _)| *pod == line.pod && *container == line.container);
        let line_level = line_level_after(known.map(|at| self.last[at].2), text);
        match known {
            Some(at) => self.last[at].2 = line_level,
            None => self.last.push((line.pod.clone(), line.container.clone(), line_level)),
        }
        line_level.level
    }
}

/// The level that the line itself names.
pub(super) fn level_of(text: &str) -> Option<LogLevel> {
    let text = text.trim_start();
    let object = || text.starts_with('{').then(|| in_object(head(text, OBJECT_BYTES))).flatten();
    let line = head(text, HEAD_BYTES);
    object().or_else(|| klog(line)).or_else(|| tornado(line)).or_else(|| pair(line)).or_else(|| in_words(line))
}

/// At most that many bytes, and whole characters.
fn head(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

pub(super) fn word(word: &str) -> Option<LogLevel> {
    let is = |known: &[&str]| known.iter().any(|known| known.eq_ignore_ascii_case(word));
    if is(&["error", "err", "fatal", "critical", "crit", "panic", "dpanic", "emerg", "emergency", "alert", "severe"]) {
        Some(LogLevel::Error)
    } else if is(&["warn", "warning", "wrn"]) {
        Some(LogLevel::Warn)
    } else if is(&["info", "inf", "information", "informational", "notice"]) {
        Some(LogLevel::Info)
    } else if is(&["debug", "dbg", "trace", "trc", "verbose", "fine", "finer", "finest"]) {
        Some(LogLevel::Debug)
    } else {
        None
    }
}

/// As bunyan and pino number them.
fn number(value: &str) -> Option<LogLevel> {
    match value.parse::<u32>().ok()? {
        50..=100 => Some(LogLevel::Error),
        40..50 => Some(LogLevel::Warn),
        30..40 => Some(LogLevel::Info),
        10..30 => Some(LogLevel::Debug),
        _ => None,
    }
}

/// `{"level":"error",…}`, under the names that libraries use. Not read as JSON: the line may have been cut.
fn in_object(text: &str) -> Option<LogLevel> {
    const NAMES: [&str; 8] = [
        "\"level\"",
        "\"severity\"",
        "\"lvl\"",
        "\"levelname\"",
        "\"log.level\"",
        "\"loglevel\"",
        "\"Level\"",
        "\"@l\"",
    ];
    NAMES.into_iter().find_map(|name| {
        let (_, rest) = text.split_once(name)?;
        let value = rest.trim_start().strip_prefix(':')?.trim_start();
        match value.strip_prefix('"') {
            Some(quoted) => word(quoted.split('"').next()?),
            None => number(value.split(|c: char| !c.is_ascii_digit()).next()?),
        }
    })
}

/// `E0102 15:04:05.678901 …`, as Kubernetes' own programs write.
pub(super) fn klog(text: &str) -> Option<LogLevel> {
    // In brackets, as libraries of C++ write it.
    let text = text.strip_prefix('[').unwrap_or(text);
    let bytes = text.as_bytes();
    let is_stamp = bytes.len() > 7
        && bytes[1..5].iter().all(u8::is_ascii_digit)
        && bytes[5] == b' '
        && bytes[6..8].iter().all(u8::is_ascii_digit);
    match bytes.first()? {
        _ if !is_stamp => None,
        b'E' | b'F' => Some(LogLevel::Error),
        b'W' => Some(LogLevel::Warn),
        b'I' => Some(LogLevel::Info),
        b'D' => Some(LogLevel::Debug),
        _ => None,
    }
}

/// `[E 231127 10:00:00 web:7] …`, as Tornado and Jupyter write.
pub(super) fn tornado(text: &str) -> Option<LogLevel> {
    let bytes = text.as_bytes();
    let is_stamp = bytes.len() > 9
        && bytes[0] == b'['
        && bytes[2] == b' '
        && bytes[3..9].iter().all(|b| b.is_ascii_digit() || *b == b'-');
    match bytes.get(1)? {
        _ if !is_stamp => None,
        b'E' | b'C' | b'F' => Some(LogLevel::Error),
        b'W' => Some(LogLevel::Warn),
        b'I' => Some(LogLevel::Info),
        b'D' => Some(LogLevel::Debug),
        _ => None,
    }
}

/// logfmt's `level=warn`.
fn pair(text: &str) -> Option<LogLevel> {
    ["level=", "lvl=", "severity=", "levelname="].into_iter().find_map(|name| {
        let at = text.find(name)?;
        // `loglevel=` and `log.level=` too, but no word that only ends so.
        let begins =
            at == 0 || text[..at].ends_with([' ', '\t', ',', '[', '{', '.', '_']) || text[..at].ends_with("log");
        let value = text[at + name.len()..].trim_start_matches('"');
        let end = value.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(value.len());
        if begins { word(&value[..end]).or_else(|| number(&value[..end])) } else { None }
    })
}

/// `ERROR`, `[warn]`, `Warning:` and the like: in capitals anywhere, and otherwise where a sentence has no such word.
fn in_words(text: &str) -> Option<LogLevel> {
    let mut at = 0;
    let mut is_first = true;
    for part in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let name = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        at += part.len();
        if name.is_empty() {
            continue;
        }
        let first = std::mem::replace(&mut is_first, false);
        if first && (is_exception(name, after) || text.starts_with("Traceback (most recent call last)")) {
            return Some(LogLevel::Error);
        }
        let Some(level) = word(name) else { continue };
        let is_capital = name.bytes().all(|c| c.is_ascii_uppercase());
        let is_set_off = (before.ends_with(['[', '<', '(', '|']) && after.starts_with([']', '>', ')', '|', ' ', ':']))
            || (after.starts_with(": ") || after == ":")
            || after.starts_with('[');
        let begins_capital = first && name.starts_with(|c: char| c.is_ascii_uppercase());
        // `NO-ERROR` and `error.html` are names.
        let is_part = before.ends_with(['-', '_', '.', '/', '=']) || after.starts_with(['-', '_', '/', '=']);
        if !is_part && (is_capital || is_set_off || begins_capital) {
            return Some(level);
        }
    }
    None
}

/// `ValueError: …`, `java.io.IOException: …` at the beginning of a line, or such a name alone.
fn is_exception(name: &str, after: &str) -> bool {
    if after.starts_with(':') || after.is_empty() {
        return is_exception_name(name);
    }
    // Of a name with its package, the last part counts.
    let whole = after.split([':', ' ']).next().unwrap_or_default();
    let ended = &after[whole.len()..];
    after.starts_with('.')
        && (ended.starts_with(':') || ended.is_empty())
        && is_exception_name(whole.rsplit(['.', '$']).next().unwrap_or_default())
}

pub(super) fn is_exception_name(name: &str) -> bool {
    name.len() > 5 && (name.ends_with("Error") || name.ends_with("Exception"))
}

#[cfg(test)]
mod tests {
    use super::{LogLevel::*, *};

    #[test]
    fn levels_are_read_from_the_forms_that_are_common() {
        for (text, expected) in [
            // Objects.
            (r#"{"ts":1,"level":"error","msg":"x"}"#, Some(Error)),
            (r#"{"severity": "WARNING", "message": "level=info"}"#, Some(Warn)),
            (r#"{"time":"t","lvl":"dbug","levelname":"DEBUG"}"#, Some(Debug)),
            (r#"{"level":30,"msg":"pino"}"#, Some(Info)),
            (r#"{"level":60}"#, Some(Error)),
            (r#"{"log.level":"trace"}"#, Some(Debug)),
            (r#"{"msg":"a \"level\":\"error\" in words"}"#, None),
            (r#"{"level":{"nested":1}}"#, None),
            // logfmt.
            ("ts=2026-01-01T00:00:00Z level=warn msg=\"x\"", Some(Warn)),
            ("level=\"error\" msg=x", Some(Error)),
            ("time=x severity=NOTICE", Some(Info)),
            ("sealevel=high tide", None),
            ("loglevel=debug started", Some(Debug)),
            // klog.
            ("E0102 15:04:05.678901       1 main.go:7] no", Some(Error)),
            ("W1231 23:59:59.000000 1 a.go:1] hm", Some(Warn)),
            ("I0102 15:04:05.0 1 a.go:1] fine", Some(Info)),
            ("F0102 15:04:05.0 1 a.go:1] over", Some(Error)),
            ("E0102 is a model", None),
            ("[W1127 10:00:00.123456 socket.cpp:697] hm", Some(Warn)),
            // Python, and others that set the word off.
            ("ERROR:root:no", Some(Error)),
            ("WARNING:uvicorn.error:slow", Some(Warn)),
            ("INFO:     Started server process [1]", Some(Info)),
            ("2026-01-01 12:00:00,123 - app - CRITICAL - gone", Some(Error)),
            ("2026-01-01 12:00:00,123 INFO  [main] org.example.App - up", Some(Info)),
            ("2026/01/01 00:00:00 [error] 7#7: *1 open() failed", Some(Error)),
            ("[WARN] disk", Some(Warn)),
            ("<debug> x", Some(Debug)),
            ("2026-01-01T00:00:00.000000Z  WARN kai_server::run: busy", Some(Warn)),
            ("12:00:00 DBG x", Some(Debug)),
            ("greeter: error: made to fail by its image, exit code 1", Some(Error)),
            // Plain words near the start.
            ("Error connecting to nats", Some(Error)),
            ("Warning: deprecated", Some(Warn)),
            ("panic: runtime error: index out of range", Some(Error)),
            ("fatal: not a git repository", Some(Error)),
            ("Traceback (most recent call last):", Some(Error)),
            ("ValueError: invalid literal", Some(Error)),
            ("java.lang.IllegalStateException: no", Some(Error)),
            ("java.lang.NullPointerException", Some(Error)),
            ("[E 231127 10:00:00 web:1875] no", Some(Error)),
            ("[I 2026-01-01 10:00:00.000 ServerApp] up", Some(Info)),
            ("[E] is a model", None),
            // Sentences, and names that only look like a level.
            ("there was no error in it", None),
            ("errors: 0", None),
            ("GET /error.html 200", None),
            ("for more info see the manual", None),
            ("started in the sandbox", None),
            ("NO-ERROR", None),
            ("RUST_LOG=INFO", None),
            ("", None),
            ("…", None),
        ] {
            assert_eq!(level_of(text), expected, "{text}");
        }
    }

    #[test]
    fn what_stands_far_behind_the_beginning_is_no_level() {
        assert_eq!(level_of(&format!("{} ERROR", "x".repeat(200))), None);
        assert_eq!(level_of(&format!("{}é ERROR", "x".repeat(HEAD_BYTES - 1))), None);
    }

    #[test]
    fn each_container_goes_on_with_its_own() {
        let line = |pod: &str| crate::logs::tests::line(pod, "");
        let mut levels = LevelReader::default();
        assert_eq!(levels.read(&line("a"), "ERROR x"), Error);
        assert_eq!(levels.read(&line("b"), "INFO x"), Info);
        assert_eq!(levels.read(&line("a"), "  of a"), Error);
        assert_eq!(levels.read(&line("b"), "  of b"), Info);
    }

    #[test]
    fn levels_are_written_as_they_are_read() {
        for level in LogLevel::ALL {
            assert_eq!(level.as_str().parse(), Ok(level));
            assert_eq!(serde_json::to_string(&level).unwrap(), format!("{:?}", level.as_str()));
        }
        assert_eq!("loud".parse::<LogLevel>(), Err(UnknownLevel));
    }
}
