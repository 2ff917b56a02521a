//! The notifications of [`Toasts`]. They never take the focus; a screen reader is told by the page's live region.

use leptos::prelude::*;

use crate::{
    state::toasts::{Toast, Toasts, Tone},
    ui::{
        icon::{Icon, Shape},
        inline_code::render_inline_code,
    },
};

#[component]
pub fn ToastArea(toasts: Toasts) -> impl IntoView {
    let line = move |toast: Toast| {
        let (tone, shape) = match toast.tone {
            Tone::Good => ("good", Shape::Check),
            Tone::Busy => ("busy", Shape::Arc),
            Tone::Bad => ("bad", Shape::Cross),
        };
        view! {
            <li class="toast" data-tone=tone>
                <Icon shape/>
                <span class="toast__text">{render_inline_code(&toast.text)}</span>
                <button
                    type="button"
                    class="toast__close"
                    aria-label="Dismiss"
                    on:click=move |_| toasts.dismiss(toast.id)
                >
                    <Icon shape=Shape::Cross/>
                </button>
            </li>
        }
        .into_any()
    };
    view! {
        <ul class="toasts" aria-label="Notifications" role="list">
            <For each=move || toasts.all() key=|toast| toast.id children=line/>
        </ul>
    }
    .into_any()
}
