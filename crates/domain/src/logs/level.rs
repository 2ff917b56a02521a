//! How serious a line of a log is, as far as its text says. Containers write as they like, so this knows the forms that
//! are common, and guesses nothing where none of them is there.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::LogLine;

/// How far into a line a level is looked for: times, threads and names stand before it, sentences after it.
const HEAD_BYTES: usize = 96;
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

/// What was last said in the log of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Said {
    level: LogLevel,
    /// It is a part of a stack trace, which goes on.
    trace: Option<Trace>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trace {
    /// The frames are to come, and after them the exception.
    Python,
    Go,
    /// Java's, JavaScript's, and all others whose lines are indented.
    Other,
}

/// A line that goes on with what was said before it (a stack trace) has that one's level.
fn said_after(before: Option<Said>, text: &str) -> Said {
    let text = without_source(text);
    if let Some(before) = before.filter(|before| before.goes_on(text)) {
        return before.after(text);
    }
    let trace = trace_begun(text);
    let level = level_of(text).or(trace.map(|_| LogLevel::Error)).unwrap_or(LogLevel::Plain);
    Said { level, trace: trace.filter(|_| level == LogLevel::Error) }
}

impl Said {
    fn goes_on(self, text: &str) -> bool {
        let indented = text.starts_with([' ', '\t']);
        match self.trace {
            // A line of a trace may have any word in it. One that begins as a message does is one, indented or not.
            Some(_) if indented => !begins_message(text.trim_start()),
            Some(trace) => trace.goes_on(text) || (level_of(text).is_none() && continues(text)),
            None => level_of(text).is_none() && continues(text),
        }
    }

    fn after(self, text: &str) -> Self {
        let trace = match self.trace {
            // The exception ends the frames; what may follow is another trace.
            Some(Trace::Python) if !text.starts_with([' ', '\t']) && !text.is_empty() && !is_traceback(text) => {
                Some(Trace::Other)
            }
            Some(_) if is_traceback(text) && !text.starts_with([' ', '\t']) => Some(Trace::Python),
            trace => trace,
        };
        Self { trace, ..self }
    }
}

impl Trace {
    /// Whether a line that is not indented belongs to it.
    fn goes_on(self, text: &str) -> bool {
        let begins = |with: &[&str]| with.iter().any(|with| text.starts_with(with));
        let between = ["During handling of the above exception", "The above exception was the direct cause"];
        if begins(&between) || is_traceback(text) {
            return true;
        }
        match self {
            // The line after the frames is the exception, whatever its name; unless somebody else got a word in.
            Self::Python => !text.is_empty() && !begins_message(text),
            Self::Go => {
                begins(&["goroutine ", "created by ", "[signal ", "exit status ", "panic(", "runtime stack:", "main."])
                    || (text.ends_with(')') && !text.split('(').next().unwrap_or_default().contains(' '))
            }
            Self::Other => begins(&["Caused by:", "Suppressed:", "at ", "...", "Exception in thread "]),
        }
    }
}

fn trace_begun(text: &str) -> Option<Trace> {
    let line = text.trim_start();
    let go = ["panic: ", "fatal error: "].iter().any(|begin| line.starts_with(begin));
    let first = line.split([':', ' ']).next().unwrap_or_default();
    if line.contains("Exception Group Traceback (most") {
        // Its exceptions are within the frames.
        Some(Trace::Other)
    } else if is_traceback(line) {
        Some(Trace::Python)
    } else if go {
        Some(Trace::Go)
    } else if line.starts_with("Exception in thread ")
        || is_exception_name(first.rsplit(['.', '$']).next().unwrap_or_default())
    {
        Some(Trace::Other)
    } else {
        // What a message of an error goes on with is its trace more often than not.
        (level_of(text) == Some(LogLevel::Error)).then_some(Trace::Other)
    }
}

