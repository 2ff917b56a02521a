//! Which keys do what, on every page: whoever looks for one may be elsewhere.

use leptos::prelude::*;

use crate::{state::shortcuts::use_shortcuts, ui::modal::use_modal};

/// Where a key does something; the key; what it does. In capitals, as on the keyboard: a small `l` is read as a 1.
const KEYS: [(&str, &[(&str, &str)]); 5] = [
    ("Everywhere", &[("?", "Show keyboard shortcuts"), ("Esc", "Close what was opened last")]),
    ("Runtime", &[("/", "Search the versions")]),
    ("Version", &[("L", "Open the logs"), ("Esc", "Close the node or the logs")]),
    ("Logs", &[("/", "Search in the logs")]),
    ("Graph", &[("Enter", "Open the node"), ("+", "Zoom in"), ("-", "Zoom out"), ("0", "Fit all of it in")]),
];

/// Open while `open` holds.
#[component]
pub fn KeyboardHelp(open: RwSignal<bool>) -> impl IntoView {
    let shortcuts = use_shortcuts();
    let dialog = use_modal(open);
    let group = |(place, keys): (&'static str, &'static [(&'static str, &'static str)])| {
        let lines = keys.iter().map(|(key, label)| view! { <div><dt><kbd>{*key}</kbd></dt><dd>{*label}</dd></div> });
        let palette = (place == "Everywhere").then(|| view! {
            <div><dt><kbd>"Ctrl"</kbd>" or "<kbd>"⌘"</kbd>" + "<kbd>"K"</kbd></dt><dd>"Open the command palette"</dd></div>
        });
        view! {
            <div>
                <h3>{place}</h3>
                <dl class="keys">{palette}{lines.collect_view()}</dl>
            </div>
        }
    };
    view! {
        <dialog class="dialog" node_ref=dialog aria-labelledby="help-title" on:close=move |_| open.set(false)>
            <div class="dialog__form">
                <h2 id="help-title">"Keyboard shortcuts"</h2>
                {KEYS.map(group).collect_view()}
                <label class="choice">
                    <input
                        type="checkbox"
                        prop:checked=move || shortcuts.single_keys()
                        on:change=move |event| shortcuts.set_single_keys(event_target_checked(&event))
                    />
                    "Enable single-key shortcuts"
                </label>
                <p class="quiet">"For programs: the "<a href="/docs/api" rel="external">"API"</a></p>
                <div class="dialog__buttons">
                    // The first thing in it is a switch that nobody came for.
                    <button type="button" class="button" autofocus on:click=move |_| open.set(false)>"Close"</button>
                </div>
            </div>
        </dialog>
    }
    .into_any()
}
