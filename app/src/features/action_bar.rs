//! The actions of a version. None is ever hidden: one that is not allowed is off, and says why.

use domain::{Command, RuntimeId, VersionState, access::Permission, decide, may_delete};
use leptos::prelude::*;

use crate::{
    error::sentence,
    state::access::use_access,
    ui::{
        command::{action_shape, verb},
        icon::{Icon, Shape},
    },
};

/// `on_ask` is called with a command that the lifecycle allows just now. A start, which harms nobody, is done by that;
/// all else is asked for in a dialog. `on_comment` is for a start that is to carry a comment.
#[component]
pub fn ActionBar(
    runtime: RuntimeId,
    state: Memo<VersionState>,
    switching: Memo<bool>,
    missing: Memo<Vec<String>>,
    on_ask: Callback<Command>,
    on_comment: Callback<Command>,
    on_delete: Callback<()>,
) -> impl IntoView {
    let access = use_access();
    let own = StoredValue::new(runtime);
    let denied = move |permission| Signal::derive(move || own.with_value(|own| access.why_not(permission, Some(own))));
    let button = move |command: Command| view! { <ActionButton command denied=denied(command.into()) state switching missing on_ask on_comment/> };
    view! {
        <div class="actions" role="group" aria-label="Actions">
            {button(Command::Start)}
            {button(Command::Stop)}
            {button(Command::Publish)}
            {button(Command::Unpublish)}
            {button(Command::Archive)}
            <DeleteButton denied=denied(Permission::DeleteVersion) state on_delete/>
        </div>
    }
    .into_any()
}

#[component]
fn ActionButton(
    command: Command,
    denied: Signal<Option<String>>,
    state: Memo<VersionState>,
    switching: Memo<bool>,
    missing: Memo<Vec<String>>,
    on_ask: Callback<Command>,
    on_comment: Callback<Command>,
) -> impl IntoView {
    // The same function that the server enforces; what the lifecycle allows may still lack its configuration.
    let refusal = Memo::new(move |_| {
        denied.get().or_else(|| match decide(state.get(), switching.get(), command) {
            Err(refusal) => Some(sentence(&refusal)),
            Ok(_) if command == Command::Start && !missing.with(Vec::is_empty) => {
                Some(format!("Set these configuration values first: {}.", missing.get().join(", ")))
            }
            Ok(_) => None,
        })
    });
    let (label, shape) = (verb(command), action_shape(command));
    let why = format!("why-not-{command}");
    let off = move || refusal.with(Option::is_some);
    // Whoever has just pressed it knows why it is off now; whoever comes to it again may not.
    let pressed = RwSignal::new(false);
    view! {
        <div
            class="action"
            class:action--lesser=command == Command::Archive
            class:action--pressed=move || pressed.get()
            on:pointerenter=move |_| pressed.set(false)
            on:keyup=move |event| if event.key() == "Tab" { pressed.set(false) }
        >
            // Not `disabled`: a person must be able to reach it to learn why it is off.
            <button
                type="button"
                class="button action__button"
                aria-disabled=move || if off() { "true" } else { "false" }
                aria-describedby=why.clone()
                aria-haspopup=(command != Command::Start).then_some("dialog")
                on:click=move |_| if refusal.with_untracked(Option::is_none) {
                    pressed.set(true);
                    on_ask.run(command);
                }
            >
                <Icon shape/>{label}
            </button>
            {move || (command == Command::Start && !off()).then(|| view! {
                <button
                    type="button"
                    class="button action__comment"
                    aria-label="Start with a comment"
                    title="Start with a comment"
                    aria-haspopup="dialog"
                    on:click=move |_| on_comment.run(command)
                >
                    "…"
                </button>
            })}
            <span class="action__why" id=why role="tooltip">{move || refusal.get()}</span>
        </div>
    }
    .into_any()
}

#[component]
fn DeleteButton(denied: Signal<Option<String>>, state: Memo<VersionState>, on_delete: Callback<()>) -> impl IntoView {
    let refusal =
        Memo::new(move |_| denied.get().or_else(|| may_delete(state.get()).err().map(|refusal| sentence(&refusal))));
    view! {
        <div class="action action--lesser">
            <button
                type="button"
                class="button action__button"
                aria-disabled=move || if refusal.with(Option::is_some) { "true" } else { "false" }
                aria-describedby="why-not-delete"
                aria-haspopup="dialog"
                on:click=move |_| if refusal.with_untracked(Option::is_none) { on_delete.run(()) }
            >
                <Icon shape=Shape::Bin/>"Delete"
            </button>
            <span class="action__why" id="why-not-delete" role="tooltip">{move || refusal.get()}</span>
        </div>
    }
    .into_any()
}
