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
        let what =
            "this line is the conflict marker of an unfinished merge; keep one of the two sides and remove the markers";
        return Some((1, what.to_owned()));
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
    let (at, begin) = ["{{", "{%", "<%"].iter().find_map(|begin| Some((line.find(begin)?, begin)))?;
    if !is_near || line.trim_start().starts_with('#') {
        return None;
    }
    let column = u32::try_from(line[..at].chars().count() + 1).unwrap_or(u32::MAX);
    let what = format!(
        "`{begin}` begins a template's placeholder; replace it with the value, because nothing fills it in later"
    );
    Some((column, what))
}
