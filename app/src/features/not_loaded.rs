//! In place of a page whose code is not there.

use leptos::{either::Either, prelude::*, task::spawn_local};
use leptos_router::hooks::use_url;

use crate::{
    AppError,
    features::error_panel::{ErrorPanel, LoadingPanel},
    platform,
};

/// In place of a page that was gone to and whose code could not be loaded. When the server has become another release, it
/// renders the page, and with it names the files that it has now. When it does not answer, whoever left the application for
/// it would see the browser's own error, and no way back.
#[component]
pub fn NotLoaded() -> impl IntoView {
    let url = use_url();
    let is_unreachable = RwSignal::new(false);
    let load = Callback::new(move |()| {
        spawn_local(async move {
            if !platform::server_answers().await {
                is_unreachable.try_set(true);
                return;
            }
            url.try_with_untracked(|url| platform::navigate_full(&format!("{}{}", url.path(), url.search())));
        });
    });
    Effect::new(move |_| load.run(()));
    move || match is_unreachable.get() {
        true => Either::Left(view! { <ErrorPanel error=AppError::Unreachable retry=load/> }),
        false => Either::Right(view! { <LoadingPanel/> }),
    }
}
