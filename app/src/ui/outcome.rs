//! What became of an action: a shape, a colour and the word, and why it failed.

use domain::Outcome;
use leptos::prelude::*;

use crate::{
    error::sentence,
    ui::{
        icon::{Icon, Shape},
        inline_code::render_inline_code,
    },
};

pub fn outcome(outcome: Outcome) -> impl IntoView {
    let (tone, shape, word, reason) = match outcome {
        Outcome::Pending => ("busy", Shape::Arc, "in progress", None),
        Outcome::Reached => ("good", Shape::Check, "done", None),
        Outcome::Failed { reason } => ("bad", Shape::Cross, "failed", Some(reason)),
        Outcome::Cancelled => ("quiet", Shape::Square, "cancelled", None),
        Outcome::Superseded => ("quiet", Shape::ArrowDown, "superseded", None),
    };
    view! {
        <span class="badge badge--plain" data-tone=tone><Icon shape/>{word}</span>
        {reason.map(|reason| view! { <p class="row__reason">{render_inline_code(&sentence(&reason))}</p> })}
    }
    .into_any()
}
