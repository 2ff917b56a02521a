//! A button that copies a text.

use leptos::prelude::*;

use crate::{
    platform,
    ui::icon::{Icon, Shape},
};

/// `what` completes "Copy": "the answer".
#[component]
pub fn CopyButton(#[prop(into)] text: String, what: &'static str) -> impl IntoView {
    let said = RwSignal::new("");
    let copy = move |_| {
        platform::copy(&text, move |done| {
            said.try_set(if done { "Copied" } else { "Select and copy it by hand" });
        });
    };
    view! {
        <button type="button" class="button button--quiet button--small" aria-label=format!("Copy {what}") on:click=copy>
            <Icon shape=Shape::Copy/>"Copy"
        </button>
        <span class="quiet" role="status">{move || said.get()}</span>
    }
    .into_any()
}
