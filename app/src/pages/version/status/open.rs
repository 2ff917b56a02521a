//! The node that is open: which one the address says, what is known of it, and how it is closed again.

use std::time::Duration;

use domain::{LiveNumbers, NodeDetail, NodeView, RuntimeId, ServerEvent, VersionName, VersionView};
use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate, use_query_map},
    params::ParamsMap,
};

use crate::{
    AppError, api,
    features::{
        graph::focus_box,
        logs::view::{LogScope, LogView},
        node_panel::{NodePanel, NodePlace, TITLE_ID},
    },
    pages::version::VersionContext,
    platform,
    route::param,
    state::{live::use_live, live_query::LiveQuery},
    ui::node_list::item_id,
};

const WORKFLOW_PARAM: &str = "workflow";
const NODE_PARAM: &str = "node";
/// No node can be called so (docs/krt.md §2.2).
const ENTRYPOINT: &str = "entrypoint";
/// While a panel is open: pods restart, and events are noted, without the version's state being another.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// Which node is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenNode {
    /// None for the entrypoint.
    pub(super) workflow: Option<String>,
    pub(super) name: String,
}

impl OpenNode {
    /// As the address says.
    pub(super) fn of(query: &ParamsMap) -> Option<Self> {
        let name = param(query, NODE_PARAM)?;
        let workflow = param(query, WORKFLOW_PARAM).filter(|_| name != ENTRYPOINT);
        (workflow.is_some() || name == ENTRYPOINT).then_some(Self { workflow, name })
    }

    pub(super) async fn inspect(self, runtime: RuntimeId, version: VersionName) -> Result<NodeDetail, AppError> {
        let workflow = match self.workflow {
            Some(workflow) => Some(workflow.parse().map_err(|_| missing(&workflow))?),
            None => None,
        };
        api::inspect_node(runtime, version, workflow, self.name).await
    }

    fn find(&self, view: &VersionView) -> Option<NodeView> {
        let Some(workflow) = &self.workflow else { return Some(view.entrypoint.clone()) };
        let workflow = view.workflows.iter().find(|known| known.name.as_str() == workflow)?;
        workflow.nodes.iter().find(|node| node.name == self.name).cloned()
    }

    fn logs(&self) -> LogScope {
        match &self.workflow {
            Some(workflow) => LogScope::Node { workflow: workflow.clone(), node: self.name.clone() },
            None => LogScope::Entrypoint,
        }
    }
}

fn missing(workflow: &str) -> AppError {
    AppError::Api(domain::ApiError::NotFound { what: format!("workflow `{workflow}`") })
}

#[derive(Clone, Copy)]
pub struct SelectedNode {
    pub(super) node: Memo<Option<OpenNode>>,
    detail: RwSignal<Option<NodeDetail>>,
    error: RwSignal<Option<AppError>>,
    /// What the panel was opened from, by id: there the focus goes back to.
    opener: StoredValue<Option<String>>,
    go: Callback<Option<OpenNode>>,
}

impl SelectedNode {
    pub(super) fn new(shown: VersionContext, detail: Option<NodeDetail>, error: Option<AppError>) -> Self {
        let (query, path) = (use_query_map(), use_location().pathname);
        let node = Memo::new(move |_| {
            query.with(OpenNode::of).filter(|open| shown.view.with(|view| open.find(view).is_some()))
        });
        let navigate = use_navigate();
        let go = Callback::new(move |open: Option<OpenNode>| {
            let mut query = query.get_untracked();
            query.remove(WORKFLOW_PARAM);
            query.remove(NODE_PARAM);
            if let Some(OpenNode { workflow, name }) = open {
                if let Some(workflow) = workflow {
                    query.insert(WORKFLOW_PARAM, workflow);
                }
                query.insert(NODE_PARAM, name);
            }
            let options = NavigateOptions { scroll: false, ..NavigateOptions::default() };
            navigate(&format!("{}{}", path.get_untracked(), query.to_query_string()), options);
        });
        let opened = Self {
            node,
            detail: RwSignal::new(detail),
            error: RwSignal::new(error),
            opener: StoredValue::new(None),
            go,
        };
        opened.follow(shown);
        opened
    }

    pub(super) fn is_open(self) -> bool {
        self.node.with(Option::is_some)
    }

    pub(super) fn open(self, workflow: Option<&str>, name: String, opener: String) {
        let workflow = workflow.filter(|_| name != ENTRYPOINT).map(str::to_owned);
        self.opener.set_value(Some(opener));
        let to = OpenNode { workflow, name };
        if self.node.with_untracked(|open| open.as_ref() == Some(&to)) {
            platform::focus(TITLE_ID);
        } else {
            self.go.run(Some(to));
        }
    }

    pub(super) fn open_entrypoint(self) {
        self.open(None, ENTRYPOINT.to_owned(), "open-entrypoint".to_owned());
    }

