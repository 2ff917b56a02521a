//! Short news of what this page was asked to do. They come and go by themselves and never take the focus; a screen
//! reader is told by the page's live region.

use std::time::Duration;

use leptos::prelude::*;

use crate::{
    components::{
        icon::{Icon, Shape},
        prose::prose,
    },
    live::use_live,
};

const SHOWN_FOR: Duration = Duration::from_secs(8);
const AT_MOST: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Good,
    /// Something has begun or is neither good nor bad.
    Busy,
    /// Stays until it is dismissed.
    Bad,
}

#[derive(Clone)]
struct Toast {
    id: u64,
    tone: Tone,
    text: String,
}

/// In every component's context.
#[derive(Clone, Copy)]
pub struct Toasts {
    shown: RwSignal<Vec<Toast>>,
    next: StoredValue<u64>,
    announcement: RwSignal<String>,
}

impl Toasts {
    pub fn show(self, tone: Tone, text: impl Into<String>) {
        let (id, text) = (self.next.get_value(), text.into());
        self.next.set_value(id + 1);
        self.announcement.set(text.replace('`', ""));
        self.shown.update(|shown| {
            shown.push(Toast { id, tone, text });
            let too_many = shown.len().saturating_sub(AT_MOST);
            shown.drain(..too_many);
        });
        if tone != Tone::Bad {
            set_timeout(move || self.dismiss(id), SHOWN_FOR);
        }
    }

    fn dismiss(self, id: u64) {
        self.shown.try_update(|shown| shown.retain(|toast| toast.id != id));
    }
}

pub fn provide_toasts() -> Toasts {
    let toasts =
        Toasts { shown: RwSignal::new(Vec::new()), next: StoredValue::new(0), announcement: use_live().announcement };
    provide_context(toasts);
    toasts
}

pub fn use_toasts() -> Toasts {
    expect_context()
}

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
                <span class="toast__text">{prose(&toast.text)}</span>
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
        <ul class="toasts" aria-label="News" role="list">
            <For each=move || toasts.shown.get() key=|toast| toast.id children=line/>
        </ul>
    }
    .into_any()
}
