//! What a person should know beside what a page shows.

use leptos::prelude::*;

use crate::{
    AppError,
    error::sentence,
    ui::icon::{Icon, Shape},
};

/// While what is shown may be out of date.
#[component]
pub fn StaleNotice(#[prop(into)] error: Signal<Option<AppError>>) -> impl IntoView {
    move || {
        error.get().map(|error| {
            view! {
                <p class="notice" data-tone="warn" role="status">
                    <Icon shape=Shape::Warning/>
                    <span>{sentence(&error)}" What is shown may be out of date."</span>
                </p>
            }
        })
    }
}

/// When what is shown was deleted, by somebody else; `what` is "runtime" or "version".
#[component]
pub fn DeletedNotice(what: &'static str, #[prop(into)] is_deleted: Signal<bool>) -> impl IntoView {
    move || {
        is_deleted.get().then(|| {
            view! {
                <p class="notice" data-tone="warn" role="status">
                    <Icon shape=Shape::Warning/>
                    <span>
                        "This "{what}" was deleted. Its history is in the "<a href="/activity">"activity"</a>"."
                    </span>
                </p>
            }
        })
    }
}
