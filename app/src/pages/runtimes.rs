//! `/`: all runtimes, and creating one.

pub mod card;
pub mod create;

use domain::{RuntimeSummary, ServerEvent};
use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    api,
    components::error_panel::when_loaded,
    live::{coalesced, use_live},
    live_list::LiveList,
    loading::resource,
    takeover::piece,
};
use card::RuntimeCard;
use create::CreateRuntime;

#[component]
pub fn RuntimesPage() -> impl IntoView {
    let loaded = resource(|| (), |()| api::runtimes());
    view! {
        <Title text="Runtimes"/>
        {when_loaded(loaded, |runtimes| piece(move || view! { <Runtimes runtimes/> }.into_any()))}
    }
    .into_any()
}

#[component]
fn Runtimes(runtimes: Vec<RuntimeSummary>) -> impl IntoView {
    let list = LiveList::new(runtimes);
    let refresh = coalesced(move || async move {
        if let Ok(runtimes) = api::runtimes().await {
            list.replace(runtimes);
        }
    });
    use_live().on_event(move |event| match event {
        ServerEvent::Hello { .. } => refresh.run(()),
        ServerEvent::Runtime { runtime } => list.merge((**runtime).clone()),
        ServerEvent::Deleted { deleted } if deleted.version.is_none() => list.remove(deleted.runtime.as_str()),
        ServerEvent::Cluster { .. } | ServerEvent::Version { .. } | ServerEvent::Deleted { .. } => {}
    });
    let none = Memo::new(move |_| list.is_empty());
    view! {
        <div class="page">
            <header class="page__head">
                <div>
                    <h1>"Runtimes"</h1>
                    <p class="quiet">
                        "A runtime is one application. At most one of its versions is published at a time."
                    </p>
                </div>
            </header>
            <div class="blank first-steps" class:hidden=move || !none.get()>
                <p><strong>"No runtime yet."</strong>" From nothing to a version that answers requests:"</p>
                <ol>
                    <li>"Create a runtime here: one for each application."</li>
                    <li>"Open it and drop a "<code>".krt"</code>" file on its page: that is a version."</li>
                    <li>"Set what the version wants to have configured, start it, and publish it."</li>
                </ol>
            </div>
            {piece(move || view! { <CreateRuntime open=none.get_untracked() list/> }.into_any())}
            <ul class="cards" role="list">
                <For each=move || list.entries() key=|entry| entry.key.clone() let(entry)>
                    {piece(move || view! { <RuntimeCard runtime=entry.value/> }.into_any())}
                </For>
            </ul>
        </div>
    }
    .into_any()
}
