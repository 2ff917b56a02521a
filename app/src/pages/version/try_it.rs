//! Calls an rpc of the version's entrypoint by hand, and shows what comes of it.

use domain::{CallableRpcs, ServerEvent};
use leptos::prelude::*;
use leptos_meta::Title;

use super::VersionContext;
use crate::{
    api::{self, resource::resource},
    features::{error_panel::when_loaded, try_it::TryIt},
    state::live_query::LiveQuery,
    ui::notice::{Notice, StaleNotice},
};

#[component]
pub fn TryItScreen() -> impl IntoView {
    let shown: VersionContext = expect_context();
    let (runtime, name) = shown.ids();
    let loaded = resource(move || shown.ids(), |(runtime, name)| api::rpcs(runtime, name));
    view! {
        <Title text=format!("Try it · {name} · {runtime}")/>
        <div class="screen screen--wide">
            <header class="screen__head">
                <h1>"Try it"</h1>
                <p class="quiet">
                    "Sends one request to the entrypoint of this version, published or not, and shows the answer."
                </p>
            </header>
            {when_loaded(loaded, move |rpcs| view! { <Loaded rpcs shown/> })}
        </div>
    }
    .into_any()
}

#[component]
fn Loaded(rpcs: CallableRpcs, shown: VersionContext) -> impl IntoView {
    let (runtime, name) = shown.ids();
    let rpcs = RwSignal::new(rpcs);
    let (of_runtime, of_name) = (runtime.clone(), name.clone());
    // Whether it can be called changes with what it does; the rpcs themselves never do.
    let query = LiveQuery::new(move || {
        let answer = api::rpcs(of_runtime.clone(), of_name.clone());
        async move {
            rpcs.try_set(answer.await?);
            Ok(())
        }
    })
    .reload_on(move |event| {
        matches!(event, ServerEvent::Version(version) if version.runtime == runtime && version.name == name)
    });
    let off = Memo::new(move |_| rpcs.with(|rpcs| rpcs.off.clone()));
    let unreadable = rpcs.with_untracked(|rpcs| rpcs.unreadable.clone());
    view! {
        <StaleNotice error=query.error()/>
        {move || off.get().map(|reason| view! { <Notice>{format!("Calls are off. {reason}")}</Notice> })}
        {unreadable.map(|reason| view! {
            <Notice>{format!("The messages of this version are not known. {reason} Use grpcurl.")}</Notice>
        })}
        <TryIt rpcs off shown=shown.ids() calls=shown.calls/>
    }
    .into_any()
}
