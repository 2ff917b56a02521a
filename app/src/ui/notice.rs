//! Notices above a page: it may be out of date, or its subject was deleted.

use leptos::prelude::*;

use crate::{
    AppError,
    error::sentence,
    ui::icon::{Icon, Shape},
};

/// Something to know before going on.
#[component]
pub fn Notice(children: Children) -> impl IntoView {
    view! {
        <p class="notice" data-tone="warn" role="status"><Icon shape=Shape::Warning/><span>{children()}</span></p>
    }
    .into_any()
}

/// Shown while the page may be out of date.
#[component]
pub fn StaleNotice(#[prop(into)] error: Signal<Option<AppError>>) -> impl IntoView {
    move || {
        error.get().map(|error| {
            view! {
                <p class="notice" data-tone="warn" role="status">
                    <Icon shape=Shape::Warning/>
                    <span>{sentence(&error)}" This page may be out of date."</span>
                </p>
            }
        })
    }
}

/// Shown when somebody else has deleted the page's subject. `what` is "runtime" or "version".
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