    pub(super) fn close(self) {
        let before = self.node.get_untracked();
        self.go.run(None);
        match (self.opener.get_value(), before) {
            (Some(opener), _) => platform::focus(&opener),
            (None, Some(OpenNode { workflow: Some(workflow), name })) => {
                focus_box(&workflow, &name);
                platform::focus(&item_id(&workflow, &name));
            }
            (None, _) => platform::focus("open-entrypoint"),
        }
    }

    /// Reads the detail of what is opened, and again whenever it may be another.
    fn follow(self, shown: VersionContext) {
        let ids = shown.ids();
        let Self { node, detail, error, .. } = self;
        let (runtime, version) = ids.clone();
        let query = LiveQuery::new(move || {
            let (runtime, version) = (runtime.clone(), version.clone());
            async move {
                let Some(Some(open)) = node.try_get_untracked() else { return Ok(()) };
                let answer = open.clone().inspect(runtime, version).await;
                // Another may have been opened meanwhile.
                if node.try_get_untracked().flatten().as_ref() != Some(&open) {
                    return Ok(());
                }
                match answer {
                    Ok(now) => {
                        detail.try_set(Some(now));
                        error.try_set(None);
                        Ok(())
                    }
                    Err(failed) => {
                        error.try_set(Some(failed.clone()));
                        Err(failed)
                    }
                }
            }
        });
        Effect::new(move |before: Option<Option<OpenNode>>| {
            let now = node.get();
            if before.is_some_and(|before| before != now) {
                detail.set(None);
                error.set(None);
                if now.is_some() {
                    query.reload();
                    // When the panel is there.
                    platform::on_next_frame(|| platform::focus(TITLE_ID));
                }
            }
            now
        });
        Effect::new(move |_| {
            if node.with(Option::is_some)
                && let Ok(again) = set_interval(move || query.reload(), POLL_INTERVAL)
            {
                on_cleanup(move || again.clear());
            }
        });
        use_live().on_event(move |event| {
            let concerned = match event {
                ServerEvent::Hello { .. } => true,
                ServerEvent::Version(version) => version.runtime == ids.0 && version.name == ids.1,
                ServerEvent::Runtime(_)
                | ServerEvent::Deleted(_)
                | ServerEvent::Cluster(_)
                | ServerEvent::SignedOut { .. } => false,
            };
            if concerned && node.with_untracked(Option::is_some) {
                query.reload();
            }
        });
    }
}

/// The panel of what is open; nothing when nothing is.
#[component]
pub fn OpenPanel(view: RwSignal<VersionView>, opened: SelectedNode, live: RwSignal<LiveNumbers>) -> impl IntoView {
    let (query, path) = (use_query_map(), use_location().pathname);
    let SelectedNode { node, detail, error, .. } = opened;
    move || {
        let open = node.get()?;
        let first = view.with_untracked(|view| open.find(view))?;
        let place = view.with_untracked(|view| place(view, &open));
        let logs_of = open.logs();
        let logs = Signal::derive(move || {
            let mut query = query.get();
            // However the logs are shown now, all of this node's are.
            let view = LogView::of(&query).unwrap_or_default().unfiltered();
            LogView { whose: logs_of.clone(), previous: false, ..view }.write(&mut query);
            format!("{}{}", path.get(), query.to_query_string())
        });
        let node = Signal::derive(move || view.with(|view| open.find(view)).unwrap_or_else(|| first.clone()));
        let on_close = Callback::new(move |()| opened.close());
        Some(view! { <NodePanel place node live detail error logs on_close/> })
    }
}

fn place(view: &VersionView, open: &OpenNode) -> NodePlace {
    let workflow =
        open.workflow.as_ref().and_then(|name| view.workflows.iter().find(|known| known.name.as_str() == name));
    let hears = |subscription: &String| subscription.split('.').next() == Some(open.name.as_str());
    let heard_by = workflow.into_iter().flat_map(|workflow| {
        workflow.nodes.iter().filter(|node| node.subscriptions.iter().any(hears)).map(|node| node.name.clone())
    });
    NodePlace {
        workflow: open.workflow.clone(),
        name: open.name.clone(),
        exitpoint: workflow.is_some_and(|workflow| workflow.exitpoint.as_str() == open.name),
        heard_by: heard_by.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(pairs: &[(&'static str, &str)]) -> Option<OpenNode> {
        let mut query = ParamsMap::new();
        for (name, value) in pairs {
            query.insert(*name, (*value).to_owned());
        }
        OpenNode::of(&query)
    }

    #[test]
    fn the_address_says_which_node_is_open() {
        let node = open(&[("workflow", "rate"), ("node", "score")]).unwrap();
        assert_eq!((node.workflow.as_deref(), node.name.as_str()), (Some("rate"), "score"));
        assert_eq!(node.logs().text(), "rate/score");
        let entrypoint = open(&[("workflow", "rate"), ("node", "entrypoint")]).unwrap();
        assert_eq!((entrypoint.workflow.as_deref(), entrypoint.logs()), (None, LogScope::Entrypoint));
        assert_eq!(open(&[("node", "score")]), None);
        assert_eq!(open(&[("workflow", "rate")]), None);
    }
}
