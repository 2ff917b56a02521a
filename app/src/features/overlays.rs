//! What no page begins with, in one file of its own: the command palette, the dialogs before an action, the logs, and
//! what was found in a file.

use leptos::{LazyViewError, prelude::*};

use crate::{
    features::{
        command_dialogs::{CommandDialogs, CommandDialogsProps},
        logs::{LogDrawer, LogDrawerProps},
        palette::{Palette, PaletteProps},
        upload::review::{Review, ReviewProps},
    },
    state::{commands::CommandController, lazy::when_loaded},
};

pub enum Overlay {
    Palette(PaletteProps),
    CommandDialogs(CommandDialogsProps),
    LogDrawer(LogDrawerProps),
    Review(ReviewProps),
}

/// Shows it as soon as its code is there.
pub fn overlay(what: Overlay) -> AnyView {
    when_loaded(overlays(what))
}

#[lazy(fallible)]
fn overlays(what: Overlay) -> Result<AnyView, LazyViewError> {
    Ok(match what {
        Overlay::Palette(props) => Palette(props).into_any(),
        Overlay::CommandDialogs(props) => CommandDialogs(props).into_any(),
        Overlay::LogDrawer(props) => LogDrawer(props).into_any(),
        Overlay::Review(props) => Review(props).into_any(),
    })
}

/// The command palette, there from when it is opened first.
#[component]
pub fn OpenPalette(open: RwSignal<bool>) -> impl IntoView {
    let wanted = Memo::new(move |before: Option<&bool>| before.is_some_and(|before| *before) || open.get());
    move || wanted.get().then(|| overlay(Overlay::Palette(PaletteProps { open })))
}

/// The dialogs before an action, there while something is asked.
#[component]
pub fn OpenCommandDialogs(commands: CommandController) -> impl IntoView {
    move || {
        let pending = commands.pending().get()?;
        Some(overlay(Overlay::CommandDialogs(CommandDialogsProps { commands, pending })))
    }
}
