//! State and health of a version, status of a node: a shape, a colour and the word.

use domain::{Health, NodeStatus, VersionState};
use leptos::prelude::*;

use crate::ui::icon::{Icon, Shape};

/// The state of a version.
#[component]
pub fn StateBadge(#[prop(into)] state: Signal<VersionState>) -> impl IntoView {
    view! {
        <span class="badge" translate="no" data-tone=move || tone(state.get())>
            <Icon shape=Signal::derive(move || shape(state.get()))/>
            {move || state.get().as_str()}
        </span>
    }
    .into_any()
}

/// The health of a version that runs; nothing for one that does not.
#[component]
pub fn HealthBadge(#[prop(into)] health: Signal<Health>) -> impl IntoView {
    move || {
        let (tone, shape, word) = match health.get() {
            Health::None => return None,
            Health::Healthy => ("good", Shape::Check, "healthy"),
            Health::Degraded { .. } => ("warn", Shape::Warning, "degraded"),
            Health::Unknown { .. } => ("quiet", Shape::Question, "health unknown"),
        };
        Some(view! { <span class="badge badge--plain" translate="no" data-tone=tone><Icon shape/>{word}</span> })
    }
}

/// The status of a node's pods.
#[component]
pub fn NodeStatusBadge(#[prop(into)] status: Signal<NodeStatus>) -> impl IntoView {
    view! {
        <span class="badge badge--plain" translate="no" data-tone=move || node_tone(status.get())>
            <Icon shape=Signal::derive(move || node_shape(status.get()))/>
            {move || status.get().as_str()}
        </span>
    }
    .into_any()
}

/// The colour of a node's status, by its meaning.
pub fn node_tone(status: NodeStatus) -> &'static str {
    match status {
        NodeStatus::Stopped | NodeStatus::Unknown => "quiet",
        NodeStatus::Starting | NodeStatus::Stopping => "busy",
        NodeStatus::Ready => "good",
        NodeStatus::Failing => "bad",
    }
}

/// The shape of a node's status: colour is never the only sign.
pub fn node_shape(status: NodeStatus) -> Shape {
    match status {
        NodeStatus::Stopped => Shape::Square,
        NodeStatus::Starting => Shape::Arc,
        NodeStatus::Ready => Shape::Check,
        NodeStatus::Failing => Shape::Cross,
        NodeStatus::Stopping => Shape::ArrowDown,
        NodeStatus::Unknown => Shape::Question,
    }
}

/// What a state means, in a sentence for people who do not know it yet (docs/lifecycle.md §2.1).
pub fn meaning(state: VersionState) -> &'static str {
    match state {
        VersionState::Stopped => "It uses no cluster resources.",
        VersionState::Starting => "Its resources are being created in the cluster.",
        VersionState::Started => "It is running but not reachable from outside.",
        VersionState::Publishing => "The published entrypoint is being switched to it.",
        VersionState::Published => "Requests from outside reach it.",
        VersionState::Stopping => "Its resources are being removed from the cluster.",
        VersionState::Archived => "It is kept for reference and cannot be started.",
    }
}

/// The colour of a state, by its meaning.
pub fn tone(state: VersionState) -> &'static str {
    match state {
        VersionState::Stopped | VersionState::Archived => "quiet",
        VersionState::Starting | VersionState::Publishing | VersionState::Stopping => "busy",
        VersionState::Started => "good",
        VersionState::Published => "accent",
    }
}

/// The shape of a state: colour is never the only sign.
pub fn shape(state: VersionState) -> Shape {
    match state {
        VersionState::Stopped => Shape::Square,
        VersionState::Starting => Shape::Arc,
        VersionState::Started => Shape::Check,
        VersionState::Publishing => Shape::ArrowUp,
        VersionState::Published => Shape::Globe,
        VersionState::Stopping => Shape::ArrowDown,
        VersionState::Archived => Shape::Box,
    }
}
