//! What makes a text no YAML, or another one than a person sees, more often than a slip in the YAML itself.

use domain::{Problem, code_point, is_unseen};

use super::{Position, problem};

/// The first such cause up to line `last`; a tab or a template has to be there or in the line before, as both are fine
/// elsewhere.
pub(crate) fn cause(text: &str, last: u32) -> Option<Problem> {
    (1..).zip(text.lines()).take_while(|(number, _)| *number <= last).find_map(|(number, line)| {
        let (column, what) = cause_in(line, number + 1 >= last)?;
        Some(problem(Position { line: number, column }, format!("this is not valid YAML: {what}")))
    })
}

fn cause_in(line: &str, is_near: bool) -> Option<(u32, String)> {
    let is_marker = ["<<<<<<<", ">>>>>>>", "|||||||"]
        .iter()
        .any(|marker| line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')));
    if is_marker {
        return Some((1, CONFLICT.to_owned()));
    }
    // Elsewhere it may underline a heading in a text.
    if is_near && line.trim_end() == "=======" {
        return Some((1, CONFLICT.to_owned()));
    }
    let indentation = line.chars().take_while(|c| c.is_whitespace() || is_unseen(*c));
    let foreign = (1..).zip(indentation).find(|(_, c)| *c != ' ' && *c != '\u{feff}');
    if let Some((column, c)) = foreign {
        if c == '\t' {
            let what = "the indentation contains a tab, which YAML does not allow; indent with spaces";
            return is_near.then(|| (column, what.to_owned()));
        }
        let what =
            format!("the indentation contains {}, which only looks like a space; indent with spaces", code_point(c));
        return Some((column, what));
    }
    if !is_near || line.trim_start().starts_with('#') {
        return None;
    }
    let column = |at: usize| u32::try_from(line[..at].chars().count() + 1).unwrap_or(u32::MAX);
    if let Some((at, begin)) = ["{{", "{%", "<%"].iter().find_map(|begin| Some((line.find(begin)?, *begin))) {
        return Some((column(at), placeholder_begins(begin)));
    }
    let at = [": ", "- "].iter().filter_map(|before| Some(line.find(before)? + 2)).min()?;
    let value = line[at..].trim_start();
    let at = line.len() - value.len();
    match value.chars().next()? {
        // No plain text of YAML begins like that.
        begin @ ('@' | '%') => Some((column(at), placeholder_begins(&begin.to_string()))),
        '"' if has_unknown_escape(value) => {
            let what = "in double quotes `\\` begins an escape; separate folders by `/`, or write without quotes";
            Some((column(at), what.to_owned()))
        }
        _ => None,
    }
}

const CONFLICT: &str =
    "this line is the conflict marker of an unfinished merge; keep one of the two sides and remove the markers";

fn placeholder_begins(begin: &str) -> String {
    format!("`{begin}` begins a template's placeholder; replace it with the value, because nothing fills it in later")
}

/// Whether there is a `\` in front of what YAML knows no escape for (YAML 1.2 §5.7).
fn has_unknown_escape(text: &str) -> bool {
    const KNOWN: &str = "0abt\tnvfre \"/\\N_LPxuU";
    let mut escaped = text.split('\\').skip(1);
    while let Some(after) = escaped.next() {
        match after.chars().next() {
            // Of two in a row the second begins nothing.
            None => drop(escaped.next()),
            Some(c) if !KNOWN.contains(c) => return true,
            Some(_) => {}
        }
    }
    false
}
