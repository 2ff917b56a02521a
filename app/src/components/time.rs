//! A moment, to the minute in UTC; exact on hover and for programs.

use domain::Timestamp;
use leptos::prelude::*;

use crate::format;

#[component]
pub fn Moment(at: Timestamp) -> impl IntoView {
    let exact = format::machine(at);
    view! { <time datetime=exact.clone() title=exact>{format::minute(at)}</time> }.into_any()
}
