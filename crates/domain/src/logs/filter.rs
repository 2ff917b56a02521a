//! Which lines of a log somebody wants to see. One function for the server, which sends them, and for the browser, which
//! has them already.

use std::{borrow::Cow, ops::Range, str::Chars};

use super::level::LogLevel;

/// What a line has to have. By default every line has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Any of them; empty for all, those without a level among them.
    pub levels: Vec<LogLevel>,
    pub search: Search,
}

impl LogFilter {
    pub fn is_empty(&self) -> bool {
        self.levels.is_empty() && self.search.is_empty()
    }

    /// `text` is without colours.
    pub fn matches(&self, level: LogLevel, text: &str) -> bool {
        (self.levels.is_empty() || self.levels.contains(&level))
            && (self.search.is_empty() || self.search.find(text).is_some())
    }
}

/// A text to be found anywhere in a line, whatever the case of its letters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// In lower case, character by character.
    wanted: Vec<char>,
}

impl Search {
    pub fn new(text: &str) -> Self {
        Self { wanted: text.chars().flat_map(char::to_lowercase).collect() }
    }

    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// Where it is first.
    fn find(&self, text: &str) -> Option<Range<usize>> {
        let first = *self.wanted.first()?;
        // Most lines are not looked at twice: where their first character is nowhere, neither is the rest.
        if first.is_ascii() && text.is_ascii() {
            let (wanted, text) = (&self.wanted, text.as_bytes());
            let is_here = |at: usize| {
                wanted.iter().zip(&text[at..]).all(|(wanted, found)| *wanted == char::from(found.to_ascii_lowercase()))
            };
            let last = text.len().checked_sub(wanted.len())?;
            return (0..=last).find(|at| is_here(*at)).map(|at| at..at + wanted.len());
        }
        text.char_indices().find_map(|(at, _)| self.ends(&text[at..]).map(|length| at..at + length))
    }

    /// How many bytes of `text` it takes, if that begins with it.
    fn ends(&self, text: &str) -> Option<usize> {
        let mut wanted = self.wanted.iter();
        for (at, c) in text.char_indices() {
            if wanted.as_slice().is_empty() {
                return Some(at);
            }
            // A character that has several in lower case is found whole or not at all.
            for lower in c.to_lowercase() {
                if wanted.next() != Some(&lower) {
                    return None;
                }
            }
        }
        wanted.as_slice().is_empty().then_some(text.len())
    }

    /// Everywhere that it is, from left to right, none over another. In bytes.
    pub fn all_in(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(next) = self.find(&text[from..]) {
            found.push(from + next.start..from + next.end);
            from += next.end;
        }
        found
    }
}

/// A line as a terminal would show it in the end, without colours: escape sequences (ECMA-48) are left out, those that
/// carry a text of their own (links, titles) with it; after a carriage return the line is written anew, as progress
/// bars do, and a backspace takes the character before it back.
pub fn strip_ansi(text: &str) -> Cow<'_, str> {
    let is_control = |c: char| c.is_control() && c != '\t';
    if !text.contains(is_control) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut overwrites = false;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => skip_escape(&mut rest),
            // The same with one character.
            '\u{9b}' => skip_parameters(&mut rest),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_string(&mut rest),
            // What it takes back is gone only when something takes its place: a line may end with it.
            '\r' => overwrites = true,
            '\u{8}' if !overwrites => drop(plain.pop()),
            c if is_control(c) => {}
            c => {
                if std::mem::take(&mut overwrites) {
                    plain.clear();
                }
                plain.push(c);
            }
        }
    }
    Cow::Owned(plain)
}

/// What follows an ESC.
fn skip_escape(rest: &mut Chars<'_>) {
    match rest.clone().next() {
        Some('[') => {
            let _ = rest.next();
            skip_parameters(rest);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            let _ = rest.next();
            skip_string(rest);
        }
        // Any number of these, then the one that ends it.
        Some('\u{20}'..='\u{7e}') => drop(rest.find(|c| ('\u{30}'..='\u{7e}').contains(c))),
        _ => {}
    }
}

/// Parameters, then one character that ends it.
fn skip_parameters(rest: &mut Chars<'_>) {
    let _ = rest.find(|c| ('\u{40}'..='\u{7e}').contains(c));
}

