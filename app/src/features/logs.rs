//! The logs of a version, at the bottom of its page: what there is, and what comes.
//!
//! Rendered in the browser alone, and only while it is open: nothing of it is needed for a page to begin with. What it
//! shows is the page's to say (it is in the address); lines are read, kept and searched here.

mod buffer;
mod dedup;
mod follow;
mod footer;
mod level;
mod list;
mod resize;
mod row;
mod times;
mod tools;
pub mod view;

use std::collections::BTreeSet;

use domain::VersionState;
use leptos::prelude::*;

use crate::{
    platform::{self, AbortHandle, Held},
    ui::icon::{Icon, Shape},
};
use buffer::{LogBuffer, MAX_LINES};
use follow::{LogRequest, Progress};
use footer::{empty_state, footer};
use list::line_list;
use resize::height_handle;
use tools::tools;
use view::LogView;

/// The drawer itself, for the button that opens it.
pub const DRAWER_ID: &str = "logs";
/// The drawer's title, which has the keyboard's focus once it has been opened.
pub const TITLE_ID: &str = "logs-title";
/// However many pods there are, each is asked for as many lines.
const MIN_LINES_PER_POD: usize = 500;

/// A node whose logs can be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogNode {
    /// None for the entrypoint.
    pub workflow: Option<String>,
    pub name: String,
    pub replicas: u32,
}

/// The state that the parts of the drawer share.
#[derive(Clone, Copy)]
struct Drawer {
    buffer: StoredValue<LogBuffer>,
    /// Grows with every change of the buffer.
    changes: RwSignal<u64>,
    /// It will have grown with the next frame.
    is_due: StoredValue<bool>,
    /// Grows with every change of the filter.
    filters: RwSignal<u32>,
    progress: RwSignal<Progress>,
    is_paused: RwSignal<bool>,
    /// The newest line is shown, and followed.
    at_end: RwSignal<bool>,
    /// The numbers of the lines that are shown whole.
    opened: RwSignal<BTreeSet<u64>>,
    /// Ends the request that is under way.
    stop: Held<AbortHandle>,
    /// Grows with whatever is read anew.
    attempt: StoredValue<u32>,
}

impl Drawer {
    fn new() -> Self {
        Self {
            buffer: StoredValue::new(LogBuffer::default()),
            changes: RwSignal::new(0),
            is_due: StoredValue::new(false),
            filters: RwSignal::new(0),
            progress: RwSignal::new(Progress::Loading),
            is_paused: RwSignal::new(false),
            at_end: RwSignal::new(true),
            opened: RwSignal::new(BTreeSet::new()),
            stop: Held::default(),
            attempt: StoredValue::new(0),
        }
    }

    fn changed(self) {
        self.changes.update(|changes| *changes += 1);
    }

    /// With the next frame, however often it is said until then.
    fn changed_soon(self) {
        if self.is_due.try_update_value(|due| std::mem::replace(due, true)) == Some(false) {
            platform::on_next_frame(move || {
                // Nothing when the drawer was closed meanwhile.
                self.is_due.try_set_value(false);
                self.changes.try_update(|changes| *changes += 1);
            });
        }
    }

    fn pause(self, paused: bool) {
        self.buffer.update_value(|buffer| if paused { buffer.pause() } else { buffer.resume() });
        self.is_paused.set(paused);
        if !paused {
            self.at_end.set(true);
        }
        self.changed();
    }
}

/// `base` is the address of the logs in the API. `nodes` are all of the version, which never change. `on_change` is told
/// what is to be shown, `address_of` says at which address the page shows it. `on_shown` is called once it is there.
#[component]
pub fn LogDrawer(
    base: String,
    nodes: Vec<LogNode>,
    #[prop(into)] state: Signal<VersionState>,
    #[prop(into)] view: Signal<LogView>,
    on_change: Callback<LogView>,
    address_of: Callback<LogView, String>,
    on_close: Callback<()>,
    on_shown: Callback<()>,
) -> impl IntoView {
    let drawer = Drawer::new();
    Effect::new(move |_| platform::on_next_frame(move || on_shown.run(())));
    // What is typed counts at once; the address follows when a person has stopped.
    let typed = RwSignal::new(view.with_untracked(|view| view.search.clone()));
    let nodes = StoredValue::new(nodes);
    let tail = Memo::new(move |_| view.with(|view| nodes.with_value(|nodes| tail_of_each(nodes, view))));
    let asked = Memo::new(move |_| view.with(LogView::asked));
    let filter = Memo::new(move |_| {
        let search = typed.get();
        view.with(|view| LogView { search, ..view.clone() }.filter())
    });
    let reading_base = base.clone();
    Effect::new(move |_| {
        let asked = LogRequest { base: reading_base.clone(), view: asked.get(), tail: tail.get_untracked() };
        drawer.read(asked);
    });
    Effect::new(move |_| {
        drawer.buffer.update_value(|buffer| buffer.set_filter(filter.get()));
        drawer.filters.update(|filters| *filters += 1);
        drawer.changed();
    });
    on_cleanup(move || drawer.end());
    let wrap = Memo::new(move |_| view.with(|view| view.wrap));
    let one_node = Memo::new(move |_| {
        view.with(|view| matches!(view.whose, view::LogScope::Entrypoint | view::LogScope::Node { .. }))
    });
    view! {
        <section class="logs" id=DRAWER_ID aria-labelledby=TITLE_ID>
            {height_handle()}
            <header class="logs__head">
                <h2 id=TITLE_ID class="logs__title" tabindex="-1">"Logs"</h2>
                {tools(drawer, base, nodes, view, typed, on_change, address_of)}
                <button
                    type="button"
                    class="button button--quiet logs__close"
                    aria-label="Close the logs"
                    title="Close (Esc)"
                    on:click=move |_| on_close.run(())
                >
                    <Icon shape=Shape::Cross/>
                </button>
            </header>
            <div class="logs__body">
                {line_list(drawer, nodes, wrap, one_node)}
                {empty_state(drawer, state, view, typed, on_change)}
            </div>
            {footer(drawer, state, view, tail)}
        </section>
    }
    .into_any()
}

/// How many lines of each pod are asked for, so that all of them together are about as many as are kept. None when there
/// is no such node.
fn tail_of_each(nodes: &[LogNode], view: &LogView) -> Option<usize> {
    let mut shown = nodes.iter().filter(|node| view.whose.includes(node.workflow.as_deref(), &node.name)).peekable();
    shown.peek()?;
    let pods: usize = shown.map(|node| node.replicas as usize).sum();
    Some((MAX_LINES / pods.max(1)).max(MIN_LINES_PER_POD))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_pods_there_are_the_fewer_lines_of_each_are_asked_for() {
        let node = |workflow: Option<&str>, name: &str, replicas| LogNode {
            workflow: workflow.map(str::to_owned),
            name: name.to_owned(),
            replicas,
        };
        let nodes = [node(None, "entrypoint", 1), node(Some("rate"), "score", 3), node(Some("big"), "many", 100)];
        for (whose, expected) in
            [("entrypoint", Some(10_000)), ("rate/score", Some(3333)), ("all", Some(500)), ("no/one", None)]
        {
            let view = LogView { whose: view::LogScope::of(whose), ..LogView::default() };
            assert_eq!(tail_of_each(&nodes, &view), expected, "{whose}");
        }
    }
}
