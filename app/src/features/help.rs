//! Which keys do what on the page as it is.

use leptos::prelude::*;

use crate::{
    state::shortcuts::{Keys, Shortcut, use_shortcuts},
    ui::modal::use_modal,
};

/// Open while `open` holds.
#[component]
pub fn KeyboardHelp(open: RwSignal<bool>) -> impl IntoView {
    let shortcuts = use_shortcuts();
    let dialog = use_modal(open);
    view! {
        <dialog class="dialog" node_ref=dialog aria-labelledby="help-title" on:close=move |_| open.set(false)>
            <div class="dialog__form">
                <h2 id="help-title">"Keyboard shortcuts"</h2>
                <dl class="keys">
                    // Built while it is open: the page's parts add shortcuts.
                    {move || open.get().then(|| shortcuts.all().into_iter().map(line).collect_view())}
                </dl>
                <label class="choice">
                    <input
                        type="checkbox"
                        prop:checked=move || shortcuts.single_keys()
                        on:change=move |event| shortcuts.set_single_keys(event_target_checked(&event))
                    />
                    "Enable single-key shortcuts"
                </label>
                <div class="dialog__buttons">
                    <button type="button" class="button" on:click=move |_| open.set(false)>"Close"</button>
                </div>
            </div>
        </dialog>
    }
    .into_any()
}

fn line(shortcut: Shortcut) -> impl IntoView {
    let keys = match shortcut.keys {
        Keys::Command(key) => {
            view! { <kbd>"Ctrl"</kbd>" or "<kbd>"⌘"</kbd>" + "<kbd>{key.to_ascii_uppercase()}</kbd> }.into_any()
        }
        Keys::Single(key) => view! { <kbd>{key}</kbd> }.into_any(),
        Keys::Escape => view! { <kbd>"Esc"</kbd> }.into_any(),
    };
    view! { <div><dt>{keys}</dt><dd>{shortcut.label}</dd></div> }.into_any()
}
