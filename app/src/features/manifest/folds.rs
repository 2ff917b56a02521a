//! Which lines of a text are shown at first.

use std::ops::Range;

/// A text of no more lines is shown whole.
const MAX_WHOLE: usize = 300;
/// Lines at the beginning that are shown in any case.
const HEAD: usize = 12;
/// Lines around a problem that say where it is.
const AROUND: usize = 6;
/// A fold of fewer lines is not worth a press.
const MIN_FOLD: usize = 4;

/// Indices of lines, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LinePart {
    VersionContext(Range<usize>),
    Folded(Range<usize>),
}

/// `marked` are numbers of lines, from 1 and ascending, which must be seen. The parts are the text in its order.
pub(super) fn parts(lines: usize, marked: &[usize]) -> Vec<LinePart> {
    if lines <= MAX_WHOLE {
        return vec![LinePart::VersionContext(0..lines)];
    }
    let near = |number: &usize| (number - 1).saturating_sub(AROUND)..(number + AROUND).min(lines);
    let mut shown: Vec<Range<usize>> = Vec::new();
    for range in std::iter::once(0..HEAD).chain(marked.iter().map(near)) {
        match shown.last_mut() {
            Some(last) if range.start <= last.end + MIN_FOLD => last.end = last.end.max(range.end),
            _ => shown.push(range),
        }
    }
    let mut parts = Vec::new();
    let mut next = 0;
    for range in shown {
        if next < range.start {
            parts.push(LinePart::Folded(next..range.start));
        }
        next = range.end;
        parts.push(LinePart::VersionContext(range));
    }
    if next < lines {
        parts.push(LinePart::Folded(next..lines));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_is_shown_whole() {
        assert_eq!(parts(300, &[7]), [LinePart::VersionContext(0..300)]);
        assert_eq!(parts(0, &[]), [LinePart::VersionContext(0..0)]);
    }

    #[test]
    fn of_a_long_one_the_beginning_and_what_is_near_a_problem() {
        let expected = [
            LinePart::VersionContext(0..12),
            LinePart::Folded(12..493),
            LinePart::VersionContext(493..516),
            LinePart::Folded(516..993),
            LinePart::VersionContext(993..1000),
        ];
        assert_eq!(parts(1000, &[500, 500, 510, 1000]), expected);
    }

    #[test]
    fn every_line_is_in_exactly_one_part_and_every_marked_one_is_shown() {
        for lines in [301, 302, 350, 5000] {
            for marked in [vec![], vec![1], vec![lines], vec![1, 20, 24, 40, lines / 2, lines - 1, lines]] {
                let parts = parts(lines, &marked);
                let mut next = 0;
                let mut seen = Vec::new();
                for part in &parts {
                    let (LinePart::VersionContext(range) | LinePart::Folded(range)) = part;
                    assert!(range.start == next && range.end > next, "{parts:?}");
                    next = range.end;
                    if let LinePart::VersionContext(range) = part {
                        seen.extend(range.clone());
                    }
                }
                assert_eq!(next, lines);
                assert!(marked.iter().all(|number| seen.contains(&(number - 1))), "{marked:?} {parts:?}");
            }
        }
    }
}
