//! The logs drawer of a version's page: what the address says of it, and how it is opened and closed. It is the same on
//! every screen of the version.

use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate, use_query_map},
};

use super::VersionContext;
use crate::{
    features::{
        logs::{
            LogDrawerProps, LogNode, TITLE_ID,
            view::{LogView, carried, clear},
        },
        overlays::{Overlay, overlay},
    },
    platform,
    state::shortcuts::{Keys, use_shortcuts},
};

/// The button in the side bar.
pub const BUTTON_ID: &str = "open-logs";

/// The drawer, as the address has it.
#[derive(Clone, Copy)]
pub struct Logs {
    view: Memo<Option<LogView>>,
    /// What the addresses of other screens need to carry for it to stay.
    pub carried: Memo<String>,
    address_of: Callback<Option<LogView>, String>,
    go: Callback<(String, bool)>,
}

impl Logs {
    /// As the address of the page has it.
    pub fn of_address() -> Self {
        let (query, path) = (use_query_map(), use_location().pathname);
        let address_of = Callback::new(move |view: Option<LogView>| {
            let mut query = query.get_untracked();
            clear(&mut query);
            if let Some(view) = view {
                view.write(&mut query);
            }
            format!("{}{}", path.get_untracked(), query.to_query_string())
        });
        let navigate = use_navigate();
        let go = Callback::new(move |(to, replace): (String, bool)| {
            navigate(&to, NavigateOptions { scroll: false, replace, ..NavigateOptions::default() });
        });
        Self {
            view: Memo::new(move |_| query.with(LogView::of)),
            carried: Memo::new(move |_| query.with(carried)),
            address_of,
            go,
        }
    }

    pub fn is_open(self) -> bool {
        self.view.with(Option::is_some)
    }

    pub fn open(self) {
        if self.view.with_untracked(Option::is_some) {
            platform::focus(TITLE_ID);
        } else {
            self.go.run((self.address_of.run(Some(LogView::default())), false));
        }
    }

    pub fn close(self) {
        if self.view.with_untracked(Option::is_some) {
            self.go.run((self.address_of.run(None), false));
        }
    }

    /// Goes on to show this. Each step of it is not one that a person goes back to.
    fn show(self, view: LogView) {
        self.go.run((self.address_of.run(Some(view)), true));
    }
}

/// The drawer, while it is open.
#[component]
pub fn OpenLogs(shown: VersionContext, logs: Logs) -> impl IntoView {
    let shortcuts = use_shortcuts();
    shortcuts.add(Keys::Single("l"), Callback::new(move |()| logs.open()));
    let is_open = Memo::new(move |_| logs.is_open());
    // Not on the server, and not while the page is taken over: see `LogDrawer`.
    let is_alive = RwSignal::new(false);
    Effect::new(move |_| is_alive.set(true));
    // Whoever opens it goes on in it; whoever comes by a link does not.
    let was_opened = StoredValue::new(false);
    Effect::new(move |before: Option<bool>| {
        let now = is_open.get();
        match before {
            Some(false) if now => {
                platform::remember_focus();
                was_opened.set_value(true);
            }
            Some(true) if !now => platform::give_focus_back(BUTTON_ID),
            _ => {}
        }
        now
    });
    move || (is_alive.get() && is_open.get()).then(|| drawer(shown, logs, was_opened))
}

fn drawer(shown: VersionContext, logs: Logs, was_opened: StoredValue<bool>) -> AnyView {
    let close = Callback::new(move |()| logs.close());
    use_shortcuts().add(Keys::Escape, close);
    let (runtime, name) = shown.ids();
    let state = Memo::new(move |_| shown.view.with(|view| view.summary.state));
    // The last one, for as long as it takes to go away.
    let view =
        Memo::new(move |before: Option<&LogView>| logs.view.get().or_else(|| before.cloned()).unwrap_or_default());
    let on_shown = Callback::new(move |()| {
        if was_opened.try_update_value(std::mem::take) == Some(true) {
            platform::focus(TITLE_ID);
        }
    });
    overlay(Overlay::LogDrawer(LogDrawerProps {
        base: format!("/api/v1/runtimes/{runtime}/versions/{name}/logs"),
        nodes: nodes(shown),
        state: state.into(),
        view: view.into(),
        on_change: Callback::new(move |view| logs.show(view)),
        address_of: Callback::new(move |view| logs.address_of.run(Some(view))),
        on_close: close,
        on_shown,
    }))
}

/// All that can log, which never changes.
fn nodes(shown: VersionContext) -> Vec<LogNode> {
    shown.view.with_untracked(|view| {
        let entrypoint = &view.entrypoint;
        let entrypoint = LogNode { workflow: None, name: entrypoint.name.clone(), replicas: entrypoint.replicas };
        let nodes = view.workflows.iter().flat_map(|workflow| {
            workflow.nodes.iter().map(|node| LogNode {
                workflow: Some(workflow.name.to_string()),
                name: node.name.clone(),
                replicas: node.replicas,
            })
        });
        std::iter::once(entrypoint).chain(nodes).collect()
    })
}