/// A text up to BEL or the string terminator, which is one character or ESC and a backslash.
fn skip_string(rest: &mut Chars<'_>) {
    while let Some(c) = rest.next() {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                if rest.clone().next() == Some('\\') {
                    let _ = rest.next();
                }
                return;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LogLevel::*, *};

    #[test]
    fn a_text_is_found_whatever_the_case_and_wherever_it_is() {
        for (wanted, text, expected) in [
            ("error", "an Error, an ERROR", &[(3, 8), (13, 18)][..]),
            ("aa", "aaaaa", &[(0, 2), (2, 4)]),
            ("x", "", &[]),
            ("", "anything", &[]),
            ("long", "lon", &[]),
            ("größe", "Die GRÖSSE, die GRÖßE", &[(17, 24)]),
            ("é", "cafÉ café", &[(3, 5), (9, 11)]),
            ("ß", "ASCII only", &[]),
            ("ok ✓", "OK ✓", &[(0, 6)]),
            // One character, two in lower case.
            ("i\u{307}", "\u{130}", &[(0, 2)]),
            ("i", "\u{130}", &[]),
        ] {
            let found = Search::new(wanted).all_in(text);
            let places: Vec<_> = found.iter().map(|range| (range.start, range.end)).collect();
            assert_eq!(places, expected, "{wanted} in {text}");
            assert!(found.iter().all(|range| text.get(range.clone()).is_some()), "whole characters");
        }
    }

    #[test]
    fn a_line_is_kept_when_it_has_all_that_is_asked_for() {
        let filter =
            |levels: &[LogLevel], search: &str| LogFilter { levels: levels.to_vec(), search: Search::new(search) };
        for (filter, level, text, kept) in [
            (filter(&[], ""), Plain, "x", true),
            (filter(&[], "X"), Plain, "x", true),
            (filter(&[], "y"), Error, "x", false),
            (filter(&[Error, Warn], ""), Warn, "x", true),
            (filter(&[Error, Warn], ""), Info, "x", false),
            // Whoever asks for levels gets those alone; without asking, lines that name none are there.
            (filter(&[Error], ""), Plain, "x", false),
            (filter(&[Error, Plain], ""), Plain, "x", true),
            (filter(&[Error], "x"), Error, "y", false),
        ] {
            assert_eq!(filter.matches(level, text), kept, "{filter:?} {level:?} {text}");
        }
        assert!(filter(&[], "").is_empty() && !filter(&[Info], "").is_empty() && !filter(&[], "a").is_empty());
    }

    #[test]
    fn what_is_meant_for_a_terminal_is_left_out() {
        for (text, expected) in [
            ("plain\ttext ✓", "plain\ttext ✓"),
            ("\u{1b}[32mINFO\u{1b}[0m up", "INFO up"),
            ("\u{1b}[1;38;5;208mx\u{1b}[K", "x"),
            ("a\u{7}b", "ab"),
            // Only the last of a progress bar's frames is there in the end.
            ("10%|#   |\r50%|##  |\r100%|####|", "100%|####|"),
            ("\r 10%\r 20%\r", " 20%"),
            ("downloading\r\u{1b}[Kdone\r\u{1b}[K", "done"),
            ("the line of a Windows program\r", "the line of a Windows program"),
            ("|\u{8}/\u{8}-\u{8}done", "done"),
            // Links and titles have texts of their own.
            ("see \u{1b}]8;;https://example.org/x\u{1b}\\the log\u{1b}]8;;\u{1b}\\ there", "see the log there"),
            ("\u{1b}]0;a title\u{7}up", "up"),
            ("\u{1b}P1$r0m\u{1b}\\x\u{1b}_a\u{9c}y\u{9d}8;;\u{9c}z", "xyz"),
            ("\u{1b}]8;;https://cut.example", ""),
            ("\u{1b}(Bx\u{1b}#8y\u{9b}1mz", "xyz"),
            ("cut \u{1b}[3", "cut "),
            ("alone \u{1b}", "alone "),
            ("\u{1b}Mx", "x"),
        ] {
            assert_eq!(strip_ansi(text), expected, "{text:?}");
        }
    }
}
