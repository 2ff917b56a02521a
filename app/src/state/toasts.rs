//! Short news of what this page was asked to do. They come and go by themselves and never take the focus; a screen
//! reader is told by the page's live region. Of one thing only the latest is shown, so an outcome takes the place of its
//! beginning; but what went wrong stays until somebody has seen it.

use std::time::Duration;

use leptos::prelude::*;

use crate::{platform, state::live::use_live};

const SHOWN_FOR: Duration = Duration::from_secs(8);
const MAX_TOASTS: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Good,
    /// Something has begun or is neither good nor bad.
    Busy,
    /// Stays until it is dismissed.
    Bad,
}

#[derive(Clone)]
pub struct Toast {
    pub id: u64,
    about: String,
    pub tone: Tone,
    pub text: String,
}

/// In every component's context.
#[derive(Clone, Copy)]
pub struct Toasts {
    shown: RwSignal<Vec<Toast>>,
    next: StoredValue<u64>,
    announcement: RwSignal<String>,
}

impl Toasts {
    /// `about` identifies the subject; nobody reads it.
    pub fn show(self, about: String, tone: Tone, text: String) {
        let id = self.next.get_value();
        self.next.set_value(id + 1);
        self.announcement.set(text.replace('`', ""));
        self.shown.update(|shown| add(shown, Toast { id, about, tone, text }));
        if tone != Tone::Bad {
            platform::after(SHOWN_FOR, move || self.dismiss(id));
        }
    }

    /// Tracked.
    pub fn all(self) -> Vec<Toast> {
        self.shown.get()
    }

    pub fn dismiss(self, id: u64) {
        self.shown.try_update(|shown| shown.retain(|toast| toast.id != id));
    }
}

/// In place of an earlier toast about the same subject, else as the last. When there are too many the oldest goes, of those
/// that went wrong only if there is nothing else.
fn add(shown: &mut Vec<Toast>, toast: Toast) {
    match shown.iter_mut().find(|other| other.about == toast.about && other.tone != Tone::Bad) {
        Some(before) => *before = toast,
        None => shown.push(toast),
    }
    if shown.len() > MAX_TOASTS {
        let oldest = shown.iter().position(|toast| toast.tone != Tone::Bad).unwrap_or(0);
        shown.remove(oldest);
    }
}

pub fn provide_toasts() -> Toasts {
    let toasts =
        Toasts { shown: RwSignal::new(Vec::new()), next: StoredValue::new(0), announcement: use_live().announcement };
    provide_context(toasts);
    toasts
}

pub fn use_toasts() -> Toasts {
    expect_context()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(news: &[(&str, Tone, &str)]) -> Vec<String> {
        let mut shown = Vec::new();
        for (id, (about, tone, text)) in (0..).zip(news) {
            add(&mut shown, Toast { id, about: (*about).to_owned(), tone: *tone, text: (*text).to_owned() });
        }
        shown.into_iter().map(|toast| toast.text).collect()
    }

    #[test]
    fn an_outcome_takes_the_place_of_its_beginning() {
        let news =
            [("v1", Tone::Busy, "v1 starts"), ("v2", Tone::Busy, "v2 starts"), ("v1", Tone::Good, "v1 is started")];
        assert_eq!(shown(&news), ["v1 is started", "v2 starts"]);
    }

    #[test]
    fn what_went_wrong_stays() {
        let news =
            [("v1", Tone::Bad, "v1 failed"), ("v1", Tone::Busy, "v1 starts"), ("v1", Tone::Good, "v1 is started")];
        assert_eq!(shown(&news), ["v1 failed", "v1 is started"]);
    }

    #[test]
    fn of_too_many_the_oldest_goes_that_did_not_go_wrong() {
        use Tone::{Bad, Good};
        let news = [("a", Bad, "a"), ("b", Good, "b"), ("c", Good, "c"), ("d", Good, "d"), ("e", Good, "e")];
        assert_eq!(shown(&news), ["a", "c", "d", "e"]);
        let news = ["a", "b", "c", "d", "e"].map(|name| (name, Bad, name));
        assert_eq!(shown(&news), ["b", "c", "d", "e"]);
    }
}
