//! The keyboard: one place where keys are heard, to which whatever is on the page adds its own.
//!
//! ```ignore
//! use_shortcuts().add(Keys::Single("l"), Callback::new(move |()| open.set(true)));
//! ```
//!
//! `features/help.rs` lists all of them, of whatever page.

use leptos::{ev, prelude::*};

use crate::platform;

const REMEMBERED: &str = "kai-single-keys";

/// The keys of a shortcut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// Together with Ctrl, or ⌘ on a Mac; also while text is entered. In lower case.
    Command(&'static str),
    /// Alone. A person can turn these off (WCAG 2.2, 2.1.4), and text can be entered with them in it.
    Single(&'static str),
    Escape,
}

#[derive(Clone)]
struct Shortcut {
    id: u64,
    keys: Keys,
    run: Callback<()>,
}

/// In every component's context.
#[derive(Clone, Copy)]
pub struct Shortcuts {
    all: StoredValue<Vec<Shortcut>>,
    next: StoredValue<u64>,
    single_keys: RwSignal<bool>,
}

impl Shortcuts {
    /// Until the calling component is gone. Of two for the same keys the one added last is called.
    pub fn add(self, keys: Keys, run: Callback<()>) {
        let id = self.next.get_value();
        self.next.set_value(id + 1);
        self.all.update_value(|all| all.push(Shortcut { id, keys, run }));
        on_cleanup(move || {
            self.all.try_update_value(|all| all.retain(|shortcut| shortcut.id != id));
        });
    }

    /// Whether single keys are heard; tracked.
    pub fn single_keys(self) -> bool {
        self.single_keys.get()
    }

    /// Kept for the next visit.
    pub fn set_single_keys(self, heard: bool) {
        self.single_keys.set(heard);
        platform::local_storage_set(REMEMBERED, if heard { "on" } else { "off" });
    }

    fn press(self, event: &ev::KeyboardEvent) {
        // Whatever is modal hears its keys itself.
        if event.default_prevented() || event.is_composing() || platform::dialog_is_open() {
            return;
        }
        let (key, command) = (event.key(), event.ctrl_key() || event.meta_key());
        let single = !command && !event.alt_key() && self.single_keys.get_untracked() && !platform::is_for_text(event);
        let pressed = |shortcut: &&Shortcut| match shortcut.keys {
            Keys::Command(wanted) => command && !event.alt_key() && key.eq_ignore_ascii_case(wanted),
            Keys::Single(wanted) => single && key == wanted,
            Keys::Escape => key == "Escape",
        };
        let run = self.all.with_value(|all| all.iter().rev().find(pressed).map(|shortcut| shortcut.run));
        if let Some(run) = run {
            event.prevent_default();
            run.run(());
        }
    }
}

pub fn provide_shortcuts() -> Shortcuts {
    let shortcuts =
        Shortcuts { all: StoredValue::new(Vec::new()), next: StoredValue::new(0), single_keys: RwSignal::new(true) };
    provide_context(shortcuts);
    Effect::new(move |_| {
        if platform::local_storage_get(REMEMBERED).as_deref() == Some("off") {
            shortcuts.single_keys.set(false);
        }
        let listening = window_event_listener(ev::keydown, move |event| shortcuts.press(&event));
        on_cleanup(move || listening.remove());
    });
    shortcuts
}

pub fn use_shortcuts() -> Shortcuts {
    expect_context()
}
