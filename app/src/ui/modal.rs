//! The `<dialog>` element, open while a signal says so.

use leptos::{html, prelude::*};

/// Opens the dialog modally while `open` holds. The browser keeps the focus in it, and gives it back when it is closed;
/// that it was closed is for its `on:close` to say.
pub fn use_modal(open: RwSignal<bool>) -> NodeRef<html::Dialog> {
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let Some(dialog) = dialog.get() else { return };
        match open.get() {
            // Fails only when it is open already.
            true if !dialog.open() => drop(dialog.show_modal()),
            false if dialog.open() => dialog.close(),
            _ => {}
        }
    });
    dialog
}
