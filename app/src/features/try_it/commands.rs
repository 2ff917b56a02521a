//! The same by the person's own tools.

use domain::GrpcTarget;
use leptos::prelude::*;

use crate::ui::copy::CopyButton;

/// The commands that reach `target`. `call` is an rpc and its request; without it the services are listed.
#[component]
pub fn Commands(target: Memo<GrpcTarget>, call: Signal<Option<(String, String)>>) -> impl IntoView {
    let command = Memo::new(move |_| {
        target.with(|target| {
            call.with(|call| match call {
                Some((rpc, request)) => target.call(rpc, request),
                None => target.list(),
            })
        })
    });
    let forward = Memo::new(move |_| target.with(|target| target.forward.clone()));
    view! {
        <section class="try-it__part" aria-label="By grpcurl">
            <h2>"By grpcurl"</h2>
            {move || forward.get().map(|forward| view! {
                <p class="quiet">"Forward the port of the version, and leave this running:"</p>
                <Command text=forward/>
                <p class="quiet">"Then:"</p>
            })}
            {move || view! { <Command text=command.get()/> }}
        </section>
    }
    .into_any()
}

#[component]
fn Command(text: String) -> impl IntoView {
    view! {
        <div class="try-it__command">
            <pre tabindex="0" aria-label="Command">{text.clone()}</pre>
            <CopyButton text what="the command"/>
        </div>
    }
}
