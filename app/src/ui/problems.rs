//! The errors and warnings about a file: one line each, with its place in `krt.yml`.

use domain::{Problem, Severity};
use leptos::prelude::*;

use crate::ui::{
    icon::{Icon, Shape},
    inline_code::render_inline_code,
};

#[component]
pub fn ProblemList(problems: Vec<Problem>) -> impl IntoView {
    view! { <ol class="problems">{problems.into_iter().map(line).collect_view()}</ol> }.into_any()
}

fn line(problem: Problem) -> impl IntoView {
    let (tone, shape, word) = match problem.severity {
        Severity::Error => ("bad", Shape::Cross, "Error"),
        Severity::Warning => ("warn", Shape::Warning, "Warning"),
    };
    let place = match (problem.line, problem.column) {
        (Some(line), Some(column)) => Some(format!("line {line}:{column}")),
        (Some(line), None) => Some(format!("line {line}")),
        _ => None,
    };
    let path = (!problem.path.is_empty()).then_some(problem.path);
    view! {
        <li class="problem" data-tone=tone>
            <Icon shape/>
            <span class="visually-hidden">{word}": "</span>
            <div class="problem__text">
                <p>{render_inline_code(&problem.message)}</p>
                <p class="problem__place">
                    {place.map(|place| view! { <span>{place}</span> })}
                    {path.map(|path| view! { <code>{path}</code> })}
                </p>
            </div>
        </li>
    }
    .into_any()
}
