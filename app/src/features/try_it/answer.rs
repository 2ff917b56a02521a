//! What came of the calls: one in full, and all of this tab in a list.

use domain::{CallAnswer, CallOutcome, PassedNode};
use leptos::prelude::*;

use super::{Calls, MadeCall};
use crate::{
    AppError,
    error::sentence,
    features::time::RelativeTime,
    ui::{
        copy::CopyButton,
        icon::{Icon, Shape},
        inline_code::render_inline_code,
        problems::ProblemList,
    },
};

#[component]
pub fn Answer(calls: Calls, open: RwSignal<Option<u32>>) -> impl IntoView {
    let call = Memo::new(move |_| {
        let open = open.get()?;
        calls.with(|calls| calls.iter().find(|call| call.number == open).cloned())
    });
    view! {
        <section class="try-it__part" aria-label="Answer">
            <h2>"Answer"</h2>
            <div class="try-it__answer" role="status">
                {move || match call.get() {
                    None => view! { <p class="quiet">"Nothing was sent in this tab yet."</p> }.into_any(),
                    Some(MadeCall { answer: Ok(answer), .. }) => answered(answer),
                    Some(MadeCall { answer: Err(error), .. }) => not_made(&error),
                }}
            </div>
        </section>
    }
    .into_any()
}

const NOT_TOLD: &str =
    "Which nodes it passed through is not known: they measured nothing, or others called at the same time.";

fn answered(answer: CallAnswer) -> AnyView {
    let CallAnswer { rpc, at, took_ms, outcome, nodes } = answer;
    let text = match &outcome {
        CallOutcome::Answered { response } => response.clone(),
        CallOutcome::Status { message, .. } => message.clone(),
        CallOutcome::Failed { reason, .. } => sentence(reason),
    };
    let is_json = matches!(outcome, CallOutcome::Answered { .. });
    view! {
        <dl class="facts">
            <div><dt>"Status"</dt><dd>{status(&outcome)}</dd></div>
            <div><dt>"Time"</dt><dd>{format!("{took_ms} ms")}</dd></div>
            <div><dt>"Rpc"</dt><dd><code>{rpc}</code></dd></div>
            <div><dt>"Sent"</dt><dd><RelativeTime at/></dd></div>
        </dl>
        {if is_json {
            view! {
                <pre class="log try-it__json" tabindex="0" aria-label="Answer as JSON">{text.clone()}</pre>
                <p><CopyButton text what="the answer"/></p>
            }
            .into_any()
        } else {
            view! { <p class="try-it__words">{text}</p> }.into_any()
        }}
        <p class="quiet">{nodes.map_or_else(|| NOT_TOLD.to_owned(), passed)}</p>
    }
    .into_any()
}

fn passed(nodes: Vec<PassedNode>) -> String {
    let node = |passed: PassedNode| match passed.took_ms {
        Some(took_ms) => format!("{} ({took_ms} ms)", passed.node),
        None => passed.node,
    };
    format!("It passed through {}.", nodes.into_iter().map(node).collect::<Vec<_>>().join(", "))
}

/// A shape, a colour and the word.
fn status(outcome: &CallOutcome) -> impl IntoView + use<> {
    let (tone, shape, word) = match outcome {
        CallOutcome::Answered { .. } => ("good", Shape::Check, "OK".to_owned()),
        CallOutcome::Status { status, name, .. } => ("bad", Shape::Cross, format!("{name} ({status})")),
        CallOutcome::Failed { .. } => ("bad", Shape::Unplug, "no answer".to_owned()),
    };
    view! { <span class="badge badge--plain" data-tone=tone><Icon shape/>{word}</span> }
}

fn not_made(error: &AppError) -> AnyView {
    let problems = match error {
        AppError::Api(error) => error.problems().to_vec(),
        _ => Vec::new(),
    };
    let why = if problems.is_empty() { sentence(error) } else { "The request is not the rpc's message.".to_owned() };
    view! {
        <p class="notice" data-tone="bad">
            <Icon shape=Shape::Cross/>
            <span>"Nothing was sent. "{render_inline_code(&why)}</span>
        </p>
        {(!problems.is_empty()).then(|| view! { <ProblemList problems/> })}
    }
    .into_any()
}

/// What this tab has sent, newest first.
#[component]
pub fn MadeCalls(calls: Calls, open: RwSignal<Option<u32>>, on_again: Callback<MadeCall>) -> impl IntoView {
    let row = move |call: MadeCall| {
        let number = call.number;
        let (outcome, took) = match &call.answer {
            Ok(answer) => (status(&answer.outcome).into_any(), format!("{} ms", answer.took_ms)),
            Err(_) => (view! { <span class="quiet">"not sent"</span> }.into_any(), "–".to_owned()),
        };
        let rpc = call.rpc.clone();
        view! {
            <tr>
                <th scope="row" data-label="Call">{number}</th>
                <td data-label="Rpc" class="row__text"><code>{rpc}</code></td>
                <td data-label="Outcome">{outcome}</td>
                <td data-label="Took">{took}</td>
                <td class="row__actions">
                    <button
                        type="button"
                        class="button button--small"
                        aria-label=format!("Show the answer to call {number}")
                        aria-pressed=move || if open.get() == Some(number) { "true" } else { "false" }
                        on:click=move |_| open.set(Some(number))
                    >
                        "Show"
                    </button>
                    <button
                        type="button"
                        class="button button--small"
                        aria-label=format!("Edit again: the request of call {number}")
                        on:click=move |_| on_again.run(call.clone())
                    >
                        "Edit again"
                    </button>
                </td>
            </tr>
        }
    };
    view! {
        <section class="try-it__part" class:hidden=move || calls.with(Vec::is_empty) aria-label="Calls of this tab">
            <h2>"Calls of this tab"</h2>
            <div class="table-box"><table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Call"</th>
                        <th scope="col">"Rpc"</th>
                        <th scope="col">"Outcome"</th>
                        <th scope="col">"Took"</th>
                        <th scope="col"><span class="visually-hidden">"Actions"</span></th>
                    </tr>
                </thead>
                <tbody>
                    <For each=move || calls.get() key=|call| call.number children=row/>
                </tbody>
            </table></div>
        </section>
    }
    .into_any()
}