fn is_traceback(text: &str) -> bool {
    let text = text.trim_start_matches([' ', '\t', '+', '|']);
    text.starts_with("Traceback (most recent call last)") || text.starts_with("Exception Group Traceback")
}

/// `2026-01-01 …`, `[12:00:00] …`, `ERROR …`, `[I 231127 …]`, `{"level":…`: a time or a level stands first.
fn begins_message(text: &str) -> bool {
    let inner = text.trim_start_matches(['[', '(', '<']);
    let digits = inner.bytes().take_while(u8::is_ascii_digit).count();
    let is_time = (digits == 4 || digits == 2)
        && matches!(inner.as_bytes().get(digits), Some(b'-' | b':' | b'/'))
        && inner.as_bytes().get(digits + 1).is_some_and(u8::is_ascii_digit);
    let first = inner.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    let is_level = word(first).is_some() && first.bytes().all(|c| c.is_ascii_uppercase());
    is_time || is_level || tornado(text).is_some() || klog(text).is_some() || text.starts_with("{\"")
}

/// A line without what names its source, as launchers of many processes write it: `[rank0]: `, `(worker pid=7) `.
fn without_source(text: &str) -> &str {
    if !text.starts_with(['[', '(']) {
        return text;
    }
    let Some(end) = text.find([']', ')']).filter(|end| *end < HEAD_BYTES) else { return text };
    let (source, rest) = (&text[1..end], &text[end + 1..]);
    let named =
        source.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'-' | b'_' | b'=' | b'.' | b':'));
    let is_ranks = text.starts_with('[') && rest.starts_with(": ") && source.ends_with(|c: char| c.is_ascii_digit());
    let is_rays = text.starts_with('(') && rest.starts_with(' ') && source.contains("pid=");
    if !named || word(source).is_some() {
        return text;
    }
    match (is_ranks, is_rays) {
        (true, _) => &rest[2..],
        (_, true) => &rest[1..],
        _ => text,
    }
}

/// The levels of the lines of many containers, as they come.
#[derive(Debug, Clone, Default)]
pub struct LevelReader {
    /// What was last said, by pod and container. Few, so a list.
    last: Vec<(String, String, Said)>,
}

impl LevelReader {
    /// `text` is what the container wrote, without colours.
    pub fn read(&mut self, line: &LogLine, text: &str) -> LogLevel {
        let known = self.last.iter().position(|(pod, container, _)| *pod == line.pod && *container == line.container);
        let said = said_after(known.map(|at| self.last[at].2), text);
        match known {
            Some(at) => self.last[at].2 = said,
            None => self.last.push((line.pod.clone(), line.container.clone(), said)),
        }
        said.level
    }
}

fn continues(text: &str) -> bool {
    let is_bracket = |text: &str| !text.is_empty() && text.chars().all(|c| matches!(c, '}' | ')' | ']' | ',' | ';'));
    text.is_empty()
        || text.starts_with([' ', '\t'])
        || is_bracket(text.trim_end())
        || ["Caused by:", "Suppressed:", "at ", "..."].iter().any(|begin| text.starts_with(begin))
}

/// The level that the line itself names.
fn level_of(text: &str) -> Option<LogLevel> {
    let text = text.trim_start();
    let object = || text.starts_with('{').then(|| in_object(head(text, OBJECT_BYTES))).flatten();
    let line = head(text, HEAD_BYTES);
    object().or_else(|| klog(line)).or_else(|| tornado(line)).or_else(|| pair(line)).or_else(|| in_words(line))
}

