//! Lines of a log that go on with what was said before them, stack traces most of all: they have its level, whatever
//! words are in them.

use super::level::{HEAD_BYTES, LogLevel, is_exception_name, klog, level_of, tornado, word};

/// What was last said in the log of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LineLevel {
    pub(super) level: LogLevel,
    /// It is a part of a stack trace, which goes on.
    trace: Option<Trace>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trace {
    /// The frames are to come, and after them the exception; of Rust the message alone.
    Python,
    Go,
    /// Java's, JavaScript's, and all others whose lines are indented.
    Other,
}

/// A line that goes on with what was said before it (a stack trace) has that one's level.
pub(super) fn line_level_after(before: Option<LineLevel>, text: &str) -> LineLevel {
    let text = without_source(text);
    if let Some(before) = before.filter(|before| before.continues_with(text)) {
        return before.after(text);
    }
    let trace = trace_begun(text);
    let level = level_of(text).or(trace.map(|_| LogLevel::Error)).unwrap_or(LogLevel::Plain);
    LineLevel { level, trace: trace.filter(|_| level == LogLevel::Error) }
}

impl LineLevel {
    fn continues_with(self, text: &str) -> bool {
        let indented = text.starts_with([' ', '\t']);
        match self.trace {
            // A line of a trace may have any word in it. One that begins as a message does is one, indented or not.
            Some(_) if indented => !begins_message(text.trim_start()),
            Some(trace) => trace.continues_with(text) || (level_of(text).is_none() && continues(text)),
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
    fn continues_with(self, text: &str) -> bool {
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
            Self::Other => begins(&[
                "Caused by:",
                "Suppressed:",
                "at ",
                "...",
                "Exception in thread ",
                // Rust's, Python's own end, and what the C library says at last.
                "note: ",
                "stack backtrace:",
                "Current thread 0x",
                "Thread 0x",
                "Extension modules:",
                "Aborted",
                "Segmentation fault",
            ]),
        }
    }
}

fn trace_begun(text: &str) -> Option<Trace> {
    let line = text.trim_start();
    let go = ["panic: ", "fatal error: "].iter().any(|begin| line.starts_with(begin))
        // A server's handler, whose panic ends nothing.
        || line.contains(" panic serving ")
        || (line.starts_with("goroutine ") && line.ends_with("]:"));
    let is_rust = line.starts_with("thread '") && line.contains("' panicked at ");
    let others = ["Exception in thread ", "Unhandled exception", "terminate called ", "Segmentation fault"];
    let is_ruby = line.contains(".rb:") && line.ends_with("Error)");
    let line = line.strip_prefix("Uncaught ").unwrap_or(line);
    let first = line.split([':', ' ']).next().unwrap_or_default();
    if line.contains("Exception Group Traceback (most") {
        // Its exceptions are within the frames.
        Some(Trace::Other)
    } else if is_traceback(line) || is_rust {
        Some(Trace::Python)
    } else if go {
        Some(Trace::Go)
    } else if is_ruby
        || others.iter().any(|begin| line.starts_with(begin))
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

/// A line without what names its source, as launchers of many processes write it: `[rank0]: `, `[default0]:`,
/// `[1,0]<stderr>:`, `(worker pid=7) `.
fn without_source(text: &str) -> &str {
    if !text.starts_with(['[', '(']) {
        return text;
    }
    let Some(end) = text.find([']', ')']).filter(|end| *end < HEAD_BYTES) else { return text };
    let (source, rest) = (&text[1..end], &text[end + 1..]);
    let named = source
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'-' | b'_' | b'=' | b'.' | b':' | b','));
    let rest = ["<stderr>", "<stdout>"].iter().find_map(|stream| rest.strip_prefix(stream)).unwrap_or(rest);
    let is_ranks = text.starts_with('[') && rest.starts_with(':') && source.ends_with(|c: char| c.is_ascii_digit());
    let is_rays = text.starts_with('(') && rest.starts_with(' ') && source.contains("pid=");
    if !named || word(source).is_some() {
        return text;
    }
    match (is_ranks, is_rays) {
        (true, _) => rest[1..].strip_prefix(' ').unwrap_or(&rest[1..]),
        (_, true) => &rest[1..],
        _ => text,
    }
}

fn continues(text: &str) -> bool {
    let is_bracket = |text: &str| !text.is_empty() && text.chars().all(|c| matches!(c, '}' | ')' | ']' | ',' | ';'));
    text.is_empty()
        || text.starts_with([' ', '\t'])
        || is_bracket(text.trim_end())
        || ["Caused by:", "Suppressed:", "at ", "..."].iter().any(|begin| text.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::{super::level::LevelReader, LogLevel::*, *};

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
            "thread 'main' panicked at src/main.rs:3:5:\ncalled `Result::unwrap()` on an `Err` value: INFO\nnote: run with `RUST_BACKTRACE=1`\n\
             stack backtrace:\n   0: rust_begin_unwind\n             at /rustc/1/library/std/src/panicking.rs:1:1",
            "2023/11/27 10:00:00 http: panic serving 10.0.0.1:3: boom\ngoroutine 7 [running]:\n\
             net/http.(*conn).serve.func1()\n\t/usr/lib/go/server.go:1 +0x1\npanic({0x1, 0x2})",
            "Unhandled exception. System.InvalidOperationException: no\n ---> System.IO.IOException: INFO\n\
             \x20  at App.Main() in /app/a.cs:line 3\n   --- End of inner exception stack trace ---",
            "terminate called after throwing an instance of 'std::runtime_error'\n  what():  INFO\nAborted (core dumped)",
            "Fatal Python error: Segmentation fault\n\nCurrent thread 0x00007f (most recent call first):\n\
             \x20 File \"a.py\", line 1 in debug\n\nExtension modules: numpy.core (total: 1)\nSegmentation fault",
            "a.rb:1:in `info': no (RuntimeError)\n\tfrom a.rb:3:in `<main>'",
            "Uncaught TypeError: no\n    at info (a.js:1:2)",
            "[default0]:Traceback (most recent call last):\n[default0]:  File \"a.py\", line 1\n[default0]:KeyError: 'INFO'",
            "[1,0]<stderr>:Traceback (most recent call last):\n[1,0]<stderr>:  File \"a.py\", line 1\n[1,0]<stderr>:KeyError: 1",
            "(train pid=17, ip=10.0.0.7) Traceback (most recent call last):\n(train pid=17, ip=10.0.0.7)   File \"a.py\"\n\
             (train pid=17, ip=10.0.0.7) RuntimeError: no",
            "[rank0]:[E1127 10:00:00.123456 ProcessGroupNCCL.cpp:616] [Rank 0] Watchdog caught collective operation timeout",
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
}
