//! The lines that the drawer has: the newest, as many as may be kept, and which of them are wanted. Pure.

use std::collections::VecDeque;

use domain::{LevelReader, LogFilter, LogLevel, LogLine, LogText, Timestamp, strip_ansi};

use super::dedup::Dedup;

/// The most lines that are kept.
pub(super) const MAX_LINES: usize = 10_000;
/// The height of a line that takes no more than one row, in CSS pixels. The style says the same.
pub(super) const ROW_PX: f32 = 20.0;

/// A line as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) time: Timestamp,
    pub(super) workflow: Option<String>,
    pub(super) node: String,
    pub(super) pod: String,
    pub(super) container: String,
    pub(super) level: LogLevel,
    /// It was not written by the container: it says why its log cannot be read.
    pub(super) is_trouble: bool,
    /// Without colours.
    pub(super) text: String,
}

/// One of the rows that match.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Match {
    number: u64,
    height: f32,
}

#[derive(Debug, Default)]
pub(super) struct LogBuffer {
    rows: VecDeque<Row>,
    /// The number of the first of them. Numbers never come again.
    first: u64,
    /// How many were kept, and are no more.
    dropped: u64,
    matches: VecDeque<Match>,
    /// How many rows are of each level, in the order of [`LogLevel::ALL`].
    counts: [usize; 5],
    filter: LogFilter,
    levels: LevelReader,
    dedup: Dedup,
    /// The most characters that a line has had.
    widest: usize,
    /// While it is paused: what came meanwhile.
    waiting: Option<VecDeque<Row>>,
}

impl LogBuffer {
    /// Forgets all lines, what was seen, and that it was paused.
    pub(super) fn clear(&mut self) {
        let first = self.first + self.rows.len() as u64;
        *self = Self { first, filter: std::mem::take(&mut self.filter), ..Self::default() };
    }

    /// Takes a line unless it is known already.
    pub(super) fn take(&mut self, line: LogLine) {
        if !self.dedup.is_news(&line) {
            return;
        }
        let (is_trouble, text) = match &line.text {
            LogText::Line(text) => (false, strip_ansi(text).into_owned()),
            LogText::Error(text) => (true, text.clone()),
        };
        let level = if is_trouble { LogLevel::Error } else { self.levels.read(&line, &text) };
        let LogLine { time, workflow, node, pod, container, .. } = line;
        let workflow = workflow.map(|workflow| workflow.to_string());
        let row = Row { time, workflow, node, pod, container, level, is_trouble, text };
        match &mut self.waiting {
            Some(waiting) => {
                waiting.push_back(row);
                if waiting.len() > MAX_LINES {
                    waiting.pop_front();
                    self.dropped += 1;
                }
            }
            None => self.push(row),
        }
    }

    fn push(&mut self, row: Row) {
        if self.rows.len() >= MAX_LINES
            && let Some(oldest) = self.rows.pop_front()
        {
            self.counts[oldest.level as usize] -= 1;
            if self.matches.front().is_some_and(|found| found.number == self.first) {
                self.matches.pop_front();
            }
            self.first += 1;
            self.dropped += 1;
        }
        let number = self.first + self.rows.len() as u64;
        self.widest = self.widest.max(row.text.len());
        self.counts[row.level as usize] += 1;
        if keeps(&self.filter, &row) {
            self.matches.push_back(Match { number, height: ROW_PX });
        }
        self.rows.push_back(row);
    }

    /// Keeps what comes from being shown until [`LogBuffer::resume`].
    pub(super) fn pause(&mut self) {
        self.waiting.get_or_insert_with(VecDeque::new);
    }

    pub(super) fn resume(&mut self) {
        for row in self.waiting.take().into_iter().flatten() {
            self.push(row);
        }
    }

    /// How many lines came while it is paused.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.as_ref().map_or(0, VecDeque::len)
    }

    pub(super) fn set_filter(&mut self, filter: LogFilter) {
        self.filter = filter;
        let (filter, first) = (&self.filter, self.first);
        let numbered = self.rows.iter().zip(first..);
        self.matches = numbered
            .filter(|(row, _)| keeps(filter, row))
            .map(|(_, number)| Match { number, height: ROW_PX })
            .collect();
    }

    pub(super) fn filter(&self) -> &LogFilter {
        &self.filter
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn matching(&self) -> usize {
        self.matches.len()
    }

    pub(super) fn count(&self, level: LogLevel) -> usize {
        self.counts[level as usize]
    }

    /// Lines that were here, and are no more.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(super) fn widest(&self) -> usize {
        self.widest
    }

    /// From here on lines may come that are known.
    pub(super) fn asked_again(&mut self) {
        self.dedup.asked_again();
    }

    /// The time of the newest line: what comes next is asked for from there on.
    pub(super) fn newest(&self) -> Option<Timestamp> {
        self.dedup.newest()
    }

    pub(super) fn row(&self, number: u64) -> Option<&Row> {
        self.rows.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// The rows that are seen between two heights, as their numbers, and where the first of them begins.
    pub(super) fn between(&self, from: f64, to: f64) -> (Vec<u64>, f64) {
        let (mut top, mut begin) = (0.0, None);
        let mut numbers = Vec::new();
        for found in &self.matches {
            let bottom = top + f64::from(found.height);
            if bottom > from {
                begin.get_or_insert(top);
                numbers.push(found.number);
            }
            top = bottom;
            if top >= to {
                break;
            }
        }
        (numbers, begin.unwrap_or(0.0))
    }

    /// How high all that match are together.
    pub(super) fn height(&self) -> f64 {
        self.matches.iter().map(|found| f64::from(found.height)).sum()
    }

    /// Where the row begins, or the first after it that matches.
    pub(super) fn top_of(&self, number: u64) -> f64 {
        let before = self.matches.partition_point(|found| found.number < number);
        self.matches.iter().take(before).map(|found| f64::from(found.height)).sum()
    }

    /// Remembers how high a row is. Returns whether that is news.
    pub(super) fn measure(&mut self, number: u64, height: f32) -> bool {
        let at = self.matches.partition_point(|found| found.number < number);
        match self.matches.get_mut(at) {
            Some(found) if found.number == number && (found.height - height).abs() > 0.01 => {
                found.height = height;
                true
            }
            _ => false,
        }
    }

    /// The measured heights are no longer valid.
    pub(super) fn forget_heights(&mut self) {
        for found in &mut self.matches {
            found.height = ROW_PX;
        }
    }
}

