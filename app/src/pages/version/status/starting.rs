//! How far a start is: one segment for each Deployment, and what keeps those that are not ready.

use domain::{NodeStatus, NodeView, VersionView};
use leptos::prelude::*;
use leptos_router::hooks::use_location;

use crate::{
    format,
    state::clock::use_clock,
    ui::{
        badge::{NodeStatusBadge, node_tone},
        inline_code::render_inline_code,
    },
};

/// How many lines have room; the rest is scrolled to.
const SHOWN_PARTS: usize = 5;

/// Nothing unless the version is starting.
#[component]
pub fn StartProgress(view: RwSignal<VersionView>) -> impl IntoView {
    let is_starting = Memo::new(move |_| view.with(|view| view.starting.is_some()));
    move || is_starting.get().then(|| progress(view))
}

/// The entrypoint and the nodes, each with the name that its logs have.
fn parts(view: &VersionView) -> Vec<(String, NodeView)> {
    let nodes = view.workflows.iter().flat_map(|workflow| {
        workflow.nodes.iter().map(move |node| (format!("{}/{}", workflow.name, node.name), node.clone()))
    });
    std::iter::once(("entrypoint".to_owned(), view.entrypoint.clone())).chain(nodes).collect()
}

fn progress(view: RwSignal<VersionView>) -> AnyView {
    let clock = use_clock();
    let path = use_location().pathname;
    let parts = Memo::new(move |_| view.with(parts));
    let all = parts.with_untracked(Vec::len);
    let ready = Memo::new(move |_| parts.with(|parts| parts.iter().filter(|(_, part)| is_ready(part)).count()));
    let time = Memo::new(move |_| {
        let now = clock.now_secs();
        let Some(start) = view.with(|view| view.starting) else { return String::new() };
        let (since, left) = (now.saturating_sub(start.since.as_second()), start.gives_up_at.as_second() - now);
        let end = if left > 0 { format!("gives up in {}", format::span(left)) } else { "out of time".to_owned() };
        format!("for {}, {end}", format::span(since))
    });
    let segment = |(name, part): (String, NodeView)| {
        let title = format!("{name}: {}", part.status.as_str());
        view! { <span class="start__segment" data-tone=node_tone(part.status) title=title></span> }
    };
    let line = move |(name, part): (String, NodeView)| {
        let message = part.message.as_deref().and_then(|message| message.lines().next()).map(str::to_owned);
        let logs = format!("{}?logs={name}", path.get_untracked());
        view! {
            <li class="start__part" data-tone=node_tone(part.status)>
                <NodeStatusBadge status=Signal::stored(part.status)/>
                <strong translate="no">{name}</strong>
                <span class="start__why">{message.map(|message| render_inline_code(&message))}</span>
                <a href=logs>"Logs"</a>
            </li>
        }
        .into_any()
    };
    view! {
        <section class="start" aria-label="Progress of the start">
            <div
                class="start__bar"
                role="progressbar"
                aria-label="Ready"
                aria-valuemin="0"
                aria-valuemax=all.to_string()
                aria-valuenow=move || ready.get().to_string()
            >
                {move || parts.get().into_iter().map(segment).collect_view()}
            </div>
            <p class="start__time quiet">{move || format!("{} of {all} ready ", ready.get())}{move || time.get()}</p>
            <ul class="start__parts" role="list" data-parts=all.min(SHOWN_PARTS).to_string()>
                {move || parts.get().into_iter().filter(|(_, part)| !is_ready(part)).map(line).collect_view()}
            </ul>
        </section>
    }
    .into_any()
}

fn is_ready(part: &NodeView) -> bool {
    part.status == NodeStatus::Ready
}
