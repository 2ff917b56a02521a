//! `/runtimes/{id}/access`: who has which role on the runtime.

use domain::RuntimeId;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use crate::{
    AppError,
    api::{accounts, resource::resource},
    features::{error_panel::when_loaded, grants::Grants},
};

#[component]
pub fn AccessPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("runtime").unwrap_or_default()));
    let loaded = resource(
        move || id.get(),
        |id| async move {
            let runtime: RuntimeId = id.parse().map_err(|_| AppError::not_found(format!("runtime `{id}`")))?;
            Ok((runtime.clone(), accounts::grants(Some(runtime)).await?))
        },
    );
    let reload = Callback::new(move |()| loaded.refetch());
    view! {
        <Title text="Access"/>
        {when_loaded(loaded, move |(runtime, grants)| view! {
            <div class="page">
                <header class="page__head">
                    <div>
                        <h1>"Access"</h1>
                        <p class="quiet">
                            "Who may do what in runtime "<code translate="no">{runtime.to_string()}</code>
                            ". The highest role counts, those on all runtimes too."
                        </p>
                    </div>
                </header>
                <Grants grants=grants runtime=Some(runtime) reload/>
            </div>
        })}
    }
    .into_any()
}