/// Why a log cannot be read is shown whatever is looked for.
fn keeps(filter: &LogFilter, row: &Row) -> bool {
    row.is_trouble || filter.matches(row.level, &row.text)
}

#[cfg(test)]
mod tests {
    use domain::Search;

    use super::*;

    fn line(pod: &str, millis: i64, text: &str) -> LogLine {
        LogLine {
            time: Timestamp::from_millisecond(millis).unwrap(),
            workflow: Some("rate".parse().unwrap()),
            node: "score".to_owned(),
            pod: pod.to_owned(),
            container: "node".to_owned(),
            text: LogText::Line(text.to_owned()),
        }
    }

    fn texts(buffer: &LogBuffer) -> Vec<&str> {
        let (numbers, _) = buffer.between(0.0, f64::MAX);
        numbers.into_iter().map(|number| buffer.row(number).unwrap().text.as_str()).collect()
    }

    fn search(text: &str) -> LogFilter {
        LogFilter { levels: Vec::new(), search: Search::new(text) }
    }

    #[test]
    fn the_newest_lines_are_kept_and_it_is_known_how_many_are_gone() {
        let mut buffer = LogBuffer::default();
        buffer.set_filter(search("even"));
        for number in 0..12_000 {
            buffer.take(line("p", number, if number % 2 == 0 { "even" } else { "odd" }));
        }
        assert_eq!((buffer.len(), buffer.dropped(), buffer.matching()), (10_000, 2000, 5000));
        assert!(buffer.row(1999).is_none() && buffer.row(12_000).is_none());
        assert_eq!(buffer.row(2000).unwrap().time.as_millisecond(), 2000);
        assert_eq!((buffer.count(LogLevel::Plain), buffer.count(LogLevel::Error)), (10_000, 0));
        buffer.set_filter(search("odd"));
        assert_eq!((buffer.matching(), buffer.between(0.0, 1.0).0), (5000, vec![2001]));
    }

    #[test]
    fn what_is_asked_for_again_is_not_shown_twice() {
        let mut buffer = LogBuffer::default();
        for (pod, millis, text) in [("a", 1, "a1"), ("b", 2, "b1"), ("a", 3, "a2"), ("a", 3, "a3")] {
            buffer.take(line(pod, millis, text));
        }
        buffer.asked_again();
        for (pod, millis, text) in [
            ("a", 1, "a1"),
            ("a", 3, "a2"),
            ("a", 3, "a3"),
            ("a", 3, "a4"),
            ("b", 2, "b1"),
            ("b", 2, "b2"),
            ("c", 1, "c1"),
        ] {
            buffer.take(line(pod, millis, text));
        }
        assert_eq!(texts(&buffer), ["a1", "b1", "a2", "a3", "a4", "b2", "c1"]);
        assert_eq!(buffer.newest(), Timestamp::from_millisecond(3).ok());
    }

    #[test]
    fn a_trouble_is_told_once_and_whatever_is_looked_for() {
        let trouble = LogLine { text: LogText::Error("no".to_owned()), ..line("a", 1, "") };
        let mut buffer = LogBuffer::default();
        buffer.set_filter(search("nothing of the kind"));
        buffer.take(trouble.clone());
        buffer.take(trouble.clone());
        assert_eq!(texts(&buffer), ["no"]);
        buffer.take(line("a", 2, "again"));
        buffer.take(trouble);
        assert_eq!(texts(&buffer), ["no", "no"]);
    }

    #[test]
    fn what_comes_while_it_is_paused_is_shown_afterwards() {
        let mut buffer = LogBuffer::default();
        buffer.take(line("p", 1, "before"));
        buffer.pause();
        buffer.take(line("p", 2, "meanwhile"));
        assert_eq!((texts(&buffer), buffer.waiting()), (vec!["before"], 1));
        buffer.resume();
        assert_eq!((texts(&buffer), buffer.waiting()), (vec!["before", "meanwhile"], 0));
        buffer.clear();
        assert_eq!((buffer.len(), buffer.newest()), (0, None));
    }

    #[test]
    fn rows_are_found_by_where_they_are() {
        let mut buffer = LogBuffer::default();
        for number in 0..10 {
            buffer.take(line("p", number, "x"));
        }
        assert_eq!(buffer.height(), 200.0);
        assert_eq!(buffer.between(40.0, 80.0), (vec![2, 3], 40.0));
        assert_eq!(buffer.between(45.0, 85.0), (vec![2, 3, 4], 40.0));
        assert!(buffer.measure(1, 60.0) && !buffer.measure(1, 60.0) && !buffer.measure(99, 1.0));
        assert_eq!((buffer.height(), buffer.top_of(2), buffer.top_of(99)), (240.0, 80.0, 240.0));
        assert_eq!(buffer.between(40.0, 80.0), (vec![1], 20.0));
        buffer.forget_heights();
        assert_eq!(buffer.height(), 200.0);
    }
}
