//! Where a runtime is created: a button that opens a form.

pub mod form;

use domain::RuntimeSummary;
use leptos::{prelude::*, server::ServerActionError, server_fn::ServerFn};

use crate::{
    api,
    components::icon::{Icon, Shape},
    live_list::LiveList,
    parts, takeover,
};
use form::CreateFormProps;

#[component]
pub fn CreateRuntime(open: bool, list: LiveList<RuntimeSummary>) -> impl IntoView {
    // A form that was sent without scripts comes back with the page, and with what was wrong.
    let refused =
        use_context::<ServerActionError>().is_some_and(|error| error.path() == <api::CreateRuntime as ServerFn>::PATH);
    // Loaded as soon as somebody comes near; at once where the server has not made it already.
    let wanted = RwSignal::new(open && takeover::is_complete());
    let want = move || wanted.set(true);
    view! {
        <details
            class="create"
            open=open || refused
            on:pointerenter=move |_| want()
            on:focusin=move |_| want()
            on:click=move |_| want()
        >
            <summary class="button"><Icon shape=Shape::Plus/>"New runtime"</summary>
            {parts::create_form(wanted.into(), CreateFormProps { list })}
        </details>
    }
    .into_any()
}
