//! One configuration value: hidden, shown on demand, edited.

use domain::ConfigKind;
use leptos::prelude::*;

use crate::ui::icon::{Icon, Shape};

/// A person's edits of one value that are not saved yet.
#[derive(Clone, Copy)]
pub struct Draft {
    /// The text that was typed; none as long as nothing was changed. An empty one removes the value.
    pub edited: RwSignal<Option<String>>,
    /// The stored value, while it is shown.
    shown: RwSignal<Option<String>>,
    /// Whether the typed text is readable.
    readable: RwSignal<bool>,
    failure: RwSignal<Option<String>>,
}

impl Draft {
    pub fn new() -> Self {
        Self {
            edited: RwSignal::new(None),
            shown: RwSignal::new(None),
            readable: RwSignal::new(false),
            failure: RwSignal::new(None),
        }
    }

    /// Shows the stored value.
    pub fn show(self, value: String) {
        self.shown.try_set(Some(value));
        self.readable.try_set(true);
        self.failure.try_set(None);
    }

    /// Says why the stored value cannot be shown.
    pub fn fail(self, why: String) {
        self.failure.try_set(Some(why));
    }

    /// Forgets what was typed and hides the stored value.
    pub fn reset(self) {
        self.edited.try_set(None);
        self.hide();
    }

    fn hide(self) {
        self.shown.try_set(None);
        self.readable.try_set(false);
        self.failure.try_set(None);
    }

    fn text(self) -> String {
        self.edited.get().or_else(|| self.shown.get()).unwrap_or_default()
    }
}

impl Default for Draft {
    fn default() -> Self {
        Self::new()
    }
}

/// `on_reveal` fetches the stored value into the draft.
#[component]
pub fn ConfigField(
    name: String,
    kind: ConfigKind,
    is_set: Memo<bool>,
    draft: Draft,
    disabled: Signal<bool>,
    on_reveal: Callback<()>,
) -> impl IntoView {
    let id = match kind {
        ConfigKind::Variable => format!("variable-{name}"),
        ConfigKind::File => format!("file-{name}"),
    };
    let (state_id, error_id) = (format!("{id}-state"), format!("{id}-error"));
    let changed = move || draft.edited.with(Option::is_some);
    let status = move || match (changed(), is_set.get()) {
        (true, _) if draft.edited.with(|text| text.as_deref() == Some("")) => ("warn", "will be removed"),
        (true, _) => ("accent", "changed, not saved"),
        (false, true) => ("good", "set"),
        (false, false) => ("warn", "missing"),
    };
    let toggle = move |_| {
        if draft.readable.get_untracked() {
            draft.hide();
        } else if draft.edited.with_untracked(Option::is_some) || !is_set.get_untracked() {
            // Text typed here is shown without asking the server.
            draft.readable.set(true);
        } else {
            on_reveal.run(());
        }
    };
    let described = format!("{state_id} {error_id}");
    let input = match kind {
        ConfigKind::Variable => variable_input(id.clone(), described, draft, is_set, disabled).into_any(),
        ConfigKind::File => file_input(id.clone(), described, draft, is_set, disabled).into_any(),
    };
    let label = name.clone();
    view! {
        <div class="field config-field">
            <div class="config-field__head">
                <label class="field__label" for=id><code>{name}</code></label>
                <span class="tag" id=state_id data-tone=move || status().0>{move || status().1}</span>
                <button
                    type="button"
                    class="button button--quiet"
                    aria-pressed=move || if draft.readable.get() { "true" } else { "false" }
                    on:click=toggle
                >
                    <Icon shape=Shape::Eye/>
                    {move || if draft.readable.get() { "Hide" } else { "Show" }}
                    <span class="visually-hidden">" "{label}</span>
                </button>
            </div>
            {input}
            <p class="field__error" id=error_id role="alert">{move || draft.failure.get()}</p>
        </div>
    }
    .into_any()
}

fn variable_input(
    id: String,
    described: String,
    draft: Draft,
    is_set: Memo<bool>,
    disabled: Signal<bool>,
) -> impl IntoView {
    view! {
        <input
            class="input input--code"
            id=id
            type=move || if draft.readable.get() { "text" } else { "password" }
            autocomplete="off"
            spellcheck="false"
            placeholder=move || placeholder(is_set.get(), draft.readable.get())
            aria-describedby=described
            disabled=disabled
            prop:value=move || draft.text()
            on:input=move |event| draft.edited.set(Some(event_target_value(&event)))
        />
    }
    .into_any()
}

/// A file's text cannot be masked, so a stored one is not on the page at all until it is asked for.
fn file_input(
    id: String,
    described: String,
    draft: Draft,
    is_set: Memo<bool>,
    disabled: Signal<bool>,
) -> impl IntoView {
    let hidden = move || is_set.get() && !draft.readable.get() && draft.edited.with(Option::is_none);
    view! {
        <textarea
            class="input input--code"
            id=id
            rows="6"
            spellcheck="false"
            placeholder=move || placeholder(is_set.get(), draft.readable.get())
            aria-describedby=described
            disabled=disabled
            class:hidden=hidden
            prop:value=move || draft.text()
            on:input=move |event| draft.edited.set(Some(event_target_value(&event)))
        ></textarea>
        <p class="config-field__hidden" class:hidden=move || !hidden()>"The text is hidden. Press Show to read or change it."</p>
    }
    .into_any()
}

fn placeholder(is_set: bool, readable: bool) -> &'static str {
    match (is_set, readable) {
        (true, false) => "•••••••• (set; type to replace it)",
        (true, true) => "empty: saving removes it",
        (false, _) => "not set",
    }
}
