//! What Kubernetes noted of a node, newest first, in its words.

use domain::NodeEvent;
use leptos::prelude::*;

use crate::{
    features::time::RelativeTime,
    ui::{
        icon::{Icon, Shape},
        inline_code::render_inline_code,
    },
};

/// `events` is none while they are not known yet; `gap` is why some may be missing.
#[component]
pub fn EventList(events: Signal<Option<Vec<NodeEvent>>>, gap: Signal<Option<String>>) -> impl IntoView {
    let events = Memo::new(move |_| events.get());
    let list = move || match events.get() {
        None => view! { <p class="quiet">"Unknown."</p> }.into_any(),
        Some(events) if events.is_empty() => {
            view! { <p class="quiet">"None. Kubernetes keeps events for about an hour."</p> }.into_any()
        }
        Some(events) => {
            let events: Vec<_> = events.into_iter().map(event_item).collect();
            view! { <ol class="events" role="list">{events}</ol> }.into_any()
        }
    };
    view! {
        {move || gap.get().map(|gap| view! { <p class="quiet">{format!("Some may be missing: {gap}.")}</p> })}
        {list}
    }
    .into_any()
}

fn event_item(event: NodeEvent) -> AnyView {
    let tone = if event.warning { "warn" } else { "plain" };
    view! {
        <li class="event" data-tone=tone>
            <p class="event__head">
                {event.warning.then(|| view! { <Icon shape=Shape::Warning/><span class="visually-hidden">"Warning: "</span> })}
                <strong>{event.reason}</strong>
                {(event.count > 1).then(|| view! { <span class="tag">{format!("{} times", event.count)}</span> })}
                {event.at.map(|at| view! { <span class="event__age"><RelativeTime at/></span> })}
            </p>
            <p class="event__text">{render_inline_code(&event.message)}</p>
            <p class="event__about">{event.about}</p>
        </li>
    }
    .into_any()
}
