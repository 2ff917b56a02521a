//! Moments: how long ago, going on by itself; exact on hover and for programs.

use domain::Timestamp;
use leptos::prelude::*;

use crate::{format, state::clock::use_clock};

#[component]
pub fn RelativeTime(at: Timestamp) -> impl IntoView {
    let clock = use_clock();
    let words = Memo::new(move |_| format::relative(at, clock.now_secs()));
    view! { <time datetime=format::machine(at) title=format::second(at)>{move || words.get()}</time> }.into_any()
}

/// How long something has lasted: `5 min`.
#[component]
pub fn Elapsed(since: Timestamp) -> impl IntoView {
    let clock = use_clock();
    let words = Memo::new(move |_| format::span(clock.now_secs().saturating_sub(since.as_second())));
    let title = format!("since {}", format::second(since));
    view! { <time datetime=format::machine(since) title=title>{move || words.get()}</time> }.into_any()
}
