//! A line of YAML in colours: enough to tell names from values and comments, line by line, for a manifest is no more.

use leptos::prelude::*;

/// The kind of a part of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Key,
    Quoted,
    /// A number, a truth value, or nothing.
    Word,
    Comment,
}

/// `is_value` when what stands before it in its line has ended with a key.
pub(super) fn coloured(text: &str, is_value: bool) -> AnyView {
    tokens(text, is_value)
        .into_iter()
        .map(|(kind, part)| {
            let class = match kind {
                Kind::Plain => return part.to_owned().into_any(),
                Kind::Key => "source__key",
                Kind::Quoted => "source__quoted",
                Kind::Word => "source__word",
                Kind::Comment => "source__comment",
            };
            view! { <span class=class>{part.to_owned()}</span> }.into_any()
        })
        .collect_view()
        .into_any()
}

fn tokens(text: &str, is_value: bool) -> Vec<(Kind, &str)> {
    let mut found = Vec::new();
    let begin = text.len() - text.trim_start_matches([' ', '-', '\t']).len();
    // A lone dash may belong to a number.
    let begin = if text[..begin].ends_with('-') && begin < text.len() { begin - 1 } else { begin };
    let (indent, mut rest) = text.split_at(begin);
    found.push((Kind::Plain, indent));
    if !is_value && let Some(end) = key_end(rest) {
        found.push((Kind::Key, &rest[..end]));
        rest = &rest[end..];
        let space = rest.len() - rest[1..].trim_start().len();
        found.push((Kind::Plain, &rest[..space]));
        rest = &rest[space..];
    }
    let (value, comment) = rest.split_at(comment_begin(rest));
    found.push((kind_of(value), value));
    found.push((Kind::Comment, comment));
    found.retain(|(_, part)| !part.is_empty());
    found
}

/// Where the colon after a key is.
fn key_end(text: &str) -> Option<usize> {
    let end = text.find(':')?;
    let follows = text[end + 1..].chars().next();
    (end > 0 && !text[..end].contains(['"', '\'', '#', '[', '{']) && follows.is_none_or(char::is_whitespace))
        .then_some(end)
}

/// Where the comment begins, which needs space in front and is not in quotes.
fn comment_begin(text: &str) -> usize {
    let (mut quote, mut before) = (None, ' ');
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '#') if before.is_whitespace() => return at,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
        before = c;
    }
    text.len()
}

fn kind_of(value: &str) -> Kind {
    match value.trim() {
        text if text.starts_with(['"', '\'']) => Kind::Quoted,
        "true" | "false" | "null" | "~" => Kind::Word,
        text if !text.is_empty() && text.parse::<f64>().is_ok() => Kind::Word,
        _ => Kind::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind::*, *};

    #[test]
    fn names_values_and_comments_are_told_apart() {
        for (line, expected) in [
            ("version: v1", vec![(Key, "version"), (Plain, ": "), (Plain, "v1")]),
            (
                "    - name: etl # first",
                vec![(Plain, "    - "), (Key, "name"), (Plain, ": "), (Plain, "etl "), (Comment, "# first")],
            ),
            ("gpu: true", vec![(Key, "gpu"), (Plain, ": "), (Word, "true")]),
            ("replicas: 3", vec![(Key, "replicas"), (Plain, ": "), (Word, "3")]),
            ("a: \"x: # y\"", vec![(Key, "a"), (Plain, ": "), (Quoted, "\"x: # y\"")]),
            ("workflows:", vec![(Key, "workflows"), (Plain, ":")]),
            ("- entrypoint", vec![(Plain, "- "), (Plain, "entrypoint")]),
            ("image: host:5000/a:1", vec![(Key, "image"), (Plain, ": "), (Plain, "host:5000/a:1")]),
            ("# all of it", vec![(Comment, "# all of it")]),
            ("- \"a: b\"", vec![(Plain, "- "), (Quoted, "\"a: b\"")]),
            ("", vec![]),
            ("---", vec![(Plain, "---")]),
            (": x", vec![(Plain, ": x")]),
        ] {
            assert_eq!(tokens(line, false), expected, "{line}");
        }
        assert_eq!(tokens("x: y", true), [(Plain, "x: y")]);
    }

    #[test]
    fn whatever_a_line_is_nothing_of_it_is_lost() {
        for line in ["a:\tb", "é: ß # ü", "-1", "- -2: x", "'it''s': 1", "\u{a0}x: 1", "::", "a:", "\t\t", "x #", "#"]
        {
            for is_value in [false, true] {
                let whole: String = tokens(line, is_value).into_iter().map(|(_, part)| part).collect();
                assert_eq!(whole, line);
            }
        }
    }
}
