//! What is said about the lines: how many there are, whether more come, and why there are none.

use domain::VersionState;
use leptos::prelude::*;

use super::{
    Drawer,
    follow::Progress,
    view::{LogScope, LogView},
};
use crate::{
    format::grouped,
    state::live::use_live,
    ui::icon::{Icon, Shape},
};

/// In place of lines, when there is none to show.
pub(super) fn empty_state(
    drawer: Drawer,
    state: Signal<VersionState>,
    view: Signal<LogView>,
    typed: RwSignal<String>,
    on_change: Callback<LogView>,
) -> AnyView {
    let counts = Memo::new(move |_| {
        drawer.changes.track();
        drawer.buffer.with_value(|buffer| (buffer.len(), buffer.matching()))
    });
    let why = Memo::new(move |_| match (counts.get(), drawer.progress.get()) {
        (_, Progress::Refused(why)) => Some((why, true)),
        ((_, 1..), _) => None,
        ((lines @ 1.., _), _) => Some((format!("No matches in {} lines.", grouped(lines as u64)), true)),
        (_, Progress::Loading) => Some(("Reading the logs…".to_owned(), false)),
        _ => Some(none_yet(&view.get(), state.get())),
    });
    let clear = move |_| {
        typed.set(String::new());
        let view = view.get_untracked();
        let whose = match drawer.progress.get_untracked() {
            Progress::Refused(_) => LogScope::All,
            _ => view.whose.clone(),
        };
        on_change.run(LogView { whose, previous: false, ..view.unfiltered() });
    };
    let note = move || {
        why.get().map(|(text, can_clear)| {
            let can_clear = can_clear
                && (view.with(|view| view.is_filtered() || view.previous)
                    || typed.with(|typed| !typed.is_empty())
                    || matches!(drawer.progress.get(), Progress::Refused(_)));
            view! {
                <div class="logs__blank">
                    <p>{text}</p>
                    {can_clear.then(|| view! {
                        <button type="button" class="button button--small" on:click=clear>"Clear filters"</button>
                    })}
                </div>
            }
        })
    };
    note.into_any()
}

/// Why no line has come, and whether showing other ones may help.
fn none_yet(view: &LogView, state: VersionState) -> (String, bool) {
    if view.previous {
        return ("No container has restarted, so there are no previous logs.".to_owned(), true);
    }
    match state {
        VersionState::Stopped | VersionState::Archived => {
            (format!("The version is {state}. Logs appear once it is started."), false)
        }
        _ if view.since.is_some() || view.until.is_some() => ("No logs in this time range.".to_owned(), true),
        VersionState::Starting => {
            ("The version is starting. Logs appear as soon as its containers write any.".to_owned(), false)
        }
        _ => ("No logs yet.".to_owned(), false),
    }
}

/// Below the lines.
pub(super) fn footer(
    drawer: Drawer,
    version: Signal<VersionState>,
    view: Signal<LogView>,
    tail: Memo<Option<usize>>,
) -> AnyView {
    let live = use_live();
    let words = Memo::new(move |_| {
        drawer.changes.track();
        let filtered = drawer.buffer.with_value(|buffer| !buffer.filter().is_empty());
        drawer.buffer.with_value(|buffer| {
            let counted = view.with(|view| view.until.is_none()) && drawer.progress.get() != Progress::Loading;
            let lines = buffer.len() as u64;
            let matching = filtered.then_some(buffer.matching() as u64);
            let may_lack = counted && tail.get().is_some_and(|tail| buffer.len() >= tail);
            count_words(lines, matching, buffer.dropped(), may_lack)
        })
    });
    let waiting = Memo::new(move |_| {
        drawer.changes.track();
        drawer.buffer.with_value(|buffer| buffer.waiting())
    });
    let state = Memo::new(move |_| match drawer.progress.get() {
        Progress::Lost => ("warn", "Connection lost – reconnecting…".to_owned()),
        Progress::Refused(_) => ("bad", "Failed".to_owned()),
        _ if drawer.is_paused.get() => ("busy", paused_words(waiting.get() as u64)),
        Progress::Loading => ("quiet", "Reading".to_owned()),
        // New lines come when it is started; until then there is nothing to follow.
        Progress::Following if matches!(version.get(), VersionState::Stopped | VersionState::Archived) => {
            ("quiet", format!("Version {}", version.get()))
        }
        Progress::Following => ("good", "Following".to_owned()),
        Progress::Complete => ("quiet", "Complete".to_owned()),
    });
    // The count of what waits changes all the time; a loss and its end are told.
    Effect::new(move |before: Option<Progress>| {
        let now = drawer.progress.get();
        match (before, &now) {
            (Some(before), Progress::Lost) if before != Progress::Lost => live.announce("Logs: connection lost"),
            (Some(Progress::Lost), Progress::Following) => live.announce("Logs: reconnected"),
            _ => {}
        }
        now
    });
    view! {
        <footer class="logs__foot">
            <span class="connection" data-tone=move || state.get().0>{move || state.get().1}</span>
            {move || (drawer.is_paused.get() && waiting.get() > 0).then(|| view! {
                <button type="button" class="button button--small" on:click=move |_| drawer.pause(false)>
                    <Icon shape=Shape::ArrowDown/>"Show them"
                </button>
            })}
            <span class="logs__counts">{move || words.get()}</span>
        </footer>
    }
    .into_any()
}

fn paused_words(waiting: u64) -> String {
    match waiting {
        0 => "Paused".to_owned(),
        1 => "Paused – 1 new line".to_owned(),
        more => format!("Paused – {} new lines", grouped(more)),
    }
}

/// `may_lack` when there may be older lines that were not even asked for.
fn count_words(lines: u64, matching: Option<u64>, dropped: u64, may_lack: bool) -> String {
    let of = match (dropped, lines) {
        (0, 1) => "1 line".to_owned(),
        (0, _) => format!("{} lines", grouped(lines)),
        _ => format!("the last {} lines", grouped(lines)),
    };
    let shown = match matching {
        Some(matching) => format!("{} of {of}", grouped(matching)),
        None => of,
    };
    match dropped {
        0 if may_lack => format!("{shown}; download for older ones"),
        0 => shown,
        dropped => format!("{shown}; {} older ones omitted", grouped(dropped)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_said_in_full() {
        for (lines, matching, dropped, may_lack, words) in [
            (0, None, 0, false, "0 lines"),
            (1, None, 0, false, "1 line"),
            (10_000, Some(12), 0, true, "12 of 10,000 lines; download for older ones"),
            (10_000, Some(12), 2345, false, "12 of the last 10,000 lines; 2,345 older ones omitted"),
            (10_000, None, 2345, false, "the last 10,000 lines; 2,345 older ones omitted"),
        ] {
            assert_eq!(count_words(lines, matching, dropped, may_lack), words);
        }
        assert_eq!([0, 1, 1312].map(paused_words), ["Paused", "Paused – 1 new line", "Paused – 1,312 new lines"]);
    }

    #[test]
    fn why_there_is_nothing_is_said() {
        let view = LogView::default();
        for (view, state, part, can_clear) in [
            (view.clone(), VersionState::Stopped, "stopped", false),
            (view.clone(), VersionState::Starting, "starting", false),
            (view.clone(), VersionState::Started, "yet", false),
            (LogView { since: Some("5m".to_owned()), ..view.clone() }, VersionState::Published, "this time", true),
            (LogView { previous: true, ..view }, VersionState::Started, "restarted", true),
        ] {
            let (words, clear) = none_yet(&view, state);
            assert!(words.contains(part) && clear == can_clear, "{words}");
        }
    }
}