/// At most that many bytes, and whole characters.
fn head(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

fn word(word: &str) -> Option<LogLevel> {
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
fn klog(text: &str) -> Option<LogLevel> {
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
fn tornado(text: &str) -> Option<LogLevel> {
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

fn is_exception_name(name: &str) -> bool {
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

    /// The levels of the lines of a container, one after the other.
    fn levels(text: &str) -> Vec<LogLevel> {
        let mut reader = LevelReader::default();
        let line = crate::logs::tests::line("a", "");
        text.lines().map(|text| reader.read(&line, text)).collect()
    }

    #[test]
    fn a_line_that_goes_on_with_the_one_before_has_its_level() {
        for (before, text, expected) in [
            ("ERROR x", "  File \"main.py\", line 3, in run", Error),
            ("ERROR x", "\tat org.example.App.run(App.java:7)", Error),
            ("ERROR x", "Caused by: nothing", Error),
            ("WARN x", "", Warn),
            ("INFO x", "}", Info),
            ("ERROR x", "an ordinary line", Plain),
            ("ERROR x", "INFO up again", Info),
            ("ERROR x", "  2026-01-01T00:00:00Z  INFO up again", Info),
            ("x", "  indented", Plain),
        ] {
            assert_eq!(levels(&format!("{before}\n{text}")).last(), Some(&expected), "{before}, {text}");
        }
        assert_eq!(levels("  indented"), [Plain]);
    }

    #[test]
    fn a_trace_keeps_its_level_to_its_end_and_no_further() {
        for trace in [
            "panic: runtime error: index out of range [3] with length 3\n\ngoroutine 1 [running]:\n\
             main.(*App).run(0xc000012345, {0x1, 0x2})\n\t/app/main.go:7 +0x1d\nmain.main()\n\t/app/main.go:3 +0x20\n\
             created by net/http.(*Server).Serve in goroutine 7\n\t/usr/lib/go/server.go:3086 +0x5cb\nexit status 2",
            "fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [chan receive]:\nmain.main()\n\t/a.go:1",
            "[rank0]: Traceback (most recent call last):\n[rank0]:   File \"train.py\", line 3, in <module>\n\
             [rank0]:     raise ValueError(\"WARNING: bad\")\n[rank0]: ValueError: WARNING: bad",
            "Traceback (most recent call last):\n  File \"a.py\", line 1\n    logging.info(\"INFO x\")\nKeyError: 'x'\n\n\
             During handling of the above exception, another exception occurred:\n\n\
             Traceback (most recent call last):\n  File \"a.py\", line 3\nsubprocess.TimeoutExpired: timed out",
            "Exception in thread \"main\" java.lang.IllegalStateException: no\n\tat a.B.debug(B.java:7)\n\
             Caused by: java.io.IOException\n\t... 3 more",
            "java.lang.NullPointerException\n\tat a.WARN.run(WARN.java:7) ~[app.jar:INFO]\n\
             \tSuppressed: a.b.C$FineException: x\n\t\tat x.y(Z.java:1)",
            "[E 231127 10:00:00 web:1875] Uncaught exception GET /\n    Traceback (most recent call last):\n\
             \x20     File \"a.py\", line 3, in get\n    ValueError: no",
            "(worker pid=17) Traceback (most recent call last):\n(worker pid=17)   File \"a.py\", line 1\n\
             (worker pid=17) RuntimeError: no",
            "TypeError: Cannot read properties of undefined (reading 'info')\n    at debug (/app/a.js:1:2)\n\
             \x20   at async Promise.all (index 0) {\n  code: 'INFO'\n}",
            "  + Exception Group Traceback (most recent call last):\n  |   File \"a.py\", line 1\n\
             \x20 | ExceptionGroup: both (2 sub-exceptions)\n  +-+---------------- 1 ----------------",
        ] {
            let all = levels(&format!("{trace}\nup again\n2026-01-01 12:00:00 INFO x"));
            let (after, of_trace) = all.split_last_chunk::<2>().map(|(rest, after)| (*after, rest)).unwrap();
            assert!(of_trace.iter().all(|level| *level == Error), "{of_trace:?}\n{trace}");
            assert_eq!(after, [Plain, Info], "{trace}");
        }
        let cut_in = "Traceback (most recent call last):\n  File \"a.py\", line 1\n2026-01-01 12:00:00 INFO other\nx";
        assert_eq!(levels(cut_in), [Error, Error, Info, Plain]);
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
