//! A manifest with its line numbers, and under each line what is wrong or doubtful about it.
//!
//! A manifest may have thousands of lines: of a long one only the beginning and what is near a problem is there at
//! first, and the rest is added on demand, a part at a time.

mod folds;
mod tokens;

use domain::{Problem, Severity};
use leptos::prelude::*;

use crate::{
    format, platform,
    ui::{
        icon::{Icon, Shape},
        inline_code::render_inline_code,
    },
};
use folds::{LinePart, parts};

/// Longer lines are cut: no manifest that people write has them.
const MAX_LINE_CHARS: usize = 400;
/// How many lines are added by one press.
const LINES_PER_PRESS: usize = 200;

/// A problem and its line, which is one of the text's.
struct Located {
    line: usize,
    problem: Problem,
}

/// Problems without a line are not shown here; `ProblemList` shows them.
#[component]
pub fn ManifestSource(text: String, problems: Vec<Problem>) -> impl IntoView {
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let last = lines.len().max(1);
    let mut located: Vec<Located> = problems
        .into_iter()
        .filter_map(|problem| {
            // At the end of the file the line may be the one after the last.
            let line = usize::try_from(problem.line?).ok()?.clamp(1, last);
            Some(Located { line, problem })
        })
        .collect();
    located.sort_by_key(|located| located.line);
    let count = located.len();
    let marked: Vec<usize> = located.iter().map(|located| located.line).collect();
    let shown = parts(lines.len(), &marked);
    let (lines, located) = (StoredValue::new(lines), StoredValue::new(located));
    view! {
        <div class="source">
            {(count > 0).then(|| jumps(count))}
            <div class="source__lines" role="group" aria-label="The manifest, line by line" tabindex="0">
                {shown
                    .into_iter()
                    .map(|part| match part {
                        LinePart::VersionContext(range) => range.map(|at| line(at, lines, located)).collect_view().into_any(),
                        LinePart::Folded(range) => fold(range, lines, located).into_any(),
                    })
                    .collect_view()}
            </div>
        </div>
    }
    .into_any()
}

/// From one problem to the next, around the end.
fn jumps(count: usize) -> impl IntoView {
    let current = RwSignal::new(None::<usize>);
    let go = move |step: usize| {
        let next = current.get_untracked().map_or(if step == 1 { 0 } else { count - 1 }, |now| (now + step) % count);
        current.set(Some(next));
        platform::focus(&message_id(next));
    };
    let number = u32::try_from(count).unwrap_or(u32::MAX);
    view! {
        <div class="source__jumps">
            <p aria-live="polite">
                {move || match current.get() {
                    Some(now) => format!("{} of {count}", now + 1),
                    None => format!("{} in the manifest", format::count(number, "finding", "findings")),
                }}
            </p>
            <button type="button" class="button button--small" on:click=move |_| go(count - 1)>
                <Icon shape=Shape::ArrowUp/>"Previous"
            </button>
            <button type="button" class="button button--small" on:click=move |_| go(1)>
                <Icon shape=Shape::ArrowDown/>"Next"
            </button>
        </div>
    }
    .into_any()
}

/// The line of this index with its problems.
fn line(at: usize, lines: StoredValue<Vec<String>>, located: StoredValue<Vec<Located>>) -> impl IntoView {
    let number = at + 1;
    let text = lines.with_value(|lines| cut(lines.get(at).map_or("", String::as_str)));
    let (messages, tone, column) = located.with_value(|located| {
        let first = located.partition_point(|located| located.line < number);
        let here: Vec<_> =
            located[first..].iter().take_while(|located| located.line == number).map(|here| &here.problem).collect();
        let has_error = here.iter().any(|problem| problem.severity == Severity::Error);
        let tone = (!here.is_empty()).then_some(if has_error { "bad" } else { "warn" });
        let column = here.iter().find_map(|problem| problem.column);
        let messages: Vec<_> = here.iter().enumerate().map(|(at, problem)| message(first + at, problem)).collect();
        (messages, tone, column)
    });
    let (before, word, after) = split_at_word(&text, column);
    view! {
        <div class="source__line" data-tone=tone>
            <span class="source__number">{number}</span>
            <code class="source__text">
                {tokens::coloured(&before, false)}
                {(!word.is_empty()).then(|| view! { <mark>{word}</mark> })}
                {tokens::coloured(&after, true)}
                "\n"
            </code>
        </div>
        {messages}
    }
    .into_any()
}

fn message(index: usize, problem: &Problem) -> AnyView {
    let (tone, shape, word) = match problem.severity {
        Severity::Error => ("bad", Shape::Cross, "Error"),
        Severity::Warning => ("warn", Shape::Warning, "Warning"),
    };
    let place = match (problem.line, problem.column) {
        (Some(line), Some(column)) => format!("line {line}:{column}"),
        (Some(line), None) => format!("line {line}"),
        _ => String::new(),
    };
    let path = (!problem.path.is_empty()).then(|| problem.path.clone());
    view! {
        <div id=message_id(index) class="source__message" data-tone=tone tabindex="-1">
            <Icon shape/>
            <div class="problem__text">
                <p><span class="visually-hidden">{word}": "</span>{render_inline_code(&problem.message)}</p>
                <p class="problem__place"><span>{place}</span>{path.map(|path| view! { <code>{path}</code> })}</p>
            </div>
        </div>
    }
    .into_any()
}

/// Lines that are there on demand.
fn fold(
    range: std::ops::Range<usize>,
    lines: StoredValue<Vec<String>>,
    located: StoredValue<Vec<Located>>,
) -> impl IntoView {
    let (start, end) = (range.start, range.end);
    let open = RwSignal::new(start);
    view! {
        <For each=move || start..open.get() key=|at| *at let(at)>
            {line(at, lines, located)}
        </For>
        {move || {
            let left = end - open.get();
            let next = left.min(LINES_PER_PRESS);
            (left > 0).then(|| view! {
                <button type="button" class="source__fold" on:click=move |_| open.update(|open| *open += next)>
                    {match next == left {
                        true => format!("Show {left} more lines"),
                        false => format!("Show {next} of {left} more lines"),
                    }}
                </button>
            })
        }}
    }
    .into_any()
}

fn message_id(index: usize) -> String {
    format!("manifest-problem-{index}")
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(MAX_LINE_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// The word that begins at the column, from 1 and in characters, with what is around it.
fn split_at_word(line: &str, column: Option<u32>) -> (String, String, String) {
    let skip = column.map_or(usize::MAX, |column| column.saturating_sub(1) as usize);
    let Some((start, _)) = line.char_indices().nth(skip) else {
        return (line.to_owned(), String::new(), String::new());
    };
    let length = line[start..].find(char::is_whitespace).unwrap_or(line.len() - start);
    let (before, rest) = line.split_at(start);
    let (word, after) = rest.split_at(length);
    (before.to_owned(), word.to_owned(), after.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_at_the_column_stands_out() {
        let split = |line: &str, column| {
            let (before, word, after) = split_at_word(line, column);
            [before, word, after]
        };
        assert_eq!(split("version: Ab c", Some(10)), ["version: ", "Ab", " c"]);
        assert_eq!(split("é: x", Some(4)), ["é: ", "x", ""]);
        assert_eq!(split("short", Some(9)), ["short", "", ""]);
        assert_eq!(split("none", None), ["none", "", ""]);
    }

    #[test]
    fn a_line_without_end_is_cut() {
        assert_eq!(cut("ab"), "ab");
        assert_eq!(cut(&"é".repeat(401)).chars().count(), 401);
        assert!(cut(&"é".repeat(401)).ends_with('…'));
    }
}
