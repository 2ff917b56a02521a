//! From a difference line by line to rows of two sides.

use domain::DiffLine;

/// Equal lines shown before and after a change.
const CONTEXT: usize = 3;

/// What stands beside each other. A side has its number and text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Row {
    Same {
        before: u32,
        after: u32,
        text: String,
    },
    /// A run of lines that went and came, pair by pair.
    Changed(Vec<Pair>),
    /// This many equal lines, which are left out.
    Gap(u32),
}

/// What went, and what came in its place.
pub(super) type Pair = [Option<(u32, String)>; 2];

/// Lines that went beside those that came in their place; of long equal parts only what is near a change.
pub(super) fn rows(lines: Vec<DiffLine>) -> Vec<Row> {
    let mut rows = Vec::new();
    let (mut gone, mut came) = (Vec::new(), Vec::new());
    let mut equal: Vec<Row> = Vec::new();
    for line in lines {
        match (line.before, line.after) {
            (Some(before), Some(after)) => {
                pair(&mut rows, &mut gone, &mut came);
                equal.push(Row::Same { before, after, text: line.text });
            }
            (before, after) => {
                shorten(&mut rows, &mut equal, false);
                gone.extend(before.map(|number| (number, line.text.clone())));
                came.extend(after.map(|number| (number, line.text)));
            }
        }
    }
    pair(&mut rows, &mut gone, &mut came);
    shorten(&mut rows, &mut equal, true);
    rows
}

fn pair(rows: &mut Vec<Row>, gone: &mut Vec<(u32, String)>, came: &mut Vec<(u32, String)>) {
    let count = gone.len().max(came.len());
    let (mut gone, mut came) = (gone.drain(..), came.drain(..));
    let pairs: Vec<Pair> = (0..count).map(|_| [gone.next(), came.next()]).collect();
    if !pairs.is_empty() {
        rows.push(Row::Changed(pairs));
    }
}

/// Moves an equal part over. Nothing is kept at the text's beginning and end but what a change is next to.
fn shorten(rows: &mut Vec<Row>, equal: &mut Vec<Row>, is_end: bool) {
    let head = if rows.is_empty() { 0 } else { CONTEXT };
    let tail = if is_end { 0 } else { CONTEXT };
    let left_out = equal.len().saturating_sub(head + tail);
    // A gap of one line takes as much room as the line.
    if left_out < 2 {
        rows.append(equal);
        return;
    }
    rows.extend(equal.drain(..head));
    equal.drain(..left_out);
    rows.push(Row::Gap(u32::try_from(left_out).unwrap_or(u32::MAX)));
    rows.append(equal);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(before: u32, after: u32, text: &str) -> DiffLine {
        let some = |number| (number > 0).then_some(number);
        DiffLine { before: some(before), after: some(after), text: text.to_owned() }
    }

    #[test]
    fn what_came_stands_beside_what_went() {
        let found = rows(vec![line(1, 1, "a"), line(2, 0, "b"), line(3, 0, "c"), line(0, 2, "B"), line(4, 3, "d")]);
        let side = |number: u32, text: &str| Some((number, text.to_owned()));
        assert_eq!(
            found,
            [
                Row::Same { before: 1, after: 1, text: "a".to_owned() },
                Row::Changed(vec![[side(2, "b"), side(2, "B")], [side(3, "c"), None]]),
                Row::Same { before: 4, after: 3, text: "d".to_owned() },
            ]
        );
    }

    #[test]
    fn of_long_equal_parts_only_what_is_near_a_change_is_shown() {
        let mut lines: Vec<_> = (1..=20).map(|n| line(n, n, "x")).collect();
        lines.push(line(21, 0, "gone"));
        lines.extend((22..=41).map(|n| line(n, n - 1, "x")));
        lines.push(line(0, 41, "came"));
        lines.push(line(42, 42, "x"));
        let found = rows(lines);
        let gaps: Vec<_> = found.iter().enumerate().filter(|(_, row)| matches!(row, Row::Gap(_))).collect();
        assert_eq!(gaps, [(0, &Row::Gap(17)), (8, &Row::Gap(14))]);
        assert_eq!(found.len(), 1 + 3 + 1 + 3 + 1 + 3 + 1 + 1);
        assert_eq!(rows((1..=20).map(|n| line(n, n, "x")).collect()), [Row::Gap(20)]);
        assert!(rows(Vec::new()).is_empty());
    }
}
