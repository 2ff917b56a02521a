//! Something that a button of a form or a row does: one at a time, then the page asks again for what it shows.

use std::future::Future;

use leptos::{prelude::*, task::spawn_local};

use crate::{AppError, error::sentence, ui::inline_code::render_inline_code};

#[derive(Clone, Copy)]
pub struct Doing {
    is_busy: RwSignal<bool>,
    error: RwSignal<Option<AppError>>,
    reload: Callback<()>,
}

impl Doing {
    /// `reload` is called after each success.
    pub fn new(reload: Callback<()>) -> Self {
        Self { is_busy: RwSignal::new(false), error: RwSignal::new(None), reload }
    }

    /// Does it, unless something is being done already.
    pub fn run<T: 'static>(
        self,
        work: impl Future<Output = Result<T, AppError>> + 'static,
        done: impl FnOnce(T) + 'static,
    ) {
        if self.is_busy.get_untracked() {
            return;
        }
        self.is_busy.set(true);
        spawn_local(async move {
            let answer = work.await;
            self.is_busy.try_set(false);
            match answer {
                Ok(answer) => {
                    self.error.try_set(None);
                    done(answer);
                    self.reload.run(());
                }
                Err(error) => {
                    self.error.try_set(Some(error));
                }
            }
        });
    }

    /// Tracked.
    pub fn is_busy(self) -> bool {
        self.is_busy.get()
    }
}

/// Why the last one was not done.
#[component]
pub fn DoingError(doing: Doing) -> impl IntoView {
    view! {
        <div role="alert">
            {move || doing.error.get().map(|error| view! {
                <p class="form__error">{render_inline_code(&sentence(&error))}</p>
            })}
        </div>
    }
    .into_any()
}

/// A text that is shown once: what it is, and what to do with it.
#[component]
pub fn ShownOnce(what: &'static str, #[prop(into)] text: Signal<Option<String>>) -> impl IntoView {
    use crate::ui::copy::CopyButton;
    move || {
        text.get().map(|text| {
            view! {
                <div class="notice shown-once" data-tone="good" role="status">
                    <p>{format!("{what} It is shown this once.")}</p>
                    <p><code translate="no">{text.clone()}</code>" "<CopyButton text what="it"/></p>
                </div>
            }
        })
    }
}
