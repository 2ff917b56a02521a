//! One line: when, how serious, whose, what. On demand all of it: an object by its fields, a long line whole.

use std::ops::Range;

use domain::{LogLevel, Search};
use leptos::prelude::*;
use serde_json::{Map, Value};

use super::{
    Drawer, LogNode,
    buffer::Row,
    level::{level_shape, level_word},
};
use crate::{format, platform, ui::icon::Shape};

/// The most characters of a line that are shown before it is opened.
pub(super) const MAX_CHARS: usize = 1000;
/// How many colours nodes have, one after the other.
const COLOURS: usize = 8;

/// What makes a row another one: how often the filter has changed, its number, and whether it is open.
pub(super) type Key = (u32, u64, bool);

/// The row of this key; nothing when it has been dropped meanwhile.
pub(super) fn row(drawer: Drawer, key: Key, nodes: StoredValue<Vec<LogNode>>) -> AnyView {
    let (_, number, is_open) = key;
    let found = drawer.buffer.with_value(|buffer| {
        let row = buffer.row(number)?;
        Some((row.clone(), buffer.filter().search.clone()))
    });
    let Some((row, search)) = found else { return ().into_any() };
    let place = nodes.with_value(|nodes| {
        nodes.iter().position(|node| node.workflow == row.workflow && node.name == row.node).unwrap_or_default()
    });
    let shown = cut(&row.text);
    let can_open = shown.len() < row.text.len() || fields(&row.text).is_some();
    let tone = if row.is_trouble { "trouble" } else { row.level.as_str() };
    let whose = match &row.workflow {
        Some(workflow) => format!("{workflow}/{}, pod {}, container {}", row.node, row.pod, row.container),
        None => format!("{}, pod {}, container {}", row.node, row.pod, row.container),
    };
    // Replicas differ in the last part of their pods' names.
    let replica = row.pod.rsplit('-').next().unwrap_or_default().to_owned();
    view! {
        <div class="log-line" data-level=tone>
            <time class="log-line__time" datetime=row.time.to_string() title=exact(&row)>{format::clock(row.time)}</time>
            {level_mark(row.level)}
            <span class="log-line__node" data-colour=(place % COLOURS).to_string() title=whose.clone()>{row.node.clone()}</span>
            <span class="log-line__pod" title=whose>{replica}</span>
            <span class="log-line__text">
                {can_open.then(|| toggle(drawer, number, is_open))}
                {row.is_trouble.then_some("Could not read this log: ")}
                {marked(shown, &search)}
                {(shown.len() < row.text.len()).then(|| view! {
                    <span class="log-line__rest">{format!(" … {} more", format::size((row.text.len() - shown.len()) as u64))}</span>
                })}
            </span>
            {is_open.then(|| view! { <div class="log-line__whole" id=whole_id(number)>{whole(&row, &search)}</div> })}
        </div>
    }
    .into_any()
}

fn exact(row: &Row) -> String {
    let text = row.time.to_string();
    match (text.get(..10), text.get(11..)) {
        (Some(day), Some(time)) => format!("{day} {} UTC", time.trim_end_matches('Z')),
        _ => text,
    }
}

fn level_mark(level: LogLevel) -> AnyView {
    let word = level_word(level);
    view! {
        <span class="log-line__level" title=word>
            {icon(level_shape(level))}
            <span class="visually-hidden">{word}</span>
        </span>
    }
    .into_any()
}

/// As [`crate::ui::icon::Icon`], which follows a signal: there are many of these, and they never change.
fn icon(shape: Shape) -> AnyView {
    view! {
        <svg class="icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true"><path d=shape.path()></path></svg>
    }
    .into_any()
}

fn toggle(drawer: Drawer, number: u64, is_open: bool) -> AnyView {
    let turn = move |_| {
        drawer.opened.update(|opened| {
            if !opened.remove(&number) {
                opened.insert(number);
            }
        });
        // It is drawn with the next frame.
        platform::on_next_frame(move || platform::on_next_frame(move || platform::show(&whole_id(number))));
    };
    view! {
        <button
            type="button"
            class="log-line__toggle"
            aria-expanded=if is_open { "true" } else { "false" }
            aria-label="Full line"
            on:click=turn
        >
            {icon(if is_open { Shape::Down } else { Shape::Right })}
        </button>
    }
    .into_any()
}

/// All of an opened line.
fn whole(row: &Row, search: &Search) -> AnyView {
    let Some(fields) = fields(&row.text) else {
        return view! { <p>{marked(&row.text, search)}</p> }.into_any();
    };
    let field = |(name, value): (String, Value)| {
        let value = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let value = marked(&value, search);
        view! { <div><dt>{name}</dt><dd>{value}</dd></div> }.into_any()
    };
    view! { <dl>{fields.into_iter().map(field).collect_view()}</dl> }.into_any()
}

fn whole_id(number: u64) -> String {
    format!("log-line-{number}")
}

fn fields(text: &str) -> Option<Map<String, Value>> {
    let text = text.trim();
    // Most lines need no closer look.
    if !(text.starts_with('{') && text.ends_with('}')) {
        return None;
    }
    serde_json::from_str(text).ok()
}

fn cut(text: &str) -> &str {
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// The text with all that was searched for standing out.
fn marked(text: &str, search: &Search) -> AnyView {
    if search.is_empty() {
        return text.to_owned().into_any();
    }
    let part = |(is_found, range): (bool, Range<usize>)| {
        let part = text[range].to_owned();
        if is_found { view! { <mark>{part}</mark> }.into_any() } else { part.into_any() }
    };
    parts(text.len(), &search.all_in(text)).into_iter().map(part).collect_view().into_any()
}

/// The matches and the text between them, from left to right.
fn parts(length: usize, found: &[Range<usize>]) -> Vec<(bool, Range<usize>)> {
    let mut parts = Vec::new();
    let mut at = 0;
    for range in found {
        parts.push((false, at..range.start));
        parts.push((true, range.clone()));
        at = range.end;
    }
    parts.push((false, at..length));
    parts.retain(|(_, range)| !range.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_shown_whole_with_what_was_found_in_it() {
        let text = "an Error, an ERROR";
        let found = parts(text.len(), &Search::new("error").all_in(text));
        let whole: Vec<_> = found.iter().map(|(is_found, range)| (*is_found, &text[range.clone()])).collect();
        assert_eq!(whole, [(false, "an "), (true, "Error"), (false, ", an "), (true, "ERROR")]);
        assert_eq!(parts(3, &[]), [(false, 0..3)]);
        assert_eq!(parts(0, &[]), []);
    }

    #[test]
    fn objects_have_fields_and_long_lines_are_cut_between_characters() {
        assert_eq!(fields(r#" {"a":1,"b":"x"} "#).unwrap().len(), 2);
        assert!(fields("{not json}").is_none() && fields("[1]").is_none() && fields("").is_none());
        assert_eq!(cut(&"é".repeat(MAX_CHARS + 1)).chars().count(), MAX_CHARS);
        assert_eq!(cut("short"), "short");
    }
}
