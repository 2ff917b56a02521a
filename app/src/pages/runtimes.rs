//! `/`: all runtimes.

pub mod card;

use domain::{RuntimeSummary, ServerEvent, access::Permission};
use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    api::{self, resource::resource},
    features::error_panel::when_loaded,
    state::{access::use_access, live::use_live, live_list::LiveList, live_query::LiveQuery},
    ui::{
        icon::{Icon, Shape},
        notice::StaleNotice,
    },
};
use card::RuntimeCard;

#[component]
pub fn RuntimesPage() -> impl IntoView {
    let loaded = resource(|| (), |()| api::runtimes());
    view! {
        <Title text="Runtimes"/>
        {when_loaded(loaded, |runtimes| view! { <Runtimes runtimes/> })}
    }
    .into_any()
}

#[component]
fn Runtimes(runtimes: Vec<RuntimeSummary>) -> impl IntoView {
    let list = LiveList::new(runtimes);
    let query = LiveQuery::new(move || async move {
        list.replace(api::runtimes().await?);
        Ok(())
    })
    .reload_on(|_| false);
    use_live().on_event(move |event| match event {
        ServerEvent::Runtime(runtime) => list.merge((**runtime).clone()),
        ServerEvent::Deleted(deleted) if deleted.version.is_none() => list.remove(deleted.runtime.as_str()),
        _ => {}
    });
    let access = use_access();
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
                {move || match access.why_not(Permission::CreateRuntime, None) {
                    None => view! {
                        <a class="button" class:button--primary=move || none.get() href="/runtimes/new"><Icon shape=Shape::Plus/>"New runtime"</a>
                    }
                    .into_any(),
                    Some(why) => view! {
                        <button type="button" class="button" aria-disabled="true" title=why.clone()>
                            <Icon shape=Shape::Plus/>"New runtime"<span class="visually-hidden">{format!(" ({why})")}</span>
                        </button>
                    }
                    .into_any(),
                }}
            </header>
            <StaleNotice error=query.error()/>
            <div class="blank first-steps" class:hidden=move || !none.get()>
                <p><strong>"No runtimes yet."</strong>" To get a version that answers requests:"</p>
                <ol>
                    <li><a href="/runtimes/new">"Create a runtime"</a>": one for each application."</li>
                    <li>"Open it and drop a "<code>".krt"</code>" file on its page to add a version."</li>
                    <li>"Set its configuration, start it and publish it."</li>
                </ol>
            </div>
            <ul class="cards" role="list">
                <For each=move || list.entries() key=|entry| entry.key.clone() let(entry)>
                    <RuntimeCard runtime=entry.value/>
                </For>
            </ul>
        </div>
    }
    .into_any()
}
