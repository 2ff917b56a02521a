//! The dialog before an action: what it will do, an optional comment, and the server's refusal if there is one.

use leptos::{ev::SubmitEvent, prelude::*};

use crate::{
    AppError,
    error::sentence,
    ui::{inline_code::render_inline_code, modal::use_modal},
};

/// Opens when it is there, and closes when `open` no longer holds. `on_send` gets the comment, while `can_send` holds;
/// `on_close` is called when the dialog is closed, by whomever. `children` stand between the text and the comment.
#[component]
pub fn ConfirmDialog(
    open: RwSignal<bool>,
    title: String,
    text: String,
    button: &'static str,
    is_danger: bool,
    comment_hint: &'static str,
    #[prop(into)] is_wide: Signal<bool>,
    #[prop(into)] can_send: Signal<bool>,
    sending: RwSignal<bool>,
    error: RwSignal<Option<AppError>>,
    on_send: Callback<Option<String>>,
    on_close: Callback<()>,
    children: Children,
) -> impl IntoView {
    let dialog = use_modal(open);
    let comment = RwSignal::new(String::new());
    let can_send = move || can_send.get() && !sending.get();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if untrack(can_send) {
            let text = comment.get_untracked();
            let text = text.trim();
            on_send.run((!text.is_empty()).then(|| text.to_owned()));
        }
    };
    view! {
        <dialog
            class="dialog"
            class:dialog--wide=is_wide
            node_ref=dialog
            aria-labelledby="confirm-title"
            aria-describedby="confirm-text"
            on:close=move |_| on_close.run(())
        >
            <form class="dialog__form" on:submit=submit>
                <h2 id="confirm-title">{title}</h2>
                <p id="confirm-text">{text}</p>
                {children()}
                <div class="field">
                    <label class="field__label" for="confirm-comment">"Comment "<span class="quiet">"(optional)"</span></label>
                    <textarea
                        id="confirm-comment"
                        class="input"
                        rows="2"
                        maxlength="1000"
                        placeholder=comment_hint
                        prop:value=move || comment.get()
                        on:input=move |event| comment.set(event_target_value(&event))
                    ></textarea>
                </div>
                {move || error.get().map(|error| view! {
                    <p class="form__error" role="alert">{render_inline_code(&sentence(&error))}</p>
                })}
                <div class="dialog__buttons">
                    <button type="button" class="button" on:click=move |_| open.set(false)>"Cancel"</button>
                    <button
                        type="submit"
                        class="button button--primary"
                        class:button--danger=is_danger
                        aria-disabled=move || if can_send() { "false" } else { "true" }
                    >
                        {move || if sending.get() { "Sending…" } else { button }}
                    </button>
                </div>
            </form>
        </dialog>
    }
    .into_any()
}
