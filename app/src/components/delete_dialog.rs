//! The dialog before something is deleted for good: its name has to be typed first.

use domain::{RuntimeId, VersionName};
use leptos::{ev::SubmitEvent, html, prelude::*};

use crate::{AppError, components::prose::prose, error::sentence};

/// A version, or a runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deletable {
    Version { runtime: RuntimeId, version: VersionName },
    Runtime { runtime: RuntimeId, namespace: String },
}

impl Deletable {
    /// What has to be typed.
    pub fn name(&self) -> &str {
        match self {
            Self::Version { version, .. } => version.as_str(),
            Self::Runtime { runtime, .. } => runtime.as_str(),
        }
    }

    fn title(&self) -> String {
        match self {
            Self::Version { version, .. } => format!("Delete {version}"),
            Self::Runtime { runtime, .. } => format!("Delete runtime {runtime}"),
        }
    }

    /// What will happen, before it does.
    fn consequence(&self) -> String {
        match self {
            Self::Version { version, .. } => format!(
                "{version} is deleted for good, with its configuration, and with its KRT file unless another version has \
                 the same. What was done to it stays in the activity."
            ),
            Self::Runtime { runtime, namespace } => format!(
                "Runtime {runtime} is deleted for good. Its namespace {namespace} stays in the cluster, with whatever \
                 others have put there. What was done in it stays in the activity."
            ),
        }
    }

    /// What is said when it is done.
    pub fn done(&self) -> String {
        match self {
            Self::Version { version, .. } => format!("`{version}` was deleted."),
            Self::Runtime { runtime, .. } => format!("Runtime `{runtime}` was deleted."),
        }
    }

    /// Where to go when it is done.
    pub fn place_after(&self) -> String {
        match self {
            Self::Version { runtime, .. } => format!("/runtimes/{runtime}"),
            Self::Runtime { .. } => "/".to_owned(),
        }
    }
}

/// Open from when it is there. `on_send` gets the comment; `on_close` is called when the dialog is closed.
#[component]
pub fn DeleteDialog(
    deletable: Deletable,
    sending: RwSignal<bool>,
    error: RwSignal<Option<AppError>>,
    on_send: Callback<Option<String>>,
    on_close: Callback<()>,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let typed = RwSignal::new(String::new());
    let comment = RwSignal::new(String::new());
    let name = deletable.name().to_owned();
    let is_right = {
        let name = name.clone();
        Memo::new(move |_| typed.with(|typed| typed.trim() == name))
    };
    Effect::new(move |_| {
        if let Some(dialog) = dialog.get() {
            // Fails only when it is open already. The browser gives the focus back when it is closed.
            let _ = dialog.show_modal();
        }
    });
    let close = move |_| {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if is_right.get_untracked() && !sending.get_untracked() {
            let text = comment.get_untracked();
            let text = text.trim();
            on_send.run((!text.is_empty()).then(|| text.to_owned()));
        }
    };
    view! {
        <dialog
            class="dialog"
            node_ref=dialog
            aria-labelledby="delete-title"
            aria-describedby="delete-text"
            on:close=move |_| on_close.run(())
        >
            <form class="dialog__form" on:submit=submit>
                <h2 id="delete-title">{deletable.title()}</h2>
                <p id="delete-text">{deletable.consequence()}</p>
                <div class="field">
                    <label class="field__label" for="delete-name">"Type "<code>{name}</code>" to confirm"</label>
                    <input
                        id="delete-name"
                        class="input"
                        type="text"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        prop:value=move || typed.get()
                        on:input=move |event| typed.set(event_target_value(&event))
                    />
                </div>
                <div class="field">
                    <label class="field__label" for="delete-comment">"Comment "<span class="quiet">"(optional)"</span></label>
                    <textarea
                        id="delete-comment"
                        class="input"
                        rows="2"
                        maxlength="1000"
                        placeholder="Why? It is kept in the activity."
                        prop:value=move || comment.get()
                        on:input=move |event| comment.set(event_target_value(&event))
                    ></textarea>
                </div>
                {move || error.get().map(|error| view! { <p class="form__error" role="alert">{prose(&sentence(&error))}</p> })}
                <div class="dialog__buttons">
                    <button type="button" class="button" on:click=close>"Cancel"</button>
                    <button
                        type="submit"
                        class="button button--primary button--danger"
                        aria-disabled=move || if is_right.get() && !sending.get() { "false" } else { "true" }
                    >
                        {move || if sending.get() { "Sending…" } else { "Delete" }}
                    </button>
                </div>
            </form>
        </dialog>
    }
    .into_any()
}
